"""A real mediusd on a disk that stalls for ten seconds, and on one that is full.

The loop must go on, the set must be done, its acknowledgement must wait, and come when the disk is well again.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "system"))

from harness import BUILD, RESET, House, bench, stubs, wait_for  # noqa: E402

STALL_S = 10.0


class Trouble(Exception):
    """A promise that was not kept."""


class Patient:
    def __init__(self, seed):
        self.messages, _ = stubs()
        self.house = House(seed=seed)
        self.order = self.house.folder / "disk"
        self.orders = 0

    def __enter__(self):
        os.environ["MEDIUS_SLOW_DISK"] = str(self.order)
        os.environ["LD_PRELOAD"] = str(BUILD / "tests.d" / "slow_disk.so")
        try:
            self.house.start_sim()
            self.house.start_daemon()
        finally:
            del os.environ["LD_PRELOAD"]
        self.service, _, self.sessions = self.house.connect()
        return self

    def __exit__(self, *exception):
        self.order.unlink(missing_ok=True)
        self.house.__exit__(*exception)

    def state(self):
        return self.service.GetStation(self.messages.GetStationRequest(name="stations/-"), timeout=5)

    def header(self):
        self.orders += 1
        return self.messages.OrderHeader(request_id=f"order-{self.orders}")

    def reach(self, state):
        number = self.messages.StationState.Value(f"STATION_STATE_{state}")
        return wait_for(state, lambda: self.state().state == number and self.state(), 60, 0.02)

    def begin_set(self):
        if self.state().state == self.messages.STATION_STATE_FAULT:
            wait_for("a fresh link", lambda: self.state().loop.link_fresh, 20)
            bench(self.house.sim.address, RESET, 300)
        self.reach("IDLE")
        session = self.service.StartSession(self.messages.StartSessionRequest(
            header=self.header(), program=f"programs/{self.house.program}"), timeout=5).session
        return session, self.reach("WORKING").set.name

    def stop(self):
        self.service.Stop(self.messages.StopRequest(header=self.header()), timeout=5)

    def stored(self, session, name):
        """Acknowledged in the session's list, and readable as more than interrupted."""
        found = [one for one in self.state().stored_sets if one.endswith(name.rsplit("/", 1)[1])]
        return bool(found)

    def endure(self, order, seconds):
        """One set while the disk is unwell. Returns what was seen."""
        session, name = self.begin_set()
        before = self.state()
        self.order.write_text(order)
        time.sleep(0.3)
        self.stop()
        early = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            early += self.stored(session, name)
            time.sleep(0.2)
        during = self.state()
        self.order.unlink()
        wait_for("the set to be stored", lambda: self.stored(session, name), 60)
        record = self.sessions.GetSet(self.messages.GetSetRequest(name=name), timeout=10)
        result = {
            "seconds": seconds,
            "loop_ticks_meanwhile": during.tick - before.tick,
            "periods_missed_meanwhile": during.loop.missed_total - before.loop.missed_total,
            "acknowledged_too_early": early,
            "samples_kept": record.samples,
            "samples_dropped": record.samples_dropped,
        }
        if early:
            raise Trouble(f"{name} was acknowledged while the disk was in '{order}'")
        if result["loop_ticks_meanwhile"] < 500 * seconds:
            raise Trouble(f"the loop stood still: {result}")
        if record.end != self.messages.SET_END_STOPPED or record.samples_dropped:
            raise Trouble(f"{name} is not whole: {result}")
        return result


def run(seed):
    """--stall: both kinds of trouble on one daemon. Raises Trouble."""
    result = {}
    with Patient(seed) as patient:
        result["stall"] = patient.endure("stall", STALL_S)
        result["full"] = patient.endure("full", 4.0)
    return result
