"""A station's API with nothing but grpcio and protobuf: the messages come from the station itself, by server reflection.

    api = Api("127.0.0.1:50161")
    print(api.call("medius.v1.StationService/GetStation"))
    for update in api.stream("medius.v1.StationService/WatchStation", client_name="me"): ...
    for now in api.follow("medius.v1.SampleService/FollowSamples", watch={"axis": 0}): ...

Requests are given as Python values by field name, answers come back as protobuf messages. A refused call raises
grpc.RpcError, whose details() say what, the limit, and what to do.
"""
import pathlib
import queue

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

# The public schema of grpc.reflection.v1alpha, as far as it is used here: message -> (name, number, type, repeated).
_REFLECTION = "grpc.reflection.v1alpha"
_SCHEMA = {
    "ServerReflectionRequest": [("file_containing_symbol", 4, "string", False), ("file_by_filename", 3, "string", False),
                                ("list_services", 7, "string", False)],
    "FileDescriptorResponse": [("file_descriptor_proto", 1, "bytes", True)],
    "ServiceResponse": [("name", 1, "string", False)],
    "ListServiceResponse": [("service", 1, "ServiceResponse", True)],
    "ErrorResponse": [("error_code", 1, "int32", False), ("error_message", 2, "string", False)],
    "ServerReflectionResponse": [("file_descriptor_response", 4, "FileDescriptorResponse", False),
                                 ("list_services_response", 6, "ListServiceResponse", False),
                                 ("error_response", 7, "ErrorResponse", False)],
}


def _reflection_messages():
    field = descriptor_pb2.FieldDescriptorProto
    scalars = {"string": field.TYPE_STRING, "bytes": field.TYPE_BYTES, "int32": field.TYPE_INT32}
    file = descriptor_pb2.FileDescriptorProto(name="reflection.proto", package=_REFLECTION, syntax="proto3")
    for message, fields in _SCHEMA.items():
        made = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            one = made.field.add(name=name, number=number,
                                 label=field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL)
            if kind in scalars:
                one.type = scalars[kind]
            else:
                one.type, one.type_name = field.TYPE_MESSAGE, f".{_REFLECTION}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made = message_factory.MessageFactory(pool)
    return tuple(made.GetPrototype(pool.FindMessageTypeByName(f"{_REFLECTION}.ServerReflection{kind}"))
                 for kind in ("Request", "Response"))


class Api:
    """One connection. `tls` is the folder that `medius pki issue` wrote: ca.crt, client.crt, client.key."""

    def __init__(self, address, tls=None, timeout_s=10.0):
        self.timeout_s = timeout_s
        self.channel = _secure(address, pathlib.Path(tls)) if tls else grpc.insecure_channel(address)
        request, response = _reflection_messages()
        self._ask = self.channel.stream_stream(f"/{_REFLECTION}.ServerReflection/ServerReflectionInfo",
                                               request_serializer=request.SerializeToString,
                                               response_deserializer=response.FromString)
        self._request = request
        self.pool = descriptor_pool.DescriptorPool()
        self._factory = message_factory.MessageFactory(self.pool)
        self._files = set()
        self.services = sorted(s.name for s in self._reflect(list_services="*").list_services_response.service)
        self.bare = []  # served, but without their messages: gRPC's own health service
        for service in self.services:
            try:
                self._learn(file_containing_symbol=service)
            except LookupError:
                self.bare.append(service)

    def _reflect(self, **question):
        answer = next(self._ask(iter([self._request(**question)]), timeout=self.timeout_s))
        if answer.HasField("error_response"):
            raise LookupError(f"reflection of {question}: {answer.error_response.error_message}")
        return answer

    def _learn(self, **question):
        """Takes over a file of messages, what it imports first."""
        for raw in self._reflect(**question).file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(raw)
            if file.name in self._files:
                continue
            self._files.add(file.name)
            for needed in file.dependency:
                if needed not in self._files:
                    self._learn(file_by_filename=needed)
            self.pool.Add(file)

    def methods(self):
        """Every method that the station serves, as descriptors."""
        known = [service for service in self.services if service not in self.bare]
        return [method for service in known for method in self.pool.FindServiceByName(service).methods]

    def message(self, full_name, **fields):
        """A message of the station's own, e.g. message("medius.v1.Load", load_n=60)."""
        kind = self._factory.GetPrototype(self.pool.FindMessageTypeByName(full_name))
        return json_format.ParseDict(fields, kind())

    def enum(self, full_name, number):
        """The word for a number of an enumeration."""
        return self.pool.FindEnumTypeByName(full_name).values_by_number[number].name

    def _method(self, path):
        service, name = path.rsplit("/", 1)
        method = self.pool.FindServiceByName(service).FindMethodByName(name)
        answer = self._factory.GetPrototype(method.output_type)
        return method, {"request_serializer": lambda request: request.SerializeToString(),
                        "response_deserializer": answer.FromString}

    def call(self, path, **fields):
        """One question, one answer."""
        method, coding = self._method(path)
        request = self.message(method.input_type.full_name, **fields)
        return self.channel.unary_unary("/" + path, **coding)(request, timeout=self.timeout_s)

    def stream(self, path, **fields):
        """One question, many answers; ends with the server's stream or by cancel() of what this returns."""
        method, coding = self._method(path)
        request = self.message(method.input_type.full_name, **fields)
        return self.channel.unary_stream("/" + path, **coding)(request)

    def follow(self, path, **fields):
        """Many answers, each asked for when the one before has been worked on: what comes is new however long that took.

        The first request has the fields, the others are empty."""
        method, coding = self._method(path)
        kind = method.input_type.full_name
        asking = queue.SimpleQueue()  # gRPC takes requests out of it on a thread of its own
        asking.put(self.message(kind, **fields))
        call = self.channel.stream_stream("/" + path, **coding)(iter(asking.get, None))
        try:
            for answer in call:
                yield answer
                asking.put(self.message(kind))
        finally:
            call.cancel()
            asking.put(None)

    def close(self):
        self.channel.close()


def _secure(address, folder):
    credentials = grpc.ssl_channel_credentials(*((folder / name).read_bytes()
                                                 for name in ("ca.crt", "client.key", "client.crt")))
    return grpc.secure_channel(address, credentials)
