"""Tries mutants against the tests of a part: only those that reach the mutant, the quick ones first."""

import concurrent.futures
import json
import math
import os
import resource
import subprocess
import tempfile

# A mutant that runs for ten times the processor time of its tests hangs. Wall time says nothing on a busy
# machine; it only ends what waits for ever without using the processor.
CPU_FACTOR, CPU_FLOOR_S, WALL_S = 10.0, 3.0, 900.0
# Tests that together take less are one run; what survives them meets the slower ones, each by itself.
QUICK_S = 0.4


def recall(path):
    """{mutant: [binary, test] that killed it last}: it is asked first, so that a second run is short."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def remember(path, found):
    """Adds found = {mutant: killer, or None for a survivor} to what is there: runs of other parts may go on beside
    this one."""
    memory = recall(path)
    for mutant, killer in found.items():
        if killer is None:
            memory.pop(mutant, None)
        else:
            memory[mutant] = killer
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(memory, file, indent=0, sort_keys=True)
    os.replace(path + ".new", path)


class Judge:
    def __init__(self, tree, binaries, pattern, jobs):
        self.tree, self.binaries, self.jobs = tree, binaries, jobs
        self.pattern = pattern
        self.took, self.reached_by = {}, {}

    def run(self, binary, tests, number, cpu_s, reached=None):
        """None if all of them pass, else what failed."""
        environment = dict(os.environ, MEDIUS_MUTANT=str(number), GTEST_FAIL_FAST="1", RC_PARAMS="seed=1")
        if reached:
            environment["MEDIUS_MUTANT_REACHED"] = reached
        command = [self.tree.path("tests.d", binary), "--gtest_brief=1", "--gtest_filter=" + ":".join(tests)]
        limit = math.ceil(cpu_s)
        # A folder of its own: two runs of one test must not meet in a file.
        with tempfile.TemporaryDirectory(prefix="medius-mutant-") as folder, \
                tempfile.TemporaryFile() as out:
            environment["TMPDIR"] = environment["TEST_TMPDIR"] = folder
            process = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=out, stderr=subprocess.DEVNULL,
                preexec_fn=lambda: (os.nice(10), resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
                                    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))))
            try:
                code = process.wait(WALL_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return "time-out"
            if code == 0:
                return None
            out.seek(0)
            failed = [line for line in out.read().decode(errors="replace").splitlines()
                      if line.startswith("[  FAILED  ]")]
            return failed[0][12:].strip().split(",")[0].split(" (")[0] if failed else f"exit code {code}"

    def learn(self):
        """Every test by itself, without a mutant: it must pass; how long it takes and what it reaches."""
        tests = [(b, t) for b in self.binaries for t in self.names(b)]
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for (binary, test), (broken, took_s, reached) in zip(tests, pool.map(lambda x: self.probe(*x), tests)):
                if broken:
                    raise SystemExit(f"{binary}: the baseline fails ({broken}); mend it first, mutants prove "
                                     "nothing")
                self.took[binary, test] = took_s
                for number in reached:
                    self.reached_by.setdefault(number, []).append((binary, test))
        for found in self.reached_by.values():
            found.sort(key=lambda x: self.took[x])

    def leave_out_above(self, most_s):
        for number, found in self.reached_by.items():
            self.reached_by[number] = [x for x in found if self.took[x] <= most_s]

    def names(self, binary):
        out = subprocess.run([self.tree.path("tests.d", binary), "--gtest_list_tests",
                              "--gtest_filter=" + self.pattern], capture_output=True, text=True, check=True)
        suite = ""
        for line in out.stdout.splitlines():
            if line.startswith("  "):
                yield suite + line.split("#")[0].strip()
            elif line.endswith("."):
                suite = line.strip()
            elif "." in line:
                suite = line.split("#")[0].strip()

    def probe(self, binary, test):
        with tempfile.NamedTemporaryFile(prefix="medius-reached-") as file:
            broken = self.run(binary, [test], -1, 600.0, file.name)
            numbers, took_s = [], 0.0
            for line in file.read().decode().splitlines():
                if line.startswith("cpu_s "):
                    took_s = float(line[6:])
                else:
                    numbers.append(int(line))
            return broken, took_s, numbers

    def killer(self, number, last):
        """[binary, test or reason] of what noticed this mutant, None if nothing did."""
        reaching = self.reached_by.get(number, [])
        if last and tuple(last) in reaching:
            failed = self.attempt(last[0], [last[1]], number)
            if failed:
                return failed
        for binary in self.binaries:
            quick, slow, total = [], [], 0.0
            for b, test in reaching:
                if b != binary:
                    continue
                total += self.took[b, test]
                (quick if total < QUICK_S else slow).append(test)
            for tests in ([quick] if quick else []) + [[t] for t in slow]:
                failed = self.attempt(binary, tests, number)
                if failed:
                    return failed
        return None

    def attempt(self, binary, tests, number):
        cpu_s = max(CPU_FLOOR_S, CPU_FACTOR * sum(self.took[binary, t] for t in tests))
        failed = self.run(binary, tests, number, cpu_s)
        return [binary, failed] if failed else None
