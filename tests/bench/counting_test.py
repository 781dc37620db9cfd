"""medius-bench counting: about a thousand random mixed repetitions through plant and engine."""

import json
import subprocess
import sys
import unittest

TOOL = sys.argv.pop(1)
KEYS = {"reps", "miscounted", "phantom", "range_bias_mm", "range_sd_mm", "tut_error_ms_p95",
        "velocity_error_mps_rms", "details"}


class Counting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = subprocess.run([TOOL, "counting", "--quick", "--json"], capture_output=True,
                              text=True, check=True).stdout
        cls.report = json.loads(text)

    def test_the_report_has_the_keys(self):
        self.assertEqual(set(self.report), KEYS)
        self.assertGreaterEqual(self.report["reps"], 1000)

    def test_the_corpus_is_mixed_and_was_done_as_meant(self):
        details = self.report["details"]
        for part in ("partial", "movements_that_are_no_repetition", "releases"):
            self.assertGreater(details[part], 5, part)
        self.assertEqual(details["meant_but_not_done"], 0)

    def test_repetitions_are_counted(self):
        self.assertLessEqual(self.report["miscounted"], 0.001 * self.report["reps"])
        self.assertEqual(self.report["phantom"], 0)
        self.assertEqual(self.report["details"]["clean_miscounted"], 0)

    def test_range_time_and_speed_are_as_the_plant_had_them(self):
        self.assertGreaterEqual(self.report["details"]["compared"], 0.98 * self.report["reps"])
        self.assertLessEqual(abs(self.report["range_bias_mm"]), 1.0)
        self.assertLessEqual(self.report["range_sd_mm"], 3.0)
        self.assertLessEqual(self.report["tut_error_ms_p95"], 20.0)
        self.assertLessEqual(self.report["velocity_error_mps_rms"], 0.005)


if __name__ == "__main__":
    unittest.main()
