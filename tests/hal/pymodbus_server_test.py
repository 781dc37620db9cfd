"""The HAL against servers nobody here wrote: pymodbus with the canonical map, and medius-sim being killed."""
import asyncio
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import simulated_station as sim  # noqa: E402
from harness import BIN, BUILD, MACHINE, SOURCE, Process  # noqa: E402


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PymodbusDevice:
    """A pymodbus server with the canonical map: it echoes, keeps limits, and its clock runs."""

    def __init__(self, echo=True, rated_mn=341000, limits=True):
        from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock

        class DriveBlock(ModbusSparseDataBlock):
            def setValues(self, address, values, *args, **kwargs):
                super().setValues(address, values, *args, **kwargs)
                written = self.values
                if echo:
                    written[0x100] = written[0]
                written[0x102] = written[2]
                if limits:
                    written[0x124], written[0x125], written[0x126] = written[4], written[5], written[7]

            def getValues(self, address, count=1):
                now = time.monotonic_ns() // 1000 & 0xFFFFFFFF
                self.values[0x10E], self.values[0x10F] = now >> 16, now & 0xFFFF
                return super().getValues(address, count)

        class PanelBlock(ModbusSparseDataBlock):
            def setValues(self, address, values, *args, **kwargs):
                super().setValues(address, values, *args, **kwargs)
                self.values[0x11] = 0b11 if self.values[0] == 1 else 0b01
                self.values[0x12] = self.values[1]

        drive = {address: 0 for block in (range(0, 11), range(0x100, 0x110), range(0x120, 0x128)) for address in block}
        drive[0x101] = 0x0250  # switch on disabled, voltage enabled, remote
        drive[0x104], drive[0x105] = 0xFFFE, 0x7960  # -100000 um
        drive[0x108], drive[0x109] = 0, 12345  # 12.345 N
        drive[0x120], drive[0x121], drive[0x122] = 2, rated_mn >> 16, rated_mn & 0xFFFF
        panel = {0: 0, 1: 0, 0x10: 0b0010, 0x11: 0b01, 0x12: 0}
        slaves = {1: ModbusSlaveContext(hr=DriveBlock(drive), zero_mode=True),
                  2: ModbusSlaveContext(hr=PanelBlock(panel), zero_mode=True)}
        self.context = ModbusServerContext(slaves=slaves, single=False)
        self.port = free_port()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        from pymodbus.server.async_io import ModbusTcpServer

        async def serve():
            server = ModbusTcpServer(self.context, address=("127.0.0.1", self.port), allow_reuse_address=True)
            await server.serve_forever()

        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(serve())
        except (RuntimeError, asyncio.CancelledError):
            pass

    def __enter__(self):
        self.thread.start()

        def listening():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        sim.wait_for("the pymodbus server", listening)
        return self

    def __exit__(self, *exception):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


class PymodbusServer(unittest.TestCase):
    def check_accepted(self, *arguments):
        with PymodbusDevice() as device:
            seen = sim.probe(device.address, *arguments, ticks=600)
        self.assertEqual(seen["state"], "up", seen["message"])
        self.assertEqual(seen["warnings"], [])
        self.assertTrue(seen["fresh"])
        self.assertTrue(seen["panel_fresh"])
        self.assertTrue(seen["relay_closed"])
        self.assertGreater(seen["rounds"], 50)
        self.assertEqual(seen["echo_mismatches"], 0)
        self.assertAlmostEqual(seen["position"], -0.1, places=9)
        self.assertAlmostEqual(seen["load_cell"], 12.345, places=9)
        self.assertEqual(seen["drive_state"], "switch on disabled")
        self.assertEqual(seen["mode"], 10)
        self.assertAlmostEqual(seen["force_limit"], 600.0, delta=0.5)

    def test_is_accepted_at_wall_pace(self):
        self.check_accepted("--wall")

    def test_is_accepted_in_lockstep(self):
        self.check_accepted()

    def test_without_an_echo_no_sample_is_trusted(self):
        with PymodbusDevice(echo=False) as device:
            seen = sim.probe(device.address, "--wall", ticks=400)
        self.assertFalse(seen["fresh"])
        self.assertGreater(seen["echo_mismatches"], 0)

    def test_of_another_rating_is_refused_with_both_numbers(self):
        with PymodbusDevice(rated_mn=170000) as device:
            seen = sim.probe(device.address, "--wall", ticks=400)
        self.assertEqual(seen["state"], "refused")
        self.assertIn("rated 170.0 N, the machine file says 341.0", seen["message"])

    def test_that_keeps_no_limits_is_never_trusted_with_force(self):
        with PymodbusDevice(limits=False) as device:
            seen = sim.probe(device.address, "--wall", ticks=400)
        # The torque limit reads back as zero, so there is none to pull with; speed limit and watchdog are missing.
        self.assertEqual(seen["force_limit"], 0.0)
        self.assertEqual(len(seen["warnings"]), 2)


class Daemon(unittest.TestCase):
    def test_mediusd_accepts_it_as_far_as_its_map_goes_and_arms_nothing(self):
        with PymodbusDevice() as device, tempfile.TemporaryDirectory() as folder:
            daemon = Process("mediusd", [
                BIN / "mediusd", "--machine", MACHINE, "--link", f"machine={device.address}", "--programs",
                SOURCE / "programs", "--plugins", BUILD / "plugins.d", "--data", f"{folder}/data",
                "--listen", "127.0.0.1:0"], folder, r"ready on (\S+)")
            try:
                def status():
                    result = subprocess.run([BIN / "medius", "--address", daemon.address, "status", "--json"],
                                            capture_output=True, text=True, timeout=20, check=False)
                    return json.loads(result.stdout) if result.returncode == 0 else None

                state = sim.wait_for("a fresh link", lambda: (now := status()) and now["loop"].get("link_fresh") and now)
                self.assertAlmostEqual(state["axes"][0]["force_measured"], 12.345, places=3)
                # Its panel's reset never comes, so nothing is armed.
                self.assertIn("power-up", json.dumps(state))
                run = subprocess.run([BIN / "medius", "--address", daemon.address, "run", "glute-med-short",
                                      "--wait", "1"], capture_output=True, text=True, timeout=60, check=False)
                self.assertNotEqual(run.returncode, 0)
                self.assertIn("press the reset button", run.stdout + run.stderr)
            finally:
                daemon.end()


class MediusSimRestart(unittest.TestCase):
    def test_the_link_is_fresh_again_after_kill_and_restart(self):
        for pace in ("bus", "wall"):
            with self.subTest(pace=pace):
                first = sim.Simulator("--pace", pace)
                extra = ["--wall"] if pace == "wall" else []
                probe = sim.start_probe(first.address, "--enable", *extra, ticks=6000)
                with first.client() as client:
                    sim.wait_for("rounds", lambda: client.read_holding_registers(
                        sim.READ_BLOCK, 1, unit=sim.DRIVE).registers[0] > 100)
                first.kill()
                first.process.stdout.close()
                time.sleep(0.3)
                with sim.Simulator("--pace", pace, port=first.port):
                    seen = sim.probe_result(probe)
                self.assertEqual(seen["state"], "up", seen["message"])
                self.assertTrue(seen["fresh"])
                self.assertEqual(seen["epoch"], 2)
                self.assertEqual(seen["drive_state"], "operation enabled")
                # 6000 ticks, less the 0.3 s without a machine and at most 2 s until fresh again.
                self.assertGreater(seen["fresh_ticks"], 6000 - 2300 - 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
