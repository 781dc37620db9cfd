"""Starts medius-sim and hal_probe for tests, and speaks Modbus with pymodbus, which nobody here wrote."""
import contextlib
import json
import logging
import os
import pathlib
import re
import signal
import subprocess
import time

SOURCE = pathlib.Path(os.environ.get("MEDIUS_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("MEDIUS_BINARY_DIR", SOURCE / "build" / "dev"))
MEDIUS_SIM = BUILD / "bin" / "medius-sim"
HAL_PROBE = BUILD / "tests.d" / "hal_probe"
MACHINE = SOURCE / "hal" / "machines" / "cable-station-sim.toml"

# pymodbus 3.0.0: `slave=` silently becomes unit 0 for FC23, so `unit=` is used, which it complains about.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

DRIVE, PANEL, BENCH = 1, 2, 100
WRITE_BLOCK, READ_BLOCK, CONFIG, PANEL_READ = 0x0000, 0x0100, 0x0120, 0x0010


class Simulator:
    """One medius-sim process."""

    def __init__(self, *arguments, port=0):
        self.process = subprocess.Popen([str(MEDIUS_SIM), "--port", str(port), *map(str, arguments)],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.ready = self.process.stdout.readline()
        match = re.search(r"listening on ([0-9.]+):(\d+)", self.ready)
        if not match:
            self.process.wait(10)
            raise AssertionError(f"medius-sim did not start: {self.ready}{self.process.stdout.read()}")
        self.host, self.port = match.group(1), int(match.group(2))

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def client(self):
        return connect(self.host, self.port)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def end(self):
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(10)
        self.process.stdout.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        with contextlib.suppress(ValueError):
            self.end()


@contextlib.contextmanager
def connect(host, port):
    from pymodbus.client import ModbusTcpClient
    client = ModbusTcpClient(host, port=port)
    assert client.connect(), f"no connection to {host}:{port}"
    try:
        yield client
    finally:
        client.close()


def probe(address, *arguments, ticks=500):
    """Runs the HAL against an address for so many ticks; returns what it saw."""
    return probe_result(start_probe(address, *arguments, ticks=ticks))


def start_probe(address, *arguments, ticks=500):
    return subprocess.Popen([str(HAL_PROBE), "--machine", str(MACHINE), "--link", f"machine={address}",
                             "--ticks", str(ticks), *map(str, arguments)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def probe_result(process, limit_s=120):
    out, err = process.communicate(timeout=limit_s)
    assert process.returncode == 0, err
    return json.loads(out)


def signed32(high, low):
    value = high << 16 | low
    return value - (1 << 32) if value & 0x80000000 else value


def wait_for(what, condition, limit_s=30.0, step_s=0.02):
    """Waits for a condition; a limit is a hang, never a timing claim."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(step_s)
    raise AssertionError(f"waited {limit_s} s for {what}")
