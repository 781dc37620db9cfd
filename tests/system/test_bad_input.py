#!/usr/bin/python3
"""Bad input: one sentence with the thing, the value, the limit and the next step; nothing half-started."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

from harness import BIN, BUILD, MACHINE, SOURCE, House, Process, stubs, wait_for

messages, _ = stubs()


def command_lines():
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            pass


class BadInput(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def daemon(self, machine=MACHINE, listen="127.0.0.1:0", **kwargs):
        return subprocess.run(
            [BIN / "mediusd", "--machine", machine, "--programs", SOURCE / "programs", "--plugins",
             BUILD / "plugins.d", "--devices", SOURCE / "hal" / "devices", "--data",
             f"{self.folder.name}/data", "--listen", listen],
            capture_output=True, text=True, timeout=30, check=False, **kwargs)

    def machine(self, change):
        text = MACHINE.read_text(encoding="utf-8")
        changed = change(text)
        self.assertNotEqual(text, changed)
        path = pathlib.Path(self.folder.name) / "machine.toml"
        path.write_text(changed, encoding="utf-8")
        return path

    def refused(self, result, *words):
        print(result.stderr.strip(), file=sys.stderr)
        self.assertNotEqual(result.returncode, 0)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, "one sentence")
        self.assertFalse(pathlib.Path(self.folder.name, "data").exists(), "nothing half-started remains")
        self.assertEqual([line for line in command_lines() if self.folder.name in line], [])

    def test_a_broken_machine_file_names_file_and_place(self):
        path = self.machine(lambda text: text.replace("[machine]", "[machine", 1))
        self.refused(self.daemon(machine=path), "machine.toml", "line")

    def test_a_load_in_the_wrong_unit_names_the_right_key(self):
        path = self.machine(lambda text: text.replace("user_force_max_n", "user_force_max_nm"))
        self.refused(self.daemon(machine=path), "user_force_max_nm", "user_force_max_n")
        path = self.machine(lambda text: text.replace("user_force_max_n", "user_force_max"))
        self.refused(self.daemon(machine=path), "user_force_max")

    def test_a_missing_device_descriptor_is_named(self):
        path = self.machine(lambda text: text.replace('"canonical-drive"', '"no-such-drive"'))
        self.refused(self.daemon(machine=path), "no-such-drive")

    def test_a_machine_without_an_operator_panel_is_refused(self):
        path = self.machine(lambda text: re.sub(r'\[\[device\]\]\s*\nname = "panel".*?(?=\n\[|\Z)', "", text, flags=re.S))
        self.refused(self.daemon(machine=path), "operator panel", "add a [[device]]")

    def test_a_missing_machine_file_is_named(self):
        self.refused(self.daemon(machine="/nowhere/machine.toml"), "/nowhere/machine.toml")

    def test_a_port_in_use_is_named_with_the_next_step(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.refused(self.daemon(listen=f"127.0.0.1:{port}"), str(port))
            result = subprocess.run([BIN / "medius-sim", "--port", str(port)], capture_output=True,
                                    text=True, timeout=30, check=False)
            self.refused(result, str(port))

    def test_an_address_that_is_not_loopback_is_refused(self):
        self.refused(self.daemon(listen="0.0.0.0:0"), "0.0.0.0")

    def test_orders_with_bad_values_are_refused_and_change_nothing(self):
        import grpc
        with House() as house:
            station, _, _ = house.connect()
            header = lambda name: messages.OrderHeader(request_id=name)
            state = lambda: station.GetStation(messages.GetStationRequest(), timeout=5)
            wait_for("the station to be idle", lambda: state().state == messages.STATION_STATE_IDLE)
            before = state()

            def refused(call, request, code, *words):
                with self.assertRaises(grpc.RpcError) as caught:
                    call(request, timeout=5)
                self.assertEqual(caught.exception.code(), code, caught.exception.details())
                for word in words:
                    self.assertIn(word, caught.exception.details())
                print(caught.exception.details(), file=sys.stderr)

            refused(station.StartSession, messages.StartSessionRequest(header=header("a"), program="programs/nope"),
                    grpc.StatusCode.NOT_FOUND, "nope")
            prescription = messages.Prescription(
                exercise="cable-standing-abduction", sides=[messages.SIDE_LEFT], sets=1, reps=8,
                load=messages.Load(load_n=60), profile=messages.ProfileChoice(profile="no-such-profile"))
            refused(station.StartSet, messages.StartSetRequest(header=header("b"), prescription=prescription),
                    grpc.StatusCode.NOT_FOUND, "no-such-profile")
            prescription.profile.profile = "constant-tension"
            prescription.load.load_nm = 60  # a cable's load is in N
            refused(station.StartSet, messages.StartSetRequest(header=header("c"), prescription=prescription),
                    grpc.StatusCode.INVALID_ARGUMENT, "load_n")
            prescription.load.load_n = 9000
            refused(station.StartSet, messages.StartSetRequest(header=header("d"), prescription=prescription),
                    grpc.StatusCode.OUT_OF_RANGE, "200")
            after = state()
            self.assertEqual(after.state, before.state)
            self.assertEqual(after.version, before.version)

    @unittest.skipIf(os.geteuid() != 0, "drops root's privileges to show the difference")
    def test_without_permission_for_real_time_the_simulator_warns_and_a_real_machine_is_refused(self):
        with House() as house:
            house.daemon.end()
            # Where nobody may read: the checkout itself may lie in somebody's home.
            folder = pathlib.Path(self.folder.name)
            for source in (SOURCE / "programs", BUILD / "plugins.d", SOURCE / "hal" / "devices"):
                shutil.copytree(source, folder / source.name)
            shutil.copy2(BIN / "mediusd", folder / "mediusd")
            real = self.machine(lambda text: text.replace("simulated = true", "simulated = false")
                                .replace("lockstep = true", "lockstep = false"))
            shutil.copy2(MACHINE, folder / "simulated.toml")
            subprocess.run(["chown", "-R", "nobody", folder], check=True)

            def command(machine, data):
                return ["setpriv", "--reuid=nobody", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
                        folder / "mediusd", "--machine", machine, "--link", f"machine={house.sim.address}",
                        "--programs", folder / "programs", "--plugins", folder / "plugins.d", "--devices",
                        folder / "devices", "--data", folder / data, "--listen", "127.0.0.1:0"]

            result = subprocess.run(command(real, "data"), capture_output=True, text=True, timeout=30, check=False)
            self.refused(result, "not armed without real-time", "LimitRTPRIO")
            daemon = Process("mediusd", command(folder / "simulated.toml", "other"), house.folder, r"ready on (\S+)")
            try:
                self.assertIn("no real-time scheduling", daemon.text())
            finally:
                daemon.end()


if __name__ == "__main__":
    unittest.main(verbosity=2)
