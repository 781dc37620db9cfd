#!/usr/bin/python3
"""Tests of the oracle: plants bugs that somebody could really write and looks whether a short search finds them.

Every tests/planted/*.patch adds one bug that is alive only when the environment variable MEDIUS_PLANTED
names it. All patches go into one copy of the tree (build/planted), which is built once; then medius-swarm
searches with fixed seeds and stops at the first thing that breaks. A patch whose head says 'Test: ...' is
one that the swarm cannot see by its nature; the named unit test must fail then.

  tests/planted/run.py                 all of them; exit code 0 when each is found
  tests/planted/run.py --bug NAME      only this one
  tests/planted/run.py --list
"""

import argparse
import concurrent.futures
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "mutation"))
import scratch  # noqa: E402

INCLUDE = '#include "tests/planted/planted.hpp"\n'
# (row of the failure table or 0 for mixed scenarios, first seed, seeds)
MIXED = (0, 1, 24)
# (first seed, seeds) of a row at which nothing breaks without a bug. A late sample (24) and a raise (65) must
# also meet a load that is on its way: that takes more seeds.
SEEDS_OF_A_ROW = (2, 4)
SEEDS = {1: (7, 4), 24: (10, 8), 65: (10, 8)}
TIMEOUT_S = 300.0


class Bug:
    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)[:-len(".patch")]
        with open(path, encoding="utf-8") as file:
            head = file.read().split("\n--- ", 1)[0]
        self.why = head.splitlines()[0]
        rows = re.search(r"^Rows: (.*)$", head, re.MULTILINE)
        test = re.search(r"^Test: (.*)$", head, re.MULTILINE)
        self.rows = [int(r) for r in rows.group(1).split()] if rows else []
        self.test = test.group(1).split() if test else None

    def searches(self):
        """The rows that the bug is about first: the rest of the search then rarely has to run."""
        own = [(row, *SEEDS.get(row, SEEDS_OF_A_ROW)) for row in self.rows]
        return own + [MIXED]


def plant(bug, folder, fuzz):
    """Applies one patch to the files of its paths in `folder`, which are copied there if they are missing."""
    with open(bug.path, encoding="utf-8") as file:
        paths = re.findall(r"^--- a/(\S+)", file.read(), re.MULTILINE)
    for path in paths:
        target = os.path.join(folder, path)
        if not os.path.exists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(os.path.join(scratch.ROOT, path), target)
    done = subprocess.run(["patch", "-p1", f"-F{fuzz}", "--no-backup-if-mismatch", "-i", bug.path],
                          cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{bug.path} does not fit the sources any more, plant it anew:\n{done.stdout}")
    return paths


def patched(bugs):
    """{path: text} with all bugs in, each asleep. Each must fit the sources to the letter by itself; together they
    change the lines next to one another, so that the second time may be less exact."""
    for bug in bugs:
        with tempfile.TemporaryDirectory() as alone:
            plant(bug, alone, 0)
    texts = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted({path for bug in bugs for path in plant(bug, folder, 3)}):
            with open(os.path.join(folder, path), encoding="utf-8") as file:
                texts[path] = INCLUDE + file.read()
    return texts


def environment(name):
    return dict(os.environ, MEDIUS_PLANTED=name, RC_PARAMS="seed=1", GTEST_FAIL_FAST="1")


def search(tree, name, what, threads):
    """What broke in a search of the swarm, None if nothing did."""
    row, first, seeds = what
    command = [tree.path("bin", "medius-swarm"), "--quiet", "--json", "--seed", str(first),
               "--seeds", str(seeds), "--workers", str(threads)]
    if row:
        command += ["--row", str(row)]
    where = f"row {row}" if row else "mixed scenarios"
    try:
        done = subprocess.run(command, env=environment(name), capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return f"{where}: no end within {TIMEOUT_S:.0f} s"
    if done.returncode not in (0, 1):
        return f"{where}: exit code {done.returncode}: {done.stderr[-200:]}"
    result = json.loads(done.stdout)
    for failure in result["failures"]:
        return f"{where}, seed {failure['scenario']['seed']}: {failure['what'][:160]}"
    for line in result["rows"]:
        if line["judged"] > line["in_time"]:
            return (f"{where}: row {line['row']} ({line['name']}) noticed in time {line['in_time']} of "
                    f"{line['judged']} times")
    return None


def unit_test(tree, name, test):
    try:
        done = subprocess.run([tree.path("tests.d", test[0]), "--gtest_brief=1", *test[1:]], cwd=tree.build,
                              env=environment(name), capture_output=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return f"{test[0]}: no end within {TIMEOUT_S:.0f} s"
    if done.returncode == 0:
        return None
    failed = [line for line in done.stdout.decode(errors="replace").splitlines() if line.startswith("[  FAILED  ]")]
    return f"{test[0]}: {failed[0][12:].strip() if failed else 'exit code %d' % done.returncode}"


def hunt(tree, bug):
    began = time.monotonic()
    found = None
    if bug.test:
        found = unit_test(tree, bug.name, bug.test)
    else:
        for what in bug.searches():
            found = search(tree, bug.name, what, 1)
            if found:
                break
    return bug, found, time.monotonic() - began


def check_baseline(tree, bugs, jobs):
    """Nothing may break without a bug, or finding one proves nothing."""
    searches = sorted({what for bug in bugs if not bug.test for what in bug.searches()})
    tests = sorted({tuple(bug.test) for bug in bugs if bug.test})
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        broken = list(pool.map(lambda what: search(tree, "", what, 1), searches))
        broken += list(pool.map(lambda test: unit_test(tree, "", list(test)), tests))
    broken = [b for b in broken if b]
    if broken:
        raise SystemExit("the baseline is not clean, mend it first:\n  " + "\n  ".join(broken))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bug", action="append", help="only this one (name of a patch)")
    parser.add_argument("--list", action="store_true", help="print the bugs and end")
    parser.add_argument("--json", action="store_true", help="print killed, total, survivors as JSON")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="hunts at a time, default all cores")
    options = parser.parse_args()

    every = [Bug(p) for p in sorted(glob.glob(os.path.join(HERE, "*.patch")))]
    bugs = [b for b in every if not options.bug or b.name in options.bug]
    if not bugs:
        raise SystemExit("no such bug; --list shows them")
    if options.list:
        for bug in bugs:
            print(f"{bug.name}: {bug.why}" + (f" [{bug.test[0]}]" if bug.test else ""))
        return 0
    tree = scratch.Scratch("planted")
    tree.fill(patched(every))
    tree.make(["medius-swarm", "constant_tension", "eccentric_emphasis",
               *sorted({b.test[0] for b in bugs if b.test})], options.jobs)
    check_baseline(tree, bugs, options.jobs)
    survivors, results = [], []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = [pool.submit(hunt, tree, bug) for bug in bugs]
        for count, future in enumerate(concurrent.futures.as_completed(running), 1):
            bug, found, took_s = future.result()
            results.append({"bug": bug.name, "found": found, "took_s": round(took_s, 1)})
            if not found:
                survivors.append(bug.name)
            print(f"[{count}/{len(bugs)}] {bug.name}: {found or 'NOT FOUND'} ({took_s:.1f} s)", file=sys.stderr,
                  flush=True)
    killed = len(bugs) - len(survivors)
    if options.json:
        print(json.dumps({"killed": killed, "total": len(bugs), "survivors": sorted(survivors),
                          "bugs": sorted(results, key=lambda r: r["bug"]), "commit": scratch.commit()}, indent=1))
    else:
        print(f"{killed} of {len(bugs)} planted bugs found")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
