"""ICMP and ICMPv6: requests with their replies, errors with the packet they complain about, neighbour discovery.

RFC 792, 950, 4443, 4861, 8335.
"""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import ColumnReader, Confidence, Context, Dissector, Opening, Protocol, Settings
from kubeshark_mcp.dissect.exchanges import Bounds
from kubeshark_mcp.dissect.icmp_columns import IcmpColumns
from kubeshark_mcp.dissect.roles import Roles
from kubeshark_mcp.dissect.wire_icmp import FAILURES, Message, parse_message, summary
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Datagram, Direction

WAITING_LIMIT = 4096
"""Unanswered requests that one pair of hosts may hold; the oldest is emitted when there are more."""

LIFETIME_NS = 60 * 1_000_000_000
"""After this long a reply is not taken for one to this request: identifiers come again."""

_BOOL, _INT, _STRING, _LIST = FieldType.BOOL, FieldType.INT, FieldType.STRING, FieldType.STRING_LIST

_FIELDS = tuple(
    Field(name, kind, meaning, example, "ICMP")
    for name, kind, meaning, example in (
        ("icmp", _BOOL, "the entry is ICMP or ICMPv6: a request with its reply, an error, or another message", "icmp"),
        ("icmp_type", _STRING, "type by name; of the request where there is one", 'icmp_type == "Echo Request"'),
        ("icmp_version", _INT, "4 for ICMP, 6 for ICMPv6", "icmp_version == 6"),
        ("icmp_length", _INT, "bytes of the message; of the request where there is one", "icmp_length > 64"),
        ("icmp_type_number", _INT, "type as a number", "icmp && icmp_type_number == 3"),
        ("icmp_code", _INT, "code as a number", "icmp && icmp_code == 4"),
        ("icmp_reason", _STRING, "code by name", 'icmp_reason == "Port Unreachable"'),
        ("icmp_error", _BOOL, "it says that a packet was not delivered", "icmp_error"),
        ("icmp_request", _BOOL, "an echo request, or another that is answered, was seen", "icmp_request"),
        ("icmp_response", _BOOL, "the reply was seen", "icmp_request && !icmp_response"),
        ("icmp_response_length", _INT, "bytes of the reply", "icmp_response_length > 64"),
        ("icmp_altered", _BOOL, "the reply brought other data back than the request took along", "icmp_altered"),
        ("icmp_id", _INT, "identifier of an echo request", "icmp && icmp_id == 1226"),
        ("icmp_sequence", _INT, "sequence number of an echo request", "icmp && icmp_sequence > 10"),
        ("icmp_mtu", _INT, "largest packet in bytes that the next hop takes", "icmp_mtu > 0 && icmp_mtu < 1500"),
        ("icmp_gateway", _STRING, "router that a redirect names", 'icmp_gateway != ""'),
        ("icmp_pointer", _INT, "byte of the quoted packet that is wrong", "icmp_pointer > 0"),
        (
            "icmp_target",
            _STRING,
            "address or group that neighbour discovery is about",
            'icmp_type == "Neighbor Solicitation" && icmp_target == "fe80::1"',
        ),
        ("icmp_link_address", _STRING, "link-layer address it tells", 'icmp_link_address == "02:42:ac:11:00:02"'),
        ("icmp_prefixes", _LIST, "prefixes that a router advertises", '"2001:db8::/64" in icmp_prefixes'),
        ("icmp_groups", _LIST, "multicast groups that a host listens to", '"ff02::fb" in icmp_groups'),
        ("icmp_about_src", _STRING, "source address of the packet complained about", 'icmp_about_src == "10.0.0.7"'),
        ("icmp_about_dst", _STRING, "its destination address", 'icmp_about_dst == "10.0.0.8"'),
        ("icmp_about_protocol", _STRING, "its protocol: `tcp`, `udp`, `icmp` ...", 'icmp_about_protocol == "tcp"'),
        ("icmp_about_src_port", _INT, "its source port", "icmp_about_src_port == 45000"),
        ("icmp_about_dst_port", _INT, "its destination port", "icmp_about_dst_port == 53"),
        ("icmp_about_length", _INT, "its length in bytes, as its header says", "icmp_about_length > icmp_mtu"),
        ("icmp_about_id", _INT, "its identifier, where it was an echo", "icmp_about_id == 1226"),
        ("icmp_about_sequence", _INT, "its sequence number, where it was an echo", "icmp_about_sequence > 1"),
    )
)


class IcmpDissector(Dissector):
    """Pairs requests and replies of two hosts by type, identifier and sequence number, first come first served."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._roles = Roles(context.connection)
        self._version = 6 if ":" in context.connection.client.address else 4
        # A host that pings itself: its requests and their replies travel in the same direction.
        self._itself = context.connection.client.address == context.connection.server.address
        self._waiting: dict[tuple[Direction, int, bytes], list[Entry]] = {}
        self._count = 0

    def on_datagram(self, datagram: Datagram) -> None:
        """Take one message."""
        message = parse_message(datagram.data, self._version)
        if datagram.missing and message.malformed:
            length = len(datagram.data) + datagram.missing
            message.malformed = f"the capture holds {len(datagram.data)} of {length} bytes of the message"
        if message.request < 0:
            self.context.emit(self._lone(datagram, message))
        elif message.is_reply:
            self._answer(datagram, message)
        else:
            self._ask(datagram, message)

    def on_close(self, closing: Closing) -> None:
        """Emit what waits."""
        for waiting in self._waiting.values():
            for entry in waiting:
                self.context.emit(entry)
        self._waiting.clear()
        self._count = 0

    def _lone(self, datagram: Datagram, message: Message) -> Entry:
        """Make the entry of a message that is neither asked for nor answered; its sender is `src`."""
        entry = self._roles.request("icmp", datagram.direction, datagram.span)
        self._fill(entry, datagram, message)
        entry.request_body = datagram.data[: self.context.settings.body_limit]
        entry.status = message.reason
        entry.failed = (self._version, message.type) in FAILURES
        if entry.failed:
            entry.fields["icmp_error"] = True
        return entry

    def _ask(self, datagram: Datagram, message: Message) -> None:
        entry = self._roles.request("icmp", datagram.direction, datagram.span)
        self._fill(entry, datagram, message)
        entry.fields["icmp_request"] = True
        entry.request_body = datagram.data[: self.context.settings.body_limit]
        key = (datagram.direction, message.request, message.key)
        self._waiting.setdefault(key, []).append(entry)
        self._count += 1
        if self._count > WAITING_LIMIT:
            self._give_up(next(iter(self._waiting)))

    def _answer(self, datagram: Datagram, message: Message) -> None:
        asked = datagram.direction if self._itself else datagram.direction.other
        key = (asked, message.request, message.key)
        entry = self._match(key, datagram.time_ns) if key in self._waiting else None
        if entry is None:
            entry = self._roles.response("icmp", datagram.direction, datagram.span)
            self._fill(entry, datagram, message)
        else:
            entry.response = datagram.span
            entry.malformed = entry.malformed or message.malformed
            if self._is_altered(entry, datagram, message):
                entry.fields["icmp_altered"] = True
        entry.response_body = datagram.data[: self.context.settings.body_limit]
        entry.fields["icmp_response"] = True
        entry.fields["icmp_response_length"] = len(datagram.data) + datagram.missing
        entry.status = message.reason or message.name
        entry.failed = message.code != 0
        self.context.emit(entry)

    def _is_altered(self, entry: Entry, datagram: Datagram, message: Message) -> bool:
        """Compare what a reply brings back with what its request took along, as far as both were captured."""
        start = message.echoed
        if not start:
            return False
        sent, got = entry.request_body[start:], datagram.data[start : self.context.settings.body_limit]
        shorter = min(len(sent), len(got))
        return sent[:shorter] != got[:shorter]

    def _match(self, key: tuple[Direction, int, bytes], now: int) -> Entry | None:
        waiting = self._waiting[key]
        found = None
        while waiting and found is None:
            entry = waiting.pop(0)
            self._count -= 1
            if now - entry.start_ns > LIFETIME_NS:
                self.context.emit(entry)
            else:
                found = entry
        if not waiting:
            del self._waiting[key]
        return found

    def _give_up(self, key: tuple[Direction, int, bytes]) -> None:
        waiting = self._waiting[key]
        self.context.emit(waiting.pop(0))
        self._count -= 1
        if not waiting:
            del self._waiting[key]

    def _fill(self, entry: Entry, datagram: Datagram, message: Message) -> None:
        fields = entry.fields = {
            "icmp_type": message.name,
            "icmp_version": self._version,
            "icmp_length": len(datagram.data) + datagram.missing,
            "icmp_code": message.code,
            **message.fields,
        }
        if message.type >= 0:
            fields["icmp_type_number"] = message.type
        if message.reason:
            fields["icmp_reason"] = message.reason
        entry.summary, entry.malformed = summary(message), message.malformed


class Icmp(Protocol):
    """ICMP and ICMPv6: what IP itself reports, and pings."""

    name: ClassVar[str] = "icmp"
    title: ClassVar[str] = "ICMP"
    specification: ClassVar[str] = "RFC 792, RFC 4443"
    transports: ClassVar[frozenset[str]] = frozenset({"icmp"})
    fields: ClassVar[tuple[Field, ...]] = _FIELDS

    def probe(self, opening: Opening) -> Confidence:
        """Take all: the IP header names the protocol."""
        return Confidence.SURE if opening.client or opening.server else Confidence.UNDECIDED

    def open(self, context: Context) -> Dissector:
        """Begin to read what two hosts tell each other."""
        return IcmpDissector(context)

    def columns(self, settings: Settings) -> ColumnReader:
        """Give what reads echoes and errors as columns; each end may ask, so each has half of what may wait."""
        return IcmpColumns(settings, Bounds(LIFETIME_NS, WAITING_LIMIT // 2, WAITING_LIMIT // 2, each=True))
