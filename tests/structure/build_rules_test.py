"""The flags that determinism and the NaN guards stand on."""

import json
import os
import shlex
import subprocess
import tempfile
import unittest

import tree

FORBIDDEN = {"-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-ffinite-math-only",
             "-fassociative-math", "-freciprocal-math", "-fno-signed-zeros", "-fcx-limited-range"}


def bad_flags(words):
    """What is wrong with one compiler call."""
    found = [w for w in words if w in FORBIDDEN or w.startswith("-march=native")]
    contract = [w for w in words if w.startswith("-ffp-contract=")]
    if not contract or contract[-1] != "-ffp-contract=off":
        found.append("no -ffp-contract=off")
    return found


def bad_commands(commands):
    found = []
    for entry in commands:
        words = entry.get("arguments") or shlex.split(entry["command"])
        found += [f"{entry['file']}: {flag}" for flag in bad_flags(words)]
    return found


def configure(source, *arguments, environment=None):
    """(exit code, output) of a configuration in a fresh folder."""
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, **(environment or {}))
        result = subprocess.run(["cmake", "-G", "Ninja", "-S", source, "-B", folder, *arguments],
                                capture_output=True, text=True, env=env, check=False)
        return result.returncode, result.stdout + result.stderr


class Flags(unittest.TestCase):
    maxDiff = None

    def test_every_file_is_compiled_with_the_flags_of_determinism(self):
        path = os.path.join(tree.BINARY, "compile_commands.json")
        if not os.path.exists(path):
            self.skipTest(f"no {path}")
        with open(path, encoding="utf-8") as file:
            commands = json.load(file)
        self.assertGreater(len(commands), 20)
        self.assertEqual(bad_commands(commands), [])

    def test_planted_flags_are_found(self):
        good = "c++ -O2 -ffp-contract=off -fno-fast-math -c a.cpp"
        self.assertEqual(bad_commands([{"file": "a.cpp", "command": good}]), [])
        for bad in ("c++ -O2 -c a.cpp", good + " -ffast-math", good + " -Ofast",
                    good + " -march=native", good + " -ffp-contract=fast",
                    good + " -ffinite-math-only"):
            self.assertEqual(len(bad_commands([{"file": "a.cpp", "command": bad}])), 1, bad)


class Refusals(unittest.TestCase):
    maxDiff = None

    def test_fast_math_is_refused_by_the_whole_tree(self):
        code, output = configure(tree.SOURCE, "-DCMAKE_CXX_FLAGS=-ffast-math")
        self.assertNotEqual(code, 0)
        self.assertIn("-ffast-math is refused", output)

    def test_every_way_to_ask_for_it_is_refused_and_nothing_else(self):
        project = ("cmake_minimum_required(VERSION 3.25)\nproject(small LANGUAGES C CXX)\n"
                   f"include({tree.SOURCE}/cmake/MediusFlags.cmake)\n")
        with tree.Planted({"CMakeLists.txt": project}) as root:
            self.assertEqual(configure(root)[0], 0)
            self.assertEqual(configure(root, "-DCMAKE_CXX_FLAGS=-O3 -g")[0], 0)
            for argument in ("-DCMAKE_C_FLAGS=-ffast-math", "-DCMAKE_CXX_FLAGS_RELEASE=-Ofast",
                             "-DCMAKE_CXX_FLAGS=-O2 -march=native",
                             "-DCMAKE_CXX_FLAGS_DEBUG=-ffinite-math-only"):
                code, output = configure(root, argument)
                self.assertNotEqual(code, 0, argument)
                self.assertIn("is refused", output)
            code, output = configure(root, environment={"CXXFLAGS": "-ffast-math"})
            self.assertNotEqual(code, 0)
            self.assertIn("-ffast-math is refused", output)


if __name__ == "__main__":
    unittest.main()
