"""A real medius-sim, a real mediusd and an independent gRPC client, for tests of the whole.

Everything runs on loopback with ports the system picks, in a temporary folder of its own. Time is the
lockstep's: a machine that stalls stalls plant and controller alike.
"""
import contextlib
import importlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

SOURCE = pathlib.Path(os.environ.get("MEDIUS_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("MEDIUS_BINARY_DIR", SOURCE / "build" / "dev"))
BIN = BUILD / "bin"
MACHINE = SOURCE / "hal" / "machines" / "cable-station-sim.toml"


def stubs():
    """(messages, services) generated from the protos by gRPC's own plugin for Python."""
    folder = BUILD / "python-stubs"
    marker = folder / "medius" / "v1" / "station_pb2_grpc.py"
    proto = SOURCE / "proto" / "medius" / "v1" / "station.proto"
    if not marker.exists() or marker.stat().st_mtime < proto.stat().st_mtime:
        with tempfile.TemporaryDirectory(dir=BUILD) as fresh:
            subprocess.run(["protoc", "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin",
                            f"-I{SOURCE / 'proto'}", f"--python_out={fresh}", f"--grpc_python_out={fresh}",
                            "medius/v1/station.proto"], check=True)
            for path in sorted(pathlib.Path(fresh).rglob("*.py")):
                target = folder / path.relative_to(fresh)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, target)
    sys.path.insert(0, str(folder))
    return (importlib.import_module("medius.v1.station_pb2"),
            importlib.import_module("medius.v1.station_pb2_grpc"))


def wait_for(what, condition, limit_s=30.0, step_s=0.05):
    """Waits for a condition; a limit is a hang, never a timing claim."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(step_s)
    raise AssertionError(f"waited {limit_s} s for {what}")


class Process:
    """A program of ours with its output in a file."""

    def __init__(self, name, command, folder, ready):
        self.name = name
        self.command = [str(part) for part in command]
        self.log = pathlib.Path(folder) / f"{name}-{uuid.uuid4().hex[:6]}.log"
        self.file = open(self.log, "wb")
        self.popen = subprocess.Popen(self.command, stdout=self.file, stderr=subprocess.STDOUT,
                                      start_new_session=True)
        self.address = None
        if ready:
            self.address = wait_for(f"{name} to be ready ({self.log})", lambda: self._ready(ready))

    def _ready(self, pattern):
        if self.popen.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.popen.returncode}:\n{self.text()}")
        found = re.search(pattern, self.text())
        return found and found[1]

    def text(self):
        return self.log.read_text(errors="replace")

    def kill(self, number=signal.SIGKILL):
        self.popen.send_signal(number)
        return self.popen.wait(20)

    def end(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(10)
        self.file.close()


class House:
    """One simulated station with its daemon."""

    def __init__(self, program="glute-med-short", seed=1, keep_port=False, sim_options=()):
        self.stack = contextlib.ExitStack()
        self.folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.program = program
        self.seed = seed
        self.sim_options = list(sim_options)
        self.truth = self.folder / "truth.json"
        self.data = self.folder / "data"
        self.sim_port = free_port() if keep_port else 0
        self.sim = self.daemon = self.channel = None

    def __enter__(self):
        self.start_sim()
        self.start_daemon()
        return self

    def __exit__(self, *exception):
        if self.channel:
            self.channel.close()
        for process in (self.daemon, self.sim):
            if process:
                process.end()
                if exception[0]:
                    print(f"--- {process.name}\n{process.text()[-3000:]}", file=sys.stderr)
        self.stack.close()

    def start_sim(self):
        self.sim = Process("medius-sim", [
            BIN / "medius-sim", "--port", self.sim_port, "--pace", "bus", "--program",
            SOURCE / "programs" / f"{self.program}.toml", "--seed", self.seed, "--truth", self.truth,
            *self.sim_options,
        ], self.folder, r"listening on ([0-9.:]+)")

    def start_daemon(self, machine=MACHINE, extra=()):
        self.daemon = Process("mediusd", [
            BIN / "mediusd", "--machine", machine, "--link", f"machine={self.sim.address}",
            "--programs", SOURCE / "programs", "--plugins", BUILD / "plugins.d", "--data", self.data,
            "--listen", "127.0.0.1:0", *extra,
        ], self.folder, r"ready on (\S+)")

    def connect(self):
        """(station, programs, sessions) stubs of an independent client."""
        import grpc
        if self.channel:
            self.channel.close()
        self.channel = grpc.insecure_channel(self.daemon.address)
        _, services = stubs()
        return (services.StationServiceStub(self.channel), services.ProgramServiceStub(self.channel),
                services.SessionServiceStub(self.channel))

    def client(self, *arguments, **kwargs):
        """Runs the command-line client to its end."""
        return subprocess.run([BIN / "medius", "--address", self.daemon.address, *map(str, arguments)],
                              capture_output=True, text=True, timeout=600, check=False, **kwargs)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bench(address, register, value):
    """Hands at the simulated machine: writes one register of medius-sim's test bench (unit 100)."""
    from pymodbus.client import ModbusTcpClient
    host, port = address.rsplit(":", 1)
    client = ModbusTcpClient(host, port=int(port))
    assert client.connect()
    try:
        assert not client.write_register(register, value, unit=100).isError()
    finally:
        client.close()


RESET, STOP, KEY, DEAD_MAN, ESTOP, RELEASED = range(6)


def load_json(path):
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
