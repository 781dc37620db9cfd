#!/usr/bin/python3
"""Plays scenario files twice, in one process and over the bus, and compares who noticed what, how fast, and what was done.

In one process: medius-swarm --replay. Over the bus: a real medius-sim --scenario in lockstep, a real mediusd, and the
set started by the client. Detector and tick of the reaction come from the recorded samples of the daemon, the tick of the
strike from the simulator. Without files: all of tests/system/scenarios. Exit code 1: they differ, or a budget is missed.
"""
import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

from harness import BIN, BUILD, FAST, MACHINE, SOURCE, Process, stubs

SCENARIOS = pathlib.Path(__file__).resolve().parent / "scenarios"
REACTIONS = ("none", "freeze-increases", "soft-unload", "fast-unload", "torque-off")
SOFT_UNLOAD = 2
# Beside what detection takes: two ticks and one bus cycle.
BUS_MS = 3
PROGRAM = """
title = "{name}"
description = "The set of a scenario."
[[block]]
exercise = "cable-standing-abduction"
sides = ["{side}"]
sets = 1
reps = {reps}
load_n = {load_n}
tempo = "{out_s:g}-{hold_s:g}-{back_s:g}-0"
rest_s = 5.0
profile = "{profile}"
"""


def in_process(path):
    """The first fault's verdict by medius-swarm, with what its row promises."""
    text = subprocess.run([BIN / "medius-swarm", "--replay", path, "--json"], capture_output=True, text=True, check=False,
                          timeout=300).stdout
    verdict = json.loads(text)
    if not verdict["events"]:
        return {"struck": False}
    event = verdict["events"][0]
    return {"struck": True, "row": event["row"], "name": event["name"], "expected": event["expected"],
            "budget_ms": event["budget_ms"], "phase": event["phase"], "detector": event["as"] or None,
            "took_ms": event["took_ms"] if event["noticed"] else None, "reaction": REACTIONS[event["reaction"]]}


def program_of(path, folder):
    scenario = {"side": 1, "profile": "constant-tension", "reps": 4, "load_n": 60.0, "out_s": 2.0, "hold_s": 1.0,
                "back_s": 3.0, **json.loads(path.read_text(encoding="utf-8"))}
    programs = folder / "programs"
    programs.mkdir()
    (programs / "exercises.toml").write_bytes((SOURCE / "programs" / "exercises.toml").read_bytes())
    values = {**scenario, "name": path.stem, "side": "right" if scenario["side"] == 2 else "left",
              "load_n": float(scenario["load_n"])}
    (programs / "scenario.toml").write_text(PROGRAM.format(**values), encoding="utf-8")
    return programs


def samples_of(address):
    """(tick, fault code, reaction) of every recorded sample of the last session's sets, in tick order."""
    import grpc
    messages, services = stubs()
    with grpc.insecure_channel(address) as channel:
        sessions = services.SessionServiceStub(channel)
        listed = sessions.ListSessions(messages.ListSessionsRequest(), timeout=20).sessions
        rows = []
        for session in listed[:1]:
            whole = sessions.GetSession(messages.GetSessionRequest(name=session.name), timeout=20)
            for each in whole.sets:
                for part in sessions.ReadSamples(messages.ReadSamplesRequest(name=each.name), timeout=60):
                    rows += zip(part.tick, part.fault, part.reaction)
    return sorted(set(rows))


def over_the_bus(path):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        programs = program_of(path, folder)
        sim = Process("medius-sim", [BIN / "medius-sim", "--port", 0, "--pace", "bus", "--speed", FAST, "--scenario", path,
                                     "--control", 0, "--json"], folder, r'(\{"listening".*\})')
        where = json.loads(sim.address)
        daemon = None
        try:
            daemon = Process("mediusd", [BIN / "mediusd", "--machine", MACHINE, "--link", f"machine={where['listening']}",
                                         "--programs", programs, "--plugins", BUILD / "plugins.d", "--data",
                                         folder / "data", "--listen", "127.0.0.1:0"], folder, r"ready on (\S+)")
            client = subprocess.run([BIN / "medius", "--address", daemon.address, "--quiet", "run", "scenario"],
                                    capture_output=True, text=True, timeout=200, check=False)
            state = json.loads(subprocess.run([BIN / "medius", "sim", "status", "--json", "--sim", where["control"]],
                                              capture_output=True, text=True, check=True, timeout=30).stdout)
            rows = samples_of(daemon.address)
        finally:
            if daemon:
                daemon.end()
            sim.end()
    return verdict_of(state, rows, client)


def verdict_of(state, rows, client):
    strikes = state.get("strikes", [])
    if not strikes or not rows:
        return {"struck": bool(strikes), "detector": None, "took_ms": None, "reaction": "none",
                "said": (client.stdout + client.stderr)[-500:]}
    strike = strikes[0]
    # The daemon's ticks modulo 65536 ride on its writes.
    last = rows[-1][0]
    struck_tick = last - ((last - strike.get("cmd_seq", 0)) % 65536)
    for tick, code, reaction in rows:
        if tick > struck_tick and code != 0 and reaction - 1 >= SOFT_UNLOAD:
            return {"struck": True, "phase": strike["phase"], "detector": code,
                    "took_ms": tick - struck_tick, "reaction": REACTIONS[reaction - 1]}
    return {"struck": True, "phase": strike["phase"], "detector": None, "took_ms": None, "reaction": "none"}


def compare(path):
    return judge(path, in_process(path), over_the_bus(path))


def judge(path, one, bus):
    """One row of the table. Codes that the row does not expect stay numbers."""
    names = {code: name for name, code in (one.get("expected") or {}).items()}
    bus = {**bus, "detector": names.get(bus.get("detector"), bus.get("detector"))}
    row = {"scenario": path.stem, "row": one.get("row"), "name": one.get("name"), "expected": one.get("expected"),
           "budget_ms": one.get("budget_ms"), "in_process": one, "over_the_bus": bus}
    expected = one.get("expected") or {}

    def well(verdict, allowance_ms):
        if not verdict["struck"]:
            return False
        if not expected:
            return verdict.get("detector") is None
        return (verdict["detector"] in expected and verdict["took_ms"] is not None and
                verdict["took_ms"] <= one["budget_ms"] + allowance_ms)

    row["within_budget"] = {"in_process": well(one, 0), "over_the_bus": well(bus, BUS_MS)}
    row["same_detector"] = one.get("detector") == bus.get("detector")
    row["same_reaction"] = one.get("reaction") == bus.get("reaction")
    row["same_verdict"] = all(row["within_budget"].values()) and row["same_reaction"]
    return row


def table(rows):
    def cell(verdict):
        took = "" if verdict.get("took_ms") is None else f" {verdict['took_ms']:.0f} ms"
        return f"{verdict.get('detector') or 'nobody'}{took}, {verdict.get('reaction')}"

    lines = [f"{'scenario':22} {'budget':>8}  {'in one process':42} {'over the bus':42} verdict"]
    for row in rows:
        budget = f"{row['budget_ms']:.0f} ms" if row["budget_ms"] else "-"
        same = "same" if row["same_verdict"] else "DIFFERENT"
        if row["same_verdict"] and not row["same_detector"]:
            same = "same, another of its detectors"
        lines.append(f"{row['scenario']:22} {budget:>8}  {cell(row['in_process']):42} {cell(row['over_the_bus']):42} {same}")
    return "\n".join(lines)


def run(paths, at_once=2):
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(compare, paths))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="*", type=pathlib.Path, help="scenario files of the cable machine")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    rows = run(options.scenario or sorted(SCENARIOS.glob("*.json")))
    print(json.dumps({"verdicts": rows}, indent=1) if options.json else table(rows))
    return 0 if all(row["same_verdict"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
