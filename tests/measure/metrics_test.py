"""Every metric once more, in NumPy, from exported samples and the written definitions alone.

Runs session_exporter, reads its CSV and JSON, and compares each exported value with what this file makes of
the samples. It shares no code with controller/measure; spectra, fits and filters are done by other means.
"""

import csv
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np

SOURCE = os.environ["MEDIUS_SOURCE_DIR"]
BINARY = os.environ["MEDIUS_BINARY_DIR"]
DT = 1e-3

# Relative tolerances, with an absolute part in the metric's unit where the value may be near zero. Sums in
# another order agree to 1e-9; the others say why not.
EXACT = (1e-9, 1e-9)
TOLERANCE = {
    # The whole spectrum against sums over eight ticks: noise above 115 Hz folds in.
    "sparc": (0.0, 1e-4),
    # Trapezoids of the square against squares of straight lines.
    "ldlj": (0.0, 1e-3),
}


def tolerance(key):
    for name, (relative, absolute) in TOLERANCE.items():
        if key.endswith(name):
            return relative, absolute
    return EXACT


class Recording:
    def __init__(self, path):
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        column = {name.split(" [")[0]: i for i, name in enumerate(rows[0])}
        table = np.array([[float(row[column[name]]) for name in
                           ("tick", "position", "velocity", "force_measured", "force_target")]
                          for row in rows[1:]])
        self.tick = table[:, 0].astype(np.int64)
        self.x, self.v, self.f, self.target = table[:, 1], table[:, 2], table[:, 3], table[:, 4]

    def part(self, first, last):
        out = object.__new__(Recording)
        keep = (self.tick >= first) & (self.tick <= last)
        for name in ("tick", "x", "v", "f", "target"):
            setattr(out, name, getattr(self, name)[keep])
        return out

    def middle(self):
        tenth = (self.tick[-1] - self.tick[0]) // 10
        return self.part(self.tick[0] + tenth, self.tick[-1] - tenth)


def trapezoid(y, x):
    return float(np.sum(0.5 * (y[1:] + y[:-1]) * np.diff(x)))


def sparc(speed):
    padded = 2 ** (math.ceil(math.log2(len(speed))) + 4)
    magnitude = np.abs(np.fft.rfft(speed, padded))
    magnitude /= magnitude[0]
    frequency = np.fft.rfftfreq(padded, DT)
    chosen = frequency <= 10.0
    magnitude, frequency = magnitude[chosen], frequency[chosen]
    last = np.nonzero(magnitude >= 0.05)[0][-1]
    magnitude, frequency = magnitude[:last + 1], frequency[:last + 1]
    return -float(np.sum(np.hypot(np.diff(frequency) / frequency[-1], np.diff(magnitude))))


def ldlj(speed):
    half = 50
    offsets = np.arange(-half, half + 1) * DT
    fit = np.linalg.pinv(np.vander(offsets, 3))  # rows: t^2, t, 1
    windows = np.lib.stride_tricks.sliding_window_view(speed, 2 * half + 1)
    second = 2.0 * windows @ fit[0]
    inner = np.arange(len(second))
    lead = second[0] + (np.arange(-half, 0)) * (second[5] - second[0]) / 5.0
    tail = second[-1] + np.arange(1, half + 1) * (second[-1] - second[-6]) / 5.0
    assert len(inner) == len(speed) - 2 * half
    whole = np.concatenate([lead, second, tail])
    duration = (len(speed) - 1) * DT
    integral = trapezoid(whole ** 2, np.arange(len(whole)) * DT)
    return -math.log(duration ** 3 / np.max(speed) ** 2 * integral)


def low_pass_peak(power, cut_off_hz):
    gain = 1.0 - math.exp(-2.0 * math.pi * cut_off_hz * DT)
    out, peak = power[0], max(power[0], 0.0)
    for value in power[1:]:
        out += gain * (value - out)
        peak = max(peak, out)
    return peak


def phase_metrics(part, sign, prefix):
    t = part.tick * DT
    travel = abs(part.x[-1] - part.x[0])
    duration = t[-1] - t[0]
    work = abs(trapezoid(part.f, part.x))
    impulse = trapezoid(part.f, t)
    middle = part.middle()
    speed = np.interp(np.arange(part.tick[0], part.tick[-1] + 1), part.tick, sign * part.v)
    return {prefix + key: value for key, value in {
        "duration": duration,
        "force_mean_time": impulse / duration,
        "force_mean_distance": work / travel,
        "force_peak": np.max(part.f),
        "impulse": impulse,
        "work": work,
        "power_mean": work / duration,
        "power_peak": low_pass_peak(sign * part.f * part.v, 20.0),
        "velocity_mean": travel / duration,
        "velocity_peak": max(np.max(sign * part.v), 0.0),
        "force_error_rms": math.sqrt(np.mean((middle.f - middle.target) ** 2)),
        "sparc": sparc(speed),
        "ldlj": ldlj(speed),
    }.items()}


def repetition_metrics(recording, rep, previous_end, tempo):
    whole = recording.part(rep["start_tick"], rep["end_tick"])
    up = recording.part(rep["start_tick"], rep["peak_start_tick"])
    down = recording.part(rep["peak_end_tick"], rep["end_tick"])
    out = phase_metrics(up, 1.0, "concentric_") | phase_metrics(down, -1.0, "eccentric_")
    out["hold"] = (rep["peak_end_tick"] - rep["peak_start_tick"]) * DT
    if previous_end is not None:
        out["bottom"] = (rep["start_tick"] - previous_end) * DT
    steps = np.diff(whole.tick) * DT
    out["time_under_tension"] = float(np.sum(steps[(whole.f > 0.5 * whole.target)[1:]]))
    out["rendered_ratio"] = np.mean(down.middle().f) / np.mean(up.middle().f)
    actual = (out["concentric_duration"], out["hold"], out["eccentric_duration"], out.get("bottom"))
    errors = [abs(a - p) / p for a, p in zip(actual, tempo) if p > 0 and a is not None]
    out["tempo_error"] = 100.0 * np.mean(errors)
    carried = np.nonzero(up.f >= 0.98 * up.target)[0][-1]  # no programmed inertia in this program
    out["velocity_propulsive"] = abs(up.x[carried] - up.x[0]) / ((up.tick[carried] - up.tick[0]) * DT)
    v = down.middle().v
    out["eccentric_control"] = 100.0 * np.std(v) / abs(np.mean(v))
    return out


def set_metrics(reps):
    full = [rep for rep in reps if rep["kind"] == "full"]
    counted = [rep for rep in reps if rep["kind"] != "rejected"]

    def column(key, of=full):
        return np.array([rep["metrics"][key]["value"] for rep in of
                         if rep["metrics"][key]["value"] is not None])
    velocity, force = column("concentric_velocity_mean"), column("concentric_force_mean_distance")
    n = len(full)
    out = {
        "velocity_best": np.max(velocity),
        "velocity_loss": 100.0 * (np.max(velocity) - velocity[-1]) / np.max(velocity),
        "force_concentric_mean": np.mean(column("concentric_force_mean_time")),
        "force_eccentric_mean": np.mean(column("eccentric_force_mean_time")),
        "rendered_ratio_mean": np.mean(column("rendered_ratio")),
        "range_mean": np.mean(column("range")),
        "velocity_mean": np.mean(velocity),
        "work_total": np.sum(column("concentric_work", counted)) + np.sum(column("eccentric_work", counted)),
        "time_under_tension_total": np.sum(column("time_under_tension", counted)),
        "tempo_error_mean": np.mean(column("tempo_error")),
    }
    if n <= 10:
        out |= {"one_rm_epley": np.mean(force) * (1 + n / 30), "one_rm_brzycki": np.mean(force) * 36 / (37 - n),
                "one_rm_lombardi": np.mean(force) * n ** 0.1}
    return out


def isometric_metrics(recording):
    """Onset by the definition, on windows of 0.2 s from the start; efforts by the threshold alone."""
    f = recording.f
    peaks, means, rates = [], [], {100: [], 200: []}
    above = f > 12.0 + 8.0  # pretension and floor of this script; for finding the efforts only
    starts = [i for i in range(1, len(f)) if above[i] and not above[i - 1] and np.all(above[i:i + 50])]
    for start in starts:
        end = start
        while not np.all(~above[end:end + 200]):
            end += 1
        quiet = f[start - 500:start - 60]
        baseline, deviation = np.mean(quiet), np.std(quiet)
        onset = start
        while f[onset] > baseline + max(deviation, 0.25):
            onset -= 1
        tenth = (end - 1 - onset) // 10
        peaks.append(np.max(f[onset:end]) - baseline)
        means.append(np.mean(f[onset + tenth:end - tenth]) - baseline)
        for ms, values in rates.items():
            values.append((f[onset + ms] - max(f[onset], baseline)) / (1e-3 * ms))
    return {"isometric_peak": max(peaks), "isometric_mean": np.mean(means),
            "isometric_rfd_100": max(rates[100]), "isometric_rfd_200": max(rates[200]),
            "isometric_variation": 100.0 * np.std(peaks, ddof=1) / np.mean(peaks)}


class Exported(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        subprocess.run([os.path.join(BINARY, "tests.d", "session_exporter"), cls.folder.name, SOURCE,
                        os.path.join(BINARY, "plugins.d")], check=True)
        cls.session = cls.load("session.json")
        cls.recordings = {s["id"]: cls.samples(s["id"]) for s in cls.session["sets"]}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def load(cls, name):
        with open(os.path.join(cls.folder.name, name), encoding="utf-8") as file:
            return json.load(file)

    @classmethod
    def samples(cls, set_id):
        return Recording(os.path.join(cls.folder.name, f"samples-{set_id}.csv"))

    def repetitions(self):
        for a_set in self.session["sets"]:
            previous_end = None
            tempo = [float(part) for part in a_set["tempo"].split("-")]
            for rep in a_set["reps"]:
                if rep["kind"] != "rejected":
                    yield a_set, rep, repetition_metrics(self.recordings[a_set["id"]], rep, previous_end, tempo)
                    previous_end = rep["end_tick"]

    def compare(self, where, exported, expected, allowed=tolerance):
        for key, value in expected.items():
            self.assertIsNotNone(exported[key]["value"], f"{where} {key}")
            relative, absolute = allowed(key)
            error = abs(exported[key]["value"] - value)
            self.worst[key] = max(self.worst.get(key, 0.0), error)
            self.assertLessEqual(error, absolute + relative * abs(value),
                                 f"{where} {key}: exported {exported[key]['value']}, here {value}")

    def setUp(self):
        self.worst = {}

    def test_every_value_of_every_repetition(self):
        count = 0
        keys = set()
        for a_set, rep, expected in self.repetitions():
            self.compare(f"set {a_set['index']} repetition {rep['index']}", rep["metrics"], expected)
            count += 1
            keys |= set(expected)
            # Range and its angle: see below. Nothing else is left out.
            left_out = set(rep["metrics"]) - set(expected)
            self.assertLessEqual(left_out, {"range", "range_hip", "bottom", "pelvic_drop"})
            self.assertIsNone(rep["metrics"]["pelvic_drop"]["value"], "this machine has no sensor for it")
        self.assertEqual(count, 16)
        for key in sorted(k for k in self.worst if self.worst[k] > 1e-12):
            print(f"{key:36} worst difference {self.worst[key]:.3g}")

    def test_the_range_is_the_travel_of_the_samples(self):
        """The tracker's valleys and peaks are those of the position. A valley is where the handle last stood, which
        may be one of several within 2 mm of the lowest, or above it when the person has settled since. Where counting
        began, and with it the first valley, the exports do not say."""
        for a_set in self.session["sets"]:
            recording = self.recordings[a_set["id"]]
            peak = 0
            for rep in a_set["reps"]:
                part = recording.part(peak, rep["end_tick"])
                top = np.argmax(np.where(part.tick >= rep["start_tick"], part.x, -np.inf))
                bottom = np.min(part.x[:top])
                if peak > 0:
                    stood = part.x[np.searchsorted(part.tick, rep["start_tick"])]
                    travel = rep["metrics"]["range"]["value"]
                    self.assertLess(min(abs(travel - (part.x[top] - x)) for x in (bottom, stood)), 0.002)
                peak = part.tick[top]

    def test_the_set_as_a_whole(self):
        for a_set in self.session["sets"]:
            self.compare(f"set {a_set['index']}", a_set["metrics"],
                         set_metrics(a_set["reps"]))

    def test_left_against_right(self):
        for entry in self.session["symmetry"]:
            sides = {}
            for side in ("left", "right"):
                sides[side] = np.array([rep["metrics"][entry["metric"]]["value"] for a_set in self.session["sets"]
                                        if a_set["side"] == side for rep in a_set["reps"] if rep["kind"] == "full"])
            left, right = (np.mean(sides[s]) for s in ("left", "right"))
            errors = [np.std(sides[s], ddof=1) / math.sqrt(len(sides[s])) for s in ("left", "right")]
            # Numerical derivatives instead of the formula's.
            def index(a, b):
                return 200.0 * (b - a) / (b + a)
            h = 1e-6 * left
            slopes = ((index(left + h, right) - index(left - h, right)) / (2 * h),
                      (index(left, right + h) - index(left, right - h)) / (2 * h))
            error = math.hypot(slopes[0] * errors[0], slopes[1] * errors[1])
            self.compare(entry["metric"], entry["metrics"], {
                "symmetry_index": index(left, right),
                "limb_symmetry_index": 100.0 * min(left, right) / max(left, right),
                "minimal_detectable_change": 1.96 * math.sqrt(2.0) * error}, lambda key: (1e-6, 1e-9))
        self.assertEqual(len(self.session["symmetry"]), 6)

    def test_an_isometric_test(self):
        """Another stretch of quiet force gives another baseline: 0.3 N of noise over 200 samples is 0.02 N,
        and the noise decides the onset to a tick or two."""
        a_set = self.load("isometric.json")["sets"][0]
        expected = isometric_metrics(self.samples(a_set["id"]))
        limits = {"isometric_peak": 0.1, "isometric_mean": 0.1, "isometric_rfd_100": 0.02 * 1500,
                  "isometric_rfd_200": 0.01 * 900, "isometric_variation": 0.05}
        self.compare("isometric", a_set["metrics"], expected, lambda key: (0.0, limits[key]))
        # And against the script: 1 - exp(-t / 0.12 s) of 200 N.
        self.assertAlmostEqual(a_set["metrics"]["isometric_rfd_100"]["value"],
                               200.0 * (1 - math.exp(-0.1 / 0.12)) / 0.1, delta=0.03 * 1131)

    def test_csv_and_json_say_the_same(self):
        with open(os.path.join(self.folder.name, "session.csv"), newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        names = {name.split(" [")[0]: name for name in rows[0]}
        reps = [(a_set, rep) for a_set in self.session["sets"] for rep in a_set["reps"]]
        self.assertEqual(len(rows), len(reps))
        for row, (a_set, rep) in zip(rows, reps):
            for key, entry in rep["metrics"].items():
                self.check_cell(row[names[key]], entry["value"], key, missing_is_zero=True)
                self.check_cell(row[names[key + "_uncertainty"]], entry["uncertainty"], key)
                self.assertIn(f"[{entry['unit']}]", names[key])
            for key, entry in a_set["metrics"].items():
                self.check_cell(row[names["set_" + key]], entry["value"], key)
            versions = dict(part.split("=") for part in row["metric_versions"].split())
            self.assertEqual(versions, {k: str(e["version"]) for k, e in rep["metrics"].items()})

    def check_cell(self, cell, value, key, missing_is_zero=False):
        if value is None:
            self.assertIn(cell, ("", "0") if missing_is_zero else ("",), key)
        else:
            self.assertEqual(float(cell), value, key)

    def test_negative_controls_are_noticed(self):
        """A definition changed by a little must not pass: a hundred-thousandth of force, a tick, a bin."""
        a_set, rep, expected = next(self.repetitions())
        del a_set
        for key, wrong in (("concentric_work", expected["concentric_work"] * 1.00001),
                           ("time_under_tension", expected["time_under_tension"] + DT),
                           ("concentric_sparc", expected["concentric_sparc"] - 0.02),
                           ("eccentric_ldlj", expected["eccentric_ldlj"] + 0.05)):
            with self.assertRaises(AssertionError):
                self.compare("control", rep["metrics"], {key: wrong})


class Analytic(unittest.TestCase):
    """This file's own smoothness against the closed forms: a judge must be judged too."""

    def test_minimum_jerk(self):
        s = np.linspace(0.0, 1.0, 2001)
        speed = 0.4 / 2.0 * 30.0 * s ** 2 * (1.0 - s) ** 2
        self.assertAlmostEqual(sparc(speed), -1.402, delta=5e-4)
        self.assertAlmostEqual(ldlj(speed), -math.log(204.8), delta=3e-3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv, verbosity=2)
