"""medius-bench fidelity: the shape of its report, the aims that are reached, and that they can be missed."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
from xml.etree import ElementTree

TOOL = sys.argv.pop(1)
KEYS = {"machine", "law", "load_n", "tempo", "lifter", "io_delay_ms", "drive_kg", "rms_n",
        "rms_percent", "turn_worst_percent", "rendered_ratio", "friction_felt_n",
        "apparent_mass_kg", "steps_over_3_percent"}
LAWS = {"band linear", "band rubber", "chains", "constant-hip-torque", "constant-tension",
        "custom-curve", "drop-set", "flywheel", "inverse-chains", "quadratic-air", "spotter",
        "stack", "tempo-eccentric", "viscous", "weight-stack"}


def run(*arguments, check=True):
    return subprocess.run([TOOL, "fidelity", *arguments], capture_output=True, text=True,
                          check=check)


def report(*arguments):
    return json.loads(run("--quick", "--json", *arguments).stdout)


class Fidelity(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.report = report()
        cls.rows = cls.report["rows"]

    def row(self, law, load_n, tempo="2-1-3"):
        found = [r for r in self.rows if (r["law"], r["load_n"], r["tempo"]) == (law, load_n, tempo)]
        self.assertTrue(found, f"{law} at {load_n} N")
        return found[0]

    def test_every_row_has_the_columns_and_no_other(self):
        for row in self.rows:
            self.assertEqual(set(row), KEYS)

    def test_every_shipped_law_has_a_row_at_80_newton(self):
        laws = {r["law"] for r in self.rows if r["load_n"] == 80}
        self.assertEqual(LAWS - laws, set())
        self.assertTrue(any(law.startswith("eccentric-emphasis") for law in laws))

    def test_constant_tension_and_emphasis_reach_the_force_aims(self):
        for law, load_n in (("constant-tension", 30), ("constant-tension", 80),
                            ("constant-tension", 200), ("eccentric-emphasis 1.30", 30),
                            ("eccentric-emphasis 1.30", 80), ("eccentric-emphasis 1.30", 200)):
            row = self.row(law, load_n)
            if load_n >= 80:
                self.assertLessEqual(row["rms_percent"], 3.0, row)
                self.assertLessEqual(row["turn_worst_percent"], 10.0, row)
            else:
                self.assertLessEqual(row["rms_n"], 2.0, row)
            self.assertLessEqual(abs(row["friction_felt_n"]), 1.0, row)
            self.assertEqual(row["steps_over_3_percent"], 0, row)
            ratio = 1.3 if "1.30" in law else 1.0
            self.assertAlmostEqual(row["rendered_ratio"], ratio, delta=0.03, msg=row)

    def test_the_seated_machine_reaches_its_force_aims_at_the_pad(self):
        rows = {(r["law"], r["load_n"]): r for r in self.rows
                if r["machine"] == "seated" and r["lifter"] == "rig"}
        for load_n in (50, 200):
            for law, ratio in (("constant-tension", 1.0), ("eccentric-emphasis 1.30", 1.3)):
                row = rows[law, load_n]
                self.assertLessEqual(row["rms_percent" if load_n >= 150 else "rms_n"],
                                     3.0 if load_n >= 150 else 5.0, row)
                self.assertLessEqual(abs(row["friction_felt_n"]), 1.0, row)
                self.assertAlmostEqual(row["rendered_ratio"], ratio, delta=0.03, msg=row)

    def test_linked_arms_reach_the_force_aims_on_both_pads_together(self):
        rows = {r["law"]: r for r in self.rows if r["machine"] == "seated-linked"}
        for law, ratio in (("constant-tension", 1.0), ("eccentric-emphasis 1.30", 1.3)):
            row = rows[law]
            self.assertEqual(row["load_n"], 300)
            self.assertLessEqual(row["rms_percent"], 3.0, row)
            self.assertLessEqual(row["turn_worst_percent"], 10.0, row)
            self.assertLessEqual(abs(row["friction_felt_n"]), 1.0, row)
            self.assertEqual(row["steps_over_3_percent"], 0, row)
            self.assertAlmostEqual(row["rendered_ratio"], ratio, delta=0.03, msg=row)

    def test_a_row_says_when_the_person_cannot_lift_the_load(self):
        heavy = report("--filter", "lifter=trained", "--filter", "machine=seated")
        row = [r for r in heavy["rows"] if r["load_n"] == 400][0]
        self.assertIsNone(row["rms_n"])
        self.assertIsNone(row["rendered_ratio"])
        told = [r for r in heavy["summary"]["references"] if "400 N" in r["row"]][0]
        self.assertTrue(told["cannot_lift"])
        self.assertLess(told["lifted"], 4)
        able = [r for r in self.rows if r["lifter"] == "trained" and r["load_n"] == 60][0]
        self.assertLess(able["rms_percent"], 3.0, able)

    def test_what_the_kernel_cut_off_is_told(self):
        references = {r["row"]: r for r in self.report["summary"]["references"]}
        self.assertEqual(len(references), len({json.dumps(r) for r in references.values()}))
        for name, reference in references.items():
            if reference["refused"]:
                continue
            self.assertGreater(reference["ticks"], 1000, name)
            self.assertLessEqual(reference["clipped_ticks"], reference["ticks"], name)
            self.assertIsNone(reference["fault"], name)

    def test_every_aim_names_its_worst_row(self):
        aims = self.report["summary"]["aims"]
        self.assertEqual(len(aims), 11)
        for aim in aims:
            self.assertGreater(aim["rows"], 0)
            self.assertTrue(aim["worst_row"])
            self.assertEqual(aim["reached"], aim["rows_missed"] == 0)

    def test_negative_controls_fail_as_they_should(self):
        controls = self.report["summary"]["stability"]["negative_controls"]
        self.assertGreaterEqual(len(controls), 6)
        for control in controls:
            self.assertTrue(control["fails_as_it_should"], control)

    def test_motor_torque_only_misses_the_aims(self):
        rows = report("--control", "motor-torque-only", "--filter", "law=eccentric-emphasis 1.30",
                      "--filter", "load_n=80", "--filter", "tempo=2-1-3")["rows"]
        self.assertEqual(len(rows), 1)
        self.assertLess(rows[0]["rendered_ratio"], 1.05)
        self.assertGreater(rows[0]["rms_percent"], 3.0)
        self.assertGreater(rows[0]["friction_felt_n"], 5.0)

    def test_a_run_repeats_bit_for_bit(self):
        only = ("--filter", "law=constant-tension", "--filter", "load_n=30")
        self.assertEqual(run("--quick", "--json", *only).stdout,
                         run("--quick", "--json", *only).stdout)

    def test_a_filter_that_nothing_passes_is_refused(self):
        for filters in ("law=nothing", "nothing=1", "law"):
            result = run("--quick", "--filter", filters, check=False)
            self.assertEqual(result.returncode, 2)
            self.assertIn("columns are", result.stderr)
            self.assertEqual(result.stdout, "")

    def test_an_order_beyond_the_limit_is_refused_and_makes_no_figures(self):
        only = ("--filter", "machine=seated", "--filter", "lifter=rig", "--filter", "load_n=300",
                "--filter", "law=eccentric-emphasis 1.")
        full = json.loads(run("--json", *only).stdout)
        told = {r["row"]: r["refused"] for r in full["summary"]["references"]}
        self.assertEqual(len(told), 3)
        for row, reference in zip(full["rows"], full["summary"]["references"]):
            beyond = row["law"].endswith("1.50")  # 450 N; a pad's limit is 400 N
            self.assertEqual(reference["refused"], beyond, row)
            self.assertEqual(row["rms_n"] is None, beyond, row)

    def test_plots_are_svg_with_what_was_asked_and_felt(self):
        with tempfile.TemporaryDirectory() as folder:
            run("--quick", "--plot", folder, "--filter", "law=constant-tension", "--filter",
                "load_n=80", "--filter", "tempo=2-1-3", "--filter", "lifter=rig")
            files = sorted(pathlib.Path(folder).iterdir())
            self.assertEqual([f.suffix for f in files], [".svg"] * len(files))
            self.assertIn("summary.svg", [f.name for f in files])
            self.assertEqual(len(files), 2)
            lines = [e for e in ElementTree.parse(files[0]).iter() if e.tag.endswith("polyline")]
            self.assertEqual(len(lines), 4, "asked and felt, over time and over position")
            for line in lines:
                self.assertGreater(len(line.get("points").split()), 500)

    def test_help_names_every_option(self):
        text = run("--help").stdout
        for option in ("--json", "--quick", "--filter", "--control", "--machine-file", "--plot", "--seed"):
            self.assertIn(option, text)


if __name__ == "__main__":
    unittest.main()
