#!/usr/bin/python3
"""What must hold however busy the station is; how long things take is shown by bench/run, not judged here."""
import itertools
import sys
import time
import unittest

import grpc

from harness import House, stubs, wait_for
import load
from test_access import RemoteHouse

MEMORY_GROWTH_MAX_MB = 128  # ten streams, their rings and gRPC's windows; a leak or a queue would pass it soon


class Load(unittest.TestCase):
    def test_a_saturated_station_stops_records_everything_and_counts_what_watchers_miss(self):
        with RemoteHouse() as house:
            result = load.measure(house, stops=20)
        print(result)
        for window in (result["idle"], result["saturated"]):
            self.assertEqual(window["stops"], 20, "every stop is taken, at 20 a second")
            self.assertGreater(window["recorded"], 0)
            self.assertEqual(window["recorded"], window["recorded_said"])
            self.assertEqual(window["record_dropped"], 0, "the recording is complete")
            self.assertLessEqual(window["record_holes"], window["missed_ticks"])
        missed = result["saturated"]["missed_ticks"]
        for watcher in result["watchers"]:
            self.assertGreater(watcher["rows"], 0)
            self.assertEqual(watcher["disorder"], 0)
            self.assertGreaterEqual(watcher["unaccounted"], 0, "dropped rows were counted that came")
            self.assertLessEqual(watcher["unaccounted"], missed, "every row came or was counted as dropped")
        slow = [watcher["dropped"] for watcher in result["watchers"] if watcher["slow"]]
        quick = [watcher["dropped"] for watcher in result["watchers"] if not watcher["slow"]]
        self.assertGreater(slow[0], max(quick), "who stands still loses rows, is told so, and nobody else suffers")
        growth = result["memory_saturated_mb"] - result["memory_idle_mb"]
        self.assertLess(growth, MEMORY_GROWTH_MAX_MB)


class Watches(unittest.TestCase):
    """One who reads slowly or was away is told what passed, and gets the newest."""

    def setUp(self):
        self.messages, _ = stubs()
        self.house = House()
        self.house.__enter__()
        self.station = self.house.connect()[0]

    def tearDown(self):
        self.house.__exit__(None, None, None)

    def watch(self, **fields):
        return self.station.WatchStation(self.messages.WatchStationRequest(rate_hz=50, **fields))

    def test_a_watch_goes_on_where_it_ended_and_counts_what_passed(self):
        call = self.watch()
        # Of a daemon that has just begun the first is 0, which asks for no count.
        seen = next(state.station.sequence for state in call if state.station.sequence > 0)
        call.cancel()
        wait_for("states that nobody saw", lambda: self.station.GetStation(
            self.messages.GetStationRequest(), timeout=5).sequence > seen + 10)
        again = self.watch(after_sequence=seen)
        first = next(again)
        self.assertEqual(first.skipped, first.station.sequence - seen - 1)
        self.assertGreaterEqual(first.skipped, 10)
        second = next(again)
        self.assertGreater(second.station.sequence, first.station.sequence)
        again.cancel()
        elsewhere = self.watch(after_sequence=1 << 60)  # of another run of the controller
        self.assertEqual(next(elsewhere).skipped, 0)
        elsewhere.cancel()

    def test_samples_go_on_where_they_ended_and_count_what_passed(self):
        ask = lambda **fields: self.station.WatchSamples(self.messages.WatchSamplesRequest(batch_ms=5, **fields))
        call = ask()
        seen = next(call).tick[-1]
        call.cancel()
        wait_for("ticks that nobody saw", lambda: self.station.GetStation(
            self.messages.GetStationRequest(), timeout=5).tick > seen + 500)
        call = ask(after_tick=seen)
        batch = next(call)
        self.assertGreater(batch.dropped, 0)
        self.assertGreaterEqual(batch.dropped, batch.tick[0] - seen - 1)
        call.cancel()

    def test_a_slow_reader_is_thinned_and_told_so_and_others_are_not(self):
        options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4096)]
        _, services = stubs()
        with grpc.insecure_channel(self.house.daemon.address, options=options) as narrow:
            slow = services.StationServiceStub(narrow).WatchStation(self.messages.WatchStationRequest(rate_hz=50))
            self.assertFalse(next(slow).thinned)
            quick, received, until = self.watch(), 0, time.monotonic() + 12.0
            for update in quick:
                received += 1
                self.assertFalse(update.thinned, "a quick reader suffers for nobody")
                if time.monotonic() > until:
                    break
            quick.cancel()
            told = next((message for message in itertools.islice(slow, 2000) if message.thinned), None)
            self.assertIsNotNone(told, "a reader that stood still for 12 s must be told")
            self.assertGreater(told.skipped, 0)
            slow.cancel()


if __name__ == "__main__":
    sys.exit(unittest.main())
