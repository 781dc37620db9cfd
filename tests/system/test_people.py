#!/usr/bin/python3
"""People and plans through real processes: sessions that move a plan on, limits that hold, everything of one
person out and gone, and weeks on simulated time with what they decided in the audit."""
import csv
import json
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import grpc

from harness import BIN, BUILD, FAST, MACHINE, SOURCE, House, Process, stubs, wait_for
from test_access import Pki, channel

PLAN = """title = "Two days"
description = "A plan short enough for a test."
[plan]
weeks = 1
days_per_week = 2
test_weeks = [0]
tests = ["test-left-right"]
[[block]]
exercise = "cable-standing-abduction"
sides = ["left", "right"]
reps = [3, 5]
load_n = 40.0
tempo = "2-1-3-0"
range_target_m = 0.38
rest_s = 5.0
profile = "constant-tension"
progression = "reps-first"
"""


class PlanHouse(House):
    """A station whose programs include a plan of two days; peers with certificates are served too."""

    def __enter__(self):
        self.programs = self.folder / "programs"
        shutil.copytree(SOURCE / "programs", self.programs)
        (self.programs / "two-days.toml").write_text(PLAN, encoding="utf-8")
        self.pki = Pki(self.folder)
        self.sim = Process("medius-sim", [
            BIN / "medius-sim", "--port", 0, "--pace", "bus", *self.sim_options, "--program", self.programs / "two-days.toml",
            "--seed", 3, "--truth", self.truth], self.folder, r"listening on ([0-9.:]+)")
        self.start()
        return self

    def start(self):
        self.daemon = Process("mediusd", [
            BIN / "mediusd", "--machine", MACHINE, "--link", f"machine={self.sim.address}", "--programs",
            self.programs, "--plugins", BUILD / "plugins.d", "--data", self.data, "--listen", "127.0.0.1:0",
            "--remote", "127.0.0.1:0", "--tls", self.pki.folder], self.folder, r"ready on (\S+)")
        self.remote = self.daemon.text().split("peers with certificates on ")[1].split()[0]

    def ok(self, *arguments):
        result = self.client(*arguments)
        assert result.returncode == 0, (arguments, result.stdout, result.stderr)
        return result.stdout

    def json(self, *arguments):
        return json.loads(self.ok("--json", *arguments))


def audit_rows(store):
    """Payloads of the audit log, read by another SQLite."""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
        return [json.loads(row[0]) for row in database.execute("SELECT payload FROM audit ORDER BY sequence")]


class People(unittest.TestCase):
    def test_a_plan_from_its_first_day_to_its_erasure(self):
        with PlanHouse(speed=FAST) as house:
            house.ok("client", "add", "k7-blue", "--goal", "strength", "--body-mass", "71", "--cap", "50N")
            plan = house.json("plan", "new", "k7-blue", "two-days")["name"].split("/")[1]
            self.assertIn("test-left-right", house.ok("plan", "next", plan))
            self.import_loads(house, plan)
            run = house.client("run", "--plan", plan)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
            shown = wait_for("the plan to go on", lambda: (lambda s: s if s["days"][1:] else None)(
                house.json("plan", "show", plan)))
            day = shown["days"][-1]
            self.assertTrue(day["counted"])
            decision = day["decisions"][0]
            self.assertEqual(decision["exercise"], "cable-standing-abduction")
            self.assertEqual(decision["change"], "CHANGE_MORE_REPS", decision)
            self.assertEqual(shown["plan"]["days_done"], 1)
            self.assertIn("48 h are advised", house.ok("plan", "next", plan))
            self.over_the_limit(house)
            self.only_a_therapist_raises(house)
            # The session belongs to the client, also after a restart.
            house.daemon.end()
            house.start()
            export = json.loads(house.ok("client", "export", "k7-blue"))
            self.assertEqual([s["session"]["client_id"] for s in export["sessions"]], ["k7-blue"])
            self.assertEqual(len(export["sessions"][0]["sets"]), 2)
            self.assertEqual(export["plans"][0]["days_done"], 1)
            xml.etree.ElementTree.fromstring(self.progress(house))
            self.report(house, plan)
            self.erase(house)
            house.daemon.end()
            events = audit_rows(house.data / "station.db")
            actions = {event["action"] for event in events}
            self.assertLessEqual({"client_added", "plan_begun", "loads_read_in", "progression_applied",
                                  "client_changed", "client_erased"}, actions)
            refused = [e for e in events if e["action"] == "client_changed" and e["result"] == "refused"]
            self.assertIn("therapist", refused[0]["reason"])

    def import_loads(self, house, plan):
        table = house.folder / "earlier.csv"
        head = ["date", "exercise", "side", "load_n", "reps"]
        good = ["2025-12-01", "cable-standing-abduction", "left", "55", "8"]
        with table.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([head, good, ["2025-12-01", "nothing", "left", "55", "8"]])
        refused = house.client("plan", "import", plan, table)
        self.assertEqual(refused.returncode, 3)
        self.assertIn("row 2", refused.stderr)
        self.assertEqual(house.json("plan", "show", plan)["days"], [])
        with table.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([head, good])
        self.assertIn("40 to 50", house.ok("plan", "import", plan, table))  # 55 is above the limit

    def over_the_limit(self, house):
        """A program above the limit is refused for this client, and for nobody else."""
        refused = house.client("run", "glute-med-short", "--client", "clients/k7-blue")
        self.assertEqual(refused.returncode, 3)
        self.assertIn("the therapist's limit", refused.stderr)
        unknown = house.client("run", "glute-med-short", "--client", "clients/nobody")
        self.assertEqual(unknown.returncode, 3)
        self.assertIn("not in the store", unknown.stderr)

    def only_a_therapist_raises(self, house):
        refused = house.client("client", "set", "k7-blue", "--cap", "60N")
        self.assertEqual(refused.returncode, 3)
        self.assertIn("a therapist's decision", refused.stderr)
        house.ok("client", "set", "k7-blue", "--cap", "45N")  # more careful is free
        messages, services = stubs("people")
        request = messages.UpdateClientRequest()
        request.client.name = "clients/k7-blue"
        request.client.caps.add().load.load_n = 60.0
        request.update_mask.paths.append("caps")
        for role, code in (("trainer", grpc.StatusCode.PERMISSION_DENIED), ("therapist", None)):
            with channel(house.remote, house.pki.issue(role, role)) as open_channel:
                stub = services.ClientServiceStub(open_channel)
                if code is None:
                    self.assertEqual(stub.UpdateClient(request, timeout=20).caps[0].load.load_n, 60.0)
                    continue
                with self.assertRaises(grpc.RpcError) as refusal:
                    stub.UpdateClient(request, timeout=20)
                self.assertEqual(refusal.exception.code(), code)

    def progress(self, house):
        picture = house.folder / "progress.svg"
        text = house.ok("plan", "progress", "k7-blue", "--svg", picture)
        self.assertIn("working load of cable-standing-abduction", text)
        self.assertIn("right against left", text)
        return picture.read_text(encoding="utf-8")

    def report(self, house, plan):
        """A page of the plan that stands alone, prints, and names nobody and no illness."""
        page = house.folder / "plan.html"
        self.assertIn("1 of 2 days", house.ok("report", "plan", plan, "--out", page))
        html = page.read_text(encoding="utf-8")
        self.assertNotRegex(html, r"(src|href)\s*=", "nothing is fetched from elsewhere")
        self.assertNotIn("<script", html)
        self.assertIn("@media print", html)
        for svg in re.findall(r"<svg.*?</svg>", html, re.S):
            xml.etree.ElementTree.fromstring(svg)
        self.assertGreaterEqual(html.count("<svg"), 3, "load, repetitions, right against left")
        text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", html)
        for words in ("k7-blue", "two-days", "1 of 2 days done", "Weeks and days", "due next", "more repetitions",
                      "test-left-right due", "Tests at weeks 0", "Right against left", "no diagnosis",
                      "A therapist&#39;s limits"):
            self.assertIn(words, text)
        for word in ("weakness", "imbalance", "pathology", "patient", "abnormal", "dysfunction", "risk of"):
            self.assertNotIn(word, text.lower())
        self.assertNotIn("71", re.sub(r"[0-9a-f]{16}|\d\d\d\d-\d\d-\d\d", "", self.heading(html)))
        nobody = house.client("report", "plan", "0" * 16, "--out", page)
        self.assertEqual(nobody.returncode, 3)
        self.assertIn("not in the store", nobody.stderr)
        nowhere = house.client("report", "plan", plan, "--out", house.folder / "no" / "where.html")
        self.assertEqual(nowhere.returncode, 1)
        self.assertIn("where.html", nowhere.stderr)

    def heading(self, html):
        return html.split("</h1>")[1].split("<h2>")[0]

    def erase(self, house):
        refused = house.client("client", "erase", "k7-blue")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("nothing was erased", refused.stderr)
        self.assertIn("1 sessions, 2 sets", house.ok("client", "erase", "k7-blue", "--yes"))
        self.assertEqual(house.client("client", "show", "k7-blue").returncode, 3)
        self.assertIn("no sessions yet", house.ok("history"))
        self.assertEqual(house.json("plan", "list")["plans"], [])

    def test_reflection_alone_finds_the_machine_and_its_faults(self):
        with PlanHouse(speed=FAST) as house:
            messages, services = stubs("machine")
            with grpc.insecure_channel(house.daemon.address) as open_channel:
                stub = services.MachineServiceStub(open_channel)
                machine = stub.ListMachines(messages.ListMachinesRequest(parent="stations/-"), timeout=20).machines[0]
                self.assertEqual(machine.axes[0].force_max, 600.0)
                kinds = stub.ListFaultKinds(
                    messages.ListFaultKindsRequest(parent="stations/-", page_size=100), timeout=20).faults
                self.assertIn("estop", {kind.name for kind in kinds})
                self.assertTrue(all(kind.next_step for kind in kinds))
            self.assertIn("pelvis", house.ok("machine"))


class Weeks(unittest.TestCase):
    """The short form of: medius simulate glute-med-strength --weeks 8 --load-cap-n 61 --data DIR."""

    def test_weeks_are_decided_by_the_station_and_the_limit_is_in_the_audit(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder) / "plan"
            done = subprocess.run(
                [BIN / "medius", "simulate", "runner-hip-stability", "--weeks", "2", "--load-cap-n", "41",
                 "--programs", SOURCE / "programs", "--data", data, "--json"],
                capture_output=True, text=True, timeout=800, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads(done.stdout)
            self.assertEqual(len(report["sessions"]), 4)
            events = [e for e in audit_rows(data / "cable" / "station.db") if e["kind"] == "progression"]
            decisions = [e for session in report["sessions"] for e in session["exercises"]]
            applied = [d for d in decisions if d["change"] != "hold"]
            self.assertTrue(applied)
            self.assertEqual(sum(e["action"] == "progression_applied" for e in events), len(applied))
            self.assertEqual(sum(e["result"] == "refused" for e in events),
                             sum(d["refused"] for d in decisions))

    def test_a_lever_machine_alone_carries_out_its_share(self):
        done = subprocess.run(
            [BIN / "medius", "simulate", "upper-glute-hypertrophy", "--weeks", "1", "--machine", "seated",
             "--programs", SOURCE / "programs", "--json"], capture_output=True, text=True, timeout=800, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        for session in report["sessions"]:
            self.assertEqual({e["exercise"] for e in session["exercises"] if e["sets"] and e["load"] > 0},
                             {"seated-abduction"})


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
