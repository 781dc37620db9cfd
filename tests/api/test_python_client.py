#!/usr/bin/python3
"""A client that nobody here wrote the gRPC of: Debian's python3-grpcio drives a set on mediusd and medius-sim."""
import os
import pathlib
import sys
import threading
import unittest

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness import FAST, House, stubs, wait_for  # noqa: E402  pylint: disable=wrong-import-position

v1, _ = stubs()
RAW = {"request_serializer": lambda raw: raw, "response_deserializer": lambda raw: raw}


class Stream(threading.Thread):
    """Collects what a server stream sends until it is cancelled."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self.call, self.seen = call, []
        self.start()

    def run(self):
        try:
            for message in self.call:
                self.seen.append(message)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.CANCELLED:
                raise

    def end(self):
        self.call.cancel()
        self.join(10)
        return self.seen


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House(speed=FAST)
        cls.house.__enter__()
        cls.addClassCleanup(lambda: cls.house.__exit__(None, None, None))
        cls.station, cls.programs, cls.sessions = cls.house.connect()
        cls.requests = 0

    def header(self, **fields):
        type(self).requests += 1
        return v1.OrderHeader(request_id=f"python-{os.getpid()}-{self.requests}", client_name="python", **fields)

    def now(self):
        return self.station.GetStation(v1.GetStationRequest(name="stations/-"), timeout=5)

    def axis(self):
        return self.now().axes[0]

    def wait(self, what, condition, limit_s):
        try:
            wait_for(what, condition, limit_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; the station says:\n{self.now()}\n"
                                 f"{self.house.daemon.text()[-2000:]}") from None

    def test_health_says_serving(self):
        check = self.house.channel.unary_unary("/grpc.health.v1.Health/Check", **RAW)
        self.assertEqual(check(b"", timeout=5), b"\x08\x01")  # status: SERVING

    def test_reflection_names_every_service(self):
        info = self.house.channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", **RAW)
        answer = next(info(iter([b"\x3a\x01*"]), timeout=5))  # list_services: "*"
        for service in (b"medius.v1.StationService", b"medius.v1.ProgramService",
                        b"medius.v1.SessionService", b"grpc.health.v1.Health"):
            self.assertIn(service, answer)

    def test_a_set_is_driven_adjusted_and_read_back(self):
        wait_for("an idle station", lambda: self.now().state == v1.STATION_STATE_IDLE
                 and self.now().loop.link_fresh)
        states = Stream(self.station.WatchStation(v1.WatchStationRequest(client_name="python")))
        samples = Stream(self.station.WatchSamples(v1.WatchSamplesRequest(divider=10)))
        prescription = v1.Prescription(
            exercise="cable-standing-abduction", sides=[v1.SIDE_LEFT], sets=1, reps=4,
            load=v1.Load(load_n=60), tempo=v1.Tempo(concentric_s=2, hold_s=1, eccentric_s=3),
            profile=v1.ProfileChoice(profile="eccentric-emphasis", parameters={"eccentric_ratio": 1.3}))
        started = self.station.StartSet(v1.StartSetRequest(header=self.header(), prescription=prescription),
                                        timeout=5)
        self.assertTrue(started.session.startswith("sessions/"))
        self.wait("the first repetition", lambda: self.axis().reps_counted >= 1, 120)

        with self.subTest("an increase waits for the bottom and is acknowledged"):
            more = v1.AdjustLoadRequest(header=self.header(), load=v1.Load(load_n=66))
            first = self.station.AdjustLoad(more, timeout=5)
            self.assertEqual((first.requested, first.accepted), (66, 66))
            self.assertIn(first.effect, (v1.EFFECT_AT_BOTTOM, v1.EFFECT_RAMPING))
            self.assertGreater(first.tick, 0)
            again = self.station.AdjustLoad(more, timeout=5)
            self.assertTrue(again.duplicate)
            again.duplicate = False
            self.assertEqual(again, first)
            self.wait("the increase", lambda: abs(self.axis().load_applied - 66) < 1e-6, 60)

        with self.subTest("a decrease acts at once"):
            less = self.station.AdjustLoad(
                v1.AdjustLoadRequest(header=self.header(), load=v1.Load(load_n=50)), timeout=5)
            self.assertIn(less.effect, (v1.EFFECT_RAMPING, v1.EFFECT_APPLIED))
            self.wait("the decrease", lambda: abs(self.axis().load_applied - 50) < 1e-6, 20)

        with self.subTest("an absurd load is refused with the limit named"):
            with self.assertRaises(grpc.RpcError) as caught:
                self.station.AdjustLoad(
                    v1.AdjustLoadRequest(header=self.header(), load=v1.Load(load_n=5000)), timeout=5)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.OUT_OF_RANGE)
            self.assertIn("200", caught.exception.details())

        self.wait("the end of the set", lambda: self.now().state == v1.STATION_STATE_IDLE, 120)
        session = self.sessions.GetSession(v1.GetSessionRequest(name=started.session), timeout=5)
        self.assertEqual(len(session.sets), 1)
        done = self.sessions.GetSet(v1.GetSetRequest(name=session.sets[0].name), timeout=5)
        self.assertEqual(done.end, v1.SET_END_COUNT)
        self.assertEqual(done.reps_counted, 4)
        self.assertEqual(len([r for r in done.repetitions if r.kind == v1.REP_KIND_FULL]), 4)
        ticks = [tick for part in self.sessions.ReadSamples(v1.ReadSamplesRequest(name=done.name))
                 for tick in part.tick]
        self.assertEqual(len(ticks), done.samples)
        self.assertEqual(ticks, sorted(set(ticks)))

        seen = states.end()
        self.assertIn(v1.STATION_STATE_WORKING, [m.station.state for m in seen])
        sequences = [m.station.sequence for m in seen]
        self.assertEqual(sequences, sorted(set(sequences)), "never an old state after a newer one")
        live = samples.end()
        rows = [tick for batch in live for tick in batch.tick]
        self.assertEqual(rows, sorted(set(rows)))
        self.assertTrue(all(tick % 10 == 0 for tick in rows))
        lost = live[-1].dropped
        self.assertEqual(len(rows) + lost, (rows[-1] - rows[0]) // 10 + 1, "every lost row is counted")


if __name__ == "__main__":
    unittest.main(verbosity=2)
