#!/usr/bin/python3
"""What is kept, on a real daemon: the audit log, the store's copies, replay, exports and the printable report."""
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import unittest
import xml.etree.ElementTree

from harness import BIN, FAST, SOURCE, House, stubs, wait_for

sys.path.insert(0, str(SOURCE / "tests" / "record"))


def offline(*arguments):
    return subprocess.run([BIN / "medius", *map(str, arguments)], capture_output=True, text=True, check=False,
                          timeout=120)


def tamper(database, *statements):
    """Somebody else's hand in the audit table, past the triggers that guard it."""
    with sqlite3.connect(database) as connection:
        triggers = [row[0] for row in connection.execute("SELECT sql FROM sqlite_schema WHERE type='trigger'")]
        connection.execute("DROP TRIGGER audit_unchanged")
        connection.execute("DROP TRIGGER audit_undeleted")
        for statement in statements:
            connection.execute(statement)
        for trigger in triggers:
            connection.execute(trigger)
    connection.close()


class Trained(unittest.TestCase):
    """One short session, trained once for all, with orders in its first set and a refused one after it."""
    house = None

    @classmethod
    def setUpClass(cls):
        if Trained.house is None:
            Trained.train()

    @staticmethod
    def train():
        house = Trained.house = House(speed=FAST)
        house.__enter__()
        unittest.addModuleCleanup(lambda: house.__exit__(None, None, None))
        with subprocess.Popen([BIN / "medius", "--address", house.daemon.address, "--as", "Ada", "run",
                               "glute-med-short", "--client", "client-7", "--quiet"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as run:
            Trained.order(house)
            said = run.communicate(timeout=300)[0]
        assert run.returncode == 0, said
        Trained.refused = house.client("--as", "Bob", "adjust", "--load-n", 5000)
        history = json.loads(house.client("history", "--json").stdout)
        Trained.session = history["sessions"][0]["name"].split("/")[1]
        Trained.shown = json.loads(house.client("show", Trained.session, "--json").stdout)
        Trained.sets = [f"sessions/{Trained.session}/sets/{one['id']}" for one in Trained.shown["sets"]]

    @staticmethod
    def order(house):
        """Another ratio and another load, once a set is under way: before, who orders could take the lease that the
        run is about to ask for."""
        messages, _ = stubs()
        station = house.connect()[0]
        wait_for("a set to be under way", lambda: station.GetStation(messages.GetStationRequest(
            name="stations/-"), timeout=20).state == messages.STATION_STATE_WORKING, 120.0)
        for change in (("--parameter", "eccentric_ratio=1.2"), ("--load-n", 58)):
            ordered = house.client("--as", "Ada", "adjust", *change)
            assert ordered.returncode == 0, ordered.stderr

    def medius(self, *arguments, code=0):
        result = self.house.client(*arguments)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout

    def events(self, *arguments):
        return [json.loads(line) for line in self.medius("audit", "list", "--limit", 1000, "--json",
                                                         *arguments).splitlines()]


class Audit(Trained):
    def test_an_order_its_effect_and_a_refusal_are_told_with_names_and_numbers(self):
        events = wait_for("the audit", self.events)
        self.assertEqual([int(e["sequence"]) for e in events], list(range(1, len(events) + 1)))
        by = lambda action: [e for e in events if e["action"] == action]
        start = by("start_session")[0]
        self.assertEqual((start["who"], start["role"], start["kind"]), ("Ada", "local", "AUDIT_KIND_ORDER"))
        self.assertTrue(by("store_opened"))
        self.assertEqual(len(by("session_started")), 1)
        self.assertEqual(by("session_started")[0]["details"]["client"], "client-7")
        self.assertEqual(len(by("set_started")), len(self.sets))
        self.assertEqual(len(by("set_ended")), len(self.sets))
        applied = by("load_applied")
        self.assertGreaterEqual(len(applied), len(self.sets))
        self.assertEqual(applied[0]["result"], "AUDIT_RESULT_APPLIED")
        self.assertEqual(applied[0]["unit"], "N")
        self.assertGreater(applied[0]["read_back"], 0.0)
        self.assertIn(applied[0]["subject"], self.sets)
        refused = [e for e in by("adjust_load") if e["result"] == "AUDIT_RESULT_REFUSED"]
        self.assertEqual(refused[-1]["who"], "Bob")
        self.assertIn(refused[-1]["reason"], self.refused.stderr)
        self.assertTrue(refused[-1]["details"]["rule"])

    def test_pages_kinds_and_resuming_lose_and_repeat_nothing(self):
        events = self.events()
        orders = [e["sequence"] for e in events if e["kind"] == "AUDIT_KIND_ORDER"]
        self.assertEqual([e["sequence"] for e in self.events("--kind", "order")], orders)
        half = int(events[len(events) // 2]["sequence"])
        self.assertEqual([e["sequence"] for e in self.events("--after", half)],
                         [e["sequence"] for e in events if int(e["sequence"]) > half])
        self.assertEqual(self.house.client("audit", "list", "--kind", "nonsense").returncode, 2)
        watched = [json.loads(line)["sequence"] for line in self.medius(
            "audit", "watch", "--after", half, "--seconds", 2, "--json").splitlines()]
        self.assertEqual(watched[:len(events) - len(events) // 2 - 1],
                         [e["sequence"] for e in events if int(e["sequence"]) > half])

    def test_a_watch_tells_what_happens_while_it_watches(self):
        with subprocess.Popen([BIN / "medius", "--address", self.house.daemon.address, "audit", "watch", "--kind",
                               "order", "--after", "0", "--seconds", "20", "--json"], stdout=subprocess.PIPE,
                              text=True) as watch:
            first = json.loads(watch.stdout.readline())
            self.assertEqual(first["kind"], "AUDIT_KIND_ORDER")
            self.medius("--as", "Watched", "stop")
            for line in watch.stdout:
                if json.loads(line)["who"] == "Watched":
                    break
            else:
                self.fail("the stop was never told")
            watch.terminate()

    def test_python_alone_can_verify_every_hash(self):
        import hashlib
        self.medius("store", "backup", "for-the-hashes")
        with sqlite3.connect(self.house.data / "backups" / "for-the-hashes" / "station.db") as database:
            rows = database.execute("SELECT sequence, payload, before, hash FROM audit ORDER BY sequence").fetchall()
        before = bytes(32)
        self.assertGreater(len(rows), 10)
        for number, (sequence, payload, stored_before, stored) in enumerate(rows, 1):
            self.assertEqual(sequence, number)
            self.assertEqual(stored_before, before)
            text = b"medius-audit-1" + before + sequence.to_bytes(8, "little") + payload
            before = hashlib.sha256(text).digest()
            self.assertEqual(stored, before)
            json.loads(payload)


class Exports(Trained):
    def test_every_format_is_taken_by_its_own_reader(self):
        import formats_test as formats
        out = self.house.folder
        self.medius("export", self.session, "--format", "json", "--out", out / "s.json")
        self.medius("export", self.session, "--format", "csv", "--out", out / "s.csv")
        self.medius("export", self.session, "--format", "fit", "--out", out / "s.fit")
        self.medius("export", self.session, "--format", "mcap", "--out", out / "s.mcap")
        import jsonschema
        schema = json.loads((SOURCE / "controller/record/schemas/session.schema.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(json.loads((out / "s.json").read_text()))
        self.assertEqual(len((out / "s.csv").read_text().splitlines()),
                         1 + sum(len(one["reps"]) for one in self.shown["sets"]))
        if not (SOURCE / "tools/npm/node_modules/@mcap").is_dir():
            self.skipTest("no node modules: run 'npm install' in tools/npm")
        code, fit = formats.node("decode_fit.mjs", out / "s.fit")
        self.assertEqual(code, 0, fit)
        active = [m for m in fit["messages"]["setMesgs"] if m["setType"] == "active"]
        self.assertEqual([m["repetitions"] for m in active], [one["reps_counted"] for one in self.shown["sets"]])
        code, mcap = formats.node("decode_mcap.mjs", out / "s.mcap")
        self.assertEqual(code, 0, "" if isinstance(mcap, dict) else mcap)
        self.assertEqual(len(mcap["messages"]), sum(one["samples"] for one in self.shown["sets"]))


class Replay(Trained):
    def test_a_set_measured_again_is_the_same_bit_for_bit_repetitions_and_metrics(self):
        for name in self.sets:
            with self.subTest(name):
                again = json.loads(self.medius("replay", name, "--exact", "--json"))
                self.assertEqual(again["metric_changes"], 0)
                detector = again["detector"]
                self.assertEqual((detector["differences"], detector["lacking"], detector["exact"]), ([], [], True))
                self.assertEqual(detector["reps_replayed"], detector["reps_recorded"])
                self.assertEqual(detector["reps_same"], detector["reps_recorded"])
                self.assertEqual(detector["boundary_difference_ticks_max"], 0)
                self.assertEqual(detector["direction_changes_replayed"], detector["direction_changes_recorded"])
                self.assertEqual(detector["version_recorded"], detector["version"])
                self.assertGreater(again["wish"]["ticks"], 10_000)
        self.assertIn("the same, bit for bit", self.medius("replay", self.sets[0]))

    def test_the_parameters_that_were_used_are_told_from_when_to_when(self):
        def ratios(*arguments):
            told = json.loads(self.medius("replay", self.sets[0], "--json", *arguments))
            return told, [(one["source"], one["value"], one["used"]) for one in told["parameters"]
                          if one["name"] == "eccentric_ratio"]
        told, used = ratios()
        self.assertEqual(used, [("recorded", 1.3, True), ("ordered", 1.2, True)])
        ordered = [one for one in told["parameters"] if one["source"] == "ordered"][0]
        self.assertGreater(ordered["from_s"], 0.0)
        self.assertIn({"tick": ordered["from_tick"], "time_s": ordered["from_s"], "kind": "parameter",
                       "name": "eccentric_ratio", "value": 1.2}, told["orders"])
        # In force is what the loop's ramp came to, within 1e-6.
        loads = [(one["kind"], round(one["value"], 5)) for one in told["orders"] if one["kind"].startswith("load_")]
        self.assertIn(("load_requested", 58.0), loads)
        self.assertIn(("load_applied", 58.0), loads)
        # With what was ordered the profile wishes what it wished; without it something else.
        self.assertLess(told["wish"]["difference_rms"], 0.5)
        held, used = ratios("--params", "eccentric_ratio=1.3")
        self.assertEqual(used, [("asked", 1.3, True), ("ordered", 1.2, False)])
        self.assertGreater(held["wish"]["difference_rms"], 2.0 * told["wish"]["difference_rms"])
        later, used = ratios("--params", "eccentric_ratio=1.5@20")
        self.assertEqual(sorted(used), [("asked", 1.5, True), ("ordered", 1.2, True), ("recorded", 1.3, True)])
        self.assertEqual([one["from_s"] for one in later["parameters"] if one["source"] == "asked"], [20.0])
        other, _ = ratios("--profile", "constant-tension")
        self.assertEqual([one["used"] for one in other["parameters"] if one["source"] == "ordered"], [False])
        self.assertIn("as ordered during the set", self.medius("replay", self.sets[0]))

    def test_another_profile_wishes_something_else_over_the_same_motion(self):
        out = self.house.folder
        plain = json.loads(self.medius("replay", self.sets[0], "--profile", "constant-tension", "--json"))["wish"]
        self.assertAlmostEqual(plain["phases"]["eccentric"]["wish_mean"], plain["phases"]["concentric"]["wish_mean"],
                               delta=2.0)
        other = json.loads(self.medius("replay", self.sets[0], "--profile", "eccentric-emphasis", "--params",
                                       "eccentric_ratio=1.5", "--svg", out / "r.svg", "--csv", out / "r.csv",
                                       "--json"))
        phases = other["wish"]["phases"]
        self.assertAlmostEqual(phases["eccentric"]["wish_mean"] / phases["concentric"]["wish_mean"], 1.5, delta=0.12)
        self.assertGreater(other["wish"]["difference_max"], 1.0)
        self.assertEqual(xml.etree.ElementTree.parse(out / "r.svg").getroot().tag, "{http://www.w3.org/2000/svg}svg")
        lines = (out / "r.csv").read_text().splitlines()
        self.assertEqual(len(lines), 1 + other["samples"])
        self.assertIn("[N]", lines[0])

    def test_what_cannot_be_replayed_is_refused_with_the_next_step(self):
        self.assertIn("NAME=NUMBER", self.house.client("replay", self.sets[0], "--params", "nonsense").stderr)
        self.assertIn("eccentric_ratio", self.house.client("replay", self.sets[0], "--params",
                                                           "eccentric_ratio=17").stderr)
        self.assertIn("not in the store", self.house.client("replay", f"sessions/{self.session}/sets/{0:016x}").stderr)
        self.assertIn("profile", self.house.client("replay", self.sets[0], "--profile", "nonsense").stderr)
        self.assertIn("speed", self.house.client("replay", self.sets[0], "--profile", "isokinetic").stderr)


class Report(Trained):
    def test_the_page_stands_alone_and_never_diagnoses(self):
        page = self.house.folder / "report.html"
        self.medius("report", "session", self.session, "--out", page)
        html = page.read_text(encoding="utf-8")
        self.assertNotRegex(html, r"(src|href)\s*=", "nothing is fetched from elsewhere")
        self.assertNotIn("<script", html)
        self.assertIn("@media print", html)
        self.assertEqual(html.count("<svg"), 2 * len(self.sets) + 1)
        self.assertIn("Left and right", html)
        self.assertIn("least change that can be told apart", html)
        for word in ("weakness", "imbalance", "pathology", "patient", "abnormal", "dysfunction", "risk of"):
            self.assertNotIn(word, html.lower())
        for svg in re.findall(r"<svg.*?</svg>", html, re.S):
            xml.etree.ElementTree.fromstring(svg)


class Copies(unittest.TestCase):
    def test_backup_verify_restore_and_a_tampered_log(self):
        with House(speed=FAST) as house:
            run = house.client("run", "glute-med-short", "--quiet")
            self.assertEqual(run.returncode, 0, run.stderr)
            sound = house.client("store", "verify")
            self.assertEqual(sound.returncode, 0, sound.stderr)
            self.assertIn("sound", sound.stdout)
            self.assertEqual(house.client("store", "backup", "one").returncode, 0)
            self.assertEqual(house.client("store", "backup", "one").returncode, 3, "the name is taken")
            self.assertEqual(house.client("store", "backup", "../evil").returncode, 3)
            self.assertIn("backup: one", house.client("store", "status").stdout)
            copy = house.data / "backups" / "one"
            self.assertEqual(offline("store", "verify", "--backup", copy).returncode, 0)
            noted = re.search(r"newest: (\S+)", house.client("audit", "verify").stdout)[1]
            # Nothing of it works beside a daemon.
            beside = offline("store", "restore", copy, "--data", house.data)
            self.assertEqual(beside.returncode, 1)
            self.assertIn("in use by process", beside.stderr)
            history = house.client("history").stdout
            house.daemon.end()

            with self.subTest("a flipped byte"):
                kept = house.folder / "kept"
                shutil.copytree(house.data, kept)
                tamper(house.data / "station.db",
                       "UPDATE audit SET payload=CAST(substr(payload,1,20)||x'01'||substr(payload,22) AS BLOB) WHERE sequence=5")
                self.found(house, "audit row 5 ")
                self.put_back(house, kept)
            with self.subTest("a removed row"):
                tamper(house.data / "station.db", "DELETE FROM audit WHERE sequence=7")
                self.found(house, "audit rows 7 to 7 are missing")
                self.put_back(house, kept)
            with self.subTest("a shortened end"):
                with sqlite3.connect(kept / "station.db") as database:
                    last = database.execute("SELECT max(sequence) FROM audit").fetchone()[0]
                tamper(house.data / "station.db", f"DELETE FROM audit WHERE sequence>{last - 3}")
                self.found(house, f"audit rows {last - 2} to {last}")
                self.put_back(house, kept)

            house.start_daemon()
            whole = house.client("audit", "verify", "--noted", noted)
            self.assertEqual(whole.returncode, 0, whole.stderr)
            other = house.client("audit", "verify", "--noted", noted[:-1] + ("0" if noted[-1] != "0" else "1"))
            self.assertEqual(other.returncode, 1)
            house.daemon.end()

            restored = offline("store", "restore", copy, "--data", house.data)
            self.assertEqual(restored.returncode, 0, restored.stderr)
            house.start_daemon()
            self.assertEqual(house.client("history").stdout, history)
            self.assertEqual(house.client("store", "verify").returncode, 0)

    def found(self, house, sentence):
        house.start_daemon()
        verified = house.client("audit", "verify")
        house.daemon.end()
        self.assertEqual(verified.returncode, 1, verified.stdout)
        self.assertIn(sentence, verified.stderr)

    @staticmethod
    def put_back(house, kept):
        shutil.rmtree(house.data)
        shutil.copytree(kept, house.data)


if __name__ == "__main__":
    unittest.main(verbosity=2)
