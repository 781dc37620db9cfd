#!/usr/bin/python3
"""Drives and load cells that people buy, end to end: a set through each one's registers, on its own transport."""
import concurrent.futures
import subprocess
import tempfile
import unittest

from harness import BIN, BUILD
from hil import ACCEPTED, DEVICES, MACHINES, Bench, run_set_despite_the_host, simulated

AT_ONCE = 4


class Sets(unittest.TestCase):
    def test_every_accepted_drive_runs_a_set_through_its_own_registers(self):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(run_set_despite_the_host, ACCEPTED))
        for result in results:
            with self.subTest(result["name"]):
                print(f"{result['name']}: {result['links']}, host stalls {result['stalls']}", flush=True)
                self.assertEqual(result["code"], 0, result["text"] + result["log"])
                side = result["report"]["sides"][0]
                self.assertEqual(side["reps_counted"], 2, result["text"])
                self.assertEqual(side["reps_true"], 2, "the plant saw what the controller counted")
                self.assertAlmostEqual(side["rendered_ratio"], 1.2, delta=0.06)
        serial = [r["name"] for r in results if r["links"]["drive"].startswith("/dev/pts/")]
        self.assertEqual(sorted(serial), ["inovance-sv6xx", "kinco-fd", "nibble-packed-servo", "stepperonline-a6-rs"])


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

    def test_a_shipped_machine_is_not_run_on_registers_that_nobody_has_verified(self):
        with tempfile.TemporaryDirectory() as folder:
            daemon = subprocess.run([BIN / "mediusd", "--machine", MACHINES / "cable-station-lexium-32m.toml",
                                     "--programs", folder, "--plugins", BUILD / "plugins.d", "--data",
                                     f"{folder}/data"], capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(daemon.returncode, 1)


class Wire(unittest.TestCase):
    """pymodbus, which shares no code with us, as the client of the devices."""

    def test_a_drive_on_tcp_has_its_registers_and_no_others(self):
        from pymodbus.client import ModbusTcpClient
        with tempfile.TemporaryDirectory() as folder, Bench("mitsubishi-mr-je-c", folder) as bench:
            host, port = bench.where["drive"].rsplit(":", 1)
            client = ModbusTcpClient(host, port=int(port))
            self.assertTrue(client.connect())
            try:
                self.assertFalse(client.write_registers(0x6060, [4], unit=255).isError())
                self.assertEqual(client.read_holding_registers(0x6060, 1, unit=255).registers, [4])
                self.assertEqual(client.read_holding_registers(0x6041, 1, unit=255).registers[0] & 0x4F, 0x40)
                for answer, exception in ((client.read_holding_registers(0x6063, 1, unit=255), 2),
                                          (client.write_register(0x6060, 4, unit=255), 1),
                                          (client.read_input_registers(0x6041, 1, unit=255), 1),
                                          (client.read_holding_registers(0x6041, 1, unit=3), 11)):
                    self.assertTrue(answer.isError())
                    self.assertEqual(answer.exception_code, exception)
            finally:
                client.close()

    def test_a_load_cell_on_a_line_answers_fc3_only_and_silence_is_the_answer_of_a_unit_that_is_not_there(self):
        from pymodbus.client import ModbusSerialClient
        with tempfile.TemporaryDirectory() as folder, Bench("lexium-32m", folder) as bench:
            client = ModbusSerialClient(port=bench.where["cell"], baudrate=115200, parity="N", timeout=0.5,
                                        retries=0)
            self.assertTrue(client.connect())
            try:
                gross = client.read_holding_registers(7, 2, unit=1)
                self.assertFalse(gross.isError())
                self.assertLess(gross.registers[0] << 16 | gross.registers[1], 100, "0.1 N a count, nothing pulls")
                self.assertEqual(client.write_register(5, 99, unit=1).exception_code, 1, "the EEPROM command")
                self.assertTrue(client.read_holding_registers(7, 2, unit=2).isError())
                self.assertFalse(client.read_holding_registers(7, 2, unit=1).isError(), "the line goes on")
            finally:
                client.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
