"""The machine files of drives that people buy, against the devices that medius-sim makes of them.

A copy of the shipped file is run: simulated, without a guard of its own, and with the mass of the simulated plant,
which is what identifying it on that plant would have given.
"""
import json
import os
import pathlib
import re
import subprocess
import tempfile

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
PROGRAM = """
title = "Two repetitions"
description = "Standing cable hip abduction with little load."
[[block]]
exercise = "cable-standing-abduction"
sides = ["left"]
sets = 1
reps = 2
load_n = 25.0
tempo = "2-0-2-0"
range_target_m = 0.38
rest_s = 6.0
profile = "eccentric-emphasis"
parameters = {eccentric_ratio = 1.2}
"""


def simulated(name, folder):
    """The shipped machine file made fit for the simulator; its path."""
    text = (MACHINES / f"cable-station-{name}.toml").read_text(encoding="utf-8")
    text, flags = re.subn(r"simulated = false", "simulated = true", text)
    text, guards = re.subn(r"(?ms)^\[guard\].*?(?=^\[\[link\]\])", "", text)
    text, masses = re.subn(r"reflected_mass_kg = [0-9.]+", PLANT_MASS, text)
    assert (flags, guards, masses) == (1, 1, 1), f"{name}: the shipped file has changed: {(flags, guards, masses)}"
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


class Bench:
    """The devices of one machine file, alive."""

    def __init__(self, name, folder, *options):
        self.machine = simulated(name, folder)
        self.sim = Process("medius-sim", promptly([BIN / "medius-sim", "--machine", self.machine, "--devices", DEVICES,
                                                   "--json", *options]), folder, r'(\{"links".*\})')
        self.where = json.loads(self.sim.address)["links"]
        self.links = [part for name, where in self.where.items() for part in ("--link", f"{name}={where}")]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.sim.end()


def run_set(name):
    """One set through one drive: what the client's report and the plant say, or the fault that ended it."""
    with scratch() as folder:
        folder = pathlib.Path(folder)
        programs = folder / "programs"
        programs.mkdir()
        (programs / "two.toml").write_text(PROGRAM, encoding="utf-8")
        (programs / "exercises.toml").write_bytes((SOURCE / "programs" / "exercises.toml").read_bytes())
        truth = folder / "truth.json"
        with Bench(name, folder, "--program", programs / "two.toml", "--truth", truth) as bench:
            daemon = Process("mediusd", [BIN / "mediusd", "--machine", bench.machine, "--devices", DEVICES, *bench.links,
                                         "--programs", programs, "--plugins", BUILD / "plugins.d", "--data",
                                         folder / "data", "--listen", "127.0.0.1:0"], folder, r"ready on (\S+)")
            try:
                client = subprocess.run([BIN / "medius", "--address", daemon.address, "run", "two", "--report",
                                         folder / "report", "--truth", truth], capture_output=True, text=True,
                                        timeout=80, check=False)
            finally:
                daemon.end()
        fault = next((f for f in HOST_STALLED if f"fault {f}" in client.stdout + client.stderr), None)
        report = folder / "report" / "report.json"
        return {"name": name, "code": client.returncode, "fault": fault, "text": client.stdout[-2500:] + client.stderr,
                "links": bench.where, "log": daemon.text()[-2500:] if daemon.log.exists() else "",
                "report": json.loads(report.read_text(encoding="utf-8")) if report.exists() else None}


def run_set_despite_the_host(name, attempts=3):
    """A device that loses telegrams fails every time; a host that stalls now and then does not."""
    stalls = []
    for _ in range(attempts):
        result = run_set(name)
        if result["code"] == 0 or result["fault"] is None:
            break
        stalls.append(result["fault"])
    return {**result, "stalls": stalls}
