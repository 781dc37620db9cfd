"""Load-velocity profiles once more in NumPy: least squares by the matrix, and the interval of the maximum as
the roots of Fieller's quadratic. 500 random sets of repetitions."""

import os
import subprocess
import sys
import unittest

import numpy as np

BINARY = os.path.join(os.environ["MEDIUS_BINARY_DIR"], "tests.d", "load_velocity_probe")
SPEED = 0.28
# Two-sided 95 % of Student's t, printed tables.
T95 = {2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 13: 2.160}


def profile(load, velocity):
    design = np.column_stack([np.ones_like(load), load])
    (a, b), *_ = np.linalg.lstsq(design, velocity, rcond=None)
    residual = velocity - design @ (a, b)
    freedom = len(load) - 2
    variance = residual @ residual / freedom
    covariance = variance * np.linalg.inv(design.T @ design)
    t = T95[freedom]
    # |a + b x - v| <= t sqrt(var(a + b x)): a quadratic in x.
    c = a - SPEED
    quadratic = (b * b - t * t * covariance[1, 1], 2.0 * (c * b - t * t * covariance[0, 1]),
                 c * c - t * t * covariance[0, 0])
    roots = np.sort(np.roots(quadratic).real)
    half = t * np.sqrt(covariance[1, 1])
    return {"slope": b, "at_no_load": a, "r2": 1.0 - np.sum(residual ** 2) / np.sum((velocity - velocity.mean()) ** 2),
            "one_rm": -c / b, "bounded": quadratic[0] > 0 and b < 0, "low": roots[0], "high": roots[1],
            "slope_low": b - half, "slope_high": b + half}


class Independent(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        random = np.random.default_rng(5)
        cls.sets = []
        for _ in range(500):
            loads = np.repeat(np.linspace(50.0, 110.0, random.integers(4, 6)), random.choice([1, 2]))
            if len(loads) - 2 not in T95:
                continue
            speed = 2.1 - 0.012 * loads + random.normal(0.0, random.choice([0.005, 0.03, 0.15]), len(loads))
            cls.sets.append((loads, np.maximum(speed, 0.05)))
        text = "\n".join(" ".join(f"{x:.17g} {v:.17g}" for x, v in zip(*s)) for s in cls.sets) + "\n"
        output = subprocess.run([BINARY], input=text, text=True, check=True, capture_output=True).stdout
        cls.results = [line.split() for line in output.splitlines()]

    def test_lines_and_intervals_agree(self):
        self.assertEqual(len(self.results), len(self.sets))
        bounded = 0
        for (load, velocity), words in zip(self.sets, self.results):
            expected = profile(load, velocity)
            values = dict(zip(("slope", "at_no_load", "r2", "one_rm", "low", "high", "slope_low", "slope_high"),
                              map(float, words[1:])))
            self.assertEqual(words[0] == "0", bool(expected["bounded"]))
            keys = ["slope", "at_no_load", "r2", "slope_low", "slope_high"]
            if expected["bounded"]:
                bounded += 1
                keys += ["one_rm", "low", "high"]
            for key in keys:
                self.assertAlmostEqual(values[key], expected[key], delta=1e-6 * max(1.0, abs(expected[key])), msg=key)
        self.assertGreater(bounded, 300)
        self.assertLess(bounded, len(self.sets))  # some are too uncertain, and both say so

    def test_a_wrong_formula_is_noticed(self):
        load, velocity = self.sets[0]
        expected = profile(load, velocity)
        naive = SPEED / expected["slope"] - expected["at_no_load"] / expected["slope"] * 1.001
        self.assertGreater(abs(naive - float(self.results[0][4])), 1e-3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv, verbosity=2)
