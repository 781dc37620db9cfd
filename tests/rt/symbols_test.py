#!/usr/bin/env python3
"""Checks what the archives of the loop take from outside and that they hold no exceptions or RTTI.

usage: symbols_test.py ALLOWED ARCHIVE[:MEMBER] ... --bad ARCHIVE

The archive after --bad breaks every rule; each of its members must be refused, or this test could not
fail.
"""
import fnmatch
import re
import subprocess
import sys

# Type information, its names, exception machinery: defined or undefined, none of it may be there.
FORBIDDEN = re.compile(r"^(_ZT[IS]|__cxa_(?!pure_virtual)|__gxx_personality|_Unwind_|__gcc_personality)")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def members(archive, pattern):
    """Object name -> {symbol: type letter}."""
    result, name = {}, None
    for line in run("nm", "--format=posix", archive).splitlines():
        if line.endswith("]:"):
            name = line[line.rindex("[") + 1:-2]
            if fnmatch.fnmatch(name, pattern):
                result[name] = {}
        elif line and name in result:
            symbol, kind = line.split()[:2]
            result[name][symbol] = kind
    return result


def unwinding_members(archive):
    """Objects with landing pads of exceptions."""
    found, name = set(), None
    for line in run("readelf", "--section-headers", "--wide", archive).splitlines():
        if line.startswith("File: "):
            name = line[line.rindex("(") + 1:-1]
        elif ".gcc_except_table" in line:
            found.add(name)
    return found


def allowed_symbols(path):
    lines = [line.split(None, 2) for line in open(path, encoding="utf-8") if line.strip()]
    return [(line[0], line[1]) for line in lines if not line[0].startswith("#")]


def complaints(objects, known, allowed):
    for name, symbols in objects.items():
        for symbol, kind in symbols.items():
            if FORBIDDEN.match(symbol):
                yield name, f"{symbol}: exceptions or type information"
            elif kind in "Uvw" and symbol not in known and not any(
                    fnmatch.fnmatch(name, member) and symbol == wanted for member, wanted in allowed):
                yield name, f"{symbol}: not on the list of allowed symbols"


def main():
    arguments = sys.argv[1:]
    split = arguments.index("--bad")
    allowed = allowed_symbols(arguments[0])
    objects, found = {}, []
    for argument in arguments[1:split]:
        archive, _, pattern = argument.partition(":")
        here = members(archive, pattern or "*")
        if not here:
            sys.exit(f"{archive}: no object matches '{pattern or '*'}'")
        objects.update(here)
        found += [(name, "has exception landing pads") for name in unwinding_members(archive) if name in here]
    known = {s for symbols in objects.values() for s, kind in symbols.items() if kind not in "Uvw"}
    found += complaints(objects, known, allowed)
    for name, what in found:
        print(f"{name}: {what}")
    print(f"{len(objects)} objects, {sum(map(len, objects.values()))} symbols, {len(found)} complaints")

    bad = members(arguments[split + 1], "*")
    refused = {name for name, _ in complaints(bad, known, allowed)} | unwinding_members(arguments[split + 1])
    missed = set(bad) - refused
    print(f"negative control: {len(refused)} of {len(bad)} bad objects refused")
    if missed or not bad:
        sys.exit(f"this test cannot fail: {sorted(missed)} should have been refused")
    if found:
        sys.exit("the loop may not use these; see tests/rt/allowed_symbols.txt")


main()
