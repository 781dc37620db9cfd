#!/usr/bin/python3
"""How old the newest live sample is that a reader gets who takes a quarter of a second over each message, beside one
who reads as fast as he can. Ages are counted in ticks of the station: what the fast one has seen less what the slow one gets.

    test_slow_reader.py --measure [SECONDS]      prints the figures that proto/medius/v1 states
"""
import json
import queue
import signal
import sys
import threading
import time
import unittest

import grpc

from harness import SOURCE, House, stubs, wait_for

sys.path.insert(0, str(SOURCE / "examples" / "python"))
from medius_api import Api  # noqa: E402

WORK_S = 0.25
NARROW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4096)]
# Two batches and a drain of the loop's ring, which the station keeps for one stream: a message that was asked for cannot
# end further behind what others had when it was asked for, however late the host lets anybody run. What piles up in
# windows passes it within seconds.
BEHIND_MAX_TICKS = 2 * 20 + 256


class Fast(threading.Thread):
    """Reads as fast as it can on a connection of its own, and knows the newest tick."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.newest = 0
        messages, services = stubs()
        self.channel = grpc.insecure_channel(address)
        self.call = services.StationServiceStub(self.channel).WatchSamples(messages.WatchSamplesRequest(batch_ms=20))
        self.start()

    def run(self):
        try:
            for batch in self.call:
                self.newest = batch.tick[-1]
        except grpc.RpcError:
            pass

    def close(self):
        self.call.cancel()
        self.join(20)
        self.channel.close()


def ages_of(batches, fast, seconds):
    """Of each message that a slow reader takes within so long; how far it ends behind what the fast one had when the slow
    one turned to it (negative: ahead); and what the slow one was told to have lost."""
    ages, behind, last, end = [], [], None, time.monotonic() + seconds
    while time.monotonic() < end:
        turned = fast.newest
        last = next(batches)
        ages.append(fast.newest - last.tick[-1])
        behind.append(turned - last.tick[-1])
        time.sleep(WORK_S)
    batches.close()
    return {"messages": len(ages), "age_ms_max": max(ages), "age_ms_p50": sorted(ages)[len(ages) // 2],
            "behind_ms_max": max(behind), "dropped": last.dropped}


def watched(address, options=()):
    messages, services = stubs()
    with grpc.insecure_channel(address, options=list(options)) as channel:
        call = services.StationServiceStub(channel).WatchSamples(messages.WatchSamplesRequest(batch_ms=20))
        try:
            yield from call
        finally:
            call.cancel()


def followed(address):
    api = Api(address)
    try:
        for answer in api.follow("medius.v1.SampleService/FollowSamples", watch={"batch_ms": 20}):
            yield answer.batch
    finally:
        api.close()


def measure(address, seconds):
    fast = Fast(address)
    wait_for("a first sample", lambda: fast.newest)
    out = {"watched": ages_of(watched(address), fast, seconds),
           "watched_narrow": ages_of(watched(address, NARROW), fast, seconds),
           "followed": ages_of(followed(address), fast, seconds)}
    fast.close()
    return out


class SlowReader(unittest.TestCase):
    def test_who_asks_for_each_message_gets_new_rows_and_who_is_sent_them_gets_old_ones(self):
        with House() as house:
            result = measure(house.daemon.address, 8.0)
        print(result)
        self.assertLess(result["followed"]["behind_ms_max"], BEHIND_MAX_TICKS)
        self.assertGreater(result["watched"]["behind_ms_max"], 4 * BEHIND_MAX_TICKS,
                           "the control: without asking they pile up, or the figures in the proto are wrong")

    def test_the_followers_rows_come_in_order_and_every_missing_one_is_counted(self):
        with House() as house:
            rows, first, last, dropped = 0, 0, 0, 0
            for number, batch in enumerate(followed(house.daemon.address)):
                self.assertEqual(batch.sequence, number + 1)
                first = first or batch.tick[0]
                for tick in batch.tick:
                    self.assertGreater(tick, last)
                    last = tick
                rows, dropped = rows + len(batch.tick), batch.dropped
                if number == 12:
                    break
                time.sleep(0.6)  # longer than the ring holds
            loop = house.connect()[0].GetStation(stubs()[0].GetStationRequest(), timeout=20).loop
        self.assertGreater(dropped, 0)
        missing = last - first + 1 - rows - dropped
        self.assertGreaterEqual(missing, 0, "dropped rows were counted that came")
        self.assertLessEqual(missing, loop.missed_total, "every row came or was counted as dropped")

    def test_the_example_and_a_stream_that_is_wrong(self):
        with House() as house:
            api = Api(house.daemon.address)
            answer = next(api.follow("medius.v1.SampleService/FollowSamples", watch={"divider": 10}))
            self.assertTrue(all(tick % 10 == 0 for tick in answer.batch.tick))
            self.assertGreater(answer.send_time.seconds, 0)
            with self.assertRaises(grpc.RpcError) as refused:
                next(api.follow("medius.v1.SampleService/FollowSamples", watch={"batch_ms": 1}))
            self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertIn("batch_ms", refused.exception.details())
            api.close()

    def test_a_follower_who_never_asks_again_is_sent_nothing_and_does_not_hold_the_station_up(self):
        messages, services = stubs("samples")
        with House() as house, grpc.insecure_channel(house.daemon.address) as channel:
            asking = queue.SimpleQueue()
            asking.put(messages.FollowSamplesRequest())
            got = []
            call = services.SampleServiceStub(channel).FollowSamples(iter(asking.get, None))
            reader = threading.Thread(target=lambda: got.extend(until_the_end(call)), daemon=True)
            reader.start()
            fast = Fast(house.daemon.address)
            wait_for("a first sample", lambda: fast.newest)
            begin = fast.newest
            wait_for("a second of samples", lambda: fast.newest > begin + 1000)
            fast.close()
            self.assertEqual(house.daemon.kill(signal.SIGTERM), 0, "the controller ends by itself")
            asking.put(None)
            reader.join(20)
            self.assertEqual(len(got), 1, "one message was asked for")


def until_the_end(call):
    try:
        yield from call
    except grpc.RpcError:
        pass


def main():
    if "--measure" in sys.argv:
        seconds = float(sys.argv[sys.argv.index("--measure") + 1]) if len(sys.argv) > 2 else 60.0
        with House() as house:
            print(json.dumps(measure(house.daemon.address, seconds), indent=1))
        return
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
