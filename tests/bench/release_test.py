"""medius-bench release: the handle let go in both machines, with the daemon alive and frozen."""

import json
import subprocess
import sys
import unittest

TOOL = sys.argv.pop(1)
KEYS = {"machine", "law", "load_n", "phase", "daemon", "force_n", "before_mps", "reel_in_mps",
        "travel_50ms_mm", "speed_after_100ms_mps", "energy_j", "handle_mps", "reached", "missed"}


class Release(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = subprocess.run([TOOL, "release", "--quick", "--json"], capture_output=True,
                              text=True, check=True).stdout
        cls.report = json.loads(text)

    def test_every_row_has_the_columns(self):
        for row in self.report["rows"]:
            self.assertEqual(set(row), KEYS)

    def test_both_machines_are_let_go_lightly_and_heavily_alive_and_frozen(self):
        for machine in ("cable", "seated"):
            for daemon in ("alive", "frozen"):
                forces = [row["force_n"] for row in self.report["rows"]
                          if row["machine"] == machine and row["daemon"] == daemon]
                self.assertLess(min(forces), 100.0)
                self.assertGreater(max(forces), 500.0)

    def test_a_light_handle_is_caught_by_the_controller(self):
        rows = [row for row in self.report["rows"]
                if row["daemon"] == "alive" and row["force_n"] <= 200.0]
        self.assertGreater(len(rows), 10)
        for row in rows:
            self.assertLessEqual(row["reel_in_mps"], 1.2, row)
            self.assertLessEqual(row["travel_50ms_mm"], 30.0, row)
            self.assertLessEqual(row["speed_after_100ms_mps"], 0.3, row)

    def test_the_drive_holds_every_other_one(self):
        for row in self.report["rows"]:
            self.assertLessEqual(row["reel_in_mps"], 1.5, row)
            self.assertLessEqual(row["energy_j"], 15.0, row)

    def test_the_summary_names_the_worst_and_its_control_fails(self):
        summary = self.report["summary"]
        self.assertEqual(summary["missed"], 0)
        self.assertEqual(summary["rows"], len(self.report["rows"]))
        for control in summary["negative_controls"]:
            self.assertTrue(control["fails_as_it_should"], control["control"])
            self.assertGreater(control["row"]["reel_in_mps"], 2.0)


if __name__ == "__main__":
    unittest.main()
