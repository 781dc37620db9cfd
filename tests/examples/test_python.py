"""The examples as a stranger starts them, on a real mediusd and medius-sim; what they keep is what the store has."""
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness import FAST, SOURCE, House, stubs, wait_for  # noqa: E402

EXAMPLES = SOURCE / "examples" / "python"


def example(name, *arguments, **options):
    return subprocess.run([sys.executable, EXAMPLES / name, *map(str, arguments)], capture_output=True, text=True,
                          timeout=250, check=False, **options)


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House(speed=FAST)
        cls.house.__enter__()
        cls.addClassCleanup(lambda: cls.house.__exit__(None, None, None))

    def test_everything_served_is_found_by_reflection_alone(self):
        listed = example("list_api.py", "--address", self.house.daemon.address, "--messages")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        messages, _ = stubs()
        for service in messages.DESCRIPTOR.services_by_name.values():
            self.assertIn(service.full_name + "\n", listed.stdout)
            for method in service.methods:
                self.assertIn(f"  {method.name}({method.input_type.name})", listed.stdout)
                for field in method.input_type.fields:
                    self.assertIn(f" {field.name}\n", listed.stdout)

    def test_a_set_is_run_watched_and_kept(self):
        wait_for("an idle station", lambda: "idle" in self.house.client("status").stdout)
        with tempfile.TemporaryDirectory() as folder:
            ran = example("run_set.py", "--address", self.house.daemon.address, "--reps", 2, "--load", 40, "--output",
                          pathlib.Path(folder) / "set")
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
            self.assertIn("repetition 2:", ran.stdout)
            kept = numpy.load(pathlib.Path(folder) / "set.npz")
            image = xml.etree.ElementTree.parse(pathlib.Path(folder) / "set.svg").getroot()
        messages, _ = stubs()
        _, _, sessions = self.house.connect()
        newest = sessions.ListSessions(messages.ListSessionsRequest()).sessions[0]
        stored = sessions.GetSet(messages.GetSetRequest(
            name=sessions.GetSession(messages.GetSessionRequest(name=newest.name)).sets[0].name))
        self.assertEqual(len(kept["tick"]), stored.samples)
        self.assertEqual(stored.reps_counted, 2)
        self.assertTrue(numpy.all(numpy.diff(kept["tick"].astype(numpy.int64)) == 1))
        self.assertGreater(kept["force_measured"].max(), 35.0)
        lines = image.findall("{http://www.w3.org/2000/svg}polyline")
        self.assertEqual(len(lines), 3)
        self.assertTrue(all(len(line.get("points").split()) > 500 for line in lines))

    def test_what_cannot_be_is_said_in_a_sentence(self):
        refused = example("run_set.py", "--address", self.house.daemon.address, "--load", 5000)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("5000", refused.stderr)
        self.assertNotIn("Traceback", refused.stderr)
        nobody = example("list_api.py", "--address", "127.0.0.1:1")
        self.assertEqual(nobody.returncode, 1)
        self.assertIn("127.0.0.1:1", nobody.stderr)
        self.assertNotIn("Traceback", nobody.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
