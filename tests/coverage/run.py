#!/usr/bin/python3
"""Lines and branches of the safety kernel that its unit tests take, by gcov.

Only the kernel's own sources are compiled with counters, without optimisation and, as in the product, without
exceptions: so that no branch is one that only the compiler added. The tests are the objects of the
developer's build. Exit code 0 when every line is run and every branch is taken both ways.

  tests/coverage/run.py              the figures and every gap
  tests/coverage/run.py --json       lines_percent, branches_taken_percent, gaps
"""

import argparse
import glob
import json
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SOURCES, TEST = "controller/safety", "safety_test"
FLAGS = ["-std=c++20", "-O0", "-g", "--coverage", "-ffp-contract=off", "-fno-exceptions", "-fno-rtti",
         "-fno-inline", "-I" + ROOT]


def run(command, folder, **environment):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                          env=dict(os.environ, **environment))
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n" + (done.stdout + done.stderr)[-4000:])
    return done.stdout


def instrumented(folder):
    """The kernel's objects with counters, in a folder without counts of an earlier run."""
    os.makedirs(folder, exist_ok=True)
    for old in glob.glob(os.path.join(folder, "*.gcda")):
        os.remove(old)
    objects = []
    for path in sorted(glob.glob(os.path.join(ROOT, SOURCES, "**", "*.cpp"), recursive=True)):
        name = os.path.relpath(path, os.path.join(ROOT, SOURCES)).replace("/", "-")[:-len(".cpp")]
        run(["g++", *FLAGS, "-c", path, "-o", name + ".o"], folder)
        objects.append(os.path.join(folder, name + ".o"))
    return objects


def test_objects(build):
    """The tests and what they are linked with, as ninja builds them."""
    run(["ninja", "-C", build, TEST], ROOT)
    objects = glob.glob(os.path.join(build, "tests", "safety", "CMakeFiles", TEST + ".dir", "*.o"))
    return sorted(objects) + [os.path.join(build, "controller", "base", "libmedius_base.a")]


def counted(folder, objects):
    """{file: {line: (count, [branch counts])}} of the kernel's own files."""
    counts = {}
    for path in objects:
        out = run(["gcov", "--json-format", "--stdout", "--branch-probabilities", path], folder)
        for file in json.loads(out)["files"]:
            name = os.path.relpath(os.path.join(folder, file["file"]), ROOT)
            if not name.startswith(SOURCES + "/"):
                continue
            lines = counts.setdefault(name, {})
            for line in file["lines"]:
                # A function of a header is compiled into several objects: its counts add up.
                key = (line["line_number"], line.get("function_name", ""))
                count, branches = lines.get(key, (0, []))
                new = [b["count"] for b in line["branches"] if not b["throw"]]
                if len(branches) == len(new):
                    new = [a + b for a, b in zip(branches, new)]
                lines[key] = (count + line["count"], new)
    return counts


def summary(counts):
    lines = branches = lines_run = branches_taken = 0
    gaps = []
    for name in sorted(counts):
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            text = file.read().splitlines()
        for (number, _), (count, taken) in sorted(counts[name].items()):
            lines, lines_run = lines + 1, lines_run + (count > 0)
            branches, branches_taken = branches + len(taken), branches_taken + sum(t > 0 for t in taken)
            missed = [i for i, t in enumerate(taken) if t == 0]
            if count == 0 or missed:
                what = "never run" if count == 0 else f"branch {missed} of {len(taken)} never taken"
                gaps.append(f"{name}:{number}: {what}: {text[number - 1].strip()}")
    return {"lines": lines, "lines_percent": round(100.0 * lines_run / lines, 2),
            "branches": branches, "branches_taken_percent": round(100.0 * branches_taken / branches, 2),
            "gaps": gaps}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "dev"),
                        help="a configured developer's build, default build/dev")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    if not os.path.exists(os.path.join(options.build, "build.ninja")):
        raise SystemExit(f"{options.build}: no build is configured there; run: cmake --preset dev")
    folder = os.path.join(ROOT, "build", "coverage")
    objects = instrumented(folder)
    # The kernel's objects come first: the linker then takes the functions of headers from them.
    run(["g++", "--coverage", *objects, *test_objects(os.path.abspath(options.build)), "-o", "kernel_test",
         "-lgtest", "-lgmock", "-lgtest_main", "-lrapidcheck", "-lpthread"], folder)
    run(["./kernel_test", "--gtest_brief=1"], folder, RC_PARAMS="seed=1")
    result = summary(counted(folder, objects))
    if not result["lines"]:
        raise SystemExit("gcov names no line of the kernel: the counters are missing")
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        print(f"{result['lines_percent']} % of {result['lines']} lines run, "
              f"{result['branches_taken_percent']} % of {result['branches']} branches taken")
        for gap in result["gaps"]:
            print(gap)
    return 1 if result["gaps"] else 0


if __name__ == "__main__":
    sys.exit(main())
