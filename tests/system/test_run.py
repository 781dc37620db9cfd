#!/usr/bin/python3
"""./run as a user starts it: its report, its end, its Ctrl-C."""
import csv
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from harness import SOURCE, load_json


def our_processes(mark):
    """Command lines of living processes whose environment holds the mark: children inherit it."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            if f"{MARK}={mark}\0".encode() in environment:
                found.append(line)
    return found


MARK = "MEDIUS_TEST_RUN"


class Run(unittest.TestCase):
    def test_a_process_left_behind_would_be_seen(self):
        with subprocess.Popen(["setsid", "sleep", "60"], env={**os.environ, MARK: "control"}) as left:
            deadline = time.monotonic() + 10.0  # its environment shows once it has been executed
            while not our_processes("control") and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertEqual(len(our_processes("control")), 1)
            left.kill()

    def test_a_session_ends_by_itself_and_its_report_agrees_with_the_plants_truth(self):
        with tempfile.TemporaryDirectory() as folder:
            result = subprocess.run(
                [SOURCE / "run", "--report", f"{folder}/report", "--data", f"{folder}/data", "--speed", "8"],
                capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600, check=False,
                env={**os.environ, MARK: folder})
            print(result.stdout[-4000:], file=sys.stderr)
            self.assertEqual(result.returncode, 0, result.stderr[-3000:])
            self.assertNotIn("\033[", result.stdout, "plain lines without a terminal")
            report = load_json(f"{folder}/report/report.json")
            self.assertEqual([side["side"] for side in report["sides"]], ["left", "right"])
            for side in report["sides"]:
                self.assertEqual(side["reps_counted"], 8)
                self.assertEqual(side["reps_true"], 8)
                self.assertEqual(side["phase_changes"], 16)
                self.assertAlmostEqual(side["rendered_ratio"], 1.30, delta=0.05)
                self.assertLessEqual(side["rms_error_percent"], 5.0)
            with open(f"{folder}/report/reps.csv", encoding="utf-8", newline="") as file:
                rows = list(csv.reader(file))
            self.assertEqual(len(rows), 1 + 16)
            self.assertEqual(our_processes(folder), [])

    def test_ctrl_c_stops_the_set_restores_the_terminal_and_leaves_no_process(self):
        with tempfile.TemporaryDirectory() as folder:
            pid, terminal = pty.fork()
            if pid == 0:
                os.environ.update({"TERM": "xterm-256color", MARK: folder})
                os.execv(SOURCE / "run", ["./run", "--data", f"{folder}/data"])
            seen, sent, end = b"", False, time.monotonic() + 300
            while time.monotonic() < end:
                ready, _, _ = select.select([terminal], [], [], 0.5)
                if ready:
                    try:
                        chunk = os.read(terminal, 65536)
                    except OSError:
                        break
                    if not chunk:
                        break
                    seen += chunk
                if not sent and re.search(rb"concentric|eccentric", seen):
                    os.write(terminal, b"\x03")
                    sent = True
            _, status = os.waitpid(pid, 0)
            self.assertTrue(sent, seen[-2000:])
            self.assertEqual(os.waitstatus_to_exitcode(status), 130, seen[-2000:].decode(errors="replace"))
            self.assertEqual(seen.count(b"\033[?25l") > 0, seen.rfind(b"\033[?25h") > seen.rfind(b"\033[?25l"),
                             "the cursor is shown again")
            self.assertEqual(our_processes(folder), [])

    def test_bad_options_are_told_in_one_sentence(self):
        for arguments, words in ((["--program", "nope"], "nope"), (["--seed"], "--seed"), (["--what"], "--what")):
            result = subprocess.run([SOURCE / "run", *arguments], capture_output=True, text=True, check=False,
                                    timeout=60, stdin=subprocess.DEVNULL)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(words, result.stderr)
            self.assertEqual(len(result.stderr.strip().splitlines()), 1)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    unittest.main(verbosity=2)
