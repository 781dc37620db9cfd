#!/usr/bin/python3
"""Every export format read by somebody else's program: Garmin's FIT SDK, @mcap/core, protobuf's own Python, a
JSON Schema validator, Python's csv. The values are compared with what went in, bit for bit."""
import base64
import csv
import json
import math
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["MEDIUS_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["MEDIUS_BINARY_DIR"])
NPM = SOURCE / "tools" / "npm"
FIT_EPOCH_S = 631065600


def bits(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def node(script, path):
    """(exit code, decoded) of one of our readers."""
    result = subprocess.run(["node", NPM / script, path], capture_output=True, text=True, check=False, timeout=120)
    return result.returncode, json.loads(result.stdout) if result.stdout.startswith("{") else result.stderr


def needs_npm(test):
    return unittest.skipUnless(shutil.which("node") and (NPM / "node_modules" / "@mcap").is_dir(),
                               "no node modules: run 'npm install' in tools/npm")(test)


class Exported(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.place.cleanup)
        cls.folder = pathlib.Path(cls.place.name)
        subprocess.run([BUILD / "tests.d" / "record_exporter", cls.folder, "7"], check=True, timeout=120)
        cls.expected = json.loads((cls.folder / "expected.json").read_text())


class Fit(Exported):
    @needs_npm
    def test_garmins_own_sdk_takes_the_file_and_finds_what_went_in(self):
        code, decoded = node("decode_fit.mjs", self.folder / "session.fit")
        self.assertEqual(code, 0, decoded)
        self.assertTrue(decoded["integrity"])
        messages = decoded["messages"]
        self.assertEqual(messages["fileIdMesgs"][0]["type"], "activity")
        self.assertEqual(messages["sessionMesgs"][0]["sport"], "training")
        self.assertEqual(messages["sessionMesgs"][0]["subSport"], "strengthTraining")
        self.assertEqual(len(messages["activityMesgs"]), 1)
        active = [m for m in messages["setMesgs"] if m["setType"] == "active"]
        rests = [m for m in messages["setMesgs"] if m["setType"] == "rest"]
        self.assertEqual(len(active), len(self.expected["sets"]) + 1)
        self.assertEqual(len(rests), len(active) - 1)
        self.assertEqual([m["messageIndex"] for m in messages["setMesgs"]], list(range(len(messages["setMesgs"]))))
        fields = {m["fieldDefinitionNumber"]: m for m in messages["fieldDescriptionMesgs"]}
        self.assertEqual([fields[n]["fieldName"] for n in range(4)], ["load", "load_moment", "side", "partial_reps"])
        for want, got in zip(self.expected["sets"], active):
            self.assertEqual(got["repetitions"], want["reps"])
            self.assertAlmostEqual(got["duration"], (want["end_unix_ns"] - want["start_unix_ns"]) / 1e9, places=3)
            self.assertEqual(self.unix_s(got["startTime"]), want["start_unix_ns"] // 10**9)
            own = got["developerFields"]
            self.assertEqual(own["1" if want["lever"] else "0"], want["load_end"])
            self.assertEqual(own["2"], want["side"])
            self.assertEqual(own["3"], want["partial"])
            if want["lever"]:
                self.assertNotIn("weight", got, "a moment is no weight")
            else:
                self.assertAlmostEqual(got["weight"], want["load_end"] / 9.80665, delta=1 / 32)
        self.assertEqual(active[0]["category"], ["hipStability"])
        self.assertEqual(active[-1]["repetitions"], 11)
        names = {m["wktStepName"]: (m["exerciseCategory"], m.get("exerciseName")) for m in messages["exerciseTitleMesgs"]}
        self.assertEqual(names["cable-standing-abduction"], ("hipStability", 27))
        self.assertEqual(names["clamshell"], ("hipRaise", 44))

    @needs_npm
    def test_garmins_own_sdk_refuses_the_file_with_any_byte_changed(self):
        good = (self.folder / "session.fit").read_bytes()
        for at in (14, len(good) // 2, len(good) - 3, len(good) - 1):
            bad = bytearray(good)
            bad[at] ^= 0x10
            (self.folder / "bad.fit").write_bytes(bad)
            self.assertNotEqual(node("decode_fit.mjs", self.folder / "bad.fit")[0], 0, at)

    @staticmethod
    def unix_s(text):
        from datetime import datetime
        return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


class Mcap(Exported):
    @needs_npm
    def test_foxgloves_own_reader_finds_every_sample_by_the_index_and_no_bit_differs(self):
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
        code, decoded = node("decode_mcap.mjs", self.folder / "samples.mcap")
        self.assertEqual(code, 0, decoded if isinstance(decoded, str) else "")
        self.assertTrue(decoded["done"])
        self.assertEqual(len(decoded["messages"]), len(self.expected["samples"]))
        self.assertEqual(decoded["seen"]["MessageIndex"], decoded["statistics"]["chunkCount"])
        self.assertEqual([c["topic"] for c in decoded["channels"]], ["/medius/left/axis0", "/medius/right/axis0"])
        self.assertEqual([entry["side"] for _, entry in decoded["metadata"]], ["left", "right"])
        self.assertEqual(decoded["metadata"][0][1]["force_unit"], "N")
        schema = decoded["schemas"][0]
        files = descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(schema["data"]))
        pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            pool.Add(file)
        descriptor = pool.FindMessageTypeByName(schema["name"])
        get = getattr(message_factory, "GetMessageClass", None)
        kind = get(descriptor) if get else message_factory.MessageFactory(pool).GetPrototype(descriptor)
        doubles = [f.name for f in descriptor.fields if f.type == f.TYPE_DOUBLE]
        for want, time_ns, (_, _, log_time, data) in zip(self.expected["samples"], self.expected["times"],
                                                        decoded["messages"]):
            sample = kind.FromString(base64.b64decode(data))
            self.assertEqual(int(log_time), time_ns)
            self.assertEqual([str(bits(getattr(sample, name))) for name in doubles], want["doubles"])
            for name in ("tick", "phase", "load_state", "reaction", "limits", "fault", "drive_age_ns", "late_ns",
                         "missed"):
                self.assertEqual(getattr(sample, name), want[name], name)

    @needs_npm
    def test_a_file_without_samples_is_still_one(self):
        code, decoded = node("decode_mcap.mjs", self.folder / "empty.mcap")
        self.assertEqual(code, 0, decoded)
        self.assertEqual(decoded["messages"], [])

    @needs_npm
    def test_foxgloves_own_reader_refuses_the_file_with_any_byte_changed(self):
        good = (self.folder / "samples.mcap").read_bytes()
        for at in (3, 20, len(good) // 3, len(good) // 2, len(good) - 40):
            bad = bytearray(good)
            bad[at] ^= 0x10
            (self.folder / "bad.mcap").write_bytes(bad)
            self.assertNotEqual(node("decode_mcap.mjs", self.folder / "bad.mcap")[0], 0, at)


class JsonFile(Exported):
    def test_it_is_as_its_published_schema_says(self):
        import jsonschema
        schema = json.loads((SOURCE / "controller" / "record" / "schemas" / "session.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        document = json.loads((self.folder / "session.json").read_text(encoding="utf-8"))
        self.assertEqual([error.message for error in validator.iter_errors(document)], [])
        self.assertEqual([s["load_end"] for s in document["sets"]], [s["load_end"] for s in self.expected["sets"]])
        # A control: what is not as it says is found.
        for spoil in (lambda d: d["sets"][0].pop("side"), lambda d: d["sets"][0].update(side="up"),
                      lambda d: d.update(format_version=2), lambda d: d["session"].update(id="x")):
            copy = json.loads(json.dumps(document))
            spoil(copy)
            self.assertFalse(validator.is_valid(copy))


class Csv(Exported):
    def rows(self, name):
        raw = (self.folder / name).read_bytes()
        self.assertFalse(raw.startswith(b"\xef\xbb\xbf"))
        text = raw.decode("utf-8")
        self.assertTrue(text.endswith("\n"))
        with open(self.folder / name, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, strict=True))
        self.assertEqual({len(row) for row in rows}, {len(rows[0])}, "a table has one width")
        self.assertEqual(len(set(rows[0])), len(rows[0]), "a column's name is its own")
        return rows

    def test_a_spreadsheet_reads_repetitions_with_units_in_the_header(self):
        rows = self.rows("reps.csv")
        unit = re.compile(r"^[a-z0-9_]+ \[[^\]]+\]$")
        plain = re.compile(r"^[a-z0-9_]+$")
        self.assertEqual([name for name in rows[0] if not unit.match(name) and not plain.match(name)], [])
        for name in ("range [m]", "load_end [N]", "concentric_work [J]", "concentric_velocity_mean [m/s]"):
            self.assertIn(name, rows[0])
        # Whatever has a unit is a number or empty.
        for row in rows[1:]:
            for name, value in zip(rows[0], row):
                if unit.match(name) and value:
                    self.assertRegex(value, r"^-?[0-9]", name)
                    float(value)
        at = rows[0].index("range [m]")
        want = [int(b) for b in self.expected["rep_ranges"]]
        for b, row in zip(want, rows[1:]):
            value = struct.unpack("<d", struct.pack("<Q", b))[0]
            self.assertEqual(row[at], "" if not math.isfinite(value) else row[at])
            if math.isfinite(value):
                self.assertEqual(bits(float(row[at])), b)

    def test_samples_come_back_bit_for_bit(self):
        rows = self.rows("samples.csv")
        at = rows[0].index("force_measured [N]")
        for want, row in zip(self.expected["samples"], rows[1:]):
            value = struct.unpack("<d", struct.pack("<Q", int(want["doubles"][2])))[0]
            self.assertEqual(row[at] == "", not math.isfinite(value))
            if row[at]:
                self.assertEqual(bits(float(row[at])), int(want["doubles"][2]))

    def test_texts_with_commas_quotes_and_lines_stay_one_field(self):
        rows = self.rows("guided.csv")
        self.assertEqual(rows[1][rows[0].index("confirmed_by")], 'Ada, "the" trainer\nof two lines')


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
