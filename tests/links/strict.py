"""A strict reader of what passed on a Modbus link, from the capture file that medius-proxy writes.

Written from the Modbus specifications alone; it shares no code with controller, simulator or proxy. For every frame: MBAP
length, protocol, transaction and unit of the answer, function, byte count; on a line length and CRC. Every request
is answered before the next one, but for those whose connection ended.
"""
import collections
import struct

Frame = collections.namedtuple("Frame", "ns session request data")
RAW_IP, USER0 = 101, 147
SERVER_PORT = 502


def crc16(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


def frames(path):
    """(link type, frames in order)."""
    data = path.read_bytes()
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHIIII", data)
    assert magic == 0xA1B23C4D, "nanosecond capture"
    found, at, expect_request = [], 24, True
    while at + 16 <= len(data):
        seconds, nanoseconds, size, _ = struct.unpack_from("<IIII", data, at)
        packet = data[at + 16:at + 16 + size]
        at += 16 + size
        if len(packet) < size:
            break  # the writer was ended in the middle of it
        ns = seconds * 10 ** 9 + nanoseconds
        if link == RAW_IP:
            source, target = struct.unpack_from(">HH", packet, 20)
            request = target == SERVER_PORT
            found.append(Frame(ns, source if request else target, request, packet[40:]))
        else:
            found.append(Frame(ns, 0, expect_request, packet))
            expect_request = not expect_request
    return link, found


def request_problem(pdu):
    """What is wrong with a request's PDU; None: nothing."""
    function = pdu[0]
    if function in (1, 2, 3, 4, 5, 6):
        if len(pdu) != 5:
            return f"function {function}: {len(pdu)} bytes, must be 5"
        count = struct.unpack_from(">H", pdu, 3)[0]
        if function in (3, 4) and not 1 <= count <= 125:
            return f"function {function}: {count} registers"
    elif function == 16:
        count, size = struct.unpack_from(">HB", pdu, 3)
        if size != 2 * count or len(pdu) != 6 + size or not 1 <= count <= 123:
            return f"function 16: count {count}, byte count {size}, {len(pdu)} bytes"
    elif function == 23:
        read, _, write, size = struct.unpack_from(">HHHB", pdu, 3)
        if size != 2 * write or len(pdu) != 10 + size or not 1 <= read <= 125 or not 1 <= write <= 121:
            return f"function 23: reads {read}, writes {write}, byte count {size}, {len(pdu)} bytes"
    else:
        return f"function {function} is none that the controller uses"
    return None


def answer_problem(request, answer):
    """What is wrong with an answer's PDU to a request's."""
    function = request[0]
    if answer[0] == function | 0x80:
        return None if len(answer) == 2 and answer[1] in (1, 2, 3, 4, 5, 6, 8, 10, 11) else "a malformed exception"
    if answer[0] != function:
        return f"function {answer[0]} answers {function}"
    if function in (3, 4, 23):
        count = struct.unpack_from(">H", request, 3)[0]
        if answer[1] != 2 * count or len(answer) != 2 + 2 * count:
            return f"function {function}: byte count {answer[1]}, {len(answer)} bytes for {count} registers"
    elif function in (1, 2):
        size = (struct.unpack_from(">H", request, 3)[0] + 7) // 8
        if answer[1] != size or len(answer) != 2 + size:
            return f"function {function}: byte count {answer[1]}, {len(answer)} bytes"
    elif answer != request[:5]:
        return f"function {function} does not echo address and {'value' if function in (5, 6) else 'count'}"
    return None


def take_apart(link, frame):
    """(transaction, unit, PDU, problem) of one frame."""
    data = frame.data
    if link == RAW_IP:
        if len(data) < 8:
            return 0, 0, b"", f"{len(data)} bytes are no frame"
        transaction, protocol, length, unit = struct.unpack_from(">HHHB", data)
        wrong = f"protocol {protocol}" if protocol else None
        if length != len(data) - 6:
            wrong = f"MBAP length {length}, {len(data) - 6} bytes follow"
        return transaction, unit, data[7:], wrong
    if len(data) < 4:
        return 0, 0, b"", f"{len(data)} bytes are no frame"
    crc = struct.unpack_from("<H", data, len(data) - 2)[0]
    wrong = None if crc == crc16(data[:-2]) else f"CRC {crc:04x}, must be {crc16(data[:-2]):04x}"
    return 0, data[0], data[1:-2], wrong


class Verdict:
    def __init__(self):
        self.requests = self.answers = self.exceptions = 0
        self.problems = []
        self.functions = collections.Counter()
        self.response_ms = []

    def quantile(self, share):
        ordered = sorted(self.response_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def judge(path):
    link, found = frames(path)
    verdict = Verdict()
    open_requests = {}  # session -> (frame, transaction, unit, PDU)
    for number, frame in enumerate(found, 1):
        transaction, unit, pdu, wrong = take_apart(link, frame)

        def problem(text, number=number, frame=frame):
            verdict.problems.append(f"frame {number} ({frame.data.hex()}): {text}")

        if wrong:
            problem(wrong)
            continue
        if frame.request:
            verdict.requests += 1
            verdict.functions[pdu[0]] += 1
            if frame.session in open_requests:
                problem("asked again before the answer")
            wrong = request_problem(pdu)
            if wrong:
                problem(wrong)
            open_requests[frame.session] = (frame, transaction, unit, pdu)
            continue
        verdict.answers += 1
        asked = open_requests.pop(frame.session, None)
        if asked is None:
            problem("an answer that nobody asked for")
            continue
        if transaction != asked[1]:
            problem(f"transaction {transaction} answers {asked[1]}")
        if unit != asked[2]:
            problem(f"unit {unit} answers for {asked[2]}")
        wrong = answer_problem(asked[3], pdu)
        if wrong:
            problem(wrong)
        verdict.exceptions += pdu[0] >> 7
        verdict.response_ms.append((frame.ns - asked[0].ns) / 1e6)
    return verdict
