"""Rules of the real-time code that a reader could check with a ruler: headers, lengths, elementary functions."""

import glob
import os
import re
import subprocess
import tempfile
import unittest

import tree

FUNCTION_LINES_MAX = 70
KERNEL_LINES_MAX = 500
# The motion stage is a second part of the kernel that the first does not know: each stays short
# enough to be read in one sitting, and neither may grow at the cost of the other.
MOTION = "controller/safety/motion/"
MOTION_LINES_MAX = 160
MEASURED = ("controller/rt/", "controller/safety/", "controller/diagnosis/")

# Headers that bring neither heap nor locks nor clocks. Everything else needs an entry with a reason.
REALTIME_HEADERS = {"algorithm", "array", "atomic", "bit", "concepts", "cstddef", "cstdint",
                    "cstring", "limits", "span", "type_traits", "utility"}
REALTIME_EXCEPTIONS = {
    # Built once, before the loop runs; the loop only follows the pointer.
    "controller/rt/engine.hpp": {"memory"},
    # Wait-free rings of fixed capacity.
    "controller/rt/channels.hpp": {"boost/lockfree/spsc_queue.hpp"},
}


def realtime_files(root):
    """What runs in the loop: the kernel, rt without its host, and the tracker of measure."""
    for path in tree.cpp_files(root):
        if path.startswith("controller/rt/host/"):
            continue
        if path.startswith(MEASURED) or re.match(r"controller/measure/(tracker|phase)", path):
            yield path


def heavy_includes(root):
    return [f"{path}: <{header}> is not on the list for code of the loop"
            for path in realtime_files(root)
            for header in tree.includes(tree.read(root, path))[1]
            if header not in REALTIME_HEADERS
            and header not in REALTIME_EXCEPTIONS.get(path, ())]


def functions(text):
    """(first line, number of lines) of every function body, from signature to closing brace."""
    code = re.sub(r"^[ \t]*#.*$", "", tree.code_only(text), flags=re.MULTILINE)
    scopes, found, start = [], [], 0
    for position, char in enumerate(code):
        if char == "{":
            head = code[start:position]
            inside = any(kind == "function" for kind, _ in scopes)
            is_function = (not inside and ")" in head
                           and not re.match(r"\s*(namespace|class|struct|union|enum)\b", head)
                           and not re.search(r"=\s*$", head))
            if inside or is_function:
                lead = len(head) - len(head.lstrip())
                first = code.count("\n", 0, start + lead) + 1
                scopes.append(("inner" if inside else "function", first))
            else:
                scopes.append(("scope", 0))
            start = position + 1
        elif char == "}":
            if scopes:
                kind, first = scopes.pop()
                if kind == "function":
                    found.append((first, code.count("\n", 0, position) + 2 - first))
            start = position + 1
        elif char == ";":
            start = position + 1
    return found


def long_functions(root):
    return [f"{path}:{line}: {length} lines, {FUNCTION_LINES_MAX} are allowed; split it"
            for path in tree.cpp_files(root) if path.startswith(MEASURED)
            for line, length in functions(tree.read(root, path)) if length > FUNCTION_LINES_MAX]


def lines_of_code(text):
    return sum(1 for line in tree.code_only(text).splitlines() if line.strip())


def kernel_lines(root):
    """The kernel's code: all of controller/safety but its interface and the table of faults."""
    return sum(lines_of_code(tree.read(root, path)) for path in tree.cpp_files(root)
               if path.startswith("controller/safety/") and not path.startswith(MOTION)
               and os.path.basename(path) not in ("kernel.hpp", "faults.hpp", "faults.cpp"))


def motion_lines(root):
    """The motion stage's code: all of its folder but its interface."""
    return sum(lines_of_code(tree.read(root, path)) for path in tree.cpp_files(root)
               if path.startswith(MOTION) and os.path.basename(path) != "motion.hpp")


def motion_known_to_the_kernel(root):
    return [path for path in tree.cpp_files(root)
            if path.startswith("controller/safety/") and not path.startswith(MOTION)
            and "safety/motion" in tree.read(root, path)]


# Elementary functions whose last bits differ between machines; sqrt is exact everywhere.
NAMES = ("sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh sincos exp exp2 exp10 expm1 "
         "log log2 log10 log1p pow cbrt hypot erf erfc tgamma lgamma").split()
DETERMINISTIC = ("controller/rt/", "controller/safety/", "controller/diagnosis/", "controller/measure/", "sim/", "plugins/")
CALL = re.compile(r"(?<![\w.])(std::|::)?(?<!det::)(" + "|".join(NAMES) + r")[fl]?\s*\(")


def library_calls(root):
    found = []
    for path in tree.cpp_files(root):
        if not path.startswith(DETERMINISTIC):
            continue
        for number, line in enumerate(tree.code_only(tree.read(root, path)).splitlines(), 1):
            for match in CALL.finditer(line):
                if line[:match.start()].endswith("det::") or line[:match.start()].endswith("->"):
                    continue
                found.append(f"{path}:{number}: {match.group(0)}...): use controller/base/det_math.hpp")
    return found


def undefined_symbols(path):
    dynamic = ["-D"] if path.endswith(".so") else []
    out = subprocess.run(["nm", "-u", *dynamic, path], capture_output=True, text=True, check=True)
    return {line.split()[-1].split("@")[0] for line in out.stdout.splitlines() if " U " in line}


def library_symbols(path):
    return sorted(s for s in undefined_symbols(path)
                  if s.removeprefix("__").removesuffix("_finite").rstrip("fl") in NAMES
                  or s in NAMES)


def deterministic_binaries(binary_dir):
    archives = glob.glob(os.path.join(binary_dir, "**", "libmedius_*.a"), recursive=True)
    wanted = re.compile(r"libmedius_(base|safety|diagnosis|rt|measure\w*|sim_\w+)\.a$")
    return sorted([a for a in archives if wanted.search(a)]
                  + glob.glob(os.path.join(binary_dir, "plugins.d", "*.so")))


class RealtimeHeaders(unittest.TestCase):
    maxDiff = None

    def test_the_loop_includes_only_what_is_on_the_list(self):
        self.assertEqual(heavy_includes(tree.SOURCE), [])

    def test_planted_headers_are_found(self):
        for header in ("string", "vector", "map", "functional", "mutex", "iostream", "memory", "chrono"):
            for path in ("controller/rt/a.hpp", "controller/safety/a.cpp", "controller/measure/tracker.cpp"):
                with tree.Planted({path: f"#include <{header}>\n"}) as root:
                    self.assertEqual(len(heavy_includes(root)), 1, (path, header))

    def test_the_host_of_the_loop_may_have_them(self):
        with tree.Planted({"controller/rt/host/a.cpp": "#include <string>\n"}) as root:
            self.assertEqual(heavy_includes(root), [])


class Lengths(unittest.TestCase):
    maxDiff = None

    def test_functions_fit_a_screen(self):
        self.assertEqual(long_functions(tree.SOURCE), [])

    def test_the_kernel_is_short(self):
        lines = kernel_lines(tree.SOURCE)
        self.assertGreater(lines, 200)
        self.assertLessEqual(lines, KERNEL_LINES_MAX)

    def test_the_motion_stage_is_short_and_the_kernel_does_not_know_it(self):
        lines = motion_lines(tree.SOURCE)
        self.assertGreater(lines, 50)
        self.assertLessEqual(lines, MOTION_LINES_MAX)
        self.assertEqual(motion_known_to_the_kernel(tree.SOURCE), [])

    def test_planted_lines_count_for_the_kernel_or_the_motion_stage_and_never_for_neither(self):
        with tree.Planted({"controller/safety/a.cpp": "int x;\n",
                           MOTION + "b.cpp": "int y;\nint z;\n"}) as root:
            self.assertEqual((kernel_lines(root), motion_lines(root)), (1, 2))
        include = '#include "controller/' + 'safety/motion/motion.hpp"\n'
        with tree.Planted({"controller/safety/a.cpp": include}) as root:
            self.assertEqual(motion_known_to_the_kernel(root), ["controller/safety/a.cpp"])

    def test_a_planted_long_function_is_found_and_one_at_the_limit_is_not(self):
        def source(lines):
            return ("namespace a {\nstruct S {\n  int x = 0;\n};\n// {\nint table[] = {1, 2};\n\n"
                    "int f(int x,\n      int y) noexcept {\n" + "  if (x) { y(); }\n" * (lines - 3)
                    + "}\n}  // namespace a\n")
        for lines, expected in ((70, 0), (71, 1)):
            with tree.Planted({"controller/rt/a.cpp": source(lines)}) as root:
                self.assertEqual(len(long_functions(root)), expected, lines)

    def test_functions_are_really_measured(self):
        text = tree.read(tree.SOURCE, "controller/safety/torque.cpp")
        self.assertGreater(len(functions(text)), 4)
        self.assertGreater(max(length for _, length in functions(text)), 30)

    def test_planted_kernel_lines_are_counted_without_comments(self):
        with tree.Planted({"controller/safety/a.cpp": "int x;\n\n// why\n/* and\n how */\nint y;\n",
                           "controller/safety/faults.cpp": "int z;\n"}) as root:
            self.assertEqual(kernel_lines(root), 2)


class ElementaryFunctions(unittest.TestCase):
    maxDiff = None

    def test_no_source_of_the_deterministic_boxes_calls_libm(self):
        self.assertEqual(library_calls(tree.SOURCE), [])

    def test_planted_calls_are_found(self):
        for call in ("std::sin(x)", "exp(x)", "::pow(x, 2)", "std::expf(x)", "cosf(x)", "1 + std::atan2(y, x)"):
            for path in ("controller/safety/a.cpp", "sim/plant/a.hpp", "plugins/law/a.cpp"):
                with tree.Planted({path: f"double y = {call};\n"}) as root:
                    self.assertEqual(len(library_calls(root)), 1, call)

    def test_our_own_and_namesakes_are_not(self):
        with tree.Planted({"sim/plant/a.cpp": "double y = det::sin(x) + medius::det::pow(x, 2) + sin_cos(x).sin\n"
                           " + logger.log(x) + catalog(x) + std::sqrt(x);  // exp(x)\n"}) as root:
            self.assertEqual(library_calls(root), [])

    def test_no_archive_and_no_plugin_needs_one_from_libm(self):
        binaries = deterministic_binaries(tree.BINARY)
        if not binaries:
            self.skipTest("nothing built yet")
        self.assertEqual({b: library_symbols(b) for b in binaries if library_symbols(b)}, {})

    def test_a_planted_symbol_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            source, obj = os.path.join(folder, "a.c"), os.path.join(folder, "a.o")
            with open(source, "w", encoding="utf-8") as file:
                file.write("double exp(double); float cosf(float); double sqrt(double);\n"
                           "double f(double x) { return exp(x) + sqrt(x) + (double)cosf((float)x); }\n")
            subprocess.run(["cc", "-O1", "-c", source, "-o", obj], check=True)
            self.assertEqual(library_symbols(obj), ["cosf", "exp"])


if __name__ == "__main__":
    unittest.main()
