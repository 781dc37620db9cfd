#!/usr/bin/python3
"""How old the newest live sample is that a reader gets who takes a quarter of a second over each message, beside one
who reads as fast as he can. Ages are counted in ticks of the station: what the fast one has seen less what the slow one gets.

    test_slow_reader.py --measure [SECONDS]      prints the figures that proto/medius/v1 states
"""
import json
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
# Two batches and a drain of the loop's ring, which the station keeps for one stream, and as much for a host that stalls:
# nothing older can be in a message that was asked for. What piles up in windows passes it within seconds.
FOLLOWED_AGE_MAX_TICKS = 2 * (2 * 20 + 256)


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
    """Of each message that a slow reader takes within so long, and what it was told to have lost."""
    ages, last, end = [], None, time.monotonic() + seconds
    for batch in batches:
        ages.append(fast.newest - batch.tick[-1])
        last = batch
        if time.monotonic() > end:
            break
        time.sleep(WORK_S)
    return {"messages": len(ages), "age_ms_max": max(ages), "age_ms_p50": sorted(ages)[len(ages) // 2],
            "dropped": last.dropped}


def watched(address, options=()):
    messages, services = stubs()
    with grpc.insecure_channel(address, options=list(options)) as channel:
        call = services.StationServiceStub(channel).WatchSamples(messages.WatchSamplesRequest(batch_ms=20))
        yield from call
        call.cancel()


def followed(address):
    api = Api(address)
    for answer in api.follow("medius.v1.SampleService/FollowSamples", watch={"batch_ms": 20}):
        yield answer.batch
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
        self.assertLess(result["followed"]["age_ms_max"], FOLLOWED_AGE_MAX_TICKS)
        self.assertGreater(result["watched"]["age_ms_max"], 4 * FOLLOWED_AGE_MAX_TICKS,
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


def main():
    if "--measure" in sys.argv:
        seconds = float(sys.argv[sys.argv.index("--measure") + 1]) if len(sys.argv) > 2 else 60.0
        with House() as house:
            print(json.dumps(measure(house.daemon.address, seconds), indent=1))
        return
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
