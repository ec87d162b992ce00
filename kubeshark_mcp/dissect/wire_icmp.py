"""The ICMP message (RFC 792, 950, 1256, 4443, 4861, 2710, 9777, 8335) and the packet that an error complains about.

Takes the bytes of one message, gives a `Message`; never raises on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kubeshark_mcp.dissect.wire_icmp_names import code_name, type_name
from kubeshark_mcp.model.packet import address_text

HEADER_LENGTH = 8
"""Bytes of the header that all messages of these types share with their first field."""

LIST_LIMIT = 64
"""Prefixes or groups of one message that are kept."""

REPLIES: dict[tuple[int, int], int] = {
    (4, 0): 8,
    (4, 14): 13,
    (4, 16): 15,
    (4, 18): 17,
    (4, 43): 42,
    (6, 129): 128,
    (6, 140): 139,
    (6, 145): 144,
    (6, 161): 160,
}
"""(IP version, type of a reply) -> type of its request."""
REQUESTS = frozenset((version, request) for (version, _), request in REPLIES.items())

FAILURES = frozenset({(4, 3), (4, 4), (4, 11), (4, 12), (6, 1), (6, 2), (6, 3), (6, 4)})
"""(IP version, type) of messages that say a packet was not delivered."""
QUOTES = FAILURES | {(4, 5)}
"""(IP version, type) of messages that quote the packet they are about."""
ECHOES = frozenset({(4, 0), (4, 8), (6, 128), (6, 129)})
"""(IP version, type) of echo requests and replies."""
_IDENTIFIED = ECHOES | {(4, kind) for kind in (13, 14, 15, 16, 17, 18)}
_EXTENDED = frozenset({(4, 42), (4, 43), (6, 160), (6, 161)})

PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 132: "sctp"}
"""Names of protocols inside IP, as KFL writes transports."""
_WITH_PORTS = frozenset({6, 17, 132})
_EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})
_EXTENSION_LIMIT = 16


@dataclass(slots=True)
class Message:
    """One ICMP message.

    type, code: numbers. name, reason: their names. key: what a request and its reply share, empty for other messages.
    request: type of the request that this is, or answers; -1 for other messages. echoed: where the data begins that a
    reply has to repeat, 0 where it repeats nothing. fields: KFL field -> value. about: the packet complained about, in
    words. malformed: see Entry.
    """

    type: int
    code: int
    name: str
    reason: str
    request: int = -1
    is_reply: bool = False
    key: bytes = b""
    echoed: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    about: str = ""
    malformed: str = ""

    def tell(self, reason: str) -> None:
        """Keep the first reason why something could not be read."""
        self.malformed = self.malformed or reason


def parse_message(data: bytes, version: int) -> Message:
    """Read one message. version: of IP, 4 or 6."""
    kind, code = data[0] if data else -1, data[1] if len(data) >= 2 else 0
    name = type_name(version, kind) if kind >= 0 else "Unreadable"
    message = Message(kind, code, name, code_name(version, kind, code))
    place = (version, kind)
    message.request = REPLIES.get(place, kind if place in REQUESTS else -1)
    message.is_reply = place in REPLIES
    if len(data) < HEADER_LENGTH:
        message.tell(f"the message has {len(data)} bytes, less than a header's {HEADER_LENGTH}")
        message.request = -1
        return message
    if place in _IDENTIFIED or place in _EXTENDED:
        _identify(message, data, extended=place in _EXTENDED)
        message.echoed = HEADER_LENGTH if place in ECHOES else 0
    elif message.request >= 0:
        message.key = data[4:6] if kind >= 144 else data[8:16]
    elif place in QUOTES:
        _read_error(message, data, version)
    elif version == 6:
        _read_neighbours(message, data)
    return message


def _identify(message: Message, data: bytes, *, extended: bool) -> None:
    message.key = data[4:7] if extended else data[4:8]
    message.fields["icmp_id"] = data[4] << 8 | data[5]
    message.fields["icmp_sequence"] = data[6] if extended else data[6] << 8 | data[7]


def _read_error(message: Message, data: bytes, version: int) -> None:
    """Read what an error says, and the packet it quotes."""
    fields = message.fields
    number = int.from_bytes(data[4:8], "big")
    if version == 6:
        if message.type == 2:
            fields["icmp_mtu"] = number
        elif message.type == 4:
            fields["icmp_pointer"] = number
    elif message.type == 3 and message.code == 4:
        fields["icmp_mtu"] = number & 0xFFFF
    elif message.type == 12 and message.code == 0:
        fields["icmp_pointer"] = data[4]
    elif message.type == 5:
        fields["icmp_gateway"] = ipv4_text(data, 4)
    _read_quoted(message, data, HEADER_LENGTH)


def _read_quoted(message: Message, data: bytes, start: int) -> None:
    """Read the header of the packet that an error complains about (RFC 792, RFC 4443 section 2.4)."""
    if start >= len(data):
        message.tell(f"the message ends at byte {len(data)} and quotes no packet")
        return
    version = data[start] >> 4
    if version == 4:
        _read_quoted_ipv4(message, data, start)
    elif version == 6:
        _read_quoted_ipv6(message, data, start)
    else:
        message.tell(f"the packet quoted at byte {start} has IP version {version}")


def _read_quoted_ipv4(message: Message, data: bytes, start: int) -> None:
    length = (data[start] & 15) * 4
    if length < 20 or len(data) < start + 20:
        message.tell(f"the packet quoted at byte {start} has no whole IPv4 header")
        return
    size = data[start + 2] << 8 | data[start + 3]
    _about(message, ipv4_text(data, start + 12), ipv4_text(data, start + 16), size)
    later = (data[start + 6] & 31) << 8 | data[start + 7]
    _read_transport(message, data, start + length, data[start + 9], first=not later)


def _read_quoted_ipv6(message: Message, data: bytes, start: int) -> None:
    if len(data) < start + 40:
        message.tell(f"the packet quoted at byte {start} has no whole IPv6 header")
        return
    size = 40 + (data[start + 4] << 8 | data[start + 5])
    _about(message, ipv6_text(data, start + 8), ipv6_text(data, start + 24), size)
    kind, at, first = data[start + 6], start + 40, True
    for _ in range(_EXTENSION_LIMIT):
        if at + 8 > len(data) or (kind not in _EXTENSIONS and kind not in (44, 51)):
            break
        if kind == 44:
            first = first and not (data[at + 2] << 8 | data[at + 3]) >> 3
            length = 8
        else:
            length = (data[at + 1] + 2) * 4 if kind == 51 else (data[at + 1] + 1) * 8
        kind, at = data[at], at + length
    if kind in _EXTENSIONS or kind == 44:
        message.tell(f"the packet quoted at byte {start} ends inside its extension headers")
        return
    _read_transport(message, data, at, kind, first=first)


def _about(message: Message, source: str, destination: str, size: int) -> None:
    message.fields.update(icmp_about_src=source, icmp_about_dst=destination, icmp_about_length=size)


def _read_transport(message: Message, data: bytes, at: int, protocol: int, *, first: bool) -> None:
    """Read ports, or identifier and sequence number. first: it is no later fragment, so they are there."""
    fields = message.fields
    name = PROTOCOLS.get(protocol) or f"protocol {protocol}"
    fields["icmp_about_protocol"] = name
    source, destination = fields["icmp_about_src"], fields["icmp_about_dst"]
    if not first:
        name += " fragment"
    elif protocol in _WITH_PORTS:
        if at + 4 > len(data):
            message.tell(f"the quoted packet ends at byte {len(data)}, before its ports")
        else:
            ports = data[at] << 8 | data[at + 1], data[at + 2] << 8 | data[at + 3]
            fields["icmp_about_src_port"], fields["icmp_about_dst_port"] = ports
            source, destination = place(source, ports[0]), place(destination, ports[1])
    elif protocol in (1, 58) and at + 8 <= len(data) and (4 if protocol == 1 else 6, data[at]) in ECHOES:
        fields["icmp_about_id"] = data[at + 4] << 8 | data[at + 5]
        fields["icmp_about_sequence"] = data[at + 6] << 8 | data[at + 7]
        name += f" id {fields['icmp_about_id']} seq {fields['icmp_about_sequence']}"
    message.about = f"{name} {source} to {destination}"


def _read_neighbours(message: Message, data: bytes) -> None:
    """Read neighbour and router discovery (RFC 4861) and multicast listeners (RFC 2710, 9777)."""
    fields, kind = message.fields, message.type
    if kind in (135, 136, 130, 131, 132, 137):
        if len(data) < 24:
            message.tell(f"the message ends at byte {len(data)} inside the address at byte {HEADER_LENGTH}")
            return
        fields["icmp_target"] = ipv6_text(data, HEADER_LENGTH)
    if kind == 137:
        if len(data) < 40:
            message.tell(f"the message ends at byte {len(data)} inside the address at byte 24")
            return
        fields["icmp_gateway"], fields["icmp_target"] = fields["icmp_target"], ipv6_text(data, 24)
    begins = {133: 8, 134: 16, 135: 24, 136: 24, 137: 40}.get(kind)
    if begins is not None:
        _read_options(message, data, begins)
    elif kind == 143:
        _read_groups(message, data)


def _read_options(message: Message, data: bytes, at: int) -> None:
    """Read the options of neighbour discovery (RFC 4861 section 4.6)."""
    fields = message.fields
    prefixes: list[str] = []
    while at < len(data):
        length = data[at + 1] * 8 if at + 1 < len(data) else 0
        if not length or at + length > len(data):
            message.tell(f"the option at byte {at} has {length} bytes of the {len(data) - at} that follow")
            break
        kind = data[at]
        if kind in (1, 2) and length == 8:
            fields["icmp_link_address"] = data[at + 2 : at + 8].hex(":")
        elif kind == 3 and length == 32 and len(prefixes) < LIST_LIMIT:
            prefixes.append(f"{ipv6_text(data, at + 16)}/{data[at + 2]}")
        elif kind == 5:
            fields["icmp_mtu"] = int.from_bytes(data[at + 4 : at + 8], "big")
        elif kind == 4 and message.type == 137 and at + 8 < at + length:
            _read_quoted(message, data[: at + length], at + 8)
        at += length
    if prefixes:
        fields["icmp_prefixes"] = tuple(prefixes)


def _read_groups(message: Message, data: bytes) -> None:
    """Read the groups of a multicast listener report (RFC 9777 section 5.2)."""
    groups: list[str] = []
    at = HEADER_LENGTH
    for _ in range(data[6] << 8 | data[7]):
        if at + 20 > len(data):
            message.tell(f"the message ends at byte {len(data)} inside the record at byte {at}")
            break
        if len(groups) < LIST_LIMIT:
            groups.append(ipv6_text(data, at + 4))
        at += 20 + data[at + 1] * 4 + (data[at + 2] << 8 | data[at + 3]) * 16
    message.fields["icmp_groups"] = tuple(groups)


def ipv4_text(data: bytes, at: int) -> str:
    """Write the IPv4 address at byte `at`; the caller has checked that it is there."""
    return f"{data[at]}.{data[at + 1]}.{data[at + 2]}.{data[at + 3]}"


def ipv6_text(data: bytes, at: int) -> str:
    """Write the IPv6 address at byte `at`; the caller has checked that it is there."""
    return address_text(int.from_bytes(data[at : at + 8], "big"), int.from_bytes(data[at + 8 : at + 16], "big"))


def place(address: str, port: int) -> str:
    """Write address and port."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def summary(message: Message) -> str:
    """Give what a person reads in one line: what happened, to which packet."""
    fields = message.fields
    if message.echoed and not message.reason:
        return f"{message.name} id {fields['icmp_id']} seq {fields['icmp_sequence']}"
    words = message.name
    if message.reason and not message.is_reply:
        words += f" ({message.reason})"
    if "icmp_id" in fields:
        words += f" id {fields['icmp_id']} seq {fields['icmp_sequence']}"
    if "icmp_mtu" in fields:
        words += f" MTU {fields['icmp_mtu']}"
    if "icmp_target" in fields:
        words += f" {fields['icmp_target']}"
    if "icmp_gateway" in fields:
        words += f" via {fields['icmp_gateway']}"
    if fields.get("icmp_groups"):
        words += f" {fields['icmp_groups'][0]}"
    return f"{words}: {message.about}" if message.about else words
