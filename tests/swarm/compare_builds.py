#!/usr/bin/env python3
"""Runs the same seeds of medius-swarm in several builds and compares the hashes of all that happened.

usage: compare_builds.py [--seeds N] [--first SEED] BUILD_DIRECTORY BUILD_DIRECTORY...
"""
import argparse
import json
import os
import subprocess
import sys


def run(build, seeds, first):
    program = os.path.join(build, "bin", "medius-swarm")
    if not os.path.exists(program):
        sys.exit(f"compare_builds: {program} is not there; build the target medius-swarm (and plugins/all) first")
    done = subprocess.run([program, "--seeds", str(seeds), "--seed", str(first), "--json", "--quiet"],
                          capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"compare_builds: {program}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("builds", nargs="+")
    options = parser.parse_args()
    results = {build: run(build, options.seeds, options.first) for build in options.builds}
    for build, result in results.items():
        print(f"{build}: {result['trace_hash']}, {result['hours']:.2f} simulated hours in {result['wall_s']:.0f} s")
    hashes = {result["trace_hash"] for result in results.values()}
    if len(hashes) != 1:
        sys.exit("compare_builds: the builds do not do the same; compare seed by seed with --seeds 1 --first SEED")
    print(f"the same over {options.seeds} seeds")


if __name__ == "__main__":
    main()
