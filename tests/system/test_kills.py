#!/usr/bin/python3
"""kill -9 in mid-set: of the client, of the simulated machine, of the daemon."""
import re
import signal
import subprocess
import time
import unittest

import grpc

from harness import BIN, RESET, House, bench, stubs, wait_for

messages, services = stubs()
WORKING = messages.STATION_STATE_WORKING
FAULT = messages.STATION_STATE_FAULT
IDLE = messages.STATION_STATE_IDLE


class Kills(unittest.TestCase):
    def station(self, house):
        return house.connect()[0].GetStation(messages.GetStationRequest(name="stations/-"), timeout=5)

    def reach_repetition(self, house, reps):
        def reached():
            state = self.station(house)
            return state.state == WORKING and state.axes[0].reps_counted >= reps and state
        return wait_for(f"{reps} repetitions", reached, 90, 0.2)

    def start_client(self, house):
        return subprocess.Popen([BIN / "medius", "--address", house.daemon.address, "run", house.program],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def test_the_set_goes_on_without_its_client_and_increases_are_frozen(self):
        with House() as house:
            client = self.start_client(house)
            self.reach_repetition(house, 1)
            client.kill()
            client.wait()
            wait_for("increases to be frozen",
                     lambda: self.station(house).axes[0].increases_frozen, 10)
            state = self.reach_repetition(house, 3)
            self.assertEqual(state.state, WORKING)
            wait_for("the client's lease to run out", lambda: not self.station(house).HasField("lease"), 60)
            service = house.connect()[0]

            def more(request_id, **fields):
                return service.AdjustLoad(messages.AdjustLoadRequest(
                    header=messages.OrderHeader(request_id=request_id, **fields), load=messages.Load(load_n=64)),
                    timeout=5)

            with self.assertRaises(grpc.RpcError) as caught:
                more("while-lost")
            self.assertEqual(caught.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
            self.assertIn("frozen", caught.exception.details())
            state = self.reach_repetition(house, 5)
            self.assertAlmostEqual(state.axes[0].load_applied, 60.0, places=6)
            # It was the client's loss that froze them: once one of its name leads again the load does rise.
            name = re.search(r"(?:client|lease of) '([^']+)'", caught.exception.details())[1]
            channel = grpc.insecure_channel(house.daemon.address)
            self.addCleanup(channel.close)
            service = services.StationServiceStub(channel)
            watch = service.WatchStation(messages.WatchStationRequest(client_name=name))
            next(watch)
            leases, lease_services = stubs("lease")
            held = lease_services.LeaseServiceStub(channel).AcquireLease(leases.AcquireLeaseRequest(
                client_name=name), timeout=5).lease
            wait_for("increases to be free again", lambda: not self.station(house).axes[0].increases_frozen, 10)
            more("when-back", client_name=name, lease_epoch=held.epoch)
            wait_for("the increase", lambda: abs(self.station(house).axes[0].load_applied - 64) < 1e-6, 60)
            watch.cancel()

    def test_a_lost_machine_comes_back_fresh_but_force_only_after_the_panels_reset(self):
        # Nobody but this test presses reset.
        with House(keep_port=True, sim_options=["--no-reset"]) as house:
            wait_for("a fresh link", lambda: self.station(house).loop.link_fresh, 20)
            bench(house.sim.address, RESET, 300)
            wait_for("the power-up latch to open", lambda: self.station(house).state == IDLE, 10)
            client = self.start_client(house)
            try:
                self.reach_repetition(house, 1)
                house.sim.kill(signal.SIGKILL)
                wait_for("the fault to be seen", lambda: self.station(house).state == FAULT, 10)
                house.start_sim()
                begin = self.station(house).tick
                wait_for("a fresh link", lambda: self.station(house).loop.link_fresh, 20)
                # Ticks are the lockstep's time: a host that stalls is no late link.
                self.assertLessEqual(self.station(house).tick - begin, 2000)

                for attempt in range(5):
                    with self.assertRaises(grpc.RpcError) as caught:
                        house.connect()[0].StartSession(messages.StartSessionRequest(
                            header=messages.OrderHeader(request_id=f"too-early-{attempt}"),
                            program=f"programs/{house.program}"), timeout=5)
                    self.assertEqual(caught.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
                    state = self.station(house)
                    self.assertEqual((state.state, state.axes[0].force_output), (FAULT, 0.0))
                    time.sleep(0.3)
                bench(house.sim.address, RESET, 300)
                wait_for("the reset to be honoured", lambda: self.station(house).state == IDLE, 10)
                house.connect()[0].StartSession(messages.StartSessionRequest(
                    header=messages.OrderHeader(request_id="now"), program=f"programs/{house.program}"), timeout=5)
                self.reach_repetition(house, 1)
            finally:
                client.kill()
                client.wait()

    def test_a_simulator_that_stalls_stalls_the_session_and_does_not_end_it(self):
        with House() as house:
            client = self.start_client(house)
            try:
                self.reach_repetition(house, 1)
                house.sim.popen.send_signal(signal.SIGSTOP)  # as a busy disk does
                time.sleep(1.5)
                house.sim.popen.send_signal(signal.SIGCONT)
                self.reach_repetition(house, 2)
            finally:
                client.kill()
                client.wait()

    def test_a_killed_daemon_leaves_an_unloaded_drive_and_finds_every_acknowledged_set(self):
        from pymodbus.client import ModbusTcpClient
        with House() as house:
            client = self.start_client(house)
            wait_for("the first set to be stored", lambda: len(self.station(house).stored_sets) >= 1, 150, 0.3)
            stored = list(self.station(house).stored_sets)
            self.reach_repetition(house, 1)
            sessions = house.connect()[2]
            before = sessions.GetSet(messages.GetSetRequest(name=stored[0]), timeout=5)
            house.daemon.kill(signal.SIGKILL)
            client.wait(60)

            host, port = house.sim.address.rsplit(":", 1)
            drive = ModbusTcpClient(host, port=int(port))
            self.assertTrue(drive.connect())

            def unloaded():
                registers = drive.read_holding_registers(0x0100, 16, unit=1).registers
                torque = registers[3] - 65536 if registers[3] > 32767 else registers[3]
                return registers[11] & 0x10 and abs(torque) <= 20
            wait_for("the drive's own watchdog to unload it", unloaded, 10)
            drive.close()

            house.start_daemon()
            sessions = house.connect()[2]
            after = sessions.GetSet(messages.GetSetRequest(name=stored[0]), timeout=5)
            self.assertEqual(before.SerializeToString(deterministic=True),
                             after.SerializeToString(deterministic=True))
            session = sessions.GetSession(
                messages.GetSessionRequest(name=stored[0].rsplit("/sets/", 1)[0]), timeout=5)
            self.assertEqual(session.sets[-1].end, messages.SET_END_INTERRUPTED)


if __name__ == "__main__":
    unittest.main(verbosity=2)
