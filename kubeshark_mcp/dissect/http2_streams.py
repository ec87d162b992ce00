"""Streams of an HTTP/2 connection: what has been seen of a request and of its response."""

from __future__ import annotations

from bisect import bisect_right

from kubeshark_mcp.dissect.buffer import Source, span_of
from kubeshark_mcp.dissect.http2_tunnels import Tunnel
from kubeshark_mcp.dissect.wire_grpc import MessageCounter
from kubeshark_mcp.dissect.wire_hpack import HeaderSection
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Piece, Span

OPEN_LIMIT = 8192
"""Streams of one connection that may be open at once; gRPC clients pile up thousands when a server hangs."""
RESET_LIMIT = 64
"""Streams that one side gave up and of which is still waited for what the other had sent by then."""
CLOSED_LIMIT = 4096
"""Streams of one connection that are remembered as closed, because frames on them may still be under way."""
BODY_ROOM = 16 * 1024 * 1024
"""Octets of content that the open streams of one connection keep together."""
HEADER_ROOM = 16 * 1024 * 1024
"""Octets of header fields that the open streams of one connection hold together before the oldest are let go."""


def only_packet(source: Source, start: int, end: int) -> int:
    """Give which packet of a piece holds source.data[start:end], -1 where several do or it is no piece."""
    if type(source) is not Piece:
        return -1
    starts = source.starts
    if len(starts) == 1:
        return 0
    after = bisect_right(starts, start)
    return after - 1 if after == len(starts) or starts[after] >= end else -1


class Half:
    """A request or a response.

    section: its header section. trailers: a second one. body: beginning of the content, in parts; kept: octets of that.
    body_size: all of the content, missing bytes included; whole: none were missing. messages: counts gRPC messages
    where it is gRPC. ended: END_STREAM was seen.
    """

    __slots__ = (
        "_begin",
        "_end_ns",
        "_first",
        "_last",
        "_start_ns",
        "_stop",
        "body",
        "body_size",
        "ended",
        "kept",
        "messages",
        "missing",
        "section",
        "trailers",
        "whole",
    )

    def __init__(self) -> None:
        self.section: HeaderSection | None = None
        self.trailers: HeaderSection | None = None
        self.messages: MessageCounter | None = None
        self.body: list[bytes] = []
        self.body_size = self.kept = self.missing = 0
        self.ended, self.whole = False, True
        self._begin = -1
        self._stop = self._first = self._last = self._start_ns = self._end_ns = 0

    @property
    def seen(self) -> bool:
        """Tell whether any packet held part of it."""
        return self._begin >= 0

    @property
    def sound(self) -> bool:
        """Tell whether all of it that was sent can be read, as far as is seen at a glance."""
        section, trailers, messages = self.section, self.trailers, self.messages
        if section is None:
            return not self.seen
        if section.error or section.cut or self.missing or (trailers is not None and (trailers.error or trailers.cut)):
            return False
        return messages is None or not (messages.broken or messages.unfinished)

    @property
    def answered(self) -> bool:
        """Tell whether there is a header section with a known status."""
        return self.section is not None and ":status" in self.section.headers

    def mark(self, source: Source, start: int, end: int) -> None:
        """Add source.data[start:end] to the evidence."""
        at = only_packet(source, start, end)
        if at >= 0 and type(source) is Piece:
            first = last = source.packets[at]
            start_ns = end_ns = source.times[at]
        else:
            span = span_of(source, start, end)
            first, last, start_ns, end_ns = span.first_packet, span.last_packet, span.start_ns, span.end_ns
        stop = source.offset + end
        if self._begin < 0:
            self._begin, self._stop = source.offset + start, stop
            self._first, self._last, self._start_ns, self._end_ns = first, last, start_ns, end_ns
            return
        self._stop = stop
        self._first, self._last = min(self._first, first), max(self._last, last)
        self._start_ns, self._end_ns = min(self._start_ns, start_ns), max(self._end_ns, end_ns)

    def unmark(self) -> None:
        """Forget the evidence: it was that of an interim response."""
        self._begin = -1

    @property
    def span(self) -> Span | None:
        """Give the evidence: from its first frame to its last, with what other streams sent in between."""
        if self._begin < 0:
            return None
        length = self._stop - self._begin
        return Span(self._begin, length, self._first, self._last, self._start_ns, self._end_ns, self.missing)

    def add(self, data: bytes, begin: int, stop: int, limit: int) -> int:
        """Take content; keep what fits under the limit and say how much that was."""
        self.body_size += stop - begin
        if self.messages is not None:
            self.messages.feed(data, begin, stop)
        keep = min(stop - begin, limit - self.kept)
        if keep <= 0 or not self.whole:
            return 0
        self.body.append(data[begin : begin + keep])
        self.kept += keep
        return keep

    def miss(self, length: int) -> None:
        """Hear that octets of the content are missing; what follows them is not kept."""
        self.body_size += length
        self.missing += length
        self.whole = False
        if self.messages is not None:
            self.messages.missing(length)


class Stream:
    """One stream. losses: octets lost in each direction of the connection when it began. held: octets of header fields.

    reset: error code of RST_STREAM, or of the GOAWAY that left it unprocessed (goaway); -1 without. reset_by: who sent
    that. abandoned: the client reset it before it got any answer. pushed: the server began it. upgrade: the HTTP/1.1
    entry whose request this stream answers. tunnel: takes the content, where that is another protocol.
    """

    __slots__ = (
        "abandoned",
        "goaway",
        "grpc",
        "held",
        "losses",
        "notes",
        "number",
        "pushed",
        "request",
        "reset",
        "reset_by",
        "reset_ns",
        "response",
        "tunnel",
        "upgrade",
    )

    def __init__(self, number: int, losses: tuple[int, int]) -> None:
        self.number = number
        self.losses = losses
        self.held = 0
        self.request, self.response = Half(), Half()
        self.notes: list[str] = []
        self.reset, self.reset_by, self.reset_ns = -1, Direction.CLIENT, 0
        self.grpc = self.pushed = self.goaway = self.abandoned = False
        self.upgrade: Entry | None = None
        self.tunnel: Tunnel | None = None

    def half(self, direction: Direction) -> Half:
        """Give what one side sends."""
        return self.request if direction is Direction.CLIENT else self.response

    @property
    def kept(self) -> int:
        """Give the octets of content that it keeps."""
        return self.request.kept + self.response.kept

    @property
    def finished(self) -> bool:
        """Tell whether nothing more is to come; of a request that was not seen nothing is waited for."""
        answered = self.response.ended or (self.reset >= 0 and self.reset_by is Direction.SERVER)
        return answered and (self.request.ended or not self.request.seen)


class ClosedStreams:
    """The streams that closed last; bounded."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers: dict[int, None] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._numbers

    def add(self, number: int) -> None:
        """Remember a stream, and forget the oldest when there are too many."""
        numbers = self._numbers
        numbers[number] = None
        if len(numbers) > CLOSED_LIMIT:
            del numbers[next(iter(numbers))]
