#!/usr/bin/python3
"""Faults on demand while medius-sim runs: by hand, over its service, on frames and on the machine."""
import concurrent.futures
import json
import subprocess
import tempfile
import unittest

from harness import BIN, SOURCE, House, wait_for
from hil import MACHINES, Bench, probe

SCENARIO = SOURCE / "tests" / "system" / "scenarios" / "sto.json"


def sim(address, *arguments):
    return subprocess.run([BIN / "medius", "sim", *map(str, arguments), "--sim", address], capture_output=True, text=True,
                          timeout=30, check=False)


def control_of(process):
    return wait_for("the service's address", lambda: next(
        (line.rsplit(" ", 1)[1] for line in process.text().splitlines() if "faults on demand" in line), None))


class ByHand(unittest.TestCase):
    def test_a_fault_is_set_listed_seen_by_the_controller_and_cleared(self):
        with House(sim_options=["--control", "0"]) as house:
            control = control_of(house.sim)

            def released():
                status = json.loads(house.client("status", "--json").stdout.splitlines()[-1])
                return status.get("panel", {}).get("estop_released", False)

            wait_for("the panel to be seen", released)
            done = sim(control, "fault", "set", "station", "estop")
            self.assertEqual(done.returncode, 0, done.stderr)
            wait_for("the open e-stop chain to be seen", lambda: not released())
            active = json.loads(sim(control, "fault", "list", "--json").stdout)["active"]
            self.assertEqual([fault["name"] for fault in active], ["emergency stop"])
            self.assertEqual(sim(control, "fault", "clear", active[0]["id"]).returncode, 0)
            wait_for("the closed chain to be seen", released)

    def test_what_cannot_be_is_refused_with_the_reason_and_the_next_step(self):
        with House(sim_options=["--control", "0"]) as house:
            control = control_of(house.sim)
            for arguments, said in ((("set", "encoder", "melted"), "fault list"),
                                    (("set", "--row", "39"), "medius-swarm --replay"),
                                    (("set", "encoder", "stuck", "--axis", "1"), "this machine has 1"),
                                    (("clear", "77"), "no active fault has the id 77")):
                with self.subTest(arguments):
                    done = sim(control, "fault", *arguments)
                    self.assertEqual(done.returncode, 3)
                    self.assertIn(said, done.stderr)
            for _ in range(8):
                self.assertEqual(sim(control, "fault", "set", "person", "weak").returncode, 0)
            self.assertIn("the most at once", sim(control, "fault", "set", "person", "weak").stderr)
            self.assertEqual(sim(control, "fault", "clear").returncode, 0)
            self.assertEqual(sim(control, "fault", "run", SCENARIO).returncode, 0)
            self.assertEqual(sim(control, "fault", "run", "/no/such/file").returncode, 1)

    def test_a_fault_ends_by_itself_after_its_time(self):
        with House(sim_options=["--control", "0"]) as house:
            control = control_of(house.sim)
            self.assertEqual(sim(control, "fault", "set", "station", "sto", "--for", "0.2").returncode, 0)
            wait_for("the fault to end", lambda: "no fault is active" in sim(control, "fault", "list", "--active").stdout)


class Frames(unittest.TestCase):
    """On a drive at wall pace: what is wrong with a frame costs samples, never the machine, and heals."""

    def suffer(self, kind):
        with tempfile.TemporaryDirectory() as folder, \
                Bench("two-links", folder, "--control", "0", machine=MACHINES / "seated-two-links-sim.toml") as bench:
            control = json.loads(bench.sim.address)["control"]
            done = sim(control, "fault", "set", "link", kind, "--intensity", "1", "--for", "2")
            self.assertEqual(done.returncode, 0, done.stderr)
            return kind, probe(bench, 5, "--axis", "left-arm", "right-arm")[0]

    def test_frames_that_are_wrong_are_noticed_and_the_link_comes_back(self):
        wrong = ("garbage", "foreign", "reordered", "truncated", "duplicate", "intermittent", "off", "delayed")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for kind, link in pool.map(self.suffer, wrong):
                with self.subTest(kind):
                    print(f"{kind}: connects {link['connects']}, timeouts {link['timeouts']}, protocol "
                          f"{link['protocol_errors']}, closed {link['connection_errors']}", flush=True)
                    self.assertEqual(link["state"], "up", link["message"])
                    errors = sum(link[name] for name in ("timeouts", "protocol_errors", "connection_errors",
                                                         "echo_mismatches", "exceptions", "frozen_samples"))
                    if kind == "duplicate":
                        self.assertGreater(link["rounds"], 0)  # thrown away before the next request
                    else:
                        self.assertGreater(errors, 0)

    def test_without_a_fault_nothing_is_wrong(self):
        with tempfile.TemporaryDirectory() as folder, \
                Bench("two-links", folder, machine=MACHINES / "seated-two-links-sim.toml") as bench:
            link = probe(bench, 3, "--axis", "left-arm", "right-arm")[0]
        self.assertEqual((link["state"], link["protocol_errors"]), ("up", 0))


if __name__ == "__main__":
    unittest.main(verbosity=2)
