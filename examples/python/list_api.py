#!/usr/bin/python3
"""Lists what a station serves, as it says itself: services, methods, and with --messages their fields."""
import argparse
import sys

import grpc
from medius_api import Api


def type_name(field):
    kind = field.message_type or field.enum_type
    return kind.full_name if kind else {1: "double", 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string",
                                        12: "bytes", 13: "uint32", 17: "sint32", 18: "sint64"}.get(field.type, "?")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1:50161")
    parser.add_argument("--tls", help="folder of a certificate, from: medius pki issue")
    parser.add_argument("--messages", action="store_true", help="also the fields of what is sent and answered")
    arguments = parser.parse_args()
    try:
        api = Api(arguments.address, arguments.tls)
    except grpc.RpcError as error:
        sys.exit(f"list_api: {arguments.address}: {error.details()}; is mediusd running there?")
    shown = set()
    for service in api.services:
        print(service)
        if service in api.bare:
            print("  (its messages are not told by reflection)")
            continue
        for method in api.pool.FindServiceByName(service).methods:
            many = "stream " if method.server_streaming else ""
            print(f"  {method.name}({method.input_type.name}) -> {many}{method.output_type.name}")
            shown |= {method.input_type, method.output_type}
    if arguments.messages:
        for message in sorted(shown, key=lambda m: m.full_name):
            print(f"\n{message.full_name}")
            for field in message.fields:
                print(f"  {field.number:3d} {'repeated ' if field.label == 3 else ''}{type_name(field)} {field.name}")


if __name__ == "__main__":
    main()
