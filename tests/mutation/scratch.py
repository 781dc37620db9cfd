"""A copy of the tree under build/, to be changed and built without touching the sources."""

import os
import shutil
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def sources():
    """Every file git knows of or would take, as paths relative to the root."""
    out = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"],
                         capture_output=True, text=True, check=True)
    return [p for p in out.stdout.splitlines() if os.path.isfile(os.path.join(ROOT, p))]


class Scratch:
    """ROOT/build/<name>/tree. Files are written only when they differ, so that a second build is short."""

    def __init__(self, name):
        self.tree = os.path.join(ROOT, "build", name, "tree")
        # As deep below the tree as a developer's build: compiler caches then know most objects.
        self.build = os.path.join(self.tree, "build", "dev")

    def fill(self, changed):
        """Copies the tree; `changed` maps paths to the text that stands in for theirs. Their warnings are off:
        what is broken on purpose looks suspicious."""
        changed = dict(changed)
        for path in [p for p in changed if p.endswith(".cpp")]:
            cmake = os.path.join(os.path.dirname(path), "CMakeLists.txt")
            while cmake not in changed and not os.path.exists(os.path.join(ROOT, cmake)):
                cmake = os.path.join(os.path.dirname(os.path.dirname(cmake)), "CMakeLists.txt")
            if cmake not in changed:
                with open(os.path.join(ROOT, cmake), encoding="utf-8") as file:
                    changed[cmake] = file.read()
            name = os.path.relpath(path, os.path.dirname(cmake))
            changed[cmake] += f'\nset_source_files_properties({name} PROPERTIES COMPILE_OPTIONS -w)\n'
        wanted = set(sources())
        for path in sorted(wanted | set(changed)):
            target = os.path.join(self.tree, path)
            if path in changed:
                new = changed[path].encode()
            else:
                with open(os.path.join(ROOT, path), "rb") as file:
                    new = file.read()
            if os.path.exists(target):
                with open(target, "rb") as file:
                    if file.read() == new:
                        continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(new)
            if path not in changed:
                shutil.copymode(os.path.join(ROOT, path), target)
        for folder, folders, names in os.walk(self.tree):
            folders[:] = [f for f in folders if f not in ("build", "__pycache__")]
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), self.tree)
                if path not in wanted and path not in changed:
                    os.remove(os.path.join(folder, name))

    def make(self, targets, jobs):
        """Builds the targets; raises with the end of the log if that fails."""
        for command in (["cmake", "--preset", "dev", "-DMEDIUS_BUILD_BENCH=OFF"],
                        ["nice", "-n", "5", "ninja", "-C", self.build, f"-j{jobs}", *targets]):
            done = subprocess.run(command, cwd=self.tree, capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(f"{' '.join(command)} failed:\n" + (done.stdout + done.stderr)[-6000:])

    def path(self, *parts):
        return os.path.join(self.build, *parts)


def commit():
    out = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                         capture_output=True, text=True)
    return out.stdout.strip()
