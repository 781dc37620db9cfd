#!/usr/bin/python3
"""What passes between controller and simulated machine, before judges that share no code with us: tshark, mbpoll,
pymodbus, and a strict reader written from the specification."""
import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "hal"))
import strict  # noqa: E402
from harness import BIN, BUILD, FAST, MACHINE, SOURCE, Process, free_port, wait_for  # noqa: E402
from hil import DEVICES, PROGRAM, Bench, promptly, run_set_despite_the_host  # noqa: E402


class Proxy(Process):
    """medius-proxy before a machine; writes a capture."""

    def __init__(self, upstream, folder, *options):
        self.pcap = pathlib.Path(folder) / "passed.pcap"
        self.control = pathlib.Path(folder) / "proxy.sock"
        super().__init__("medius-proxy", [BIN / "medius-proxy", "--upstream", upstream, "--pcap", self.pcap, "--control",
                                          self.control, *options], folder, r"listening on (\S+),")

    def send(self, command):
        answer = subprocess.run([BIN / "medius-proxy", "--send", self.control, command], capture_output=True, text=True,
                                timeout=20, check=False)
        return json.loads(answer.stdout)


def tshark(pcap, *arguments):
    # openSAFETY is looked for by its bytes inside other protocols' data, and now and then found in a force.
    command = ["tshark", "-r", str(pcap), "--disable-protocol", "opensafety", "-o", "mbtcp.tcp.port:502",
               "-o", 'uat:user_dlts:"User 0 (DLT=147)","mbrtu","0","","0",""', "-o", "mbrtu.crc_verification:TRUE",
               *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout.splitlines()


def judge_by_tshark(test, pcap, verdict):
    """Its own dissector sees the same frames, pairs every answer with a question and finds nothing malformed."""
    fields = ["mbtcp.trans_id", "modbus.request_frame", "modbus.response_time", "mbtcp.len", "tcp.len",
              "_ws.malformed"]
    rows = [line.split("\t") for line in
            tshark(pcap, "-T", "fields", *[part for field in fields for part in ("-e", field)], "-Y", "mbtcp")]
    answers = [row for row in rows if row[1]]
    test.assertEqual(len(rows), verdict.requests + verdict.answers, "as many frames as the strict reader saw")
    test.assertEqual(len(answers), verdict.answers, "every answer has its question")
    for row in rows:
        test.assertEqual(int(row[3]) + 6, int(row[4]), row)
        test.assertEqual(row[5], "", row)
    times = sorted(float(row[2]) for row in answers)
    print(f"tshark: {len(rows)} frames, {len(answers)} pairs, response time p50 {1e3 * times[len(times) // 2]:.2f} ms, p99 "
          f"{1e3 * times[int(0.99 * len(times))]:.2f} ms", flush=True)


def probe(folder, links, *options, machine=MACHINE, ticks=1500):
    command = [BUILD / "tests.d" / "hal_probe", "--machine", machine, *links, "--ticks", ticks, *options]
    text = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True, timeout=120).stdout
    return [json.loads(line) for line in text.splitlines()]


def show(name, verdict):
    print(f"{name}: {verdict.requests} requests, {verdict.answers} answers, functions {dict(verdict.functions)}, response p50 "
          f"{verdict.quantile(0.5):.2f} ms, p99 {verdict.quantile(0.99):.2f} ms", flush=True)


class StrictReader(unittest.TestCase):
    """The judge itself: each kind of broken frame is found."""

    def found(self, link, *packets):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x.pcap"
            data = strict.struct.pack("<IHHIIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, link)
            for request, payload in packets:
                ports = (40001, 502) if request else (502, 40001)
                packet = payload if link == strict.USER0 else bytes(20) + strict.struct.pack(">HH", *ports) + bytes(16) + payload
                data += strict.struct.pack("<IIII", 1, 0, len(packet), len(packet)) + packet
            path.write_bytes(data)
            return strict.judge(path).problems

    def test_good_frames_are_good(self):
        self.assertEqual(self.found(strict.RAW_IP, (True, bytes.fromhex("0001000000060103010000" "01")),
                                    (False, bytes.fromhex("000100000005010302" "1234"))), [])

    def test_planted_errors_are_found(self):
        ask = (True, bytes.fromhex("000100000006010301000001"))
        for answer, said in (("0002000000050103021234", "transaction 2 answers 1"),
                             ("0001000100050103021234", "protocol 1"),
                             ("0001000000060103021234", "MBAP length 6, 5 bytes follow"),
                             ("0001000000050203021234", "unit 2 answers for 1"),
                             ("0001000000050104021234", "function 4 answers 3"),
                             ("0001000000050103041234", "byte count 4"),
                             ("000100000003018363", "malformed exception")):
            with self.subTest(said):
                self.assertIn(said, " ".join(self.found(strict.RAW_IP, ask, (False, bytes.fromhex(answer)))))
        self.assertIn("asked again", " ".join(self.found(strict.RAW_IP, ask, ask)))
        self.assertIn("nobody asked", " ".join(self.found(strict.RAW_IP, (False, bytes.fromhex("0001000000050103021234")))))
        good = bytes.fromhex("010301000001")
        good += strict.struct.pack("<H", strict.crc16(good))
        self.assertEqual(self.found(strict.USER0, (True, good)), [])
        self.assertIn("CRC", " ".join(self.found(strict.USER0, (True, good[:-1] + bytes([good[-1] ^ 1])))))


class FullSetOverTcp(unittest.TestCase):
    def test_every_frame_of_a_set_of_repetitions_is_as_the_specification_says(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            programs = folder / "programs"
            programs.mkdir()
            (programs / "two.toml").write_text(PROGRAM, encoding="utf-8")
            shutil.copy(SOURCE / "programs" / "exercises.toml", programs)
            running = []
            try:
                running.append(Process("medius-sim", [BIN / "medius-sim", "--port", 0, "--pace", "bus", "--speed", FAST, "--program",
                                                      programs / "two.toml"], folder, r"listening on ([0-9.:]+)"))
                proxy = Proxy(running[0].address, folder)
                running.append(proxy)
                daemon = Process("mediusd", [BIN / "mediusd", "--machine", MACHINE, "--link", f"machine={proxy.address}",
                                             "--programs", programs, "--plugins", BUILD / "plugins.d", "--data",
                                             folder / "data", "--listen", "127.0.0.1:0"], folder, r"ready on (\S+)")
                running.append(daemon)
                client = subprocess.run([BIN / "medius", "--address", daemon.address, "run", "two", "--report",
                                         folder / "report"], capture_output=True, text=True, timeout=300, check=False)
                self.assertEqual(client.returncode, 0, client.stdout[-2000:] + client.stderr + daemon.text()[-2000:])
            finally:
                for process in reversed(running):
                    process.end()
            report = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))
            self.assertEqual(report["sides"][0]["reps_counted"], 2)
            verdict = strict.judge(proxy.pcap)
            show("a set over TCP", verdict)
            self.assertEqual(verdict.problems[:10], [])
            self.assertGreater(verdict.functions[23], 5000)
            self.assertLessEqual(verdict.requests - verdict.answers, 1, "each request is answered, but one at the end")
            judge_by_tshark(self, proxy.pcap, verdict)


class LineThroughTheProxy(unittest.TestCase):
    def test_every_frame_on_a_line_has_its_length_and_crc_and_mbpoll_reads_through(self):
        with tempfile.TemporaryDirectory() as folder, Bench("kinco-fd", folder) as bench:
            line = next(name for name, where in bench.where.items() if where.startswith("/dev/"))
            proxy = Proxy(bench.where[line], folder, "--link-path", pathlib.Path(folder) / "line")
            try:
                links = [f"{name}={proxy.address if name == line else where}" for name, where in bench.where.items()]
                options = [part for link in links for part in ("--link", link)]
                seen = probe(folder, options, "--wall", "--devices", DEVICES, machine=bench.machine, ticks=4000)
                self.assertGreater(seen[0]["samples"], 20, seen)
                unit = int(re.search(r"unit_id = (\d+)", (DEVICES / "kinco-fd.toml").read_text(encoding="utf-8"))[1])
                poll = subprocess.run(["mbpoll", "-m", "rtu", "-a", str(unit), "-b", "115200", "-P", "none", "-t", "4:hex", "-r",
                                       str(0x3200 + 1), "-c", "1", "-o", "1", "-1", proxy.address], capture_output=True,
                                      text=True, timeout=30, check=False)
                self.assertEqual(poll.returncode, 0, poll.stdout + poll.stderr)
                self.assertRegex(poll.stdout, r"0x[0-9A-F]{4}")
            finally:
                proxy.end()
            verdict = strict.judge(proxy.pcap)
            show("a line", verdict)
            broken = [text for text in verdict.problems if "CRC" in text or "no frame" in text]
            self.assertEqual(broken, [])
            self.assertGreater(verdict.answers, 100)
            frames = len(strict.frames(proxy.pcap)[1])
            bad = tshark(proxy.pcap, "-Y", "mbrtu.crc16.status == 0 || _ws.malformed")
            self.assertEqual(bad[:5], [], "tshark finds every CRC right")
            self.assertEqual(len(tshark(proxy.pcap, "-Y", "mbrtu")), frames)


class FullSetOnALine(unittest.TestCase):
    """By hand: at wall pace a host that stalls ends a set, rightly. Drive - proxy - socat's pair of terminals - controller."""

    @contextlib.contextmanager
    def behind_socat(self, folder, where):
        line = next(name for name, place in where.items() if place.startswith("/dev/"))
        proxy = Proxy(where[line], folder, "--link-path", folder / "line")
        far = folder / "far"
        with subprocess.Popen(promptly(["socat", f"PTY,link={far},raw,echo=0", f"OPEN:{proxy.address},raw,echo=0"])) as pair:
            try:
                wait_for("socat's terminal", far.exists, 10)
                yield {**where, line: str(far)}
            finally:
                pair.terminate()
                proxy.end()
                self.verdict = strict.judge(proxy.pcap)
                self.bad = tshark(proxy.pcap, "-Y", "mbrtu.crc16.status == 0 || _ws.malformed")
                self.frames = len(tshark(proxy.pcap, "-Y", "mbrtu"))

    def test_every_frame_of_a_set_of_repetitions_has_its_length_and_crc(self):
        result = run_set_despite_the_host("kinco-fd", between=self.behind_socat)
        show(f"a set on a line, host stalls {result['stalls']}", self.verdict)
        self.assertEqual(result["code"], 0, result["text"] + result["log"])
        self.assertEqual(result["report"]["sides"][0]["reps_counted"], 2)
        self.assertEqual(result["report"]["sides"][0]["reps_true"], 2)
        self.assertEqual(self.verdict.problems[:10], [])
        self.assertGreater(self.verdict.answers, 3000)
        self.assertLessEqual(self.verdict.requests - self.verdict.answers, 1)
        self.assertEqual(self.bad[:5], [], "tshark finds every CRC right")
        self.assertEqual(self.frames, self.verdict.requests + self.verdict.answers)


class MbpollOverTcp(unittest.TestCase):
    def test_reads_the_map_through_the_proxy_and_learns_of_a_unit_that_is_blocked(self):
        def poll(unit):
            port = proxy.address.rsplit(":", 1)[1]
            return subprocess.run(["mbpoll", "-m", "tcp", "-p", port, "-a", str(unit), "-t", "4", "-r", str(0x120 + 1), "-c",
                                   "1", "-o", "1", "-1", "127.0.0.1"], capture_output=True, text=True, timeout=30, check=False)

        with tempfile.TemporaryDirectory() as folder:
            sim = Process("medius-sim", [BIN / "medius-sim", "--port", 0], folder, r"listening on ([0-9.:]+)")
            proxy = Proxy(sim.address, folder)
            try:
                self.assertRegex(poll(1).stdout, r"\[289\]:\s+2\b", "map version 2")
                self.assertTrue(proxy.send("add drop unit=1")["ok"])
                self.assertIn("timed out", poll(1).stderr)
                self.assertIn("error", proxy.send("add vanish"))
                self.assertTrue(proxy.send("clear")["ok"])
                self.assertRegex(poll(1).stdout, r"\[289\]:\s+2\b")
                self.assertGreaterEqual(proxy.send("status")["faults"], 1)
            finally:
                proxy.end()
                sim.end()


class OddMachine(unittest.TestCase):
    """pymodbus serves a machine with the low word first that knows functions 3, 6 and 16 only."""

    def test_is_read_right_and_never_asked_for_anything_else(self):
        from pymodbus_server_test import PymodbusDevice
        with tempfile.TemporaryDirectory() as folder, PymodbusDevice() as device:
            folder = pathlib.Path(folder)
            for name in ("canonical-drive", "canonical-panel"):
                text = (DEVICES / f"{name}.toml").read_text(encoding="utf-8")
                text = text.replace('word_order = "high-first"', 'word_order = "low-first"')
                text = text.replace('transaction = "fc23"', 'transaction = "fc16+fc3"')
                (folder / f"{name}.toml").write_text(text, encoding="utf-8")
            block = device.context[1].store["h"].values
            block[0x104], block[0x105] = block[0x105], block[0x104]
            block[0x108], block[0x109] = block[0x109], block[0x108]
            block[0x121], block[0x122] = block[0x122], block[0x121]
            proxy = Proxy(device.address, folder)
            try:
                seen = probe(folder, ["--link", f"machine={proxy.address}"], "--wall", "--devices", folder)[0]
            finally:
                proxy.end()
            self.assertEqual(seen["state"], "up", seen["message"])
            self.assertTrue(seen["fresh"])
            self.assertAlmostEqual(seen["position"], -0.1, places=9)
            self.assertAlmostEqual(seen["load_cell"], 12.345, places=9)
            verdict = strict.judge(proxy.pcap)
            show("a machine of functions 3 and 16", verdict)
            self.assertEqual(verdict.problems[:10], [])
            self.assertLessEqual(set(verdict.functions), {3, 6, 16})
            self.assertEqual(verdict.exceptions, 0)


class LiveCapture(unittest.TestCase):
    """The same from the wire itself, where capturing is allowed."""

    def test_what_dumpcap_sees_on_loopback_is_paired_and_well_formed(self):
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            pcap = pathlib.Path(folder) / "lo.pcapng"
            sim = Process("medius-sim", [BIN / "medius-sim", "--port", port], folder, r"listening on ([0-9.:]+)")
            capture = subprocess.Popen(["dumpcap", "-q", "-i", "lo", "-f", f"tcp port {port}", "-w", pcap],
                                       stderr=subprocess.PIPE, text=True)
            try:
                said = ""
                while "File:" not in said:
                    line = capture.stderr.readline()
                    if not line:
                        self.skipTest(f"no capture on loopback here: {said.strip()}")
                    said += line
                seen = probe(folder, ["--link", f"machine={sim.address}"], "--wall")[0]
                self.assertGreater(seen["rounds"], 100)
            finally:
                capture.terminate()
                capture.communicate(timeout=20)
                sim.end()
            rows = [line.split("\t") for line in subprocess.run(
                ["tshark", "-r", str(pcap), "--disable-protocol", "opensafety", "-o", f"mbtcp.tcp.port:{port}", "-Y", "mbtcp", "-T", "fields", "-e",
                 "modbus.request_frame", "-e", "mbtcp.len", "-e", "tcp.len", "-e", "_ws.malformed"],
                capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()]
            self.assertGreater(len(rows), 200)
            self.assertLessEqual(abs(2 * sum(1 for row in rows if row[0]) - len(rows)), 1, "every request is paired")
            for row in rows:
                self.assertEqual(int(row[1]) + 6, int(row[2]))
                self.assertEqual(row[3:], [""])


if __name__ == "__main__":
    unittest.main(verbosity=2)
