"""The RADIUS packet: header and attributes (RFC 2865 sections 3 and 5, RFC 8044), decoded by a small dictionary.

Takes the bytes of one packet, gives a `Packet`; never raises on them. What hides a password (even enciphered with the
shared secret) is told by its length alone, and blanked in the bytes that are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv6Address

from kubeshark_mcp.dissect.wire_radius_dictionary import (
    ATTRIBUTES,
    CODES,
    EAP_CODES,
    EAP_TYPES,
    SECRET,
    TEXT,
    VALUES,
    VENDOR_ATTRIBUTES,
    VENDORS,
)

NAMED = {
    "User-Name": "radius_user",
    "Calling-Station-Id": "radius_calling_station",
    "Called-Station-Id": "radius_called_station",
    "Acct-Session-Id": "radius_session",
    "Acct-Status-Type": "radius_accounting",
    "Acct-Terminate-Cause": "radius_terminate_cause",
    "Reply-Message": "radius_reply_message",
    "Error-Cause": "radius_error_cause",
}
"""Attributes that have KFL fields of their own."""

HEADER_LENGTH = 20
LONGEST = 4096
"""Bytes of the longest packet (RFC 2865 section 3)."""

VALUE_LIMIT = 1024
"""Characters of one attribute's text that are kept, its repetitions included."""

_MESSAGE_AUTHENTICATOR, _EAP, _VENDOR = 80, 79, 26
_FLEETING = frozenset({24, 33, 41, 42, 43, 46, 47, 48, 50, 55, 60})
"""Attributes that hardly ever come again: states, counters, times."""
_SECRET_PAIR = re.compile(r"(psk|passw|secret|key)[\w-]*[=*]", re.IGNORECASE)


@dataclass(slots=True)
class Packet:
    """One RADIUS packet.

    length: bytes that its header claims. authenticator: 16 bytes in hexadecimal digits. attributes: name -> value as
    text, repetitions joined by `; `. numbers: the attribute types in order. eap: what an EAP-Message says, by name.
    secrets: byte ranges of values that must not be shown. malformed: see Entry.
    """

    code: int = 0
    identifier: int = 0
    length: int = 0
    authenticator: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    eap: str = ""
    signed: bool = False
    secrets: list[tuple[int, int]] = field(default_factory=list)
    malformed: str = ""

    @property
    def name(self) -> str:
        """Give the code by name."""
        return CODES.get(self.code) or f"Code {self.code}"

    def get(self, *names: str) -> str:
        """Give the first of these attributes that is there, or an empty text."""
        attributes = self.attributes
        for name in names:
            if name in attributes:
                return attributes[name]
        return ""

    @property
    def summary(self) -> str:
        """Give what a person reads in one line of a request: its code, what it accounts for, and who wants in."""
        attributes = self.attributes
        words = [self.name, attributes.get("Acct-Status-Type", "")]
        words.append(attributes.get("User-Name") or attributes.get("Calling-Station-Id", ""))
        return " ".join([word for word in words if word])

    def named(self) -> dict[str, str]:
        """Give what has KFL fields of its own, by field: attributes, who asks, and EAP."""
        named = {NAMED[name]: text for name, text in self.attributes.items() if text and name in NAMED}
        if nas := self.get("NAS-Identifier", "NAS-IP-Address", "NAS-IPv6-Address"):
            named["radius_nas"] = nas
        if self.eap:
            named["radius_eap"] = self.eap
        return named


Known = dict[bytes, tuple[tuple[str, str], ...]]
"""Attributes on the wire -> names and values as text; most come again and again."""

_KNOWN_LIMIT = 4096
_KNOWN_LENGTH = 64


def parse_packet(data: bytes, known: Known | None = None) -> Packet:
    """Read a packet; what was read before the first unreadable byte is kept.

    known: attributes read before, to which this packet's are added; it stays bounded.
    """
    packet = Packet()
    known = {} if known is None else known
    if len(data) < HEADER_LENGTH:
        packet.malformed = f"the packet has {len(data)} bytes, less than a header's {HEADER_LENGTH}"
        if len(data) >= 2:
            packet.code, packet.identifier = data[0], data[1]
        return packet
    packet.code, packet.identifier, packet.length = data[0], data[1], data[2] << 8 | data[3]
    packet.authenticator = data[4:HEADER_LENGTH].hex()
    end = min(packet.length, len(data))
    if packet.length < HEADER_LENGTH or packet.length > len(data):
        packet.malformed = f"the header at byte 2 claims {packet.length} bytes, {len(data)} are there"
    at = HEADER_LENGTH
    while at < end:
        length = data[at + 1] if at + 1 < end else 0
        if length < 2 or at + length > end:
            packet.malformed = packet.malformed or f"the attribute at byte {at} has {length} bytes of {end - at}"
            packet.secrets.append((at, end))
            break
        wire = data[at : at + length]
        pairs = known.get(wire)
        if pairs is None:
            pairs = _read_anew(packet, data, at, length, known)
        packet.numbers.append(data[at])
        for name, text in pairs:
            _keep(packet, name, text)
        at += length
    return packet


def _read_anew(packet: Packet, data: bytes, at: int, length: int, known: Known) -> tuple[tuple[str, str], ...]:
    """Read an attribute, and remember it unless it says more than its text (where secrets are, that it is damaged)."""
    secrets = len(packet.secrets)
    pairs = tuple(_read_attribute(packet, data, at, length))
    if (
        length <= _KNOWN_LENGTH
        and data[at] not in _FLEETING
        and len(packet.secrets) == secrets
        and not packet.malformed  # of which only the first reason is told: this attribute may be damaged as well
    ):
        if len(known) >= _KNOWN_LIMIT:
            known.clear()
        known[data[at : at + length]] = pairs
    return pairs


def whole_attributes(data: bytes, end: int) -> int:
    """Count the attributes between the header and `end`; -1 when they do not fill that room exactly."""
    at, count = HEADER_LENGTH, 0
    while at < end:
        length = data[at + 1] if at + 1 < end else 0
        if length < 2 or not data[at]:
            return -1
        at, count = at + length, count + 1
    return count if at == end else -1


def blanked(data: bytes, packet: Packet, limit: int) -> bytes:
    """Give the first `limit` bytes with zeros where secrets are."""
    if not packet.secrets:
        return data[:limit]
    shown = bytearray(data)
    for start, end in packet.secrets:
        shown[start:end] = bytes(end - start)
    return bytes(shown[:limit])


def _read_attribute(packet: Packet, data: bytes, at: int, length: int) -> list[tuple[str, str]]:
    """Give names and values as text; note what is secret."""
    kind = data[at]
    start, end = at + 2, at + length
    name, how = ATTRIBUTES.get(kind) or (f"Attribute-{kind}", "octets")
    if kind == _VENDOR:
        return _read_vendor(packet, data, start, end)
    if kind == _MESSAGE_AUTHENTICATOR:
        packet.signed = True
    elif kind == _EAP and not packet.eap:
        packet.eap = eap_text(data[start:end])
    if how == SECRET:
        packet.secrets.append((start, end))
    return [(name, value_text(data[start:end], how, kind))]


def _read_vendor(packet: Packet, data: bytes, at: int, end: int) -> list[tuple[str, str]]:
    """Read an attribute of a vendor; most put attributes of their own in it (RFC 2865 section 5.26)."""
    if end - at < 4:
        packet.malformed = packet.malformed or f"the vendor at byte {at} has {end - at} bytes, fewer than 4"
        return []
    vendor = int.from_bytes(data[at : at + 4], "big")
    owner = VENDORS.get(vendor) or f"Vendor-{vendor}"
    at += 4
    if not _has_usual_form(data, at, end):
        packet.secrets.append((at, end))
        return [(owner, f"{end - at} bytes")]
    pairs = []
    while at < end:
        kind, length = data[at], data[at + 1]
        name, how = VENDOR_ATTRIBUTES.get((vendor, kind)) or (f"{owner}-{kind}", "guess")
        value = data[at + 2 : at + length]
        if how == SECRET or (how in (TEXT, "guess") and _SECRET_PAIR.search(value.decode("latin-1"))):
            packet.secrets.append((at + 2, at + length))
            how = SECRET
        pairs.append((name, value_text(value, how, -1)))
        at += length
    return pairs


def _has_usual_form(data: bytes, at: int, end: int) -> bool:
    while at + 2 <= end and 2 <= data[at + 1] <= end - at:
        at += data[at + 1]
    return at == end


def _keep(packet: Packet, name: str, text: str) -> None:
    attributes = packet.attributes
    if name not in attributes:
        attributes[name] = text[:VALUE_LIMIT]
    elif len(attributes[name]) < VALUE_LIMIT:
        attributes[name] = f"{attributes[name]}; {text}"[:VALUE_LIMIT]


def value_text(value: bytes, how: str, kind: int) -> str:
    """Write a value as people do. how: its kind (see the dictionary). kind: the attribute's type, for enumerations."""
    writer = _WRITERS.get(how)
    text = writer(value, kind) if writer else None
    return _octets(value, kind) if text is None else text


def eap_text(value: bytes) -> str:
    """Name the EAP packet that begins here: `Response Identity`, `Request PEAP`, `Success` (RFC 3748 section 4)."""
    if len(value) < 4:
        return ""
    code = EAP_CODES.get(value[0]) or f"Code {value[0]}"
    if value[0] not in (1, 2) or len(value) < 5:
        return code
    return f"{code} {EAP_TYPES.get(value[4]) or f'Type {value[4]}'}"


def _text(value: bytes, kind: int) -> str:
    """Decode text; what is not printable is escaped, so that it cannot pretend to be something else."""
    text = value.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def _octets(value: bytes, kind: int) -> str:
    return f"0x{value.hex()}"


def _guess(value: bytes, kind: int) -> str:
    return value.decode("ascii") if value and all(32 <= byte < 127 for byte in value) else _octets(value, kind)


def _integer(value: bytes, kind: int) -> str | None:
    if len(value) != 4:
        return None
    number = int.from_bytes(value, "big")
    return VALUES.get(kind, {}).get(number) or str(number)


def _long(value: bytes, kind: int) -> str | None:
    return str(int.from_bytes(value, "big")) if len(value) == 8 else None


def _tagged_integer(value: bytes, kind: int) -> str | None:
    """Leave out the tag in the first byte; 24 bits follow (RFC 2868 section 3.1)."""
    return _integer(b"\0" + value[1:], kind) if len(value) == 4 else None


def _tagged_text(value: bytes, kind: int) -> str:
    """Leave out the tag; a first byte of 0x1F or less is one (RFC 2868 section 3.3)."""
    return _text(value[1:] if value[:1] <= b"\x1f" else value, kind)


def _address(value: bytes, kind: int) -> str | None:
    return ".".join(map(str, value)) if len(value) == 4 else None


def _address6(value: bytes, kind: int) -> str | None:
    return str(IPv6Address(value)) if len(value) == 16 else None


def _prefix6(value: bytes, kind: int) -> str | None:
    """Write a prefix; behind its length come as many bytes as it takes (RFC 3162 section 2.3)."""
    if not 2 <= len(value) <= 18 or value[1] > 128:
        return None
    return f"{IPv6Address(value[2:].ljust(16, bytes(1)))}/{value[1]}"


def _prefix4(value: bytes, kind: int) -> str | None:
    return f"{'.'.join(map(str, value[2:]))}/{value[1] & 63}" if len(value) == 6 else None


def _interface(value: bytes, kind: int) -> str | None:
    return value.hex(":", 2) if len(value) == 8 else None


def _date(value: bytes, kind: int) -> str | None:
    """Seconds since 1970 in UTC."""
    if len(value) != 4:
        return None
    return datetime.fromtimestamp(int.from_bytes(value, "big"), UTC).isoformat().replace("+00:00", "Z")


def _secret(value: bytes, kind: int) -> str:
    return f"{len(value)} bytes"


_WRITERS = {
    "text": _text,
    "guess": _guess,
    "integer": _integer,
    "long": _long,
    "tagged integer": _tagged_integer,
    "tagged text": _tagged_text,
    "address": _address,
    "address6": _address6,
    "prefix6": _prefix6,
    "prefix4": _prefix4,
    "interface": _interface,
    "date": _date,
    "secret": _secret,
}
