"""kill -9 of the real mediusd while sets are being stored, again and again.

A life: the daemon starts on the folder its predecessors left, everything that was ever acknowledged is asked for
and compared, then a trainer takes the lease, does sets, changes their loads and stops them until the kill comes: for
three lives of four while a set is being stored (the tick after Stop until its acknowledgement), else at any moment
from the start on. The load that was acknowledged last must be the one that was stored; ids of sessions and sets and
epochs of leases only grow, whatever life they are from.
"""
import hashlib
import logging
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "system"))

from harness import BIN, FAST, RESET, House, bench, stubs, wait_for  # noqa: E402

# pymodbus 3.0.0: `slave=` silently becomes unit 0 for some functions, so `unit=` is used, which it complains about.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

LIFE_S = 5.0  # a set comes every 3 to 4 s: the person has to stand still in between
STORING_S = 0.3  # Stop unloads within 0.1 s at this load, then the set is written


class Lost(Exception):
    """Something that was acknowledged is gone or changed."""


class Victim:
    """One station whose daemon is killed; its simulated machine lives on."""

    def __init__(self, seed):
        self.messages, _ = stubs()
        self.lease_messages, self.lease_services = stubs("lease")
        self.epoch = 0  # of the newest lease
        self.loads = {}  # name of a set -> the load that was acknowledged last
        self.random = random.Random(seed)
        self.house = House(seed=seed, speed=FAST)
        self.acknowledged = {}  # name of a set -> digest of all that the API tells of it, None: not read yet
        self.interrupted = set()
        self.names = set()
        self.newest_id = 0
        self.count = {"kills": 0, "acknowledged": 0, "while_storing": 0, "interrupted": 0, "loads": 0}
        self.order = 0
        self.killer = None

    def run(self, kills, done):
        """`kills` lives; calls done(self) after each. Raises Lost."""
        house = self.house
        house.start_sim()
        try:
            for _ in range(kills):
                house.start_daemon()
                self.check(whole=self.count["kills"] % 25 == 0)
                self.live_and_die()
                done(self)
            house.start_daemon()
            self.check(whole=True)
        finally:
            house.__exit__(None, None, None)

    # ---- what a fresh daemon must know -------------------------------------------------------
    def check(self, whole):
        _, _, sessions = self.house.connect()
        names = list(self.acknowledged)
        for name in names if whole else names[-6:]:
            digest = self.digest(sessions, name)
            if self.acknowledged[name] not in (None, digest):
                raise Lost(f"{name} was acknowledged and has changed")
            self.acknowledged[name] = digest
        warnings = [line for line in self.house.daemon.text().splitlines()
                    if "store: " in line and "interrupted when" not in line]
        if warnings:
            raise Lost(f"the store found damage: {warnings}")
        self.note_interrupted(sessions)
        self.count["interrupted"] = len(self.interrupted)

    def digest(self, sessions, name):
        import grpc
        messages = self.messages
        try:
            record = sessions.GetSet(messages.GetSetRequest(name=name), timeout=20)
            if name in self.loads and abs(record.load_end.load_n - self.loads[name]) > 1e-9:
                raise Lost(f"{name} ended at {self.loads[name]} N, as was acknowledged; {record.load_end.load_n} N is stored")
            total = hashlib.sha256(record.SerializeToString(deterministic=True))
            for part in sessions.ReadSamples(messages.ReadSamplesRequest(name=name), timeout=60):
                total.update(part.SerializeToString(deterministic=True))
        except grpc.RpcError as error:
            raise Lost(f"{name} was acknowledged and cannot be read: {error.details()}") from error
        return total.hexdigest()

    def note_interrupted(self, sessions):
        """Sets that a kill left open must come back as interrupted."""
        messages = self.messages
        listed = sessions.ListSessions(messages.ListSessionsRequest(page_size=3), timeout=20).sessions
        for session in listed:
            for record in sessions.GetSession(messages.GetSessionRequest(name=session.name), timeout=20).sets:
                if record.end == messages.SET_END_OPEN:
                    raise Lost(f"{record.name} is open, though the daemon that opened it is dead")
                if record.end == messages.SET_END_INTERRUPTED:
                    if record.name in self.acknowledged:
                        raise Lost(f"{record.name} was acknowledged and came back as interrupted")
                    self.interrupted.add(record.name)

    # ---- a life ------------------------------------------------------------------------------
    def kill_after(self, seconds):
        """One kill a life, by a timer."""
        if self.killer is None:
            self.killer = threading.Timer(seconds, self.house.daemon.popen.kill)
            self.killer.start()

    def live_and_die(self):
        import grpc
        service = self.house.connect()[0]
        storing = self.random.random() < 0.75
        self.killer = None
        if not storing:
            self.kill_after(self.random.uniform(0.0, LIFE_S))
        try:
            self.train(service, storing)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE or self.killer is None:
                raise
        ended = self.house.daemon.popen.wait(20)
        self.house.daemon.file.close()
        if ended != -signal.SIGKILL:
            raise AssertionError(f"mediusd ended by itself with {ended}: {self.house.daemon.text()[-2000:]}")
        self.count["kills"] += 1

    def train(self, service, storing):
        messages = self.messages
        session = None
        begun = stopped = False  # the stream may still hold states from before an order
        for update in service.WatchStation(messages.WatchStationRequest(name="stations/-", rate_hz=50)):
            state = update.station
            if session:
                self.note(state, session)
            if state.state == messages.STATION_STATE_FAULT and (begun or not session):
                self.reset(service)
                session, begun = None, False
            elif state.state == messages.STATION_STATE_IDLE and (begun or not session):
                self.lead()
                session = service.StartSession(messages.StartSessionRequest(
                    header=self.header(), program=f"programs/{self.house.program}"), timeout=5).session
                self.take_id(session)
                begun = stopped = False
            elif state.session == session:
                begun = True
                if state.state == messages.STATION_STATE_WORKING and not stopped:
                    self.change_loads(service, state)
                    self.stop(service, storing)
                    stopped = True

    def reset(self, service):
        """Presses the panel's button until it is honoured: the link may not be up yet."""
        def honoured():
            state = service.GetStation(self.messages.GetStationRequest(name="stations/-"), timeout=5)
            if state.state != self.messages.STATION_STATE_FAULT:
                return True
            if self.random.random() < 0.1:
                bench(self.house.sim.address, RESET, 200)
            return False
        bench(self.house.sim.address, RESET, 200)
        wait_for("the reset to be honoured", honoured, 60)

    def lead(self):
        """Takes the lease of control; its epoch is larger than any before, also those of dead daemons."""
        leases = self.lease_services.LeaseServiceStub(self.house.channel)
        lease = leases.AcquireLease(self.lease_messages.AcquireLeaseRequest(
            client_name="trainer", duration={"seconds": 60}, new_epoch=True), timeout=5).lease
        if lease.epoch <= self.epoch:
            raise Lost(f"a lease got epoch {lease.epoch} after {self.epoch}: epochs must only grow")
        self.epoch = lease.epoch

    def change_loads(self, service, state):
        """Up, which waits for the bottom of the repetition, and down, which counts at once and comes last."""
        messages, before = self.messages, state.prescription.load.load_n
        self.loads.pop(state.set.name, None)
        down = [self.random.uniform(0.5, 5.0) for _ in range(self.random.randint(0, 3))]
        for step in down:
            for load in ([before + step] if self.random.random() < 0.3 else []) + [before - step]:
                receipt = service.AdjustLoad(messages.AdjustLoadRequest(
                    header=self.header(), load=messages.Load(load_n=load)), timeout=5)
                if receipt.accepted != load or not receipt.report.readback_tick:
                    raise Lost(f"a load of {load} N was asked for, the receipt says {receipt}")
                self.count["loads"] += 1
                self.loads[state.set.name] = load
            before -= step

    def stop(self, service, storing):
        time.sleep(self.random.uniform(0.0, 0.3))
        if storing and self.random.random() < 0.7:
            self.kill_after(self.random.uniform(0.0, STORING_S))
            self.count["while_storing"] += 1
        service.Stop(self.messages.StopRequest(header=self.header()), timeout=5)

    def header(self):
        self.order += 1
        return self.messages.OrderHeader(request_id=f"order-{self.order}", client_name="trainer",
                                         lease_epoch=self.epoch or None)

    def take_id(self, name):
        if name in self.names:
            return
        self.names.add(name)
        number = int(name.rsplit("/", 1)[1], 16)
        if number <= self.newest_id:
            raise Lost(f"{name} was given out after {self.newest_id:016x}: ids must only grow")
        self.newest_id = number

    def note(self, state, session):
        if state.state == self.messages.STATION_STATE_WORKING:
            self.take_id(state.set.name)
        for name in state.stored_sets:
            name = f"{session}/sets/{name.rsplit('/', 1)[1]}"
            if name in self.names and name not in self.acknowledged:
                self.acknowledged[name] = None
                self.count["acknowledged"] += 1
