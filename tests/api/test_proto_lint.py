#!/usr/bin/python3
"""Names in the proto files follow the public API's rules (those of buf's DEFAULT set that need no exception)."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from google.protobuf import descriptor_pb2

SOURCE = pathlib.Path(os.environ.get("MEDIUS_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
SNAKE = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")
CAMEL = re.compile(r"^[A-Z][A-Za-z0-9]*$")

# A browser cannot do it, so nothing may need it but what nothing else can do: asking for each message is the only way to
# keep old ones out of HTTP/2's window. A page has WatchSamples, or a server beside it that asks on its behalf.
MAY_STREAM_FROM_THE_CLIENT = {"FollowSamples"}


def upper_snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def problems(file):
    found = []
    if not re.search(r"\.v[1-9]\d*$", file.package):
        found.append(f"package {file.package} has no version")
    if pathlib.PurePath(file.name).parent != pathlib.PurePath(*file.package.split(".")):
        found.append(f"{file.name} is not in the folder of {file.package}")

    def enum(e):
        prefix = upper_snake(e.name) + "_"
        if not CAMEL.match(e.name):
            found.append(f"enum {e.name}")
        if e.value[0].number != 0 or e.value[0].name != prefix + "UNSPECIFIED":
            found.append(f"enum {e.name} does not start with {prefix}UNSPECIFIED = 0")
        found.extend(f"value {v.name} of {e.name}" for v in e.value if not v.name.startswith(prefix))

    def message(m):
        if not CAMEL.match(m.name):
            found.append(f"message {m.name}")
        found.extend(f"field {m.name}.{f.name}" for f in m.field if not SNAKE.match(f.name))
        numbers = sorted(f.number for f in m.field)
        if numbers != list(range(1, len(numbers) + 1)) and not m.reserved_range:
            found.append(f"numbers of {m.name} have a gap that is not reserved")
        for nested in m.nested_type:
            if not nested.options.map_entry:
                message(nested)
        for nested in m.enum_type:
            enum(nested)

    for e in file.enum_type:
        enum(e)
    for m in file.message_type:
        message(m)
    requests = []
    for service in file.service:
        if not service.name.endswith("Service"):
            found.append(f"service {service.name}")
        for method in service.method:
            request = method.input_type.rsplit(".", 1)[1]
            requests.append(request)
            if request != method.name + "Request":
                found.append(f"request {request} of {service.name}.{method.name}")
            if method.client_streaming and method.name not in MAY_STREAM_FROM_THE_CLIENT:
                found.append(f"{method.name} streams from the client")
    found.extend(f"request {r} is shared" for r in set(requests) if requests.count(r) > 1)
    return found


def compiled(folder, name):
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", f"-I{folder}", f"--descriptor_set_out={out.name}", name], check=True)
        return descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes()).file[0]


class Lint(unittest.TestCase):
    def test_the_api_has_no_problem(self):
        for proto in sorted((SOURCE / "proto").rglob("*.proto")):
            name = str(proto.relative_to(SOURCE / "proto"))
            self.assertEqual(problems(compiled(SOURCE / "proto", name)), [], name)

    def test_each_planted_problem_is_found(self):
        text = """syntax = "proto3"; package bad;
            enum Kind { RED = 0; KIND_BLUE = 1; }
            message thing { int32 badName = 2; }
            message In {}
            service Things { rpc Get(In) returns (thing); rpc Put(stream In) returns (thing); }"""
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "bad.proto").write_text(text, encoding="utf-8")
            found = "\n".join(problems(compiled(folder, "bad.proto")))
        for words in ("no version", "folder", "KIND_UNSPECIFIED", "value RED", "message thing",
                      "badName", "gap", "service Things", "request In of", "streams", "shared"):
            self.assertIn(words, found)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
