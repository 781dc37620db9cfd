#!/usr/bin/python3
"""Tests of the tests: breaks the code in every small way and counts what the unit tests notice.

All mutants of a part are compiled into one build of a copy of the tree (build/mutation); the environment
variable MEDIUS_MUTANT picks one. Exit code 0 when every survivor is listed in survivors.toml and no listed
mutant is killed.

  tests/mutation/run.py                      all parts
  tests/mutation/run.py --part kernel        one part: kernel, diagnosis, tracker, store
  tests/mutation/run.py --file controller/safety/torque.cpp
  tests/mutation/run.py --list               every mutant, none is run
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import time
import tomllib

import mutate
import scratch

HERE = os.path.dirname(os.path.abspath(__file__))
SURVIVORS = os.path.join(HERE, "survivors.toml")
INCLUDE = "tests/mutation/mutant.hpp"
TIMEOUT_FACTOR, TIMEOUT_FLOOR_S = 10.0, 20.0

# What may be lost between a repetition that was made and a set that is acknowledged.
COMMIT_PATH = {"chain_of", "set_crc", "read_set_row", "acknowledge", "reserve_ids", "set_row", "reps_of",
               "whole_set", "write_reps", "write_closed", "already_closed", "put_session", "open_set",
               "add_rep", "add_samples", "close_set", "next_id"}


class Part:
    def __init__(self, name, files, tests, functions=None, options=()):
        self.name, self.files, self.tests = name, files, tests
        self.functions, self.options = functions, list(options)


def in_folder(folder, *more):
    names = sorted(n for n in os.listdir(os.path.join(scratch.ROOT, folder)) if n.endswith(".cpp"))
    return [f"{folder}/{n}" for n in names] + [f"{folder}/{n}" for n in more]


PARTS = [
    Part("kernel", in_folder("controller/safety", "limits.hpp"), ["safety_test"]),
    Part("diagnosis", in_folder("controller/diagnosis", "limits_copy.hpp"), ["diagnosis_test"]),
    Part("tracker", ["controller/measure/tracker.cpp"], ["medius_measure_test"],
         options=["--gtest_filter=*Tracker*:*Corpus*:*Classify*:*Rep*"]),
    Part("store", ["controller/record/store.cpp"], ["record_test"], functions=COMMIT_PATH),
]


def generate():
    """({path: mutated text}, {part: mutants}) of all parts, with numbers that do not overlap."""
    texts, mutants, number = {}, {}, 1
    for part in PARTS:
        mutants[part.name] = []
        for path in part.files:
            with open(os.path.join(scratch.ROOT, path), encoding="utf-8") as file:
                text = file.read()
            texts[path], found = mutate.rewrite(path, text, number, INCLUDE, part.functions)
            mutants[part.name] += found
            number += len(found)
    return texts, mutants


def run_tests(tree, part, number, timeout_s):
    """None if every test of the part passes with this mutant, else what noticed it."""
    environment = dict(os.environ, MEDIUS_MUTANT=str(number), GTEST_FAIL_FAST="1", RC_PARAMS="seed=1")
    for test in part.tests:
        try:
            done = subprocess.run([tree.path("tests.d", test), "--gtest_brief=1", *part.options],
                                  env=environment, capture_output=True, timeout=timeout_s, cwd=tree.build)
        except subprocess.TimeoutExpired:
            return "time-out"
        if done.returncode != 0:
            failed = [line for line in done.stdout.decode(errors="replace").splitlines()
                      if line.startswith("[  FAILED  ]")]
            return failed[0][12:].strip() if failed else f"exit code {done.returncode}"
    return None


def listed_survivors():
    if not os.path.exists(SURVIVORS):
        return {}
    with open(SURVIVORS, "rb") as file:
        table = tomllib.load(file)
    return {entry["mutant"]: entry["reason"] for entry in table.get("survivor", [])}


def progress(done, total, survivors):
    if sys.stderr.isatty() or done % 50 == 0 or done == total:
        end = "\r" if sys.stderr.isatty() and done < total else "\n"
        print(f"{done}/{total} mutants, {survivors} survivors", file=sys.stderr, end=end, flush=True)


def try_part(tree, part, chosen, jobs):
    """The survivors among the chosen mutants of a part."""
    began = time.monotonic()
    broken = run_tests(tree, part, 0, 600.0)
    if broken:
        raise SystemExit(f"{part.name}: the baseline fails ({broken}); mend it first, mutants prove nothing")
    timeout_s = max(TIMEOUT_FLOOR_S, TIMEOUT_FACTOR * (time.monotonic() - began))
    survivors = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(run_tests, tree, part, m.number, timeout_s): m for m in chosen}
        for count, future in enumerate(concurrent.futures.as_completed(running), 1):
            if future.result() is None:
                survivors.append(running[future])
            progress(count, len(chosen), len(survivors))
    return sorted(survivors, key=lambda m: m.number)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=[p.name for p in PARTS], help="only this part")
    parser.add_argument("--file", action="append", help="only mutants of this file")
    parser.add_argument("--list", action="store_true", help="print the mutants and end")
    parser.add_argument("--json", action="store_true", help="print killed, total, survivors as JSON")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="tests at a time, default all cores")
    options = parser.parse_args()

    texts, mutants = generate()
    parts = [p for p in PARTS if (not options.part or p.name in options.part)
             and (not options.file or set(options.file) & set(p.files))]
    chosen = {p.name: [m for m in mutants[p.name] if not options.file or m.file in options.file]
              for p in parts}
    if not any(chosen.values()):
        raise SystemExit("no mutant fits; --list shows what there is, paths are relative to the root")
    if options.list:
        for part in parts:
            print("\n".join(str(m) for m in chosen[part.name]))
        return 0

    tree = scratch.Scratch("mutation")
    tree.fill(texts)
    tree.make(sorted({t for p in parts for t in p.tests}), options.jobs)
    listed, survivors, totals = listed_survivors(), [], {}
    for part in parts:
        print(f"{part.name}: {len(chosen[part.name])} mutants", file=sys.stderr)
        lived = try_part(tree, part, chosen[part.name], options.jobs)
        totals[part.name] = {"killed": len(chosen[part.name]) - len(lived), "total": len(chosen[part.name])}
        survivors += lived
    return report(options, totals, survivors, {m.key for p in parts for m in chosen[p.name]}, listed)


def report(options, totals, survivors, tried, listed):
    new = [m for m in survivors if m.key not in listed]
    lived = {m.key for m in survivors}
    gone = [key for key in listed if key in tried and key not in lived]
    if not options.file and not options.part:
        gone += [key for key in listed if key not in tried]
    total = sum(t["total"] for t in totals.values())
    if options.json:
        print(json.dumps({"killed": total - len(survivors), "total": total,
                          "survivors": [{"mutant": m.key, "line": m.line, "reason": listed.get(m.key)}
                                        for m in survivors],
                          "parts": totals, "commit": scratch.commit()}, indent=1))
    else:
        for name, t in totals.items():
            print(f"{name}: {t['killed']} of {t['total']} killed ({100.0 * t['killed'] / t['total']:.1f} %)")
        for m in new:
            print(f"survivor without a reason: {m}")
    for key in gone:
        print(f"listed in survivors.toml but not a survivor any more, take it out: {key}", file=sys.stderr)
    if new:
        print(f"{len(new)} new survivors: write a test that notices them, or their reason into survivors.toml",
              file=sys.stderr)
    return 1 if new or gone else 0


if __name__ == "__main__":
    sys.exit(main())
