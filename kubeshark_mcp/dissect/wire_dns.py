"""The DNS message: header and sections (RFC 1035 section 4), and what people ask of a message.

Takes the bytes of one message, gives a `Message`; never raises on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Any, NamedTuple

from kubeshark_mcp.dissect.wire_dns_records import (
    HEADER_LENGTH,
    TYPES,
    Names,
    Unreadable,
    edns_text,
    generic_text,
    numbered,
    read_name,
    record_text,
)

_HEADER = Struct(">HHHHHH")
_QUESTION = Struct(">HH")
_RECORD = Struct(">HHIH")

OPCODES = {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"}
"""IANA DNS OpCodes."""

RCODES = {
    **numbered(0, "NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE"),
    **numbered(11, "DSOTYPENI RCODE12 RCODE13 RCODE14 RCODE15"),
    **numbered(16, "BADVERS BADKEY BADTIME BADMODE BADNAME BADALG BADTRUNC BADCOOKIE"),
}
"""IANA DNS RCODEs, the extended ones of RFC 6891 section 6.1.3 included."""


_CLASSES = frozenset({1, 3, 4, 254, 255, 0x8001})
"""IN, CH, HS, NONE, ANY, and IN with the top bit that multicast DNS uses (RFC 6762 sections 5.4 and 10.2)."""

_KNOWN_TYPES = frozenset(TYPES.values())
QUESTION_LIMIT = 255
"""More questions in one message are not believed; multicast DNS asks some dozens."""


ALIAS_LIMIT = 16
"""Aliases that are followed from an address back to the name asked for; no resolver follows more."""


_NETBIOS_LABEL = 32
"""Length of a NetBIOS name's label: two letters from A to P for each of 16 bytes."""

REMEMBERED = 2048
REMEMBERED_BYTES = 1 << 19
"""Messages that are remembered, and bytes of them; zone transfers and signed answers are long, and come again too."""


class Question(NamedTuple):
    """What is asked for. type: mnemonic."""

    name: str
    type: str
    record_class: int


class Record(NamedTuple):
    """One resource record. ttl: seconds. text: its data as in a master file."""

    name: str
    type: str
    record_class: int
    ttl: int
    text: str


@dataclass(slots=True)
class Message:
    """One DNS message without its id; read once, shared by equal messages, never changed.

    extended_rcode: with the bits of an OPT record (RFC 6891). malformed: why reading stopped or what could not be
    read, with the byte position in the message; empty when all is well.
    reserved: the reserved bit of the header is set.
    """

    response: bool = False
    opcode: int = 0
    rcode: int = 0
    authoritative: bool = False
    truncated: bool = False
    reserved: bool = False
    counts: tuple[int, int, int, int] = (0, 0, 0, 0)
    questions: tuple[Question, ...] = ()
    answers: tuple[Record, ...] = ()
    authorities: tuple[Record, ...] = ()
    additionals: tuple[Record, ...] = ()
    malformed: str = ""


def parse_message(data: bytes) -> Message:
    """Read a message; what was read before the first unreadable byte is kept (RFC 1035 section 4.1)."""
    if len(data) < HEADER_LENGTH:
        short = f"the message has {len(data)} bytes, less than a header's {HEADER_LENGTH}"
        return Message(malformed=short)
    _, flags, asked, answered, authorities, additionals = _HEADER.unpack_from(data)
    message = Message(
        flags >= 0x8000,
        flags >> 11 & 15,
        flags & 15,
        flags & 0x0400 != 0,
        flags & 0x0200 != 0,
        flags & 0x0040 != 0,
        (asked, answered, authorities, additionals),
    )
    reader = _Reader(data)
    try:
        _read_sections(message, reader)
    except Unreadable as error:
        cut_between_records = message.truncated and reader.position == len(data)
        message.malformed = "" if cut_between_records else reader.malformed or str(error)
    else:
        message.malformed = reader.malformed
    message.rcode |= reader.extended_rcode << 4
    return message


def _read_sections(message: Message, reader: _Reader) -> None:
    asked, answered, authorities, additionals = message.counts
    questions: list[Question] = []
    records: list[Record] = []
    try:
        for _ in range(asked):
            questions.append(reader.question())
        for _ in range(answered + authorities + additionals):
            records.append(reader.record())
    finally:
        message.questions = tuple(questions)
        message.answers = tuple(records[:answered])
        message.authorities = tuple(records[answered : answered + authorities])
        message.additionals = tuple(records[answered + authorities :])
    left = len(reader.data) - reader.position
    if left and message.opcode != 6:
        raise Unreadable(f"{left} bytes follow the last record at byte {reader.position}")


class _Reader:
    """A position in a message, the names met so far, and the first record that could not be worded."""

    __slots__ = ("data", "extended_rcode", "malformed", "names", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = HEADER_LENGTH
        self.names: Names = {}
        self.malformed = ""
        self.extended_rcode = 0

    def question(self) -> Question:
        """Read one question."""
        data = self.data
        name, position = read_name(data, self.position, len(data), self.names)
        if position + 4 > len(data):
            raise Unreadable(f"the message ends at byte {len(data)} inside a question")
        kind, record_class = _QUESTION.unpack_from(data, position)
        self.position = position + 4
        return Question(name, TYPES.get(kind) or f"TYPE{kind}", record_class)

    def record(self) -> Record:
        """Read one record; unreadable data of a record does not keep the next ones from being read."""
        data = self.data
        name, position = read_name(data, self.position, len(data), self.names)
        if position + 10 > len(data):
            raise Unreadable(f"the message ends at byte {len(data)} inside a record")
        kind, record_class, ttl, length = _RECORD.unpack_from(data, position)
        start = position + 10
        end = start + length
        if end > len(data):
            raise Unreadable(f"a record of {length} bytes at byte {start} passes the end of the message at {len(data)}")
        self.position = end
        mnemonic = TYPES.get(kind) or f"TYPE{kind}"
        try:
            if kind != 41:
                return Record(
                    name, mnemonic, record_class, ttl, record_text(kind, mnemonic, data, start, end, self.names)
                )
            self.extended_rcode = ttl >> 24
            return Record(name, mnemonic, 1, 0, edns_text(data, start, end, record_class, ttl))
        except Unreadable as error:
            self.malformed = self.malformed or f"{mnemonic} record: {error}"
            return Record(name, mnemonic, record_class, ttl, generic_text(data[start:end]))


def record_line(record: Record) -> str:
    """Give `NAME TTL TYPE DATA`."""
    return f"{record.name} {record.ttl} {record.type} {record.text}"


def update_line(record: Record) -> str:
    """Word one record of an update section; its class says what to do (RFC 2136 section 2.5)."""
    if record.record_class == 255:
        return f"delete {record.name} {record.type}"
    return (
        f"delete {record.name} {record.type} {record.text}"
        if record.record_class == 254
        else f"add {record_line(record)}"
    )


def address_lines(message: Message) -> tuple[str, ...]:
    """Give `NAME TTL ADDRESS` for each address record, following aliases back to the name that was asked for."""
    found = [record for record in (*message.answers, *message.additionals) if record.type in ("A", "AAAA")]
    owners = {record.text.lower(): record.name for record in message.answers if record.type == "CNAME"}
    if not owners:
        return tuple([f"{record.name} {record.ttl} {record.text}" for record in found])
    heads: dict[str, str] = {}
    for name in {record.name for record in found}:
        head, steps = name, 0
        while (owner := owners.get(head.lower())) is not None and steps < ALIAS_LIMIT:
            head, steps = owner, steps + 1
        heads[name] = head
    return tuple([f"{heads[record.name]} {record.ttl} {record.text}" for record in found])


def summary(message: Message) -> str:
    """Give what a person reads in one line: `A api.example.com`, `UPDATE example.com`."""
    opcode = OPCODES.get(message.opcode, f"OPCODE{message.opcode}")
    things = message.questions or message.answers
    if not things:
        return opcode
    kind = things[0].type if message.opcode == 0 else opcode
    more = f" (+{len(things) - 1})" if len(things) > 1 and things is message.questions else ""
    return f"{kind} {things[0].name}{more}"


def stream_begins(data: bytes, position: int, *, odd: bool = False) -> bool:
    """Tell whether a message of a stream may begin at `position`, with its length; few bytes are given the benefit.

    odd: take also a header that no resolver writes, if it says that one thing is asked.
    """
    head = data[position : position + 2 + HEADER_LENGTH]
    if len(head) < 2 + HEADER_LENGTH:
        return True
    length = head[0] << 8 | head[1]
    return length >= HEADER_LENGTH and is_header(head[2:], length, odd=odd)


def is_header(header: bytes, length: int, *, odd: bool = False) -> bool:
    """Tell whether 12 bytes are the header of a message of `length` bytes: opcode, rcode of queries, counts."""
    questions = header[4] << 8 | header[5]
    if odd:
        if questions != 1:
            return False
    elif header[2] >> 3 & 15 not in OPCODES or (header[2] < 0x80 and header[3] & 15):
        return False
    records = (header[6] + header[8] + header[10] << 8) + header[7] + header[9] + header[11]
    return questions <= QUESTION_LIMIT and questions * 5 + records * 11 <= max(0, length - HEADER_LENGTH)


def is_netbios(message: Message) -> bool:
    """Recognise the name service of NetBIOS, which shares the format (RFC 1002 section 4.2)."""
    things: tuple[Question | Record, ...] = (*message.questions[:1], *message.answers[:1])
    for name, *_ in things:
        first, behind = name[:_NETBIOS_LABEL], name[_NETBIOS_LABEL : _NETBIOS_LABEL + 1]
        if len(first) == _NETBIOS_LABEL and behind in ("", ".") and not first.strip("ABCDEFGHIJKLMNOP"):
            return True
    return False


def is_usual(message: Message) -> bool:
    """Tell whether something is asked or answered, and all of it of a known type and class."""
    things: tuple[Question | Record, ...] = message.questions
    if message.opcode != 5:
        things = (*things, *message.answers)
    for _, kind, record_class, *_ in things:
        if kind not in _KNOWN_TYPES or record_class not in _CLASSES:
            return False
    return bool(things)


def is_odd(message: Message) -> bool:
    """Tell whether all is well behind a header that no resolver writes (an unknown opcode, a query with an outcome)."""
    return bool(message.questions) and is_usual(message) and not message.malformed and not is_netbios(message)


def is_certain(message: Message) -> bool:
    """Tell whether a message behind a fitting header is DNS and nothing else: all of it is usual and well."""
    return not (message.reserved or message.malformed or is_netbios(message)) and is_usual(message)


@dataclass(slots=True)
class Reading:
    """A message and what an entry takes from it; shared by equal messages, never changed.

    common: fields that query and response both know. own: fields of this half alone. key: questions, for pairing.
    """

    message: Message
    common: dict[str, Any]
    own: dict[str, Any]
    key: tuple[tuple[str, str], ...]
    summary: str
    status: str


def read_message(data: bytes) -> Reading:
    """Read a message and word its fields."""
    message = parse_message(data)
    common: dict[str, Any] = {
        "dns": True,
        "dns_questions": tuple([question.name for question in message.questions]),
        "dns_question_types": tuple([question.type for question in message.questions]),
        "dns_opcode": OPCODES.get(message.opcode, f"OPCODE{message.opcode}"),
    }
    own: dict[str, Any] = {"dns_truncated": message.truncated}
    status = ""
    if message.response:
        status = RCODES.get(message.rcode, f"RCODE{message.rcode}")
        answers = () if message.opcode == 5 else message.answers
        own |= {
            "dns_response": True,
            "dns_answers": tuple([record.text for record in answers]),
            "dns_answer_types": tuple([record.type for record in answers]),
            "dns_addresses": address_lines(message),
            "dns_authorities": tuple([record_line(record) for record in message.authorities]),
            "dns_additionals": tuple([record_line(record) for record in message.additionals]),
            "dns_rcode": status,
            "dns_authoritative": message.authoritative,
        }
    else:
        own["dns_request"] = True
        if message.opcode == 5:
            own["dns_updates"] = tuple(map(update_line, message.authorities))
    key = tuple([(question.name.lower(), question.type) for question in message.questions])
    return Reading(message, common, own, key, summary(message), status)


class Readings:
    """Messages that differ in nothing but their id are read once: the same names are asked for again and again."""

    def __init__(self) -> None:
        self._known: dict[bytes, Reading] = {}
        self._bytes = 0

    def read(self, data: bytes) -> Reading:
        """Give the reading of a message."""
        rest = data[2:]
        reading = self._known.get(rest)
        if reading is None:
            reading = read_message(data)
            self._bytes += len(data)
            if len(self._known) >= REMEMBERED or self._bytes > REMEMBERED_BYTES:
                self._known.clear()
                self._bytes = len(data)
            self._known[rest] = reading
        return reading
