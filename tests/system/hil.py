"""The machine files of drives that people buy, against the devices that medius-sim makes of them.

A copy of the shipped file is run: simulated, without a guard of its own, and with the mass of the simulated plant,
which is what identifying it on that plant would have given.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import numpy

from harness import BIN, BUILD, SOURCE, Process

MACHINES = SOURCE / "hal" / "machines"
DEVICES = SOURCE / "hal" / "devices"
ACCEPTED = ("lexium-32m", "kinco-fd", "nanotec-pd4", "mitsubishi-mr-je-c", "inovance-sv6xx", "stepperonline-a6-rs",
            "nibble-packed-servo")
# The plant's drive moves 2.6 kg (hal/machines/cable-station-sim.toml); below it the friction observer is unstable.
PLANT_MASS = "reflected_mass_kg = 2.8"
# Wall pace has a host below it that stalls now and then: these faults are then right, and say nothing of a device.
HOST_STALLED = ("ticks-missed", "data-stale", "link-lost")
# Little enough for the slowest drive, whose limit is 38 N.
LOAD_N, RATIO = 25.0, 1.2
PROGRAM = f"""
title = "Two repetitions"
description = "Standing cable hip abduction with little load."
[[block]]
exercise = "cable-standing-abduction"
sides = ["left"]
sets = 1
reps = 2
load_n = {LOAD_N}
tempo = "2-0-2-0"
range_target_m = 0.38
rest_s = 6.0
profile = "eccentric-emphasis"
parameters = {{eccentric_ratio = {RATIO}}}
"""


def simulated(name, folder):
    """The shipped machine file made fit for the simulator; its path."""
    text = (MACHINES / f"cable-station-{name}.toml").read_text(encoding="utf-8")
    text, flags = re.subn(r"simulated = false", "simulated = true", text)
    text, guards = re.subn(r"(?ms)^\[guard\].*?(?=^\[\[link\]\])", "", text)
    # A host below wall pace stalls for longer than the 20 ms that fast drives are given: what slow ones have.
    if "unload_age_ms" not in text:
        text = text.replace("[axis.bounds]", "[axis.bounds]\nunload_age_ms = 54.0", 1)
    # Swings of the idle leg need not have died out.
    text, holds = re.subn(r"ready_hold_s = [0-9.]+", "ready_hold_s = 0.3", text)
    text, masses = re.subn(r"reflected_mass_kg = [0-9.]+", PLANT_MASS, text)
    counts = (flags, guards, holds, masses)
    assert counts == (1, 1, 1, 1), f"{name}: the shipped file has changed: {counts}"
    path = pathlib.Path(folder) / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def promptly(command):
    """At a real-time priority below the controller's where that is allowed: devices do not wait for compilers."""
    allowed = subprocess.run(["chrt", "-f", "30", "true"], capture_output=True, check=False).returncode == 0
    return ["chrt", "-f", "30", *command] if allowed else list(command)


def scratch():
    """A folder in memory where there is one: a busy disk would hold up what writes the plant's truth."""
    memory = pathlib.Path("/dev/shm")
    return tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None)


def slow_lexium(folder, milliseconds):
    """(machine file, descriptors) of a Lexium that takes so long for each exchange, asked as often as that allows."""
    devices = pathlib.Path(folder) / "devices"
    shutil.copytree(DEVICES, devices)
    descriptor = devices / "lexium-32m.toml"
    rate_hz = int(0.89 * 1000 / milliseconds)  # a link is filled to nine tenths at most
    text, changed = re.subn(r"(?m)^(rate_hz|turnaround_us) = [0-9]+",
                            lambda m: f"{m[1]} = {rate_hz if m[1] == 'rate_hz' else 1000 * milliseconds}",
                            descriptor.read_text(encoding="utf-8"))
    assert changed == 2, "the descriptor has changed"
    descriptor.write_text(text, encoding="utf-8")
    return simulated("lexium-32m", folder), devices


def links(places):
    return [part for name, where in places.items() for part in ("--link", f"{name}={where}")]


class Bench:
    """The devices of one machine file, alive. `machine`: a file of its own instead of a shipped one."""

    def __init__(self, name, folder, *options, machine=None, devices=DEVICES):
        self.machine = machine or simulated(name, folder)
        self.devices = devices
        self.sim = Process("medius-sim", promptly([BIN / "medius-sim", "--machine", self.machine, "--devices", devices,
                                                   "--json", *options]), folder, r'(\{"links".*\})')
        self.where = json.loads(self.sim.address)["links"]
        self.links = links(self.where)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.sim.end()


def felt(truth):
    """(ratio, ratio of each repetition, RMS in percent of the law) of the force at the cuff while the leg moves.

    From the plant's truth. Turns are left out, and what happens near the bottom, where the leg swings between repetitions.
    """
    rows = numpy.genfromtxt(truth.with_suffix(".csv"), delimiter=",", skip_header=1, invalid_raise=False)
    ring_m, ring_mps, cuff_n = rows[:, 2], rows[:, 3], rows[:, 4]
    up = ring_m > 0.12
    lifts, returns = up & (ring_mps > 0.1), up & (ring_mps < -0.1)
    law = numpy.where(lifts, LOAD_N, LOAD_N * RATIO)
    moves = lifts | returns
    error = (cuff_n[moves] - law[moves]) / law[moves]
    repetition = numpy.cumsum(numpy.diff(up.astype(int), prepend=0) == 1)
    ratios = []
    for number in range(1, int(repetition[-1]) + 1):
        out, back = lifts & (repetition == number), returns & (repetition == number)
        if out.sum() > 100 and back.sum() > 100:
            ratios.append(float(numpy.median(cuff_n[back]) / numpy.median(cuff_n[out])))
    return (float(numpy.median(cuff_n[returns]) / numpy.median(cuff_n[lifts])), ratios,
            float(100.0 * numpy.sqrt(numpy.mean(error ** 2))))


def run_set(name, between=None):
    """One set through one drive: what the client's report and the plant say, or the fault that ended it.

    `between(folder, where)`: what stands between controller and devices, a context manager that gives the places where the
    controller finds the links.
    """
    with scratch() as folder:
        folder = pathlib.Path(folder)
        programs = folder / "programs"
        programs.mkdir()
        (programs / "two.toml").write_text(PROGRAM, encoding="utf-8")
        (programs / "exercises.toml").write_bytes((SOURCE / "programs" / "exercises.toml").read_bytes())
        truth = folder / "truth.json"
        with contextlib.ExitStack() as stack:
            bench = stack.enter_context(Bench(name, folder, "--program", programs / "two.toml", "--truth", truth))
            where = stack.enter_context(between(folder, bench.where)) if between else bench.where
            daemon = Process("mediusd", [BIN / "mediusd", "--machine", bench.machine, "--devices", DEVICES, *links(where),
                                         "--programs", programs, "--plugins", BUILD / "plugins.d", "--data",
                                         folder / "data", "--listen", "127.0.0.1:0"], folder, r"ready on (\S+)")
            try:
                client = subprocess.run([BIN / "medius", "--address", daemon.address, "run", "two", "--report",
                                         folder / "report", "--truth", truth], capture_output=True, text=True,
                                        timeout=80, check=False)
            finally:
                daemon.end()
        said = client.stdout + client.stderr
        fault = next((f for f in HOST_STALLED if f"fault {f}" in said), None)
        report = folder / "report" / "report.json"
        ratio, ratios, rms_percent = felt(truth) if client.returncode == 0 else (None, [], None)
        return {"name": name, "rendered_ratio": ratio, "ratios": ratios, "rms_percent": rms_percent, "code": client.returncode, "fault": fault, "text": said[-2500:],
                "links": where, "log": daemon.text()[-2500:] if daemon.log.exists() else "",
                "report": json.loads(report.read_text(encoding="utf-8")) if report.exists() else None}


def run_set_despite_the_host(name, attempts=4, between=None):
    """A device that loses telegrams fails every time; a host that stalls now and then does not."""
    stalls = []
    for _ in range(attempts):
        result = run_set(name, between)
        if result["code"] == 0 or result["fault"] is None:
            break
        stalls.append(result["fault"])
    return {**result, "stalls": stalls}


def probe(bench, seconds, *options):
    """What hal_probe says of each link of the bench; ages, pace and skew are those of the whole machine."""
    command = [BUILD / "tests.d" / "hal_probe", "--machine", bench.machine, "--devices", bench.devices, "--wall",
               "--ticks", 1000 * seconds, *options, *bench.links]
    text = subprocess.run([str(part) for part in promptly(command)], capture_output=True, text=True, check=True,
                          timeout=60).stdout
    return [json.loads(line) for line in text.splitlines()]


def bus_figures(drive):
    return {"cycle_hz": round(1000.0 * drive["samples"] / drive["fresh_ticks"], 1),
            "age_ms_p50": round(drive["age_ms_p50"], 2), "age_ms_p99": round(drive["age_ms_p99"], 2),
            "loop_hz": round(drive["loop_hz"], 1), "timeouts": drive["timeouts"]}


def measure_bus(name, seconds=4):
    """What the controller's bus reaches on the drive: exchanges a second and the age of a sample at the loop."""
    with scratch() as folder, Bench(name, folder) as bench:
        return bus_figures(probe(bench, seconds)[0])


def measure_slow_device(milliseconds=6, seconds=4):
    """The same for a drive that takes so long for each exchange; the loop keeps 1 kHz."""
    with scratch() as folder:
        machine, devices = slow_lexium(folder, milliseconds)
        with Bench("lexium-32m", folder, machine=machine, devices=devices) as bench:
            return bus_figures(probe(bench, seconds)[0])


def measure_two_links(seconds=4):
    """Two axes on two links: how far apart the samples are that one tick finds."""
    with scratch() as folder, Bench("two-links", folder, machine=MACHINES / "seated-two-links-sim.toml") as bench:
        drive = probe(bench, seconds, "--axis", "left-arm", "right-arm")[0]
    return {**bus_figures(drive), "skew_ms_p50": round(drive["skew_ms_p50"], 3),
            "skew_ms_p99": round(drive["skew_ms_p99"], 3)}
