#!/usr/bin/python3
"""Drives and load cells that people buy, end to end: a set through each one's registers, on its own transport."""
import concurrent.futures
import subprocess
import tempfile
import unittest

from harness import BIN, BUILD, free_port
from hil import ACCEPTED, DEVICES, MACHINES, Bench, probe, run_set_despite_the_host, simulated

AT_ONCE = 4


class Sets(unittest.TestCase):
    def test_every_accepted_drive_runs_a_set_through_its_own_registers(self):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(run_set_despite_the_host, ACCEPTED))
        for result in results:
            with self.subTest(result["name"]):
                print(f"{result['name']}: drive at {result['links']['drive']}, host stalls {result['stalls']}, ratio "
                      f"{result['ratios']}, RMS {result['rms_percent']} %", flush=True)
                self.assertEqual(result["code"], 0, result["text"] + result["log"])
                side = result["report"]["sides"][0]
                self.assertEqual(side["reps_counted"], 2, result["text"])
                self.assertEqual(side["reps_true"], 2, "the plant saw what the controller counted")
                # Samples that a stalling host makes old freeze increases, rightly: then the way back of a repetition
                # has no more force than the way out. A wrong scale or an old word shows in every repetition.
                nearest = min(result["ratios"], key=lambda ratio: abs(ratio - 1.2))
                self.assertAlmostEqual(nearest, 1.2, delta=0.06)
        serial = [r["name"] for r in results if r["links"]["drive"].startswith("/dev/pts/")]
        self.assertEqual(sorted(serial), ["inovance-sv6xx", "kinco-fd", "nibble-packed-servo", "stepperonline-a6-rs"])


class Links(unittest.TestCase):
    def test_two_axes_on_two_links_are_seen_as_of_one_time(self):
        with tempfile.TemporaryDirectory() as folder, \
                Bench("two-links", folder, machine=MACHINES / "seated-two-links-sim.toml") as bench:
            self.assertEqual(sorted(bench.where), ["left", "right"])
            left, right = probe(bench, 3, "--axis", "left-arm", "right-arm")
        for link in (left, right):
            self.assertEqual(link["state"], "up")
            self.assertGreater(link["rounds"], 100)
            # A host that stalls may stop a device's clock for a moment, a clock in the wrong unit always stands.
            self.assertLess(4 * link["frozen_samples"], link["rounds"])
        # Stamps of different clocks would lie minutes apart; half of the ticks of a host that runs at all see less
        # than the 20 ms after which a sample unloads.
        self.assertLess(left["skew_ms_p50"], 20.0)

    def test_a_link_that_is_away_takes_only_its_own_axis(self):
        with tempfile.TemporaryDirectory() as folder, \
                Bench("two-links", folder, machine=MACHINES / "seated-two-links-sim.toml") as bench:
            bench.links[bench.links.index(f"right={bench.where['right']}")] = f"right=127.0.0.1:{free_port()}"
            left, right = probe(bench, 3, "--axis", "left-arm", "right-arm")
        self.assertEqual(left["state"], "up")
        self.assertNotEqual(right["state"], "up")
        self.assertTrue(left["fresh"])
        self.assertGreater(left["age_ms_p50"], 0.0)
        self.assertEqual(right["rounds"], 0)


class Refusals(unittest.TestCase):
    def test_drives_that_cannot_carry_force_are_refused_by_controller_and_simulator_alike(self):
        for name, reason in (("kollmorgen-akd", "no communication watchdog"), ("delta-asda-a2", "silence on the line")):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                machine = simulated(name, folder)
                common = ["--machine", machine, "--devices", DEVICES]
                daemon = subprocess.run([BIN / "mediusd", *common, "--programs", folder, "--plugins",
                                         BUILD / "plugins.d", "--data", f"{folder}/data"],
                                        capture_output=True, text=True, timeout=30, check=False)
                sim = subprocess.run([BIN / "medius-sim", *common], capture_output=True, text=True, timeout=30,
                                     check=False)
                for result in (daemon, sim):
                    self.assertEqual(result.returncode, 1)
                    self.assertIn(reason, result.stderr)
                    self.assertIn("refused for force" if name == "kollmorgen-akd" else "use a faster line",
                                  result.stderr)

    def test_a_machine_that_waits_for_its_controller_is_not_played_at_wall_pace(self):
        sim = subprocess.run([BIN / "medius-sim", "--machine", MACHINES / "cable-station-sim.toml"],
                             capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(sim.returncode, 1)
        self.assertIn("remove lockstep", sim.stderr)

    def test_a_shipped_machine_is_not_run_on_registers_that_nobody_has_verified(self):
        with tempfile.TemporaryDirectory() as folder:
            daemon = subprocess.run([BIN / "mediusd", "--machine", MACHINES / "cable-station-lexium-32m.toml",
                                     "--programs", folder, "--plugins", BUILD / "plugins.d", "--data",
                                     f"{folder}/data", "--listen", f"unix:{folder}/socket"], capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(daemon.returncode, 1)
            self.assertTrue("verified only against the simulator" in daemon.stderr or "real-time" in daemon.stderr,
                            daemon.stderr)


class Wire(unittest.TestCase):
    """Clients that share no code with us: pymodbus and mbpoll."""

    def test_a_drive_on_tcp_has_its_registers_and_no_others(self):
        from pymodbus.client import ModbusTcpClient
        with tempfile.TemporaryDirectory() as folder, Bench("mitsubishi-mr-je-c", folder) as bench:
            host, port = bench.where["drive"].rsplit(":", 1)
            client = ModbusTcpClient(host, port=int(port))
            self.assertTrue(client.connect())
            try:
                self.assertFalse(client.write_registers(0x6060, [4], slave=255).isError())
                self.assertEqual(client.read_holding_registers(0x6060, 1, slave=255).registers, [4])
                self.assertEqual(client.read_holding_registers(0x6041, 1, slave=255).registers[0] & 0x4F, 0x40)
                for answer, exception in ((client.read_holding_registers(0x6063, 1, slave=255), 2),
                                          (client.write_register(0x6060, 4, slave=255), 1),
                                          (client.read_input_registers(0x6041, 1, slave=255), 1),
                                          (client.read_holding_registers(0x6041, 1, slave=3), 11)):
                    self.assertTrue(answer.isError())
                    self.assertEqual(answer.exception_code, exception)
            finally:
                client.close()

    def test_a_load_cell_on_a_line_answers_and_units_that_are_not_there_are_silent(self):
        def poll(slave, register):
            # mbpoll counts registers from 1; libmodbus is below it, as below the controller.
            return subprocess.run(["mbpoll", "-m", "rtu", "-a", str(slave), "-b", "115200", "-P", "none", "-t", "4:hex",
                                   "-r", str(register + 1), "-c", "2", "-o", "0.5", "-1", bench.where["cell"]],
                                  capture_output=True, text=True, timeout=20, check=False)

        with tempfile.TemporaryDirectory() as folder, Bench("lexium-32m", folder) as bench:
            gross = poll(1, 7)
            self.assertEqual(gross.returncode, 0, gross.stdout + gross.stderr)
            self.assertIn("0x0000", gross.stdout, "0.1 N a count, nothing pulls: the high word comes first")
            self.assertIn("Illegal data address", poll(1, 700).stderr)
            self.assertIn("timed out", poll(2, 7).stderr)
            self.assertEqual(poll(1, 7).returncode, 0, "the line goes on")


if __name__ == "__main__":
    unittest.main(verbosity=2)
