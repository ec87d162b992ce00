"""RADIUS: who wanted in and what the server said, accounting, and changes of running sessions.

RFC 2865, 2866 (accounting), 5176 (disconnect and change of authorization), 5997 (status).
"""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import ColumnReader, Confidence, Context, Dissector, Opening, Protocol, Settings
from kubeshark_mcp.dissect.exchanges import Bounds
from kubeshark_mcp.dissect.radius_columns import RadiusColumns
from kubeshark_mcp.dissect.roles import Roles
from kubeshark_mcp.dissect.wire_radius import (
    HEADER_LENGTH,
    LONGEST,
    Known,
    Packet,
    blanked,
    parse_packet,
    whole_attributes,
)
from kubeshark_mcp.dissect.wire_radius_dictionary import ANSWERS, CODES, REFUSALS
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Datagram, Direction

WAITING_LIMIT = 4096
"""Unanswered requests that one pair of ports may hold: 256 identifiers, each sent again up to 16 times."""

LIFETIME_NS = 120 * 1_000_000_000
"""After this long an answer is not taken for one to this request: clients give up earlier, identifiers come again."""

_BOOL, _INT, _STRING, _MAP = FieldType.BOOL, FieldType.INT, FieldType.STRING, FieldType.STRING_MAP

_FIELDS = tuple(
    Field(name, kind, meaning, example, "RADIUS")
    for name, kind, meaning, example in (
        ("radius", _BOOL, "the entry is RADIUS", "radius"),
        ("radius_code", _INT, "code of the request; of the answer where no request was seen", "radius_code == 1"),
        ("radius_code_name", _STRING, "the same by name", 'radius_code_name == "Access-Request"'),
        ("radius_result", _STRING, "code of the answer by name", 'radius_result == "Access-Reject"'),
        ("radius_request", _BOOL, "the request was seen", "radius_request"),
        ("radius_response", _BOOL, "the answer was seen", "radius && !radius_response"),
        (
            "radius_request_authenticator",
            _STRING,
            "authenticator of the request in hexadecimal digits",
            'radius_request_authenticator != ""',
        ),
        ("radius_request_length", _INT, "bytes of the request", "radius_request_length > 1000"),
        ("radius_response_length", _INT, "bytes of the answer", "radius_response_length > 1000"),
        ("radius_total_size", _INT, "bytes of request and answer", "radius_total_size > 2000"),
        ("radius_identifier", _INT, "identifier that request and answer share", "radius && radius_identifier == 7"),
        ("radius_user", _STRING, "User-Name", 'radius_user == "bob"'),
        ("radius_nas", _STRING, "who asks: NAS-Identifier, else its address", 'radius_nas == "ap-17"'),
        ("radius_calling_station", _STRING, "Calling-Station-Id", 'radius_calling_station.startsWith("00-1B")'),
        ("radius_called_station", _STRING, "Called-Station-Id", 'radius_called_station.endsWith(":guest")'),
        ("radius_session", _STRING, "Acct-Session-Id", 'radius_session == "0000002A"'),
        ("radius_accounting", _STRING, "Acct-Status-Type", 'radius_accounting == "Stop"'),
        ("radius_terminate_cause", _STRING, "why a session ended", 'radius_terminate_cause == "Lost-Carrier"'),
        ("radius_reply_message", _STRING, "what the server tells the user", 'radius_reply_message != ""'),
        ("radius_error_cause", _STRING, "why a change was refused", 'radius_error_cause != ""'),
        ("radius_eap", _STRING, "EAP inside the request, else inside the answer", 'radius_eap == "Response PEAP"'),
        (
            "radius_message_authenticator",
            _BOOL,
            "the request carries a Message-Authenticator",
            "radius_code == 1 && !radius_message_authenticator",
        ),
        (
            "radius_response_message_authenticator",
            _BOOL,
            "the answer carries a Message-Authenticator",
            "radius_response && !radius_response_message_authenticator",
        ),
        ("radius_retransmission", _BOOL, "the client sent this request before", "radius_retransmission"),
        (
            "radius_request_attributes",
            _MAP,
            "attributes of the request by name; of secrets only their length",
            'map_get(radius_request_attributes, "NAS-Port-Type", "") == "Wireless-802.11"',
        ),
        (
            "radius_response_attributes",
            _MAP,
            "attributes of the answer by name; of secrets only their length",
            'map_get(radius_response_attributes, "Session-Timeout", "") != ""',
        ),
    )
)


class RadiusDissector(Dissector):
    """Pairs requests and answers of one client port by identifier."""

    def __init__(self, context: Context, known: Known) -> None:
        super().__init__(context)
        self._known = known
        self._roles = Roles(context.connection)
        self._waiting: dict[tuple[Direction, int], list[Entry]] = {}
        self._count = 0

    def on_datagram(self, datagram: Datagram) -> None:
        """Take one packet."""
        packet = parse_packet(datagram.data, self._known)
        if datagram.missing:
            length = len(datagram.data) + datagram.missing
            packet.malformed = f"the capture holds {len(datagram.data)} of {length} bytes of the packet"
        if packet.code in ANSWERS or (packet.code not in CODES and datagram.direction is Direction.SERVER):
            self._answer(datagram, packet)
        else:
            self._ask(datagram, packet)

    def on_close(self, closing: Closing) -> None:
        """Emit what waits."""
        for place in list(self._waiting):
            self._give_up(place)

    def _ask(self, datagram: Datagram, packet: Packet) -> None:
        entry = self._roles.request("radius", datagram.direction, datagram.span)
        _describe(entry, packet)
        fields = entry.fields
        fields["radius_request"] = True
        fields["radius_request_authenticator"] = packet.authenticator
        fields["radius_request_length"] = fields["radius_total_size"] = len(datagram.data) + datagram.missing
        fields["radius_message_authenticator"] = packet.signed
        fields["radius_request_attributes"] = packet.attributes
        entry.request_body = blanked(datagram.data, packet, self.context.settings.body_limit)
        self._wait((datagram.direction, packet.identifier), entry)

    def _wait(self, place: tuple[Direction, int], entry: Entry) -> None:
        """Let a request wait; one with another authenticator is new, so its client has given up those before."""
        before = self._waiting.get(place)
        if before and _same(before[0], entry):
            entry.fields["radius_retransmission"] = True
        elif before:
            self._give_up(place)
        if self._count >= WAITING_LIMIT:
            self._give_up(next(iter(self._waiting)))
        self._waiting.setdefault(place, []).append(entry)
        self._count += 1

    def _answer(self, datagram: Datagram, packet: Packet) -> None:
        place = (datagram.direction.other, packet.identifier)
        entry = self._match(place, packet.code, datagram.time_ns) if place in self._waiting else None
        if entry is None:
            entry = self._roles.response("radius", datagram.direction, datagram.span)
            _describe(entry, packet)
        else:
            entry.response = datagram.span
            entry.malformed = entry.malformed or packet.malformed
            _name_attributes(entry, packet)
        length, fields = len(datagram.data) + datagram.missing, entry.fields
        fields["radius_response"] = True
        fields["radius_result"] = entry.status = packet.name
        fields["radius_response_length"] = length
        fields["radius_total_size"] = fields.get("radius_request_length", 0) + length
        fields["radius_response_message_authenticator"] = packet.signed
        fields["radius_response_attributes"] = packet.attributes
        entry.failed = packet.code in REFUSALS
        entry.response_body = blanked(datagram.data, packet, self.context.settings.body_limit)
        self.context.emit(entry)

    def _match(self, place: tuple[Direction, int], code: int, now: int) -> Entry | None:
        """Take the first request that this answer may belong to."""
        waiting = self._waiting[place]
        oldest = waiting[0]
        if now - oldest.start_ns > LIFETIME_NS:
            self._give_up(place)
            return None
        if oldest.fields["radius_code"] not in ANSWERS.get(code, ()):
            return None
        del waiting[0]
        self._count -= 1
        if not waiting:
            del self._waiting[place]
        return oldest

    def _give_up(self, place: tuple[Direction, int]) -> None:
        for entry in self._waiting.pop(place):
            self._count -= 1
            self.context.emit(entry)


def _same(before: Entry, entry: Entry) -> bool:
    """Tell whether a request is one sent before: same code, authenticator and attributes (RFC 2865 section 2.5)."""
    names = ("radius_code", "radius_request_authenticator", "radius_request_length")
    return all(before.fields.get(name) == entry.fields.get(name) for name in names)


def _describe(entry: Entry, packet: Packet) -> None:
    fields = entry.fields
    fields["radius_code"], fields["radius_code_name"] = packet.code, packet.name
    fields["radius_identifier"] = packet.identifier
    _name_attributes(entry, packet)
    entry.summary, entry.malformed = packet.summary, packet.malformed


def _name_attributes(entry: Entry, packet: Packet) -> None:
    """Give attributes their own fields; what the request said stays."""
    for name, text in packet.named().items():
        entry.fields.setdefault(name, text)


class Radius(Protocol):
    """RADIUS authentication, accounting and dynamic authorization over UDP."""

    name: ClassVar[str] = "radius"
    title: ClassVar[str] = "RADIUS"
    specification: ClassVar[str] = "RFC 2865"
    transports: ClassVar[frozenset[str]] = frozenset({"udp"})
    ports: ClassVar[frozenset[int]] = frozenset({1645, 1646, 1700, 1812, 1813, 3799})
    fields: ClassVar[tuple[Field, ...]] = _FIELDS

    def __init__(self) -> None:
        self._known: Known = {}

    def probe(self, opening: Opening) -> Confidence:
        """Check code, claimed length and that attributes fill the packet; requests come from the client."""
        if opening.client and opening.server:
            return min(_judge(opening.client, answer=False), _judge(opening.server, answer=True))
        if not opening.client and not opening.server:
            return Confidence.UNDECIDED
        return _judge(opening.client or opening.server, answer=not opening.client)

    def open(self, context: Context) -> Dissector:
        """Begin to read what a client's port and a server's port exchange."""
        return RadiusDissector(context, self._known)

    def columns(self, settings: Settings) -> ColumnReader:
        """Give what reads requests and answers as columns; each end may ask, so each has half of what may wait."""
        return RadiusColumns(settings, Bounds(LIFETIME_NS, WAITING_LIMIT // 2, WAITING_LIMIT // 2, each=True))


def _judge(data: bytes, *, answer: bool) -> Confidence:
    if len(data) < HEADER_LENGTH or data[0] not in CODES or (data[0] in ANSWERS) is not answer:
        return Confidence.NO
    length = data[2] << 8 | data[3]
    if not HEADER_LENGTH <= length <= LONGEST:
        return Confidence.NO
    count = whole_attributes(data, min(length, len(data)))
    if length > len(data) or count < 0:
        return Confidence.POSSIBLE  # cut by the capture, or damaged: only where a port says so
    if length < len(data):
        return Confidence.POSSIBLE  # padding is allowed (RFC 2865 section 3)
    return Confidence.SURE if count else Confidence.LIKELY
