#!/usr/bin/python3
"""Tests of the tests: breaks the code in every small way and counts what the unit tests notice.

All mutants of all parts are compiled into one build of a copy of the tree (build/mutation); the environment
variable MEDIUS_MUTANT picks one. Exit code 0 when every survivor of all parts but the store is listed in
survivors.toml and no listed mutant is killed; the store is counted, not gated.

  tests/mutation/run.py                      all parts
  tests/mutation/run.py --part kernel        one part: kernel, motion, diagnosis, tracker, store
  tests/mutation/run.py --file controller/safety/torque.cpp
  tests/mutation/run.py --changed main       only mutants of files that differ from this commit
  tests/mutation/run.py --sample 5           every fifth mutant of each part, for an estimate
  tests/mutation/run.py --again              only those that no test has killed yet
  tests/mutation/run.py --list               every mutant, none is run
"""

import argparse
import concurrent.futures
import json
import os
import resource
import subprocess
import sys
import time
import tomllib

import mutate
import scratch
import trial

HERE = os.path.dirname(os.path.abspath(__file__))
SURVIVORS = os.path.join(HERE, "survivors.toml")
INCLUDE = "tests/mutation/mutant.hpp"
QUICK_TEST_S = 0.25  # processor time of the longest test that --quick asks

# What may be lost between a repetition that was made and a set that is acknowledged.
COMMIT_PATH = {"chain_of", "set_crc", "read_set_row", "acknowledge", "reserve_ids", "set_row", "reps_of",
               "whole_set", "write_reps", "write_closed", "already_closed", "put_session", "open_set",
               "add_rep", "add_samples", "close_set", "next_id"}
# The rest of the rows and of the recorder measures, exports and streams.
SET_ROWS = {"read_enum", "put_values", "get_values", "encode_set", "decode_set", "encode_rep", "decode_rep",
            "put_phase", "get_phase", "row_crc", "chained", "id_text", "id_number", "is_id"}
MANIFEST = {"encode", "decode", "remember", "open", "disk_answers", "write"}
RECORDER = {"lost_before", "route", "append", "seal_block", "flush", "measure_due", "measure_one", "open_set",
            "rep_closed", "close_set"}


class Part:
    """Files (with the functions of interest, None for all) and the test binaries that judge them."""

    def __init__(self, name, files, tests, pattern="*", slow="", gate=True):
        self.name, self.tests, self.pattern, self.slow, self.gate = name, tests, pattern, slow, gate
        self.functions = {f: None for f in files} if not isinstance(files, dict) else files
        self.files = list(self.functions)


def in_folder(folder, *more):
    names = sorted(n for n in os.listdir(os.path.join(scratch.ROOT, folder)) if n.endswith(".cpp"))
    return [f"{folder}/{n}" for n in names] + [f"{folder}/{n}" for n in more]


PARTS = [
    Part("kernel", in_folder("controller/safety", "limits.hpp"), ["safety_test"]),
    Part("motion", in_folder("controller/safety/motion"), ["safety_test"]),
    Part("diagnosis", in_folder("controller/diagnosis", "limits_copy.hpp"), ["diagnosis_test"]),
    Part("tracker", ["controller/measure/tracker.cpp"], ["medius_measure_test"],
         pattern="*Tracker*:*Corpus*:*Classify*:*Repetition*:*Direction*:*Rep*",
         slow="*FifteenHundred*:*NeedsItsDwell*:*KeepsTimes*"),
    Part("store", {"controller/record/store.cpp": COMMIT_PATH, "controller/record/rows.cpp": SET_ROWS,
                   "controller/record/manifest.cpp": MANIFEST, "controller/record/recorder.cpp": RECORDER,
                   "controller/record/store_load.cpp": {"settle_ids", "stored_id_counter"}},
         # A backup reads what the commit path wrote: its long test adds seconds and no judgement of its own.
         ["record_test"], pattern="*-Backup.IsOneMoment*",
         slow="Damage.EveryFlipped*:Disk.APowerCut*:Disk.ADiskThatStays*:RecorderTest.Bounds*",
         gate=False),
]


def generate():
    """({path: mutated text}, {part: mutants}) of all parts, with numbers that do not overlap."""
    texts, mutants, number = {}, {}, 1
    for part in PARTS:
        mutants[part.name] = []
        for path, functions in part.functions.items():
            with open(os.path.join(scratch.ROOT, path), encoding="utf-8") as file:
                text = file.read()
            texts[path], found = mutate.rewrite(path, text, number, INCLUDE, functions)
            mutants[part.name] += found
            number += len(found)
    return texts, mutants


def listed_survivors():
    """({mutant: reason}, [what is wrong with the list]): every mutant once, every reason its own."""
    with open(SURVIVORS, "rb") as file:
        entries = tomllib.load(file).get("survivor", [])
    listed, reasons, wrong = {}, {}, []
    for entry in entries:
        mutant, reason = entry["mutant"], entry["reason"]
        if mutant in listed:
            wrong.append(f"listed twice: {mutant}")
        if reason in reasons:
            wrong.append(f"one reason for two mutants, each needs its own: {mutant} and {reasons[reason]}")
        listed[mutant], reasons[reason] = reason, mutant
    return listed, wrong


def changed_since(commit):
    done = subprocess.run(["git", "-C", scratch.ROOT, "diff", "--name-only", commit], capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise SystemExit(f"--changed {commit}: git knows no such commit")
    return set(done.stdout.splitlines())


def progress(done, total, survivors):
    if sys.stderr.isatty() or done % 100 == 0 or done == total:
        end = "\r" if sys.stderr.isatty() and done < total else "\n"
        print(f"{done}/{total} mutants, {survivors} survivors", file=sys.stderr, end=end, flush=True)


def try_part(tree, part, chosen, jobs, memory, memory_path, quick, only):
    """The survivors among the chosen mutants of a part; memory = {mutant: the test that killed it last}, which is
    kept as it grows: a run that is stopped is not lost."""
    joint = ":" if "-" in part.pattern else "-"
    pattern = part.pattern + (joint + part.slow if quick and part.slow else "")
    judge = trial.Judge(tree, part.tests, only or pattern, jobs)
    judge.learn()
    if quick:
        judge.leave_out_above(QUICK_TEST_S)
    survivors, found = [], {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(judge.killer, m.number, memory.get(m.key)): m for m in chosen}
        for count, future in enumerate(concurrent.futures.as_completed(running), 1):
            mutant, killer = running[future], future.result()
            found[mutant.key] = killer
            if killer is None:
                survivors.append(mutant)
            if count % 50 == 0 or count == len(chosen):
                trial.remember(memory_path, found)
            progress(count, len(chosen), len(survivors))
    return sorted(survivors, key=lambda m: m.number)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=[p.name for p in PARTS], help="only this part")
    parser.add_argument("--file", action="append", help="only mutants of this file")
    parser.add_argument("--changed", metavar="COMMIT", help="only mutants of files that differ from it")
    parser.add_argument("--again", action="store_true",
                        help="only those that no test has killed yet by build/mutation/killers.json: after new "
                             "tests, or with all tests after --quick")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="only every N-th mutant")
    parser.add_argument("--quick", action="store_true",
                        help="leave out the tests that take longer than 0.25 s: what is killed is then a lower bound")
    parser.add_argument("--tests", metavar="FILTER", help="only these tests of a part, as GoogleTest filters them")
    parser.add_argument("--list", action="store_true", help="print the mutants and end")
    parser.add_argument("--json", action="store_true", help="print killed, total, survivors as JSON")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="tests at a time, default all cores")
    return parser.parse_args()


def main():
    options = parse_options()
    listed, wrong = listed_survivors()
    texts, mutants = generate()
    files = set(options.file or []) or {f for p in PARTS for f in p.files}
    if options.changed:
        files &= changed_since(options.changed)
    wanted = [p for p in PARTS if not options.part or p.name in options.part]
    chosen = {p.name: [m for m in mutants[p.name] if m.file in files][::max(1, options.sample)] for p in wanted}
    parts = [p for p in wanted if chosen[p.name]]
    if not parts and not options.changed:
        raise SystemExit("no mutant fits; --list shows what there is, paths are relative to the root")
    memory_path = os.path.join(scratch.ROOT, "build", "mutation", "killers.json")
    memory = trial.recall(memory_path)
    if options.again:
        chosen = {name: [m for m in found if m.key not in memory] for name, found in chosen.items()}
        parts = [p for p in parts if chosen[p.name]]
    if options.list:
        for part in parts:
            print("\n".join(str(m) for m in chosen[part.name]))
        return 0

    began = time.monotonic()
    tree = scratch.Scratch("mutation")
    survivors, totals = [], {}
    if parts:
        tree.fill(texts)
        tree.make(sorted({t for p in parts for t in p.tests}), options.jobs)
    for part in parts:
        print(f"{part.name}: {len(chosen[part.name])} mutants", file=sys.stderr)
        lived = try_part(tree, part, chosen[part.name], options.jobs, memory, memory_path,
                         options.quick, options.tests)
        totals[part.name] = {"killed": len(chosen[part.name]) - len(lived), "total": len(chosen[part.name])}
        survivors += lived
    everything = {m.key for found in mutants.values() for m in found}
    tried = {m.key for p in parts for m in chosen[p.name]}
    return report(options, totals, survivors, tried, everything, listed, wrong, time.monotonic() - began)


def report(options, totals, survivors, tried, everything, listed, wrong, took_s):
    """The exit code."""
    gated = {f for p in PARTS if p.gate for f in p.files}
    new = [m for m in survivors if m.key not in listed and m.file in gated]
    lived = {m.key for m in survivors}
    gone = [key for key in listed
            if key not in everything or (key in tried and key not in lived and key.split(" | ")[0] in gated)]
    total = sum(t["total"] for t in totals.values())
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime
    if options.json:
        print(json.dumps({"killed": total - len(survivors), "total": total,
                          "survivors": [{"mutant": m.key, "line": m.line, "reason": listed.get(m.key)}
                                        for m in survivors],
                          "parts": totals, "took_s": round(took_s), "cpu_s": round(cpu_s),
                          "commit": scratch.commit()}, indent=1))
    else:
        for name, t in totals.items():
            print(f"{name}: {t['killed']} of {t['total']} killed ({100.0 * t['killed'] / t['total']:.1f} %)")
        for m in new:
            print(f"survivor without a reason: {m}")
        for m in survivors:
            if m.file not in gated and m.key not in listed:
                print(f"survivor without a reason, not gated: {m}")
        print(f"{total} mutants in {took_s:.0f} s ({cpu_s:.0f} s of processor time), {len(survivors)} survivors, "
              f"{len(new)} without a reason")
    for key in gone:
        print(f"listed in survivors.toml but not a survivor any more, take it out: {key}", file=sys.stderr)
    if new:
        print(f"{len(new)} new survivors: write a test that notices them, or their reason into survivors.toml",
              file=sys.stderr)
    for what in wrong[:5]:
        print(f"survivors.toml: {what}", file=sys.stderr)
    return 1 if new or gone or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
