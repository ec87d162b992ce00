"""LDAP over TCP and connectionless LDAP over UDP: operations with their results.

RFC 4511 (protocol), 4513 (authentication, StartTLS), 4515 (filters), 4532 (Who am I?), 3062 (Password Modify);
MS-ADTS 3.1.1.3.1.11 (LDAP over UDP).
"""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, HandOver, Opening, Protocol
from kubeshark_mcp.dissect.buffer import join
from kubeshark_mcp.dissect.framed import FramedDissector, FrameError
from kubeshark_mcp.dissect.ldap_pairing import LdapPairing
from kubeshark_mcp.dissect.wire_ber import BerError
from kubeshark_mcp.dissect.wire_ldap import SEQUENCE, is_plausible, message_length
from kubeshark_mcp.dissect.wire_ldap_names import OPERATIONS, REQUESTS, RESPONSES
from kubeshark_mcp.dissect.wire_ldap_sasl import LENGTH, buffer_length, looks_like_buffer, signed_content
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Datagram, Direction, Piece, Span

_BOOL, _INT, _STRING, _LIST = FieldType.BOOL, FieldType.INT, FieldType.STRING, FieldType.STRING_LIST

_FIELDS = (
    Field("ldap_result_code", _INT, "result as a number; -1 without one", "ldap_result_code == 49", "LDAP", (), -1),
    *(
        Field(name, kind, meaning, example, "LDAP")
        for name, kind, meaning, example in (
            ("ldap", _BOOL, "an LDAP operation", "ldap"),
            ("ldap_type", _STRING, "the operation", 'ldap_type == "searchRequest"'),
            ("ldap_summary", _STRING, "the operation in one line", 'ldap_summary.contains("dc=example")'),
            ("ldap_request", _BOOL, "the request was seen", "ldap_request"),
            ("ldap_response", _BOOL, "the response was seen", "ldap && !ldap_response"),
            ("ldap_request_length", _INT, "bytes of the request", "ldap_request_length > 1000"),
            ("ldap_response_length", _INT, "bytes of all responses", "ldap_response_length > 1000"),
            ("ldap_total_size", _INT, "bytes of request and responses", "ldap_total_size > 10000"),
            ("ldap_message_id", _INT, "message id; 0 of what the server says unasked", "ldap && ldap_message_id == 0"),
            (
                "ldap_dn",
                _STRING,
                "the entry it is about: search base, name of a bind",
                'ldap_dn.endsWith("dc=org")',
            ),
            ("ldap_scope", _STRING, "scope of a search", 'ldap_scope == "wholeSubtree"'),
            ("ldap_dereference", _STRING, "how a search treats aliases", 'ldap_dereference == "derefAlways"'),
            ("ldap_size_limit", _INT, "most entries that a search wants, 0 for any number", "ldap_size_limit > 0"),
            ("ldap_time_limit", _INT, "seconds that a search may take, 0 for any time", "ldap_time_limit > 0"),
            ("ldap_types_only", _BOOL, "a search wants no values", "ldap_types_only"),
            (
                "ldap_filter",
                _STRING,
                "filter of a search or compare as text (RFC 4515)",
                'ldap_filter.contains("uid=")',
            ),
            (
                "ldap_attributes",
                _LIST,
                "attributes wanted, added, changed or compared",
                '"mail" in ldap_attributes',
            ),
            ("ldap_changes", _LIST, "changes of a modify: kind and attribute", '"replace mail" in ldap_changes'),
            ("ldap_new_rdn", _STRING, "new RDN of a modifyDN", 'ldap_new_rdn.startsWith("cn=")'),
            ("ldap_new_superior", _STRING, "new parent of a modifyDN", 'ldap_new_superior != ""'),
            ("ldap_delete_old_rdn", _BOOL, "a modifyDN deletes the old RDN", "ldap_delete_old_rdn"),
            ("ldap_version", _INT, "protocol version of a bind", "ldap_version == 2"),
            (
                "ldap_auth",
                _STRING,
                "authentication of a bind: anonymous, unauthenticated, simple, sasl, sicily",
                'ldap_auth == "simple"',
            ),
            ("ldap_sasl_mechanism", _STRING, "SASL mechanism of a bind", 'ldap_sasl_mechanism == "GSS-SPNEGO"'),
            ("ldap_sasl_layer", _BOOL, "it came in a SASL security layer", "ldap_sasl_layer"),
            ("ldap_encrypted_buffers", _INT, "SASL buffers that cannot be read", "ldap_encrypted_buffers > 0"),
            ("ldap_oid", _STRING, "extended operation", 'ldap_oid == "1.3.6.1.4.1.1466.20037"'),
            ("ldap_extension", _STRING, "extended operation by name", 'ldap_extension == "StartTLS"'),
            ("ldap_authorization_id", _STRING, "answer to Who am I?", 'ldap_authorization_id.startsWith("dn:")'),
            ("ldap_abandoned_id", _INT, "message id that is abandoned", "ldap_abandoned_id > 0"),
            ("ldap_request_controls", _LIST, "controls of the request", '"pagedResults" in ldap_request_controls'),
            (
                "ldap_response_controls",
                _LIST,
                "controls of the final response",
                '"syncDone" in ldap_response_controls',
            ),
            ("ldap_result", _STRING, "result by name", 'ldap_result == "invalidCredentials"'),
            ("ldap_matched_dn", _STRING, "deepest entry that exists", 'ldap_matched_dn == "dc=example,dc=org"'),
            ("ldap_error", _STRING, "the server's words (diagnostic message)", 'ldap_error.contains("data 52e")'),
            ("ldap_entries", _INT, "entries that a search found", "ldap_entries > 1000"),
            ("ldap_references", _INT, "references that a search gave", "ldap_references > 0"),
            ("ldap_referrals", _LIST, "addresses of other servers", "size(ldap_referrals) > 0"),
            ("ldap_intermediate_responses", _INT, "intermediate responses", "ldap_intermediate_responses > 0"),
        )
    ),
)
_DIRECTIONS = (REQUESTS, RESPONSES)


class LdapDissector(FramedDissector):
    """Takes messages, and buffers of a SASL security layer, out of both directions."""

    HEADER = 2

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._pairing = LdapPairing(context)
        self._left: list[list[bytes]] = [[], []]
        """Of each direction the beginning of a message whose rest is in the next SASL buffer."""
        self._left_span: list[Span | None] = [None, None]
        self._sealed: list[Span | None] = [None, None]
        self._buffers = 0

    def length_at(self, direction: Direction, data: bytes, position: int) -> int:
        """Read the length of a message, or of a SASL buffer where a SASL bind was seen or a token tells it."""
        if data[position] == SEQUENCE:
            try:
                return message_length(data, position, len(data))
            except BerError as error:
                raise FrameError(error.reason, error.position) from error
        buffer = data[position] == 0 and (self._pairing.layered or looks_like_buffer(data, position, len(data)))
        if buffer is False:
            raise FrameError("no LDAP message begins", position)
        return buffer_length(data, position, len(data)) if buffer else 0

    def begins_at(self, direction: Direction, data: bytes, start: int, stop: int) -> bool:
        """Tell whether a message of a known operation begins, or a SASL buffer of a known kind."""
        if data[start] == SEQUENCE:
            return is_plausible(data, start, len(data), OPERATIONS) is True
        return looks_like_buffer(data, start, len(data)) is True

    def on_message(self, direction: Direction, data: bytes, start: int, stop: int, span: Span, cut: str) -> None:
        """Take a message or a SASL buffer."""
        if data[start] == SEQUENCE:
            self._pairing.take(direction, data, start, stop, span, cut=cut)
        elif content := b"" if cut else signed_content(data, start + LENGTH, stop):
            self._take_content(direction, content, span)
        else:
            self._buffers += 1
            before = self._sealed[direction]
            self._sealed[direction] = join(before, span) if before is not None else span

    def on_unread(self, direction: Direction, data: bytes, span: Span, why: str) -> None:
        """Say that these bytes are no message."""
        self._pairing.unread(direction, data, span, why)

    def on_piece(self, piece: Piece) -> None:
        """Take the messages that end in this piece; behind the answer to StartTLS comes TLS."""
        super().on_piece(piece)
        if self._pairing.encrypts:
            rest = [each for side in self._sides for each in side.buffer.rest()]
            self.hand_over = HandOver("tlsx", rest)
            self._pairing.flush()

    def on_gap(self, direction: Direction, length: int) -> None:
        """Find the next message; what a search found may be missing."""
        super().on_gap(direction, length)
        self._drop_left(direction, f"{length} bytes are missing behind them")
        self._pairing.lose()

    def on_datagram(self, datagram: Datagram) -> None:
        """Take the messages of one datagram."""
        data, position, end = datagram.data, 0, len(datagram.data)
        while position < end:
            length, why = _length(data, position, end)
            if not length:
                self._pairing.unread(datagram.direction, data[position:], datagram.span, why)
                return
            stop = min(end, position + length)
            cut = f"{end - position} of {length} bytes of the message were seen" if position + length > end else ""
            self._pairing.take(datagram.direction, data, position, stop, datagram.span, cut=cut)
            position += length

    def on_close(self, closing: Closing) -> None:
        """Keep what was read of the last messages, and emit what waits."""
        super().on_close(closing)
        for direction in Direction:
            self._drop_left(direction, "the connection ends")
        self._pairing.flush()
        if self._buffers:
            self._pairing.sealed(self._sealed, self._buffers)

    def _take_content(self, direction: Direction, content: bytes, span: Span) -> None:
        """Take the messages in a SASL buffer; the last may go on in the next one."""
        left, before = self._left[direction], self._left_span[direction]
        left.append(content)
        known = b"".join(left[:2])[:16] if len(left) > 1 else content
        if len(left) > 1 and sum(map(len, left)) < _length(known, 0, len(known))[0]:
            self._left_span[direction] = join(before, span) if before is not None else span
            return
        data = b"".join(left)
        left.clear()
        self._left_span[direction] = None
        position, end = 0, len(data)
        while position < end:
            first = join(before, span) if before is not None and not position else span
            length, why = _length(data, position, end)
            if why:
                self._pairing.unread(direction, data[position:], first, why)
                return
            if not length or position + length > end:
                left.append(data[position:])
                self._left_span[direction] = first
                return
            self._pairing.take(direction, data, position, position + length, first, layer=True)
            position += length

    def _drop_left(self, direction: Direction, why: str) -> None:
        """Keep what was read of a message whose next SASL buffer does not come."""
        data, span = b"".join(self._left[direction]), self._left_span[direction]
        self._left[direction].clear()
        self._left_span[direction] = None
        if span is not None:
            cut = f"{len(data)} bytes of the message were seen: {why}"
            self._pairing.take(direction, data, 0, len(data), span, cut=cut, layer=True)


def _length(data: bytes, position: int, end: int) -> tuple[int, str]:
    """Give the length of the message at `position`, 0 where it is not known yet; or why none begins."""
    try:
        length = message_length(data, position, end)
    except BerError as error:
        return 0, f"{error.reason} at byte {error.position}"
    return length, ""


class Ldap(Protocol):
    """LDAP: directories ask and answer; also Active Directory's global catalogue and its pings over UDP."""

    name: ClassVar[str] = "ldap"
    title: ClassVar[str] = "LDAP"
    specification: ClassVar[str] = "RFC 4511"
    transports: ClassVar[frozenset[str]] = frozenset({"tcp", "udp"})
    ports: ClassVar[frozenset[int]] = frozenset({389, 3268})
    fields: ClassVar[tuple[Field, ...]] = _FIELDS

    def probe(self, opening: Opening) -> Confidence:
        """Check that each side begins with an operation that it may send, or a SASL buffer that can be read."""
        opinions = []
        sides = ((opening.client, opening.client_start), (opening.server, opening.server_start))
        for (data, starts), tags in zip(sides, _DIRECTIONS, strict=True):
            if data:
                opinion = _judge(data, tags, opening.complete)
                if opinion is Confidence.NO and starts:
                    return Confidence.NO
                opinions.append(opinion)
        return max(opinions, default=Confidence.UNDECIDED)

    def open(self, context: Context) -> Dissector:
        """Begin to read a connection."""
        return LdapDissector(context)


def _judge(data: bytes, tags: dict[int, str], complete: bool) -> Confidence:
    undecided = Confidence.NO if complete else Confidence.UNDECIDED
    if data[0] == SEQUENCE:
        plausible = is_plausible(data, 0, len(data), tags)
        return undecided if plausible is None else Confidence.SURE if plausible else Confidence.NO
    buffer = looks_like_buffer(data, 0, len(data))
    if not buffer:
        return undecided if buffer is None else Confidence.NO
    length = buffer_length(data, 0, len(data))
    if len(data) < length:
        return Confidence.POSSIBLE if complete else Confidence.UNDECIDED
    return Confidence.LIKELY if signed_content(data, LENGTH, length) else Confidence.POSSIBLE
