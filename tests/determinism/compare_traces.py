#!/usr/bin/python3
"""The same seed gives the same trace hash with gcc and clang at -O0 and -O2; another seed and one changed
coefficient each change it. The build under test is one of the four; the others are built here, minimal."""
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(os.environ["MEDIUS_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["MEDIUS_BINARY_DIR"]) / "determinism"
OTHERS = [
    ("gcc-O0", "gcc", "g++", "-O0"),
    ("clang-O0", "clang-14", "clang++-14", "-O0"),
    ("clang-O2", "clang-14", "clang++-14", "-O2"),
]


def build(name, cc, cxx, level):
    folder = BUILD / name
    subprocess.run(
        ["cmake", "-S", SOURCE, "-B", folder, "-G", "Ninja", "-DMEDIUS_MINIMAL=ON",
         "-DCMAKE_BUILD_TYPE=", f"-DCMAKE_C_COMPILER={cc}", f"-DCMAKE_CXX_COMPILER={cxx}",
         f"-DCMAKE_CXX_FLAGS={level}", f"-DCMAKE_C_FLAGS={level}"],
        check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "-j", str(os.cpu_count()), "--target", "medius-trace", "plugins/all"],
                   check=True, stdout=subprocess.DEVNULL)
    return folder


def trace(folder, *options):
    output = subprocess.run(
        [folder / "bin" / "medius-trace", "--source", SOURCE, "--plugins", folder / "plugins.d",
         *options], check=True, capture_output=True, text=True).stdout.strip()
    return output


def main():
    hashes, changed = {}, {}
    variants = [("gcc-O2", BUILD.parent)] + [(other[0], build(*other)) for other in OTHERS]
    for name, folder in variants:
        hashes[name] = trace(folder)
        assert trace(folder) == hashes[name], f"{name}: two runs of one seed differ"
        changed[name] = (trace(folder, "--seed", "2"), trace(folder, "--friction-n", "5.001"))
        print(f"{name:9} seed 1: {hashes[name]}", flush=True)
    if len(set(hashes.values())) != 1:
        sys.exit("the trace differs between compilers or levels")
    # The check must be able to fail: a changed seed and a changed coefficient change both hashes.
    reference = next(iter(hashes.values())).split()
    for name, others in changed.items():
        for what, other in zip(("seed", "coefficient"), others):
            for index in (1, 3):
                if other.split()[index] == reference[index]:
                    sys.exit(f"{name}: another {what} did not change the {reference[index - 1]} hash")
    if len({other for others in changed.values() for other in others}) != 2:
        sys.exit("changed runs differ between compilers or levels")
    print("same hash in all variants; another seed and another coefficient change it")


if __name__ == "__main__":
    main()
