#!/usr/bin/python3
"""Scenario files give the same verdict in one process and over the bus; and the comparison can fail."""
import pathlib
import unittest

import verdicts

# Two at least of each part that fails; the others are run by hand: verdicts.py without arguments.
ROWS = ("encoder-stuck", "encoder-offset", "encoder-sign", "load-cell-stuck", "load-cell-garbage", "load-cell-saturated",
        "drive-fault", "drive-mode", "drive-second-master", "link-off", "link-stuck", "sto", "estop")


class Verdicts(unittest.TestCase):
    def test_a_scenario_file_gives_the_same_verdict_in_one_process_and_over_the_bus(self):
        rows = verdicts.run([verdicts.SCENARIOS / f"{name}.json" for name in ROWS])
        print(verdicts.table(rows), flush=True)
        for row in rows:
            with self.subTest(row["scenario"]):
                self.assertTrue(row["same_verdict"], row)
                self.assertEqual(row["in_process"]["phase"], row["over_the_bus"]["phase"])


class Judge(unittest.TestCase):
    WELL = {"struck": True, "expected": {"encoder-stuck": 133}, "budget_ms": 15.0, "detector": "encoder-stuck",
            "took_ms": 11.0, "reaction": "soft-unload"}
    BUS = {"struck": True, "detector": 133, "took_ms": 12, "reaction": "soft-unload"}

    def verdict(self, **changed):
        return verdicts.judge(pathlib.Path("x.json"), self.WELL, {**self.BUS, **changed})["same_verdict"]

    def test_what_is_alike_is_the_same(self):
        self.assertTrue(self.verdict())

    def test_late_wrong_missing_or_milder_is_not(self):
        self.assertTrue(self.verdict(took_ms=15 + verdicts.BUS_MS))
        self.assertFalse(self.verdict(took_ms=16 + verdicts.BUS_MS))
        self.assertFalse(self.verdict(detector=134))
        self.assertFalse(self.verdict(detector=None, took_ms=None))
        self.assertFalse(self.verdict(reaction="freeze-increases"))
        self.assertFalse(self.verdict(struck=False))


if __name__ == "__main__":
    unittest.main(verbosity=2)
