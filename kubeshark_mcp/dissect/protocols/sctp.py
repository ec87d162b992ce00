"""SCTP: an entry for each packet, and the Diameter messages that associations carry.

RFC 9260; 8260 (interleaving), 3758 (partial reliability), 5061 (addresses), 6525 (streams), 6733 section 2.1.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, ClassVar

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, Opening, Protocol
from kubeshark_mcp.dissect.crc32c import Crc32c
from kubeshark_mcp.dissect.sctp_messages import Association, UserMessage
from kubeshark_mcp.dissect.wire_diameter import begins_message
from kubeshark_mcp.dissect.wire_sctp import (
    ABORT,
    COOKIE_ACK,
    COOKIE_ECHO,
    DIAMETER_PAYLOADS,
    ERROR,
    HEADER_LENGTH,
    HEARTBEAT,
    HEARTBEAT_ACK,
    INIT,
    INIT_ACK,
    SACK,
    SHUTDOWN,
    SHUTDOWN_ACK,
    SHUTDOWN_COMPLETE,
    Chunk,
    Packet,
    causes_of,
    checksum_state,
    chunk_name,
    data_of,
    parse_packet,
    payload_name,
)
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Datagram, Direction, Window

NAMED_CHUNKS = 64
"""Chunks of one packet that its entry names; all are counted."""

FRAGMENT_LIMIT = 1 << 20
"""Bytes of fragments that each direction may hold."""

_ANSWERS = {
    INIT_ACK: INIT,
    COOKIE_ACK: COOKIE_ECHO,
    HEARTBEAT_ACK: HEARTBEAT,
    SHUTDOWN_ACK: SHUTDOWN,
    SHUTDOWN_COMPLETE: SHUTDOWN_ACK,
}
"""Chunk -> the chunk of the other side that it answers."""
_MEASURED = frozenset({*_ANSWERS, *_ANSWERS.values()})
_SACK = Struct(">IIHH")

_BOOL, _INT, _STRING, _LIST = FieldType.BOOL, FieldType.INT, FieldType.STRING, FieldType.STRING_LIST

_FIELDS = tuple(
    Field(name, kind, meaning, example, "SCTP")
    for name, kind, meaning, example in (
        ("sctp", _BOOL, "the entry is an SCTP packet", "sctp"),
        ("sctp_checksum", _INT, "checksum as sent", "sctp_checksum != 0"),
        (
            "sctp_checksum_state",
            _STRING,
            "`good`, `bad` (often left to the network card), `absent`, `adler32`, `unverified` (packet not whole)",
            'sctp_checksum_state == "bad"',
        ),
        ("sctp_chunk_type", _STRING, "type of the first chunk", 'sctp_chunk_type == "ABORT"'),
        ("sctp_length", _INT, "bytes of the first chunk, its header included", "sctp_length > 1000"),
        ("sctp_packet_length", _INT, "bytes of the packet, common header included", "sctp_packet_length > 1400"),
        ("sctp_chunk_types", _LIST, "types of the chunks in order, the first 64", '"SACK" in sctp_chunk_types'),
        ("sctp_chunk_count", _INT, "chunks of the packet", "sctp_chunk_count > 10"),
        ("sctp_request", _BOOL, "sent by the client of the association", "sctp && sctp_request"),
        ("sctp_response", _BOOL, "sent by the server of the association", "sctp && sctp_response"),
        ("sctp_verification_tag", _INT, "verification tag", "sctp && sctp_verification_tag == 0"),
        ("sctp_tsn", _INT, "transmission sequence number of the first data chunk", "sctp_tsn > 0"),
        ("sctp_stream_id", _INT, "stream of the first data chunk", "sctp_data_bytes > 0 && sctp_stream_id == 1"),
        ("sctp_payload_protocol", _STRING, "what the data chunks carry", 'sctp_payload_protocol == "NGAP"'),
        ("sctp_data_bytes", _INT, "bytes of user data in the packet", "sctp_data_bytes > 0"),
        ("sctp_retransmissions", _INT, "data chunks that were seen before", "sctp_retransmissions > 0"),
        ("sctp_cumulative_ack", _INT, "last number that a SACK acknowledges without gaps", "sctp_cumulative_ack > 0"),
        (
            "sctp_gap_blocks",
            _INT,
            "blocks that a SACK acknowledges behind a gap: data were lost",
            "sctp_gap_blocks > 0",
        ),
        ("sctp_duplicate_tsns", _INT, "numbers that a SACK reports as received twice", "sctp_duplicate_tsns > 0"),
        (
            "sctp_receive_window",
            _INT,
            "bytes that the receiver has room for, of INIT, INIT_ACK and SACK",
            'sctp_chunk_type == "SACK" && sctp_receive_window == 0',
        ),
        ("sctp_causes", _LIST, "causes that ABORT and ERROR give", '"Stale Cookie" in sctp_causes'),
        (
            "sctp_rtt_us",
            _INT,
            "microseconds since the chunk of the other side that this one answers (INIT, COOKIE_ECHO, HEARTBEAT, ...)",
            "sctp_rtt_us > 100000",
        ),
    )
)


class SctpDissector(Dissector):
    """Makes an entry of each packet; hands on the Diameter messages inside."""

    def __init__(self, context: Context, crc: Crc32c) -> None:
        super().__init__(context)
        self._crc = crc
        limit = min(FRAGMENT_LIMIT, context.settings.message_limit)
        self._association = Association(limit)
        self._asked: dict[tuple[Direction, int], int] = {}
        self._offsets = [0, 0]

    def on_datagram(self, datagram: Datagram) -> None:
        """Take one packet."""
        packet = parse_packet(datagram.data)
        length = len(datagram.data) + datagram.missing
        if datagram.missing:
            packet.malformed = f"the capture holds {len(datagram.data)} of {length} bytes of the packet"
        whole = packet.chunks
        if packet.malformed and whole:  # the last chunk may be cut, so that it carries no message
            whole = whole[:-1]
        messages, repeated = self._association.take(datagram, whole, _is_wanted)
        entry = self._entry(datagram, packet, length)
        if repeated:
            entry.fields["sctp_retransmissions"] = repeated
        self.context.emit(entry)
        for message in messages:
            self._hand_on(message)

    def _hand_on(self, message: UserMessage) -> None:
        """Give a message to whoever reads Diameter; a message is whole, so the next one begins behind it."""
        piece = message.piece(self._offsets[message.direction])
        if message.payload == 46 or begins_message(piece.data, whole=True):
            self._offsets[message.direction] += len(piece.data)
            self.context.tunnel(Window(self.context.connection, [piece]), None)

    def _entry(self, datagram: Datagram, packet: Packet, length: int) -> Entry:
        """Make the entry of one packet: the half of the side that sent it."""
        body, span = datagram.data[: self.context.settings.body_limit], datagram.span
        sent = datagram.direction is Direction.CLIENT
        entry = Entry("sctp", self.context.connection, span if sent else None, None if sent else span)
        entry.request_body, entry.response_body = (body, b"") if sent else (b"", body)
        entry.malformed = packet.malformed
        fields = entry.fields
        fields["sctp_request" if sent else "sctp_response"] = True
        fields["sctp_packet_length"] = length
        if len(datagram.data) < HEADER_LENGTH:
            entry.summary = "SCTP"
            return entry
        fields["sctp_verification_tag"], fields["sctp_checksum"] = packet.tag, packet.checksum
        state = "unverified" if datagram.missing else checksum_state(datagram.data, packet, self._crc)
        fields["sctp_checksum_state"] = state
        self._describe(entry, datagram, packet)
        return entry

    def _describe(self, entry: Entry, datagram: Datagram, packet: Packet) -> None:
        """Say what the chunks say."""
        fields, chunks = entry.fields, packet.chunks
        fields["sctp_chunk_count"] = len(chunks)
        named = chunks[:NAMED_CHUNKS]
        names = fields["sctp_chunk_types"] = tuple([chunk_name(chunk.kind) for chunk in named])
        words: list[str] = []
        for name, chunk in zip(names, named, strict=True):
            said = _describe_chunk(fields, datagram.data, chunk)
            word = f"{name} {said}" if said else name
            if word not in words:
                words.append(word)
            if chunk.kind in _MEASURED:
                self._measure(fields, datagram, chunk.kind)
            if chunk.kind in (ABORT, ERROR):
                entry.failed = True
                entry.status = "; ".join(fields.get("sctp_causes", ())) or name
        if chunks:
            fields["sctp_chunk_type"] = names[0]
            fields["sctp_length"] = chunks[0].end - chunks[0].start + 4
        entry.summary = ", ".join(words) or "SCTP"

    def _measure(self, fields: dict[str, Any], datagram: Datagram, kind: int) -> None:
        """Measure from a control chunk to its answer."""
        if kind in _ANSWERS:
            asked_ns = self._asked.pop((datagram.direction.other, _ANSWERS[kind]), None)
            if asked_ns is not None:
                fields["sctp_rtt_us"] = max(0, datagram.time_ns - asked_ns) // 1000
        if kind in (INIT, COOKIE_ECHO, HEARTBEAT, SHUTDOWN, SHUTDOWN_ACK):
            self._asked.setdefault((datagram.direction, kind), datagram.time_ns)


def _is_wanted(payload: int) -> bool:
    return payload in DIAMETER_PAYLOADS or payload in (0, -1)


def _describe_chunk(fields: dict[str, Any], data: bytes, chunk: Chunk) -> str:
    """Fill the fields of one chunk; give what the summary says of it besides its name."""
    start, end = chunk.start, chunk.end
    if (found := data_of(data, chunk)) is not None:
        protocol = payload_name(found.payload)
        fields["sctp_data_bytes"] = fields.get("sctp_data_bytes", 0) + found.end - found.start
        if "sctp_tsn" not in fields:
            fields["sctp_tsn"], fields["sctp_stream_id"] = found.tsn, found.stream
            if protocol:
                fields["sctp_payload_protocol"] = protocol
        return f"{found.tsn} {protocol}" if protocol else str(found.tsn)
    if chunk.kind == SACK and end - start >= _SACK.size:
        acknowledged, window, gaps, duplicates = _SACK.unpack_from(data, start)
        fields["sctp_cumulative_ack"], fields["sctp_receive_window"] = acknowledged, window
        fields["sctp_gap_blocks"], fields["sctp_duplicate_tsns"] = gaps, duplicates
        return str(acknowledged)
    if chunk.kind in (INIT, INIT_ACK) and end - start >= 8:
        fields["sctp_receive_window"] = int.from_bytes(data[start + 4 : start + 8], "big")
    if chunk.kind in (ABORT, ERROR) and (causes := causes_of(data, chunk)):
        fields["sctp_causes"] = (*fields.get("sctp_causes", ()), *causes)
        return f"({', '.join(causes)})"
    return ""


class Sctp(Protocol):
    """SCTP associations, packet by packet."""

    name: ClassVar[str] = "sctp"
    title: ClassVar[str] = "SCTP"
    specification: ClassVar[str] = "RFC 9260"
    transports: ClassVar[frozenset[str]] = frozenset({"sctp"})
    fields: ClassVar[tuple[Field, ...]] = _FIELDS

    def __init__(self) -> None:
        self._crc = Crc32c()

    def probe(self, opening: Opening) -> Confidence:
        """Take packets, whose header names the ports of the connection; what they carry inside begins otherwise."""
        client, server = opening.connection.client.port, opening.connection.server.port
        for data, ports in ((opening.client, (client, server)), (opening.server, (server, client))):
            if data and data[:4] != b"".join([port.to_bytes(2, "big") for port in ports])[: len(data)]:
                return Confidence.NO
        return Confidence.SURE if opening.client or opening.server else Confidence.UNDECIDED

    def open(self, context: Context) -> Dissector:
        """Begin to read an association."""
        return SctpDissector(context, self._crc)
