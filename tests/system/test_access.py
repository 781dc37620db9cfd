#!/usr/bin/python3
"""Peers from elsewhere: certificates, roles and revocation on real sockets, judged by Python's gRPC and openssl."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

import grpc

from harness import BIN, SOURCE, House, stubs, wait_for

messages, services = stubs()
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


def every_service():
    """(messages, services, descriptor) of every service of every proto."""
    for proto in sorted((SOURCE / "proto" / "medius" / "v1").glob("*.proto")):
        area_messages, area_services = stubs(proto.stem)
        for service in area_messages.DESCRIPTOR.services_by_name.values():
            yield area_messages, area_services, service


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
                    for area_messages, area_services, service in every_service():
                        stub = getattr(area_services, service.name + "Stub")(open_channel)
                        for method in service.methods:
                            self.assertIn(method.name, MAY[service.name], "the test has no row for it")
                            request = getattr(area_messages, method.input_type.name)()
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
