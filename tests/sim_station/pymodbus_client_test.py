"""pymodbus reads and writes medius-sim's map, and works the simulated machine with it."""
import json
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import simulated_station as sim  # noqa: E402


class Map(unittest.TestCase):
    def setUp(self):
        self.sim = sim.Simulator()
        self.addCleanup(self.sim.end)

    def read(self, client, unit, address, count):
        reply = client.read_holding_registers(address, count, unit=unit)
        self.assertFalse(reply.isError(), reply)
        return reply.registers

    def test_config_block_says_what_the_drive_is(self):
        with self.sim.client() as client:
            config = self.read(client, sim.DRIVE, sim.CONFIG, 8)
        self.assertEqual(config[0], 2)
        self.assertEqual(config[1] << 16 | config[2], 341000)
        self.assertEqual(config[3], 0)
        self.assertEqual(config[5], 1500)
        self.assertEqual(config[6], 50)

    def test_fc23_echoes_the_sequence_and_takes_the_limits(self):
        with self.sim.client() as client:
            for sequence in (1, 2, 65535, 0, 77):
                reply = client.readwrite_registers(
                    read_address=sim.READ_BLOCK, read_count=16, write_address=sim.WRITE_BLOCK,
                    write_registers=[sequence, 0, 10, 0, 880, 700, 0, 30], unit=sim.DRIVE)
                self.assertFalse(reply.isError(), reply)
                self.assertEqual(reply.registers[0], sequence)
                self.assertEqual(reply.registers[2], 10)
            config = self.read(client, sim.DRIVE, sim.CONFIG, 8)
            self.assertEqual(config[4:7], [880, 700, 30])

    def test_the_velocity_mode_is_shown_once_it_is_in_force(self):
        with self.sim.client() as client:
            for mode, target in ((9, -100000), (10, 0)):
                words = [0, 0, mode, 0, 100, 1500, 0, 200, target >> 16 & 0xFFFF, target & 0xFFFF, 440]
                self.assertFalse(client.write_registers(0, words, unit=sim.DRIVE).isError())
                self.assertEqual(self.read(client, sim.DRIVE, sim.READ_BLOCK + 2, 1), [mode])
                self.assertEqual(self.read(client, sim.DRIVE, 8, 3), words[8:])

    def test_every_function_code_it_has(self):
        with self.sim.client() as client:
            self.assertFalse(client.write_register(4, 500, unit=sim.DRIVE).isError())  # FC6
            self.assertFalse(client.write_registers(4, [600, 900], unit=sim.DRIVE).isError())  # FC16
            self.assertEqual(self.read(client, sim.DRIVE, 4, 2), [600, 900])  # FC3
            inputs = client.read_input_registers(4, 2, unit=sim.DRIVE)  # FC4
            self.assertEqual(inputs.registers, [600, 900])
            self.assertFalse(client.mask_write_register(4, 0xFF00, 0x0011, unit=sim.DRIVE).isError())  # FC22
            self.assertEqual(self.read(client, sim.DRIVE, 4, 1), [(600 & 0xFF00) | 0x11])
            self.assertFalse(client.write_coil(3, True, unit=sim.BENCH).isError())  # FC5
            self.assertFalse(client.write_coils(1, [True, False], unit=sim.BENCH).isError())  # FC15
            coils = client.read_coils(0, 6, unit=sim.BENCH).bits[:6]  # FC1
            self.assertEqual(coils, [False, True, False, True, False, False])
            bits = client.read_discrete_inputs(0, 4, unit=sim.PANEL).bits[:4]  # FC2
            self.assertEqual(bits, [False, False, True, True])  # key off, dead-man, stop

    def test_refusals_carry_the_right_exception(self):
        cases = [(lambda c: c.read_holding_registers(0x200, 1, unit=sim.DRIVE), 2),
                 (lambda c: c.read_holding_registers(0x10F, 2, unit=sim.DRIVE), 2),
                 (lambda c: c.write_register(sim.READ_BLOCK, 1, unit=sim.DRIVE), 2),
                 (lambda c: c.read_coils(0, 1, unit=sim.DRIVE), 1),
                 (lambda c: c.read_holding_registers(0, 1, unit=9), 11)]
        with self.sim.client() as client:
            for ask, code in cases:
                reply = ask(client)
                self.assertTrue(reply.isError())
                self.assertEqual(reply.exception_code, code)
            # The connection has survived them all.
            self.read(client, sim.DRIVE, sim.CONFIG, 1)

    def test_a_second_writer_is_turned_away_and_may_read(self):
        with self.sim.client() as first, self.sim.client() as second:
            self.assertFalse(first.write_register(4, 500, unit=sim.DRIVE).isError())
            reply = second.write_register(4, 900, unit=sim.DRIVE)
            self.assertTrue(reply.isError())
            self.assertEqual(reply.exception_code, 6)
            self.assertEqual(self.read(second, sim.DRIVE, 4, 1), [500])
            self.assertFalse(second.write_register(3, 1, unit=sim.BENCH).isError())

    def test_the_drive_climbs_to_operation_and_pulls(self):
        with self.sim.client() as client:
            words = {0x0250: 6, 0x0231: 7, 0x0233: 15, 0x0237: 15}
            status, sequence, seen = 0x0250, 0, set()
            for _ in range(600):
                sequence += 1
                reply = client.write_registers(0, [1, sequence], unit=sim.PANEL)
                self.assertFalse(reply.isError())
                # A watchdog of 200 ms: pymodbus is no real-time master.
                reply = client.readwrite_registers(
                    read_address=sim.READ_BLOCK, read_count=16, write_address=sim.WRITE_BLOCK,
                    write_registers=[sequence, words.get(status, 6), 10, 88, 1760, 1500, 0, 200],
                    unit=sim.DRIVE)
                # b10 target reached, b11 limit, b7 warning do not matter here.
                status = reply.registers[1] & 0x037F
                seen.add(status)
                torque = struct.unpack(">h", struct.pack(">H", reply.registers[3]))[0]
                if status == 0x0237 and torque > 70:
                    break
            self.assertTrue({0x0231, 0x0233, 0x0237} <= seen, [hex(s) for s in seen])
            self.assertGreater(torque, 70)

    def test_a_frame_that_is_not_modbus_ends_the_connection_and_nothing_else(self):
        with socket.create_connection((self.sim.host, self.sim.port), 10) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
            raw.settimeout(10)
            with self.assertRaises((ConnectionError, AssertionError)):
                assert raw.recv(100) != b""
        with self.sim.client() as client:
            self.read(client, sim.DRIVE, sim.CONFIG, 1)

    def test_bad_requests_are_answered_exactly(self):
        asked = {  # PDU -> exception
            "2b0e0100": 1, "0300000000": 3, "030000007e": 3, "1000000001ff": 3, "0500001234": 3,
            "17010000100000000810": 3}
        with socket.create_connection((self.sim.host, self.sim.port), 10) as raw:
            raw.settimeout(10)
            for transaction, (pdu, code) in enumerate(asked.items(), start=0x4000):
                body = bytes.fromhex(pdu)
                raw.sendall(struct.pack(">HHHB", transaction, 0, len(body) + 1, sim.DRIVE) + body)
                reply = raw.recv(100)
                self.assertEqual(reply, struct.pack(">HHHBBB", transaction, 0, 3, sim.DRIVE,
                                                    body[0] | 0x80, code), pdu)

    def test_connections_are_bounded(self):
        sockets = [socket.create_connection((self.sim.host, self.sim.port), 10) for _ in range(12)]
        try:
            ask = struct.pack(">HHHBBHH", 1, 0, 6, sim.DRIVE, 3, sim.CONFIG, 1)
            served = 0
            for raw in sockets:
                raw.settimeout(10)
                try:
                    raw.sendall(ask)
                    served += bool(raw.recv(100))
                except ConnectionError:
                    pass
            self.assertEqual(served, 8)
        finally:
            for raw in sockets:
                raw.close()


class Program(unittest.TestCase):
    def run_sim(self, *arguments):
        return subprocess.run([str(sim.MEDIUS_SIM), *map(str, arguments)], capture_output=True, text=True,
                              timeout=30, check=False)

    def test_a_port_in_use_is_one_sentence_with_the_next_step(self):
        with sim.Simulator() as first:
            result = self.run_sim("--port", first.port)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"cannot listen on 127.0.0.1:{first.port}", result.stderr)
        self.assertIn("choose another --port", result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1)

    def test_bad_input_is_one_sentence(self):
        with tempfile.TemporaryDirectory() as folder:
            broken = pathlib.Path(folder) / "broken.toml"
            broken.write_text("[[block]]\nreps = \n", encoding="utf-8")
            for arguments, says in ((("--program", "nowhere.toml"), "no such program"),
                                    (("--program", broken), "broken.toml:2"),
                                    (("--truth", f"{folder}/missing/t.json"), "cannot write")):
                result = self.run_sim("--port", 0, *arguments)
                self.assertEqual(result.returncode, 1)
                self.assertIn(says, result.stderr)
                self.assertEqual(result.stderr.count("\n"), 1)
        self.assertEqual(self.run_sim("--pace", "fast").returncode, 2)
        self.assertEqual(self.run_sim("--help").returncode, 0)

    def test_sigterm_ends_it_cleanly_with_its_truth_written(self):
        with tempfile.TemporaryDirectory() as folder:
            truth = pathlib.Path(folder) / "truth.json"
            simulator = sim.Simulator("--truth", truth, "--seed", 5)
            self.assertEqual(simulator.end(), 0)
            document = json.loads(truth.read_text(encoding="utf-8"))
            self.assertEqual(document["seed"], 5)
            self.assertEqual(document["sets"], [])
            header = truth.with_suffix(".csv").read_text(encoding="utf-8").splitlines()[0]
            self.assertEqual(header, "wall_ns,cmd_seq,ring_m,ring_mps,cuff_n,motor_n")

    def test_every_shipped_program_with_loads_gives_the_person_something_to_do(self):
        programs = [p for p in sorted((sim.SOURCE / "programs").glob("*.toml"))
                    if "load_n" in p.read_text(encoding="utf-8")]
        self.assertGreater(len(programs), 2)
        for program in programs:
            lever = "load_nm" in program.read_text(encoding="utf-8")
            machine = ["--machine", "seated"] if lever else []
            with sim.Simulator(*machine, "--program", program) as simulator:
                self.assertIn(program.name, simulator.ready)


class Watchdog(unittest.TestCase):
    def test_it_unloads_the_drive_when_the_writer_is_killed(self):
        with sim.Simulator("--pace", "bus") as simulator:
            probe = sim.start_probe(simulator.address, "--enable", "--force", 20, ticks=100000)

            def registers_now():
                with simulator.client() as client:
                    return client.read_holding_registers(sim.READ_BLOCK, 16, unit=sim.DRIVE).registers

            sim.wait_for("the drive to be enabled", lambda: registers_now()[1] & 0x6F == 0x27)
            probe.kill()
            probe.communicate()
            # First the unload ramp, then fault, latched.
            sim.wait_for("the watchdog's fault", lambda: registers_now()[1] & 0x4F == 0x08)
            registers = registers_now()
            self.assertTrue(registers[11] & 0x10)
            self.assertEqual(registers[10], 0x8130)


if __name__ == "__main__":
    unittest.main(verbosity=2)
