"""What Prometheus scrapes from a real mediusd, read by Prometheus' own client library, beside what the store says."""
import json
import pathlib
import re
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness import BIN, BUILD, FAST, MACHINE, SOURCE, House, stubs, wait_for  # noqa: E402

from prometheus_client.parser import text_string_to_metric_families  # noqa: E402

BESIDE = SOURCE / "controller" / "metrics" / "prometheus"
# Families that begin to exist with the first event of their kind.
EVENTS = {"medius_sets_total", "medius_faults_total"}


def scrape(address):
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=20) as reply:
        return {family.name: family for family in text_string_to_metric_families(reply.read().decode())}


def values(families, name, **labels):
    """{labels: value} of the samples of that very name."""
    found = {}
    for family in families.values():
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                found[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def names_used(text):
    return set(re.findall(r"\bmedius_[a-z0-9_]+", text))


class Metrics(unittest.TestCase):
    def test_a_session_is_in_the_figures_as_it_is_in_the_store(self):
        with House(speed=FAST, daemon_options=["--metrics", "127.0.0.1:0"]) as house:
            address = wait_for("the address of the figures", lambda: re.search(
                r"figures on http://(\S+)/metrics", house.daemon.text()))[1]
            messages, _ = stubs()
            station, _, sessions = house.connect()
            receipt = station.StartSession(messages.StartSessionRequest(
                header=messages.OrderHeader(request_id="start"), program=f"programs/{house.program}"))
            wait_for("a first set to be stored", lambda: len(station.GetStation(
                messages.GetStationRequest()).stored_sets) >= 1, limit_s=240)
            station.Stop(messages.StopRequest(header=messages.OrderHeader(request_id="stop")))
            wait_for("the station to be idle", lambda: station.GetStation(
                messages.GetStationRequest()).state == messages.STATION_STATE_IDLE, limit_s=60)
            session = sessions.GetSession(messages.GetSessionRequest(name=receipt.session))
            sets = [s for s in session.sets if s.end != messages.SET_END_OPEN]
            self.assertGreater(len(sets), 0)
            families = scrape(address)

            ended = sum(values(families, "medius_sets_total").values())
            self.assertEqual(ended, len(sets))
            counted = values(families, "medius_repetitions_total", kind="counted")
            self.assertEqual(sum(counted.values()), sum(s.reps_counted for s in sets))

            states = values(families, "medius_station_state")
            self.assertEqual(sum(states.values()), 1)
            ticks = values(families, "medius_loop_late_seconds_count")
            self.assertGreater(sum(ticks.values()), 10_000)
            up = values(families, "medius_bus_up")
            self.assertEqual(list(up.values()), [1])
            self.assertGreater(sum(values(families, "medius_bus_transactions_total").values()), 10_000)

            self.names_are_there(families)

    def names_are_there(self, families):
        served = {sample.name for family in families.values() for sample in family.samples} | EVENTS
        rules = (BESIDE / "medius-alerts.yml").read_text(encoding="utf-8")
        dashboard = json.loads((BESIDE / "medius-dashboard.json").read_text(encoding="utf-8"))
        queries = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
        self.assertEqual(names_used(rules) - served, set(), "rules ask for figures that are not served")
        self.assertEqual(names_used(queries) - served, set(), "the dashboard asks for figures that are not served")
        self.assertEqual(names_used("medius_no_such_figure") - served, {"medius_no_such_figure"})

    def test_figures_are_off_unless_asked_for_and_only_for_this_computer(self):
        with House() as house:
            self.assertNotIn("figures on", house.daemon.text())
        for address, word in (("0.0.0.0:0", "127"), ("unix:/tmp/figures", "127.0.0.1:PORT"), ("nonsense", "nonsense")):
            ended = subprocess.run(
                [BIN / "mediusd", "--machine", MACHINE, "--programs", SOURCE / "programs", "--plugins",
                 BUILD / "plugins.d", "--data", house.folder / "data", "--listen", "127.0.0.1:0",
                 "--metrics", address], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(ended.returncode, 1, address)
            self.assertIn("--metrics", ended.stderr)
            self.assertIn(word, ended.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
