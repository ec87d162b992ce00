"""The Diameter message: header and attribute-value pairs (RFC 6733 sections 3 and 4).

Takes the bytes of one message, gives a `Message`; never raises on them. Passwords, keys and authentication vectors are
told by their length alone, and blanked in the bytes that are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from struct import Struct

from kubeshark_mcp.dissect.wire_diameter_names import (
    ADDRESS,
    APPLICATIONS,
    AVPS,
    AVPS_3GPP,
    COMMANDS,
    ENUMERATIONS,
    EXPERIMENTAL_RESULTS,
    GROUPED,
    RESULTS,
    SECRET,
    SIGNED,
    TIME,
    UNSIGNED,
    UTF8,
)

HEADER_LENGTH = 20
REQUEST, PROXIABLE, ERROR, RETRANSMITTED = 0x80, 0x40, 0x20, 0x10
"""Command flags; the other four bits are reserved (RFC 6733 section 3)."""

AVP_LIMIT = 1024
"""AVPs of one message that are read, those inside others included."""
DEPTH_LIMIT = 8
"""Grouped AVPs inside each other that are opened."""
VALUE_LIMIT = 512
"""Characters of one AVP's text that are kept, its repetitions included."""

_VENDOR_FLAG, _3GPP = 0x80, 10415
_HEADER = Struct(">IIIII")
_RESULTS = (
    ("Result-Code", {name: code for code, name in RESULTS.items()}),
    ("Experimental-Result.Experimental-Result-Code", {name: code for code, name in EXPERIMENTAL_RESULTS.items()}),
)
_SINCE_1900 = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Message:
    """One Diameter message.

    avps: path of names (`Subscription-Id.Subscription-Id-Data`) -> value as text, repetitions joined by `; `.
    result: Result-Code, else Experimental-Result-Code; -1 without one. secrets: byte ranges not to be shown.
    malformed: see Entry.
    """

    length: int = 0
    flags: int = 0
    command: int = 0
    application: int = 0
    hop_by_hop: int = 0
    end_to_end: int = 0
    avps: dict[str, str] = field(default_factory=dict)
    count: int = 0
    result: int = -1
    result_name: str = ""
    secrets: list[tuple[int, int]] = field(default_factory=list)
    malformed: str = ""

    @property
    def is_request(self) -> bool:
        """Tell requests from answers."""
        return bool(self.flags & REQUEST)

    @property
    def name(self) -> str:
        """Give the command by name, without -Request or -Answer."""
        return COMMANDS.get(self.command) or f"Command-{self.command}"

    @property
    def application_name(self) -> str:
        """Give the application by name."""
        return APPLICATIONS.get(self.application) or f"Application-{self.application}"

    def get(self, *names: str) -> str:
        """Give the first of these AVPs that is there, or an empty text."""
        avps = self.avps
        for name in names:
            if name in avps:
                return avps[name]
        return ""


def message_length(data: bytes, at: int = 0) -> int:
    """Give the length that the header at `at` claims; the caller has checked that 4 bytes are there."""
    return data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]


def begins_message(data: bytes, at: int = 0, *, whole: bool = False) -> bool:
    """Tell whether a message begins at `at`, as far as its header and the first AVP's are there.

    whole: the message has to fill `data` from there on exactly.
    """
    head = data[at : at + HEADER_LENGTH + 12]
    if not head or head[0] != 1:
        return False
    seen, length = len(head), 0
    if seen >= 4:
        length = message_length(head)
        if length < HEADER_LENGTH or length & 3 or (whole and length != len(data) - at):
            return False
    if seen >= 5 and (head[4] & 0x0F or head[4] & (REQUEST | ERROR) == REQUEST | ERROR):
        return False
    if seen >= HEADER_LENGTH + 8 and length > HEADER_LENGTH:
        return _begins_avp(head, length - HEADER_LENGTH)
    return not whole or seen >= HEADER_LENGTH


def is_known(data: bytes) -> bool:
    """Tell whether command and application of the header at the start of `data` are registered ones."""
    return int.from_bytes(data[5:8], "big") in COMMANDS and int.from_bytes(data[8:12], "big") in APPLICATIONS


def is_filled(data: bytes) -> bool:
    """Tell whether AVPs fill the message at the start of `data`, which must be whole, and there are some."""
    at, end = HEADER_LENGTH, message_length(data)
    while at + 8 <= end and _begins_avp(data[at - HEADER_LENGTH : at + 12], end - at):
        at += (message_length(data, at + 4) + 3) & ~3
    return at == end > HEADER_LENGTH


def _begins_avp(head: bytes, room: int) -> bool:
    flags, length = head[24], message_length(head, 24)
    return not flags & 0x1F and (12 if flags & _VENDOR_FLAG else 8) <= length <= room


Known = dict[bytes, tuple[tuple[tuple[str, str], ...], int]]
"""AVPs on the wire -> paths and values as text, and how many AVPs they are; most come again and again."""

_KNOWN_LIMIT = 4096
_KNOWN_LENGTH = 128


def parse_message(data: bytes, known: Known | None = None) -> Message:
    """Read a message; what was read before the first unreadable byte is kept.

    known: AVPs read before, to which this message's are added; it stays bounded.
    """
    message = Message()
    if len(data) < HEADER_LENGTH:
        message.malformed = f"the message has {len(data)} bytes, less than a header's {HEADER_LENGTH}"
        return message
    first, second, message.application, message.hop_by_hop, message.end_to_end = _HEADER.unpack_from(data)
    message.length, message.flags, message.command = first & 0xFFFFFF, second >> 24, second & 0xFFFFFF
    _read_known(message, data, min(message.length, len(data)), {} if known is None else known)
    if message.length > len(data):
        message.malformed = f"{len(data)} of {message.length} bytes of the message were seen"
    _name_result(message)
    return message


def _read_known(message: Message, data: bytes, end: int, known: Known) -> None:
    """Read the AVPs of a message; those that were read before are not read again."""
    at, avps = HEADER_LENGTH, message.avps
    while at < end:
        length = int.from_bytes(data[at + 5 : at + 8], "big") if at + 8 <= end else 0
        fits = 8 <= length <= end - at
        found = known.get(data[at : at + length])
        if found is None or message.count + found[1] > AVP_LIMIT:
            found = _read_anew(message, data, at, at + length if fits else end, known)
        pairs, count = found
        message.count += count
        for name, text in pairs:
            if name in avps:
                _join(avps, name, text)
            else:
                avps[name] = text
        if not fits or message.count >= AVP_LIMIT:
            at = end if message.malformed else _stop(message, at, length, end)
        else:
            at += (length + 3) & ~3


def _stop(message: Message, at: int, length: int, end: int) -> int:
    """End reading at the limit; say so when something follows."""
    after = at + length + (-length & 3)
    if after < end:
        message.malformed = f"more than {AVP_LIMIT} AVPs, the next one at byte {after}"
    return end


def _read_anew(
    message: Message, data: bytes, at: int, end: int, known: Known
) -> tuple[tuple[tuple[str, str], ...], int]:
    """Read an AVP with those inside it; remember it unless it is damaged or secret."""
    walk = _Walk(data, AVP_LIMIT - message.count)
    walk.read(at, end, "", 0)
    found = tuple(walk.pairs), walk.count
    message.malformed = message.malformed or walk.malformed
    if walk.secrets:
        message.secrets += walk.secrets
    elif not walk.malformed and end - at <= _KNOWN_LENGTH:
        if len(known) >= _KNOWN_LIMIT:
            known.clear()
        known[data[at:end]] = found
    return found


def blanked(data: bytes, message: Message, limit: int) -> bytes:
    """Give the first `limit` bytes with zeros where secrets are."""
    if not message.secrets:
        return data[:limit]
    shown = bytearray(data[:limit])
    for start, end in message.secrets:
        stop = min(end, limit)
        shown[start:stop] = bytes(max(0, stop - start))
    return bytes(shown)


class _Walk:
    """Reads AVPs and those inside them. room: how many may be read."""

    __slots__ = ("count", "data", "malformed", "pairs", "room", "secrets")

    def __init__(self, data: bytes, room: int) -> None:
        self.data, self.room, self.count, self.malformed = data, room, 0, ""
        self.pairs: list[tuple[str, str]] = []
        self.secrets: list[tuple[int, int]] = []

    def read(self, at: int, end: int, path: str, depth: int) -> None:
        """Read all AVPs from `at` to `end`."""
        data = self.data
        while at < end:
            if self.count >= self.room:
                self.malformed = self.malformed or f"more than {AVP_LIMIT} AVPs, the next one at byte {at}"
                return
            header = 12 if at + 4 < end and data[at + 4] & _VENDOR_FLAG else 8
            length = message_length(data, at + 4) if at + 8 <= end else 0
            if length < header or at + length > end:
                self.malformed = self.malformed or f"the AVP at byte {at} has {length} bytes of {end - at}"
                return
            self.count += 1
            vendor = int.from_bytes(data[at + 8 : at + 12], "big") if header == 12 else 0
            name, form = _named(int.from_bytes(data[at : at + 4], "big"), vendor)
            start, stop = at + header, at + length
            if form == GROUPED and depth < DEPTH_LIMIT:
                self.read(start, stop, f"{path}{name}.", depth + 1)
            else:
                if form == SECRET:
                    self.secrets.append((start, stop))
                self.pairs.append((path + name, avp_text(data[start:stop], name, form)[:VALUE_LIMIT]))
            at = stop + (-length & 3)


def _named(code: int, vendor: int) -> tuple[str, str]:
    if vendor in (0, _3GPP):
        known = (AVPS if vendor == 0 else AVPS_3GPP).get(code)
        return known or (f"AVP-{code}" if vendor == 0 else f"3GPP-{code}", "guess")
    return f"AVP-{vendor}-{code}", "guess"


def _join(avps: dict[str, str], name: str, text: str) -> None:
    """Add what comes again behind what is there."""
    before = avps[name]
    if len(before) < VALUE_LIMIT:
        avps[name] = f"{before}; {text}"[:VALUE_LIMIT]


def _name_result(message: Message) -> None:
    for name, codes in _RESULTS:
        text = message.avps.get(name)
        if text:
            message.result_name = text = text.partition("; ")[0]
            code = codes.get(text)
            message.result = code if code is not None else int(text) if text.isdigit() else -1
            return


def avp_text(value: bytes, name: str, form: str) -> str:
    """Write the value of an AVP as people do."""
    text = None
    if form == SECRET:
        text = f"{len(value)} bytes"
    elif form == UTF8:
        text = _printable(value.decode("utf-8", "backslashreplace"))
    elif form in (UNSIGNED, SIGNED) and len(value) in (4, 8):
        number = int.from_bytes(value, "big", signed=form == SIGNED)
        text = ENUMERATIONS.get(name, {}).get(number) or str(number)
    elif form == ADDRESS:
        text = _address(value)
    elif form == TIME and len(value) == 4:
        text = _time(value)
    elif form == "guess" and value and all(32 <= byte < 127 for byte in value):
        text = value.decode("ascii")
    return f"0x{value.hex()}" if text is None else text


def _printable(text: str) -> str:
    """Escape what is not printable, so that it cannot pretend to be something else."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def _address(value: bytes) -> str | None:
    """Write an address behind its family: 1 IPv4, 2 IPv6 (RFC 6733 section 4.3.1)."""
    if value[:2] == b"\0\1" and len(value) == 6:
        return str(IPv4Address(value[2:]))
    if value[:2] == b"\0\2" and len(value) == 18:
        return str(IPv6Address(value[2:]))
    return None


def _time(value: bytes) -> str:
    """Write seconds since 1900, or since 2036 where the highest bit is clear (RFC 4330 section 3)."""
    seconds = int.from_bytes(value, "big")
    moment = _SINCE_1900 + timedelta(seconds=seconds if seconds >> 31 else seconds + (1 << 32))
    return moment.isoformat().replace("+00:00", "Z")
