#!/usr/bin/python3
"""The guard as a real process: whoever is killed, frozen or starved, the safe-state relay opens.

Judged in ticks of the plant and by what the guard says of itself, never by the clock on the wall.
"""
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
import uuid

from harness import BIN, MACHINE, RESET, House, Process, bench, stubs, wait_for

messages, services = stubs()
WORKING = messages.STATION_STATE_WORKING

# The window is 5 ticks; the guard may be one tick behind the plant, and the beat one behind the round.
PUMP_GONE_TICKS = 5 + 2
RELAY_OPEN_TICKS = 20
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
CHANGES = re.compile(r"relay (closed|opened) at tick (\d+); last pumped at (\d+), last round at (\d+)")


class GuardedHouse(House):
    """A station whose relay needs a guard."""

    def __init__(self):
        super().__init__(sim_options=["--guard-port", "0"])
        self.name = "test-" + uuid.uuid4().hex[:8]
        self.guard = None
        self.gone = []  # processes that were killed

    def __enter__(self):
        self.start_sim()
        self.start_guard()
        self.start_daemon(extra=["--guard", self.name])
        return self

    def __exit__(self, *exception):
        if self.guard:
            if self.guard.popen.poll() is None:
                self.guard.popen.send_signal(signal.SIGCONT)
            self.guard.end()
            if exception[0]:
                print(f"--- guard\n{self.guard.text()[-3000:]}", file=sys.stderr)
        if self.daemon and self.daemon.popen.poll() is None:
            self.daemon.popen.send_signal(signal.SIGCONT)
        for process in self.gone:
            process.end()
        super().__exit__(*exception)

    def start_guard(self):
        relay = re.search(r"guard relay on (\S+)", self.sim.text())[1]
        self.guard = Process("medius-guard", [
            BIN / "medius-guard", "--machine", MACHINE, "--name", self.name, "--output", "simulated",
            "--device", relay, "--json"], self.folder, r"guarding '([^']+)'")

    def status(self):
        result = subprocess.run([BIN / "medius-guard", "--name", self.name, "--status", "--json"],
                                capture_output=True, text=True, check=False, timeout=30)
        return json.loads(result.stdout) if result.returncode == 0 else None

    def relay_changes(self):
        return [(word, int(tick), int(pumped), int(round_)) for word, tick, pumped, round_ in
                CHANGES.findall(self.sim.text())]

    def relay_closed(self):
        changes = self.relay_changes()
        return bool(changes) and changes[-1][0] == "closed"

    def opening(self):
        changes = self.relay_changes()
        return changes[-1] if changes and changes[-1][0] == "opened" else None

    def wait_armed(self):
        wait_for("the guard to hold and the relay to close",
                 lambda: self.status()["asserting"] and self.relay_closed(), 60)

    def rt_thread(self):
        tasks = f"/proc/{self.daemon.popen.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/comm", encoding="ascii") as name:
                if name.read().strip() == "medius-rt":
                    return int(task)
        raise AssertionError("no loop's thread")


class Guard(unittest.TestCase):
    def opened_by_the_guard(self, house, because):
        self.assertIsNotNone(wait_for("the relay to open", house.opening, 60))
        state = wait_for("the guard to latch", lambda: house.status()["state"] == "latched" and house.status(), 30)
        self.assertEqual(state["latched_for"], because)
        self.assertFalse(state["asserting"])
        _, opened, pumped, round_ = house.opening()
        self.assertLessEqual(pumped, round_ + PUMP_GONE_TICKS)
        self.assertLessEqual(opened, round_ + RELAY_OPEN_TICKS)

    def test_a_killed_daemon_starves_the_relay_until_it_is_started_anew_and_reset(self):
        with GuardedHouse() as house:
            house.wait_armed()
            house.daemon.kill(signal.SIGKILL)
            self.opened_by_the_guard(house, "heartbeat stopped")
            house.gone.append(house.daemon)
            # A fresh daemon alone does not close it: somebody has to press reset at the machine.
            house.start_daemon(extra=["--guard", house.name])
            state = wait_for("the guard to watch the new daemon",
                             lambda: house.status()["state"] == "watching" and house.status(), 30)
            self.assertFalse(state["asserting"])
            wait_for("its loop to have run for a second",
                     lambda: house.status()["index"] > state["index"] + 1000, 60)
            self.assertFalse(house.status()["asserting"])
            self.assertFalse(house.relay_closed())
            bench(house.sim.address, RESET, 300)
            house.wait_armed()

    def test_a_frozen_daemon_starves_the_relay_and_its_thaw_does_not_close_it(self):
        with GuardedHouse() as house:
            house.wait_armed()
            house.daemon.popen.send_signal(signal.SIGSTOP)
            self.opened_by_the_guard(house, "heartbeat stopped")
            house.daemon.popen.send_signal(signal.SIGCONT)
            station = house.connect()[0]
            def tick():
                return station.GetStation(messages.GetStationRequest(name="stations/-"), timeout=20).tick
            begin = tick()
            wait_for("the thawed loop to have run for a second", lambda: tick() > begin + 1000, 60)
            bench(house.sim.address, RESET, 300)
            begin = tick()
            wait_for("another second", lambda: tick() > begin + 1000, 60)
            self.assertEqual(house.status()["state"], "latched")
            self.assertFalse(house.relay_closed())

    def test_a_starved_loop_starves_the_relay_although_all_other_threads_run(self):
        with GuardedHouse() as house:
            house.wait_armed()
            libc = ctypes.CDLL(None, use_errno=True)
            thread = house.rt_thread()
            # Stops this one thread, as if it got no processor any more.
            if libc.ptrace(PTRACE_SEIZE, thread, None, None) != 0:
                self.skipTest(f"no permission to stop a thread: {os.strerror(ctypes.get_errno())}")
            self.assertEqual(libc.ptrace(PTRACE_INTERRUPT, thread, None, None), 0)
            try:
                os.waitpid(thread, WALL)
                self.opened_by_the_guard(house, "heartbeat stopped")
            finally:
                libc.ptrace(PTRACE_DETACH, thread, None, None)

    def test_a_dead_guard_lets_the_relay_go_although_the_daemon_holds_its_coil(self):
        with GuardedHouse() as house:
            house.wait_armed()
            house.guard.kill(signal.SIGKILL)
            wait_for("the relay to open", house.opening, 60)
            # The controller went on with its rounds: only the pump was missing.
            _, opened, pumped, round_ = house.opening()
            self.assertGreater(round_, pumped)
            self.assertLessEqual(opened, pumped + RELAY_OPEN_TICKS)
            self.refused(house, "is not there")

    def test_a_frozen_guard_lets_the_relay_go_too(self):
        with GuardedHouse() as house:
            house.wait_armed()
            house.guard.popen.send_signal(signal.SIGSTOP)
            wait_for("the relay to open", house.opening, 60)
            _, opened, pumped, _ = house.opening()
            self.assertLessEqual(opened, pumped + RELAY_OPEN_TICKS)

    def refused(self, house, words):
        station, _, _ = house.connect()
        def warned():
            state = station.GetStation(messages.GetStationRequest(name="stations/-"), timeout=20)
            return any(words in warning for warning in state.warnings)
        wait_for(f"the warning '{words}'", warned, 60)
        result = house.client("run", house.program)
        self.assertNotEqual(result.returncode, 0, result.stdout)

    def test_a_machine_that_wants_a_guard_is_not_armed_without_it(self):
        with GuardedHouse() as house:
            house.guard.end()
            house.daemon.end()
            house.start_daemon(extra=["--guard", house.name])
            self.refused(house, "is not there")

    def test_a_relay_that_stays_closed_while_the_guard_starves_fails_the_proof_test(self):
        # A relay that no guard is wired to: the coil alone closes it, as a bridged output would.
        with House() as house:
            name = "test-" + uuid.uuid4().hex[:8]
            guard = Process("medius-guard", [BIN / "medius-guard", "--machine", MACHINE, "--name", name, "--output",
                                             "none"], house.folder, r"guarding '([^']+)'")
            try:
                house.daemon.end()
                house.start_daemon(extra=["--guard", name])
                bench(house.sim.address, RESET, 300)
                self.refused(house, "proof test failed")
            finally:
                guard.end()

    def test_a_whole_repetition_is_done_with_the_guard_holding(self):
        with GuardedHouse() as house:
            house.wait_armed()
            client = subprocess.Popen([BIN / "medius", "--address", house.daemon.address, "run", house.program],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                station = house.connect()[0]
                def reached():
                    state = station.GetStation(messages.GetStationRequest(name="stations/-"), timeout=20)
                    return state.state == WORKING and state.axes[0].reps_counted >= 2
                wait_for("two repetitions", reached, 120, 0.2)
                self.assertEqual(house.status()["starves"], 0)
                self.assertTrue(house.relay_closed())
            finally:
                client.kill()
                client.wait()


class Outputs(unittest.TestCase):
    def guard(self, *arguments):
        return subprocess.run([BIN / "medius-guard", *map(str, arguments)], capture_output=True, text=True,
                              check=False, timeout=30)

    def test_what_holds_nothing_is_refused_on_a_real_machine(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as machine:
            for output, words in (("none", "simulated machines only"), ("simulated", "simulated machines only"),
                                  ("coil", "never the safe-state output"), ("wire", "not known")):
                machine.seek(0)
                machine.truncate()
                machine.write(f'[machine]\nname = "x"\nsimulated = false\n[guard]\nname = "x"\noutput = "{output}"\n')
                machine.flush()
                result = self.guard("--machine", machine.name)
                self.assertEqual(result.returncode, 1, output)
                self.assertIn(words, result.stderr)
                self.assertEqual(len(result.stderr.strip().splitlines()), 1)

    def test_a_gpio_chip_that_is_not_there_is_refused_by_name(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as machine:
            machine.write('[machine]\nname = "x"\nsimulated = true\n[guard]\nname = "x"\noutput = "gpio"\n'
                          'device = "/dev/gpiochip77"\nline = 3\n')
            machine.flush()
            result = self.guard("--machine", machine.name)
            self.assertEqual(result.returncode, 1)
            self.assertIn("/dev/gpiochip77", result.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
