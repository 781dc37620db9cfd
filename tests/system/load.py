"""A station under load from elsewhere: a second process calls as fast as it can, ten watch every sample, one of them
stands still, and a trainer's Stop is timed beside the idle station's. All peers come through mutual TLS.

    load.py [--stops N] [--json]      prints what it measured; bench/run shows it too
"""
import argparse
import json
import pathlib
import subprocess
import sys
import threading
import time

import grpc

from harness import RESET, bench, stubs, wait_for

WATCHERS = 10
NARROW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4096)]  # a window that fills in seconds


def channel(address, folder, options=()):
    read = lambda name: (pathlib.Path(folder) / name).read_bytes()
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(
        read("ca.crt"), read("client.key"), read("client.crt")), options=list(options))


def flood(address, folders):
    """Until it is killed: calls of every kind, each answered or refused, and new connections all the time."""
    messages, services = stubs()

    def hammer(folder):
        while True:
            with channel(address, folder) as open_channel:
                station = services.StationServiceStub(open_channel)
                programs = services.ProgramServiceStub(open_channel)
                calls = [lambda: station.GetStation(messages.GetStationRequest(), timeout=5),
                         lambda: programs.ListPrograms(messages.ListProgramsRequest(), timeout=5),
                         lambda: station.AdjustLoad(messages.AdjustLoadRequest(
                             header=messages.OrderHeader(request_id="x"), load=messages.Load(load_n=1e6)), timeout=5),
                         lambda: station.Pause(messages.PauseRequest(), timeout=5)]
                for i in range(400):
                    try:
                        calls[i % len(calls)]()
                    except grpc.RpcError:
                        pass

    for folder in folders * 2:
        threading.Thread(target=hammer, args=(folder,), daemon=True).start()
    print("flooding", flush=True)
    threading.Event().wait()


class Watcher(threading.Thread):
    """One who watches every sample of axis 0 and keeps account of what did not come."""

    def __init__(self, stub, slow):
        super().__init__(daemon=True)
        self.messages, _ = stubs()
        self.slow = slow
        self.go_on = threading.Event()  # the slow one stands still after its first message until it is set
        self.rows = self.dropped = self.first = self.last = self.disorder = 0
        self.call = stub.WatchSamples(self.messages.WatchSamplesRequest(name="stations/-", batch_ms=20))

    def run(self):
        try:
            for batch in self.call:
                self.first = self.first or batch.tick[0]
                for tick in batch.tick:
                    self.disorder += tick <= self.last
                    self.last = tick
                self.rows += len(batch.tick)
                self.dropped = batch.dropped
                if self.slow:
                    self.go_on.wait(300)
        except grpc.RpcError:
            pass

    def account(self):
        """Ticks between the first and the last row that neither came nor were counted as dropped."""
        return {"rows": self.rows, "dropped": self.dropped, "slow": self.slow, "disorder": self.disorder,
                "unaccounted": self.last - self.first + 1 - self.rows - self.dropped}


def percentiles(values):
    ordered = sorted(values)
    return {"p50_ms": round(ordered[len(ordered) // 2] * 1e3, 2),
            "p99_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e3, 2)}


def memory_mb(process):
    for line in pathlib.Path(f"/proc/{process.popen.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


class Trial:
    """`house` is a RemoteHouse (test_access.py)."""

    def __init__(self, house):
        self.house = house
        self.messages, self.services = stubs()
        self.lease_messages, self.lease_services = stubs("lease")
        self.channel = channel(house.remote, house.pki.issue("ada", "trainer"))
        self.station = self.services.StationServiceStub(self.channel)
        self.leases = self.lease_services.LeaseServiceStub(self.channel)
        self.sessions = self.services.SessionServiceStub(self.channel)
        self.orders = 0

    def state(self):
        return self.station.GetStation(self.messages.GetStationRequest(), timeout=30)

    def header(self, epoch=None):
        self.orders += 1
        return self.messages.OrderHeader(request_id=f"load-{self.orders}", lease_epoch=epoch)

    def reach(self, word):
        number = self.messages.StationState.Value(f"STATION_STATE_{word}")
        return wait_for(word, lambda: self.state().state == number and self.state(), 90, 0.1)

    def train(self):
        """A set under way; returns its session."""
        if self.state().state == self.messages.STATION_STATE_FAULT:
            wait_for("a fresh link", lambda: self.state().loop.link_fresh, 20)
            bench(self.house.sim.address, RESET, 300)
        self.reach("IDLE")
        lease = self.leases.AcquireLease(self.lease_messages.AcquireLeaseRequest(), timeout=30).lease
        session = self.station.StartSession(self.messages.StartSessionRequest(
            header=self.header(lease.epoch), program=f"programs/{self.house.program}"), timeout=30).session
        self.reach("WORKING")
        return session

    def stop(self):
        """Seconds from the call to the answer, which comes when the loop has taken it: its output is of that tick."""
        begin = time.monotonic()
        receipt = self.station.Stop(self.messages.StopRequest(header=self.header()), timeout=30)
        took = time.monotonic() - begin
        assert receipt.tick > 0, receipt
        return took

    def stops(self, count):
        times = []
        for _ in range(count):
            times.append(self.stop())
            time.sleep(0.05)  # 20 a second, which must always pass
        return times

    def window(self, stops):
        """One set that is ended by the first of so many stops; what the recorder and the loop lost meanwhile."""
        before = self.state().loop
        session = self.train()
        time.sleep(2.0)
        times = self.stops(stops)
        self.reach("IDLE")
        record = wait_for("the set", lambda: self.sessions.GetSession(
            self.messages.GetSessionRequest(name=session), timeout=30).sets, 30)[0]
        rows = [tick for part in self.sessions.ReadSamples(
            self.messages.ReadSamplesRequest(name=record.name), timeout=60) for tick in part.tick]
        after = self.state().loop
        return {"stop": percentiles(times), "stops": len(times), "missed_ticks": after.missed_total - before.missed_total,
                "recorded": len(rows), "recorded_said": record.samples, "record_dropped": record.samples_dropped,
                "record_holes": (rows[-1] - rows[0] + 1 - len(rows)) if rows else -1}


def measure(house, stops=60):
    trial = Trial(house)
    out = {"idle": trial.window(stops), "memory_idle_mb": round(memory_mb(house.daemon), 1)}
    peers = [house.pki.issue(f"peer-{i}", role) for i, role in enumerate(("trainer", "therapist", "observer"))]
    streams = [channel(house.remote, house.pki.issue(f"eye-{i}", "observer"), NARROW if i == 0 else ())
               for i in range(3)]
    watchers = [Watcher(trial.services.StationServiceStub(streams[min(i, 1 + i % 2)]), slow=i == 0)
                for i in range(WATCHERS)]
    command = [sys.executable, __file__, "--flood", house.remote, *map(str, peers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as flooding:
        try:
            assert flooding.stdout.readline().strip() == "flooding"
            for watcher in watchers:
                watcher.start()
            out["saturated"] = trial.window(stops)
            out["memory_saturated_mb"] = round(memory_mb(house.daemon), 1)
        finally:
            flooding.kill()
    end = trial.state().tick
    for watcher in watchers:
        watcher.go_on.set()  # what waits for the slow one in gRPC's windows is old: it has to get through it
        wait_for("the newest rows", lambda w=watcher: w.last >= end, 60)
        watcher.call.cancel()
        watcher.join(20)
    out["watchers"] = [watcher.account() for watcher in watchers]
    for open_channel in streams:
        open_channel.close()
    out["stop_p50_saturated_over_idle"] = round(
        out["saturated"]["stop"]["p50_ms"] / out["idle"]["stop"]["p50_ms"], 2)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stops", type=int, default=200, help="of each window (default 200)")
    parser.add_argument("--json", action="store_true", help="on one line")
    parser.add_argument("--flood", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.flood:
        flood(options.flood[0], options.flood[1:])
        return
    from test_access import RemoteHouse
    with RemoteHouse() as house:
        print(json.dumps(measure(house, options.stops), indent=None if options.json else 1))


if __name__ == "__main__":
    main()
