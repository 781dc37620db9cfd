"""Reads the source tree: which files there are, which box each belongs to, what is code and what is comment."""

import os
import re
import tempfile

SOURCE = os.environ.get("MEDIUS_SOURCE_DIR") or os.path.abspath(
    os.path.join(os.path.dirname(__file__), "..", ".."))
BINARY = os.environ.get("MEDIUS_BINARY_DIR", "")
SKIPPED_FOLDERS = {"node_modules", "build", ".git", ".cache", "__pycache__"}


def files(root, extensions=None):
    """Paths relative to root, sorted."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS]
        for name in names:
            if extensions is None or name.endswith(extensions):
                found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


def cpp_files(root):
    return files(root, (".cpp", ".hpp", ".c", ".h"))


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


_TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\\ ]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|'
    r"(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def code_only(text):
    """The text with comments and the insides of literals blanked out, line numbers kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return _TOKENS.sub(blank, text)


def includes(text):
    """(quoted, angled) include paths."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return (re.findall(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', text, re.MULTILINE),
            re.findall(r"^[ \t]*#[ \t]*include[ \t]*<([^>]+)>", text, re.MULTILINE))


class Planted:
    """A throw-away tree with the given files: where the controls plant their violations."""

    def __init__(self, contents):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        for path, text in contents.items():
            full = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)

    def __enter__(self):
        return self.root

    def __exit__(self, *_):
        self.folder.cleanup()
