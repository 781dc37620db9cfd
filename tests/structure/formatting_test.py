"""Every C and C++ file is as clang-format leaves it."""

import os
import shutil
import subprocess
import sys
import unittest

import tree

TOOL = shutil.which("clang-format-14")


def unformatted(root, style):
    paths = tree.cpp_files(root)
    result = subprocess.run([TOOL, "--dry-run", "-Werror", f"--style=file:{style}", *paths],
                            cwd=root, capture_output=True, text=True, check=False)
    return sorted({line.split(":")[0] for line in result.stderr.splitlines() if "error:" in line})


class Formatting(unittest.TestCase):
    maxDiff = None

    STYLE = os.path.join(tree.SOURCE, ".clang-format")

    def test_the_tree_is_formatted(self):
        self.assertEqual(unformatted(tree.SOURCE, self.STYLE), [])

    def test_a_planted_mess_is_found(self):
        with tree.Planted({"a/b.cpp": "int  main( ){return 0 ;}\n",
                           "a/c.cpp": "int x = 0;\n"}) as root:
            self.assertEqual(unformatted(root, self.STYLE), ["a/b.cpp"])


if __name__ == "__main__":
    if TOOL is None:
        print("clang-format-14 is not installed")
        sys.exit(77)
    unittest.main()
