"""Every folder of the map says what lives in it, and no file speaks of what does not belong in a product."""

import os
import re
import unittest

import tree

# The map of the architecture; folders that do not exist yet are skipped.
MAP = ["proto", "controller/base", "controller/measure", "controller/safety", "controller/rt",
       "controller/station", "controller/record", "controller/access", "controller/api", "controller/metrics", "plugins", "plugins/abi",
       "plugins/sdk", "plugins/check", "hal/image", "hal/modbus", "hal/check", "hal/commission", "hal/guard", "hal/devices", "hal/machines",
       "sim/plant", "sim/lifter", "sim/machine", "sim/world", "sim/faults", "sim/checkers",
       "sim/station", "sim/proxy", "sim/swarm", "client", "examples/python", "console", "programs", "bench", "tools"]

# Written in pieces, so that this file does not find itself.
UNWELCOME = re.compile("|".join([
    r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bXX" + r"X\b", r"\bHA" + r"CK\b",
    "/wo" + "rk/", "/tmp/" + "brief", r"/hom" + r"e/\w",
    r"\b(?i:chat" + "gpt|clau" + "de|anthro" + "pic|open" + "ai|language mo" + "del)",
    r"\bA" + r"I (agent|assistant|model|session)", r"(?i:\bissue #?\d)"]))
BINARY = (".png", ".ico", ".gz", ".mcap", ".fit", ".db", ".bin", ".woff2")


def folders_without_readme(root):
    def has_files(folder):
        return any(os.path.isfile(os.path.join(root, folder, n))
                   for n in os.listdir(os.path.join(root, folder)))
    plugins = os.path.join(root, "plugins")
    profiles = [f"plugins/{f}" for f in sorted(os.listdir(plugins) if os.path.isdir(plugins) else [])
                if f"plugins/{f}" not in MAP]
    wanted = [f for f in MAP + profiles if os.path.isdir(os.path.join(root, f)) and has_files(f)]
    wanted.append(".")
    return [f for f in wanted if not os.path.isfile(os.path.join(root, f, "README.md"))]


def unwelcome_words(root):
    found = []
    for path in tree.files(root):
        if path.endswith(BINARY):
            continue
        try:
            lines = tree.read(root, path).splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            match = UNWELCOME.search(line)
            if match:
                found.append(f"{path}:{number}: '{match.group(0)}'")
    return found


class Folders(unittest.TestCase):
    maxDiff = None

    def test_every_folder_of_the_map_has_a_readme(self):
        self.assertEqual(folders_without_readme(tree.SOURCE), [])

    def test_a_folder_without_one_is_found(self):
        with tree.Planted({"README.md": "x", "sim/plant/a.cpp": "x", "sim/world/README.md": "x"}) as root:
            self.assertEqual(folders_without_readme(root), ["sim/plant"])


class Words(unittest.TestCase):
    maxDiff = None

    def test_no_file_has_an_unwelcome_word(self):
        self.assertEqual(unwelcome_words(tree.SOURCE), [])

    def test_planted_words_are_found(self):
        for text in ("// TO" + "DO: later", "see /wo" + "rk/main", "written by Clau" + "de",
                     "FIX" + "ME", "as iss" + "ue 12 says", "/hom" + "e/somebody/x"):
            with tree.Planted({"a/b.md": text + "\n"}) as root:
                self.assertEqual(len(unwelcome_words(root)), 1, text)

    def test_words_of_the_field_are_not(self):
        with tree.Planted({"a.md": "A training session; analog input AI 1; tissue 3; hackberry; home/base\n"}) as root:
            self.assertEqual(unwelcome_words(root), [])


if __name__ == "__main__":
    unittest.main()
