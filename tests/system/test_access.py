#!/usr/bin/python3
"""Peers from elsewhere: certificates, roles and revocation on real sockets, judged by Python's gRPC and openssl."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

import grpc

from harness import BIN, BUILD, SOURCE, House, stubs, wait_for

messages, services = stubs()
lease_messages, lease_services = stubs("lease")
CODE = grpc.StatusCode

ROLES = ("observer", "trainer", "therapist", "technician", "admin")
LEADS = {"trainer", "therapist"}
ANYBODY = set(ROLES)
KEEPS = {"therapist", "technician", "admin"}
# Written down here a second time on purpose: who may call what.
MAY = {
    "StationService": {
        "GetStation": ANYBODY, "WatchStation": ANYBODY, "WatchSamples": ANYBODY, "Stop": ANYBODY,
        "StartSession": LEADS, "StartSet": LEADS, "AdjustLoad": LEADS, "SetParameter": LEADS,
        "Pause": LEADS, "Resume": LEADS, "ConfirmGuided": LEADS, "SkipGuided": LEADS},
    "SampleService": {"FollowSamples": ANYBODY},
    "LeaseService": {"AcquireLease": LEADS, "RenewLease": LEADS, "ReleaseLease": LEADS, "HandOverLease": LEADS,
                     "GetLease": ANYBODY},
    "ProgramService": {"GetProgram": ANYBODY, "ListPrograms": ANYBODY, "ListProfiles": ANYBODY},
    "SessionService": {
        "ListSessions": ANYBODY, "GetSession": ANYBODY, "GetSet": ANYBODY, "ReadSamples": ANYBODY,
        "RecomputeSet": KEEPS},
    "ClientService": {
        "GetClient": LEADS, "ListClients": LEADS, "CreateClient": LEADS, "UpdateClient": LEADS,
        "DeleteClient": {"therapist", "admin"}, "ExportClient": {"therapist", "admin"},
        "EraseClient": {"therapist", "admin"}, "ListTestResults": LEADS, "GetProgress": LEADS},
    "PlanService": {
        "GetPlan": LEADS, "ListPlans": LEADS, "CreatePlan": LEADS, "UpdatePlan": LEADS, "DeletePlan": LEADS,
        "GetNextSession": LEADS, "ListPlanDays": LEADS, "DecideProposal": {"therapist"}, "ImportLoads": LEADS},
    "MachineService": {
        "GetMachine": ANYBODY, "ListMachines": ANYBODY, "ListFaultRecords": ANYBODY, "ListFaultKinds": ANYBODY},
    "AuditService": {"ListAuditEvents": KEEPS, "WatchAuditEvents": KEEPS, "VerifyAudit": KEEPS},
    "StoreService": {"GetStore": KEEPS, "VerifyStore": KEEPS, "BackupStore": KEEPS},
}


ASKS = {"FollowSamples"}  # streams of requests
AREAS = sorted(path.stem for path in (SOURCE / "proto" / "medius" / "v1").glob("*.proto"))


def every_service(open_channel):
    """(descriptor, stub, messages) of each service that any proto defines."""
    for area in AREAS:
        area_messages, area_services = stubs(area)
        for service in area_messages.DESCRIPTOR.services_by_name.values():
            yield service, getattr(area_services, service.name + "Stub")(open_channel), area_messages


def openssl(*arguments, text=None):
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False,
                          timeout=60, input=text)


class Pki:
    """An authority made by the command line in a folder of its own."""

    def __init__(self, folder, name="pki"):
        self.root = pathlib.Path(folder)
        self.folder = self.root / name
        self.run("init", "--station", "test station", "--host", "127.0.0.1", "--host", "localhost")

    def run(self, *arguments, code=0):
        result = subprocess.run([BIN / "medius", "pki", *map(str, arguments), "--dir", self.folder],
                                capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode == code, result.stdout + result.stderr
        return result.stdout + result.stderr

    def issue(self, name, role):
        out = self.root / name
        self.run("issue", name, "--role", role, "--out", out)
        return out


def audit(*arguments, address=None):
    where = ["--address", address] if address else []
    return subprocess.run([BIN / "medius", *where, "audit", *map(str, arguments)], capture_output=True, text=True,
                          check=False, timeout=60)


def audit_rows(*arguments, address=None):
    listed = audit("list", "--limit", 1000, "--json", *arguments, address=address)
    assert listed.returncode == 0, listed.stderr
    return [json.loads(line) for line in listed.stdout.splitlines()]


def channel(address, folder):
    """A client's channel with the certificate in a folder; None: without one."""
    read = lambda name: (folder / name).read_bytes()
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(
        read("ca.crt"), read("client.key") if (folder / "client.key").exists() else None,
        read("client.crt") if (folder / "client.crt").exists() else None))


def code_of(call, limit_s=20):
    """Status of one call with an empty request; a stream is ended after its first message."""
    try:
        result = call(timeout=limit_s)
        if hasattr(result, "cancel") and not hasattr(result, "DESCRIPTOR"):
            next(result, None)
            result.cancel()
        return CODE.OK
    except grpc.RpcError as error:
        return error.code()


@contextlib.contextmanager
def at_1970():
    """Whatever is started meanwhile believes that it is 1970: a computer without a battery for its clock."""
    os.environ["LD_PRELOAD"] = str(BUILD / "tests.d" / "clock_1970.so")
    try:
        yield
    finally:
        del os.environ["LD_PRELOAD"]


class RemoteHouse(House):
    """A station that also serves peers with certificates."""

    def __enter__(self):
        self.pki = Pki(self.folder)
        self.start_sim()
        self.start_daemon(extra=["--remote", "127.0.0.1:0", "--tls", self.pki.folder])
        self.remote = wait_for("remote address", lambda: self.daemon.text().split(
            "peers with certificates on ")[1].split()[0])
        return self


class Access(unittest.TestCase):
    def test_openssl_agrees_with_what_was_issued(self):
        with tempfile.TemporaryDirectory() as folder:
            pki = Pki(folder)
            ada = pki.issue("ada", "trainer")
            verify = ("verify", "-x509_strict", "-CAfile", pki.folder / "ca.crt")
            self.assertIn("OK", openssl(*verify, "-purpose", "sslclient", ada / "client.crt").stdout)
            self.assertIn("OK", openssl(*verify, "-purpose", "sslserver", pki.folder / "server.crt").stdout)
            self.assertNotIn("OK", openssl(*verify, "-purpose", "sslserver", ada / "client.crt").stdout)
            text = openssl("x509", "-in", ada / "client.crt", "-noout", "-text").stdout
            self.assertIn("URI:urn:medius:role:trainer", text)
            pki.run("revoke", "ada")
            checked = openssl(*verify, "-crl_check", "-CRLfile", pki.folder / "crl.pem", ada / "client.crt")
            self.assertIn("revoked", checked.stdout + checked.stderr)
            self.assertIn("revoked", pki.run("list"))

    def test_every_role_may_call_what_it_may_and_nothing_else(self):
        with RemoteHouse() as house:
            wrong = []
            for role in ROLES:
                with channel(house.remote, house.pki.issue(role, role)) as open_channel:
                    for service, stub, requests in every_service(open_channel):
                        for method in service.methods:
                            self.assertIn(method.name, MAY[service.name], "the test has no row for it")
                            request = getattr(requests, method.input_type.name)()
                            if method.name in ASKS:
                                request = iter([request])
                            code = code_of(lambda timeout, m=method, s=stub, r=request:
                                           getattr(s, m.name)(r, timeout=timeout))
                            may = role in MAY[service.name][method.name]
                            denied = code in (CODE.PERMISSION_DENIED, CODE.UNAUTHENTICATED)
                            if may == denied:
                                wrong.append((role, service.name, method.name, code))
            self.assertEqual(wrong, [])

    def test_without_a_certificate_of_this_station_nobody_gets_in(self):
        with RemoteHouse() as house:
            nobody = house.folder / "nobody"
            nobody.mkdir()
            shutil.copy(house.pki.folder / "ca.crt", nobody)
            stranger = Pki(house.folder, "other").issue("mallory", "admin")
            shutil.copy(house.pki.folder / "ca.crt", stranger)
            ended = self.ended_certificate(house.pki, house.folder)
            for folder in (nobody, stranger, ended):
                with channel(house.remote, folder) as open_channel:
                    stub = services.StationServiceStub(open_channel)
                    code = code_of(lambda timeout, s=stub: s.Stop(messages.StopRequest(), timeout=timeout), 5)
                    self.assertIn(code, (CODE.UNAVAILABLE, CODE.UNAUTHENTICATED, CODE.DEADLINE_EXCEEDED), folder)
            with grpc.insecure_channel(house.remote) as open_channel:
                stub = services.StationServiceStub(open_channel)
                code = code_of(lambda timeout: stub.Stop(messages.StopRequest(), timeout=timeout), 5)
                self.assertIn(code, (CODE.UNAVAILABLE, CODE.DEADLINE_EXCEEDED))
            # On the spot training needs no certificate.
            self.assertEqual(house.client("status", "--json").returncode, 0)

    def ended_certificate(self, pki, root):
        folder = root / "ended"
        folder.mkdir()
        shutil.copy(pki.folder / "ca.crt", folder)
        (folder / "ext").write_text("subjectAltName=URI:urn:medius:role:admin\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=eve",
                "-keyout", folder / "client.key", "-out", folder / "csr")
        signed = openssl("x509", "-req", "-in", folder / "csr", "-CA", pki.folder / "ca.crt", "-CAkey",
                         pki.folder / "ca.key", "-days", "-1", "-extfile", folder / "ext", "-out",
                         folder / "client.crt")
        self.assertTrue((folder / "client.crt").exists(), signed.stderr)
        return folder

    def test_a_revoked_peer_loses_its_open_stream_and_cannot_come_back(self):
        with RemoteHouse() as house:
            ada, bob = house.pki.issue("ada", "trainer"), house.pki.issue("bob", "trainer")
            with channel(house.remote, ada) as hers, channel(house.remote, bob) as his:
                ended = {}

                def follow(name, open_channel):
                    try:
                        for _ in services.StationServiceStub(open_channel).WatchStation(
                                messages.WatchStationRequest(), timeout=120):
                            ended.setdefault("begun-" + name, True)
                    except grpc.RpcError as error:
                        ended[name] = error

                for name, open_channel in (("ada", hers), ("bob", his)):
                    threading.Thread(target=follow, args=(name, open_channel), daemon=True).start()
                wait_for("both streams", lambda: {"begun-ada", "begun-bob"} <= ended.keys())
                house.pki.run("revoke", "ada")
                wait_for("the end of her stream", lambda: "ada" in ended, limit_s=60)
                self.assertEqual(ended["ada"].code(), CODE.UNAUTHENTICATED)
                self.assertIn("revoked", ended["ada"].details())
                self.assertNotIn("bob", ended)
                stub = services.StationServiceStub(hers)
                self.assertEqual(code_of(lambda timeout: stub.GetStation(
                    messages.GetStationRequest(), timeout=timeout)), CODE.UNAUTHENTICATED)

    def test_what_the_authority_did_stands_in_its_own_log_and_what_is_done_to_the_log_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            pki = Pki(folder)
            pki.issue("ada", "trainer")
            pki.run("renew-server", "--station", "test station", "--host", "127.0.0.1")
            pki.run("revoke", "ada")
            pki.run("revoke", "ada", code=1)  # there is nothing left to take back
            serial = {row["name"]: row["serial"] for row in json.loads(pki.run("list", "--json"))["certificates"]}
            rows = audit_rows("--pki", pki.folder)
            self.assertEqual([(row["action"], row["result"]) for row in rows], [
                ("authority_made", "AUDIT_RESULT_APPLIED"), ("certificate_issued", "AUDIT_RESULT_APPLIED"),
                ("server_certificate_issued", "AUDIT_RESULT_APPLIED"), ("certificate_revoked", "AUDIT_RESULT_APPLIED"),
                ("certificate_revoked", "AUDIT_RESULT_REFUSED")])
            self.assertEqual(rows[1]["details"]["serial"], serial["ada"])
            self.assertEqual(rows[1]["details"]["role"], "trainer")
            self.assertEqual([row["subject"] for row in rows[3:]], ["ada", "ada"])
            self.assertIn("could be revoked", rows[4]["reason"])
            self.assertTrue(all(row["who"] for row in rows))
            newest = json.loads(audit("verify", "--pki", pki.folder, "--json").stdout)
            self.assertEqual((newest["rows"], newest.get("findings", [])), ("5", []))
            head = (pki.folder / "audit.log.head").read_text(encoding="ascii").strip()
            self.assertEqual(audit("verify", "--pki", pki.folder, "--noted", head).returncode, 0)
            log = pki.folder / "audit.log"
            text = log.read_text(encoding="utf-8")
            log.write_text(text.replace('"subject":"ada"', '"subject":"eve"', 1), encoding="utf-8")
            spoilt = audit("verify", "--pki", pki.folder)
            self.assertEqual(spoilt.returncode, 1)
            self.assertIn("audit row 2 is not what was written", spoilt.stderr)
            log.write_text("".join(text.splitlines(True)[:3]), encoding="utf-8")
            self.assertIn("rows 4 to 5 were acknowledged and are missing",
                          audit("verify", "--pki", pki.folder).stderr)
            nothing = audit("list", "--pki", folder)
            self.assertEqual(nothing.returncode, 1)
            self.assertIn("there is no audit log", nothing.stderr)

    def test_a_running_station_notes_what_changed_in_its_authority(self):
        with RemoteHouse() as house:
            rows = lambda: audit_rows("--kind", "access", address=house.daemon.address)
            action = lambda name: [row for row in rows() if row["action"] == name]
            opened = wait_for("the first note", lambda: action("remote_door_opened"))[0]
            head = lambda: (house.pki.folder / "audit.log.head").read_text(encoding="ascii").strip()
            self.assertEqual(opened["details"]["pki_log"], head())
            self.assertEqual(opened["details"]["revoked"], "0")
            house.pki.issue("ada", "trainer")
            serial = [row["serial"] for row in json.loads(house.pki.run("list", "--json"))["certificates"]
                      if row["name"] == "ada"][0]
            house.pki.run("revoke", "ada")
            changed = wait_for("the note of the list", lambda: action("revocation_list_changed"), 60)[0]
            self.assertEqual(changed["reason"], f"revoked: {serial}")
            self.assertEqual(changed["who"], "station")
            wait_for("the note of the newest row", lambda: any(
                row["details"]["pki_log"] == head() for row in action("pki_log_changed")), 60)
            house.pki.run("renew-server", "--station", "test station", "--host", "127.0.0.1")
            wait_for("the note of the server's certificate", lambda: action("server_certificate_changed"), 60)
            (house.pki.folder / "crl.pem").write_text("nonsense", encoding="ascii")
            spoilt = wait_for("the note of the spoilt list", lambda: [
                row for row in action("revocation_list_changed") if row["result"] == "AUDIT_RESULT_FAILED"], 60)[0]
            self.assertIn("the last list holds", spoilt["reason"])

    def test_from_elsewhere_one_trainer_leads_at_a_time(self):
        with RemoteHouse() as house:
            wait_for("a fresh link", lambda: house.connect()[0].GetStation(
                messages.GetStationRequest(), timeout=5).loop.link_fresh)
            ada, bob = house.pki.issue("ada", "trainer"), house.pki.issue("bob", "therapist")
            with channel(house.remote, ada) as hers, channel(house.remote, bob) as his:
                stations = [services.StationServiceStub(c) for c in (hers, his)]
                leases = [lease_services.LeaseServiceStub(c) for c in (hers, his)]

                def resume(who, number, epoch=None):
                    header = messages.OrderHeader(request_id=f"r{number}", lease_epoch=epoch)
                    with self.assertRaises(grpc.RpcError) as refused:
                        stations[who].Resume(messages.ResumeRequest(header=header), timeout=20)
                    return refused.exception.code(), refused.exception.details()

                self.assertIn("needs the lease of control", resume(0, 1)[1])
                # A certificate says who holds it, whatever the request says.
                lease = leases[0].AcquireLease(lease_messages.AcquireLeaseRequest(client_name="bob"), timeout=20).lease
                self.assertEqual(lease.holder, "ada")
                self.assertIn("nothing is paused", resume(0, 2, lease.epoch)[1])
                with self.assertRaises(grpc.RpcError) as refused:
                    leases[1].AcquireLease(lease_messages.AcquireLeaseRequest(), timeout=20)
                self.assertIn("'ada' holds the lease of control", refused.exception.details())
                code, why = resume(1, 3, lease.epoch)
                self.assertEqual(code, CODE.FAILED_PRECONDITION)
                self.assertIn("'ada' holds the lease", why)
                given = leases[0].HandOverLease(lease_messages.HandOverLeaseRequest(
                    epoch=lease.epoch, to="bob"), timeout=20).lease
                self.assertEqual((given.holder, given.epoch > lease.epoch), ("bob", True))
                self.assertEqual(resume(0, 4, lease.epoch)[0], CODE.ABORTED)
                self.assertIn("nothing is paused", resume(1, 5, given.epoch)[1])
                stations[0].Stop(messages.StopRequest(), timeout=20)  # never a matter of leases

    def test_the_command_line_takes_shows_and_gives_the_lease(self):
        with House() as house:
            self.assertIn("nobody holds", house.client("lease", "show").stdout)
            self.assertIn("'ada' leads", house.client("lease", "take", "--as", "ada").stdout)
            other = house.client("resume", "--as", "bob")
            self.assertEqual(other.returncode, 3)
            self.assertIn("'ada' holds the lease of control", other.stderr)
            self.assertIn("nothing is paused", house.client("resume", "--as", "ada").stderr)
            self.assertIn("'bob' leads", house.client("lease", "hand-over", "bob", "--as", "ada").stdout)
            self.assertEqual(house.client("lease", "release", "--as", "ada").returncode, 3)
            self.assertEqual(house.client("lease", "release", "--as", "bob").returncode, 0)
            self.assertEqual(house.client("lease", "show", "--json").stdout.strip(), "{}")
            # One trainer alone needs to know nothing of leases.
            self.assertIn("nothing is paused", house.client("resume").stderr)
            self.assertIn("nobody holds", house.client("lease", "show").stdout)

    def test_with_the_clock_at_1970_nobody_from_elsewhere_gets_in_and_training_on_the_spot_goes_on(self):
        with RemoteHouse() as house:
            ada = house.pki.issue("ada", "trainer")
            house.daemon.end()
            with at_1970():
                house.start_daemon(extra=["--remote", "127.0.0.1:0", "--tls", house.pki.folder])
            remote = wait_for("remote address", lambda: house.daemon.text().split(
                "peers with certificates on ")[1].split()[0])
            with channel(remote, ada) as open_channel:
                stub = services.StationServiceStub(open_channel)
                code = code_of(lambda timeout: stub.GetStation(messages.GetStationRequest(), timeout=timeout), 10)
                self.assertIn(code, (CODE.UNAUTHENTICATED, CODE.UNAVAILABLE, CODE.DEADLINE_EXCEEDED))
            station = house.connect()[0]
            before = station.GetStation(messages.GetStationRequest(), timeout=10)
            self.assertTrue(before.name)
            lease = lease_services.LeaseServiceStub(house.channel).AcquireLease(
                lease_messages.AcquireLeaseRequest(client_name="on the spot"), timeout=10).lease
            self.assertGreater(lease.remaining.seconds, 10, "a lease does not ask what day it is")
            station.Stop(messages.StopRequest(), timeout=10)

    def test_a_peer_is_called_in_the_audit_as_its_certificate_says(self):
        with RemoteHouse() as house:
            with channel(house.remote, house.pki.issue("Ada Trainer", "trainer")) as open_channel:
                header = messages.OrderHeader(request_id="r1", client_name="somebody else")
                services.StationServiceStub(open_channel).Stop(messages.StopRequest(header=header), timeout=20)
            wait_for("the audit", lambda: "Ada Trainer" in house.daemon.text())
            self.assertNotIn("somebody else", house.daemon.text())

    def test_orders_are_slowed_down_and_stop_is_not(self):
        with RemoteHouse() as house:
            with channel(house.remote, house.pki.issue("ada", "trainer")) as open_channel:
                stub = services.StationServiceStub(open_channel)
                pauses = [code_of(lambda timeout: stub.Pause(messages.PauseRequest(), timeout=timeout))
                          for _ in range(60)]
                self.assertIn(CODE.RESOURCE_EXHAUSTED, pauses)
                stops = [code_of(lambda timeout: stub.Stop(messages.StopRequest(), timeout=timeout))
                         for _ in range(60)]
                self.assertNotIn(CODE.RESOURCE_EXHAUSTED, stops)

    def test_our_own_client_goes_through_the_door_and_says_why_it_may_not(self):
        with RemoteHouse() as house:
            observer = house.pki.issue("bob", "observer")
            client = [BIN / "medius", "--address", house.remote, "--tls", observer]
            self.assertEqual(subprocess.run([*client, "status"], capture_output=True, check=False).returncode, 0)
            denied = subprocess.run([*client, "pause"], capture_output=True, text=True, check=False)
            self.assertEqual(denied.returncode, 3)
            self.assertIn("'bob', observer, may not call", denied.stderr)

    def test_a_door_without_its_files_is_refused_with_the_next_step(self):
        with House() as house:
            from harness import BUILD, MACHINE, SOURCE
            result = subprocess.run(
                [BIN / "mediusd", "--machine", MACHINE, "--link", f"machine={house.sim.address}", "--programs",
                 SOURCE / "programs", "--plugins", BUILD / "plugins.d", "--data", house.folder / "d2", "--listen",
                 "127.0.0.1:0", "--remote", "127.0.0.1:0", "--tls", house.folder / "none"],
                capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(result.returncode, 1)
            self.assertIn("medius pki init", result.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
