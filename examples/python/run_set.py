#!/usr/bin/python3
"""Runs one set, watches it, and keeps its samples: NAME.npz for NumPy and NAME.svg to look at.

Against a simulated station:  ./run_set.py --load 60 --reps 4 --output set
Ctrl-C stops the machine, as the stop button would.
"""
import argparse
import pathlib
import sys
import uuid

import grpc
import numpy
from medius_api import Api
from plot import save_svg

STATION = "medius.v1.StationService/"
SESSIONS = "medius.v1.SessionService/"
COLUMNS = ("tick", "position", "velocity", "force_measured", "force_target", "force_output", "base_load", "phase")


def header():
    return {"request_id": f"example-{uuid.uuid4().hex}", "client_name": "run_set.py"}


def watch(api, session):
    """Prints each repetition as it is counted; the set's resource name once the station is idle again."""
    counted, name = 0, ""
    for update in api.stream(STATION + "WatchStation", client_name="run_set.py"):
        now = update.station
        if now.session and now.session != session:
            continue
        name = now.set.name or name
        for axis in now.axes:
            if axis.reps_counted > counted:
                counted = axis.reps_counted
                print(f"repetition {counted}: load {axis.load_applied:.1f} in force, {axis.force_measured:.1f} measured")
        if now.HasField("fault"):
            print(f"fault {now.fault.name}: {now.fault.next_step}", file=sys.stderr)
        state = api.enum("medius.v1.StationState", now.state)
        if name and state in ("STATION_STATE_IDLE", "STATION_STATE_FAULT"):
            return name
    raise ConnectionError("the station ended the watch")


def read_samples(api, set_name):
    """{column: array} of every tick of the set, in the axis' units (cable: m, m/s, N; lever: rad, rad/s, Nm)."""
    parts = list(api.stream(SESSIONS + "ReadSamples", name=set_name))
    return {column: numpy.concatenate([numpy.asarray(getattr(part, column)) for part in parts]) for column in COLUMNS}


def report(done, samples):
    for repetition in done.repetitions:
        up, down = repetition.concentric.force_mean_time, repetition.eccentric.force_mean_time
        print(f"{repetition.index:3d}  lifted with {up:6.1f}, lowered with {down:6.1f}, ratio {repetition.rendered_ratio:.2f}")
    seconds = (samples["tick"][-1] - samples["tick"][0]) / 1000.0
    print(f"{len(samples['tick'])} samples of {seconds:.1f} s")


def run(api, arguments):
    prescription = {
        "exercise": arguments.exercise, "sides": ["SIDE_" + arguments.side.upper()], "sets": 1,
        "reps": arguments.reps, "load": {"load_n": arguments.load},
        "tempo": {"concentric_s": 2, "hold_s": 1, "eccentric_s": 3},
        "profile": {"profile": "eccentric-emphasis", "parameters": {"eccentric_ratio": arguments.ratio}}}
    started = api.call(STATION + "StartSet", header=header(), prescription=prescription)
    print(f"started {started.session}")
    try:
        name = watch(api, started.session)
    except KeyboardInterrupt:
        api.call(STATION + "Stop", header=header())
        sys.exit("run_set: stopped; the machine is unloaded")
    done = api.call(SESSIONS + "GetSet", name=name)
    samples = read_samples(api, name)
    report(done, samples)
    target = pathlib.Path(arguments.output)
    numpy.savez_compressed(target.with_suffix(".npz"), **samples)
    save_svg(target.with_suffix(".svg"), samples, title=f"{arguments.exercise}, {arguments.load:g} N")
    print(f"kept {target.with_suffix('.npz')} and {target.with_suffix('.svg')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="127.0.0.1:50161", help="of mediusd (default %(default)s)")
    parser.add_argument("--tls", help="folder of a certificate, from: medius pki issue")
    parser.add_argument("--exercise", default="cable-standing-abduction")
    parser.add_argument("--side", choices=("left", "right"), default="left")
    parser.add_argument("--load", type=float, default=60.0, help="N (default %(default)s)")
    parser.add_argument("--reps", type=int, default=4)
    parser.add_argument("--ratio", type=float, default=1.3, help="eccentric over concentric force")
    parser.add_argument("--output", default="set", help="name of the files, without their endings")
    arguments = parser.parse_args()
    try:
        run(Api(arguments.address, arguments.tls), arguments)
    except grpc.RpcError as error:
        sys.exit(f"run_set: {error.details()}")


if __name__ == "__main__":
    main()
