"""medius-profile-plot: what it says, that it draws the same twice, and that --check can fail."""

import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

TOOL = sys.argv.pop(1)
PLUGINS = os.path.join(os.environ["MEDIUS_BINARY_DIR"], "plugins.d")
CHAINS = os.path.join(PLUGINS, "chains.so")


def run(*arguments):
    return subprocess.run([TOOL, *arguments], capture_output=True, text=True, check=False)


class Plot(unittest.TestCase):
    def refused(self, *arguments):
        result = run(*arguments)
        self.assertEqual(result.returncode, 1, arguments)
        self.assertEqual(result.stdout, "")
        self.assertTrue(result.stderr.startswith("medius-profile-plot: "), result.stderr)
        return result.stderr

    def test_help_names_every_option(self):
        result = run("--help")
        self.assertEqual(result.returncode, 0)
        for option in ("--out", "--check", "--coordinate", "--load", "--range", "--tempo", "--set",
                       "--cycles", "--stall", "--slowing"):
            self.assertIn(option, result.stdout)

    def test_a_plot_is_well_formed_and_has_axes_units_and_a_legend(self):
        for coordinate, units in (("cable", ("position, m", "speed, m/s (lifting > 0)", "force, N")),
                                  ("lever", ("position, rad", "speed, rad/s (lifting > 0)", "torque, Nm"))):
            svg = run("--coordinate", coordinate, CHAINS).stdout
            root = xml.etree.ElementTree.fromstring(svg)
            words = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
            for word in (*units, "Chains", "lifting", "lowering", "holding", "set load"):
                self.assertIn(word, words)
            self.assertGreaterEqual(svg.count("<polyline"), 6)

    def test_the_curve_is_the_law(self):
        # 60 N and 60 N/m over 0.4 m: the lift ends at 84 N, at the right end of the left panel. The
        # axis goes from 0 (y 310) to 100 N (y 64).
        svg = run(CHAINS).stdout
        lift = next(line for line in svg.splitlines() if line.startswith("<polyline"))
        x, y = lift.split('"')[-2].split(" ")[-1].split(",")
        self.assertEqual(x, "404.0")
        self.assertAlmostEqual(float(y), 310.0 - 84.0 / 100.0 * 246.0, delta=0.06)

    def test_laws_that_command_motion_are_drawn_by_their_speed(self):
        svg = run("--set", "way=3", "--set", "concentric_speed_mps=0.5", "--set",
                  "eccentric_speed_mps=0.4", os.path.join(PLUGINS, "isokinetic.so")).stdout
        words = {e.text for e in xml.etree.ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}
        self.assertLessEqual({"commanded, m/s", "position, m", "time, s (lifting > 0)"}, words)
        self.assertNotIn("set load", words)
        # Ticks from -0.4 (y 310) to 0.6 (y 64): the way out reaches 0.5 and the way back -0.4 m/s.
        ys = [float(point.split(",")[1]) for line in svg.splitlines() if line.startswith("<polyline")
              for point in line.split('"')[-2].split(" ")]
        self.assertAlmostEqual(min(ys), 310.0 - 0.9 / 1.0 * 246.0, delta=0.1)
        self.assertAlmostEqual(max(ys), 310.0, delta=0.1)

    def test_a_handle_that_stands_still_is_drawn_by_what_it_is_held_with(self):
        svg = run("--load", "100", "--set", "yield_at=0.5", os.path.join(PLUGINS, "isometric.so")).stdout
        words = {e.text for e in xml.etree.ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}
        self.assertLessEqual({"held with, N", "pull, N", "held still", "yields", "set load"}, words)
        held, yields = [line.split('"')[-2].split(" ") for line in svg.splitlines()
                        if line.startswith("<polyline")][:2]
        # 0 to 120 N on the axis: held with the pull up to 50 N, then with 50 N.
        self.assertAlmostEqual(float(held[-1].split(",")[1]), 310.0 - 50.0 / 120.0 * 246.0, delta=0.6)
        self.assertEqual({p.split(",")[1] for p in yields[1:]}, {f"{310.0 - 50.0 / 120.0 * 246.0:.1f}"})

    def test_the_same_call_draws_the_same_bytes(self):
        arguments = ("--cycles", "3", "--stall", "2", os.path.join(PLUGINS, "spotter.so"))
        first = run(*arguments)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(first.stdout, run(*arguments).stdout)

    def test_check_accepts_what_it_would_draw_and_nothing_else(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "chains.svg")
            self.assertEqual(run("--out", path, CHAINS).returncode, 0)
            self.assertEqual(run("--check", path, CHAINS).returncode, 0)
            stale = self.refused("--check", path, "--set", "stiffness_n_per_m=61", CHAINS)
            self.assertIn(path + ": is not what the profile does now", stale)
            with open(path, "a", encoding="utf-8") as file:
                file.write(" ")
            self.refused("--check", path, CHAINS)
            missing = self.refused("--check", os.path.join(folder, "none.svg"), CHAINS)
            self.assertIn("cannot be read", missing)

    def test_errors_name_the_thing_the_value_the_limit_and_the_next_step(self):
        for arguments, parts in (
                ((), ("no profile is given", "--help")),
                (("nowhere.so",), ("nowhere.so", "cannot be opened", "give the library")),
                ((CHAINS, CHAINS), ("two profiles", "one at a time")),
                (("--wrong", "1", CHAINS), ("'--wrong' is no option",)),
                ((CHAINS, "--load"), ("'--load' needs a value",)),
                (("--load", "7e9", CHAINS), ("--load is '7e9'", "1 to 600")),
                (("--load", "nan", CHAINS), ("--load is 'nan'", "1 to 600")),
                (("--cycles", "0", CHAINS), ("--cycles is '0'", "1 to 20")),
                (("--tempo", "2-1", CHAINS), ("--tempo is '2-1'", "2-1-3")),
                (("--coordinate", "belt", CHAINS), ("--coordinate is 'belt'", "cable or lever")),
                (("--set", "stiffness", CHAINS), ("--set is 'stiffness'", "NAME=VALUE")),
                (("--set", "mass=1", CHAINS),
                 ("no parameter 'mass'", "stiffness_n_per_m, stiffness_nm_per_rad")),
                (("--set", "stiffness_n_per_m=301", CHAINS),
                 ("stiffness_n_per_m is 301", "0 to 300", "N/m")),
                (("--out", "/nowhere/a.svg", CHAINS), ("/nowhere/a.svg: cannot be written",))):
            message = self.refused(*arguments)
            for part in parts:
                self.assertIn(part, message)


if __name__ == "__main__":
    unittest.main()
