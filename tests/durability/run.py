#!/usr/bin/python3
"""Tries to make the store lose what it acknowledged; see README.md. Exit 0: nothing was lost."""
import argparse
import json
import os
import subprocess
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kills as kill_loop  # noqa: E402
import real_disk  # noqa: E402

BUILD = os.environ.get("MEDIUS_BINARY_DIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/dev"))


class Progress:
    """One line that is written over, when a person watches."""

    def __init__(self, quiet):
        self.quiet = quiet or not sys.stderr.isatty()
        self.begin = time.monotonic()

    def show(self, text):
        if not self.quiet:
            print(f"\r{text}, {time.monotonic() - self.begin:.0f} s\033[K", end="", file=sys.stderr, flush=True)

    def end(self):
        if not self.quiet:
            print(file=sys.stderr)


def run_kills(options, progress):
    """--kills N, shared by --stations stations at once."""
    victims = [kill_loop.Victim(options.seed + i) for i in range(options.stations)]
    troubles = []

    def show(_):
        total = {key: sum(victim.count[key] for victim in victims) for key in victims[0].count}
        progress.show(f"kills {total['kills']}/{options.kills}, {total['acknowledged']} sets acknowledged")
        if options.log:
            with open(options.log, "w", encoding="utf-8") as file:
                json.dump(total, file)

    def work(victim, share):
        try:
            victim.run(share, show)
        except Exception as error:  # a thread's exception would be lost
            troubles.append(f"{type(error).__name__}: {error}")
            if not isinstance(error, kill_loop.Lost):
                traceback.print_exc()

    shares = [options.kills // len(victims) + (i < options.kills % len(victims)) for i in range(len(victims))]
    threads = [threading.Thread(target=work, args=pair) for pair in zip(victims, shares)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result = {key: sum(victim.count[key] for victim in victims) for key in victims[0].count}
    result["lost_or_altered"] = len(troubles)
    result["troubles"] = troubles
    return result


def run_real_disk(options):
    """--stall: a real daemon on a disk that stalls, then on a full one."""
    try:
        return {**real_disk.run(options.seed), "lost_or_altered": 0}
    except (real_disk.Trouble, AssertionError) as error:
        return {"lost_or_altered": 1, "troubles": [str(error)]}


def run_binary(name, arguments, key=None):
    """A tool of ours that prints its result as JSON; its exit code says whether all was well."""
    done = subprocess.run([os.path.join(BUILD, "tests.d", name), *map(str, arguments)], stdout=subprocess.PIPE,
                          text=True, check=False)
    result = json.loads(done.stdout)
    result = result[key] if key else result
    result.setdefault("lost_or_altered", done.returncode)
    return result


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=0, help="kill -9 of a real mediusd, so many times")
    parser.add_argument("--cuts", type=int, default=0, help="power cuts, at every change of the disk in turn")
    parser.add_argument("--failures", action="store_true", help="every n-th call to the disk fails, of every kind")
    parser.add_argument("--flips", type=int, default=0, help="flipped bits in bytes that carry something")
    parser.add_argument("--stall", action="store_true", help="a real mediusd on a disk that stalls for 10 s, then is full")
    parser.add_argument("--injections", type=int, default=0, help="profiles that misbehave, in one loop")
    parser.add_argument("--stations", type=int, default=1, help="so many daemons at once (default 1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress line")
    parser.add_argument("--log", help="a file that holds the counts while the kills go on")
    return parser.parse_args()


def main():
    options = parse()
    progress = Progress(options.quiet)
    result = {"seed": options.seed}
    if options.kills:
        result["kills"] = run_kills(options, progress)
    progress.end()
    if options.stall:
        result["disk"] = run_real_disk(options)
    seeded = ["--seed", options.seed, "--json"] + (["--quiet"] if options.quiet else [])
    if options.cuts:
        result["cuts"] = run_binary("medius-durability", ["--cuts", options.cuts, *seeded], "cuts")
    if options.failures:
        result["failures"] = run_binary("medius-durability", ["--failures", *seeded], "failures")
    if options.flips:
        result["flips"] = run_binary("medius-durability", ["--flips", options.flips, *seeded], "flips")
    if options.injections:
        result["injections"] = run_binary("medius-injections", [options.injections, options.seed])
    print(json.dumps(result, indent=None if options.json else 2))
    return 0 if all(part.get("lost_or_altered", 0) == 0 for part in result.values() if isinstance(part, dict)) else 1


if __name__ == "__main__":
    sys.exit(main())
