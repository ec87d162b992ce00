"""HTTP/0.9, 1.0 and 1.1 (RFC 9110, 9112): requests paired with their responses, upgrades handed over."""

from __future__ import annotations

import re
from typing import ClassVar

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, HandOver, Opening, Protocol
from kubeshark_mcp.dissect.http_entry import add_request, add_response
from kubeshark_mcp.dissect.http_fields import HTTP_FIELDS
from kubeshark_mcp.dissect.http_head import Heads, RequestLine, RequestLines, StatusLine, StatusLines
from kubeshark_mcp.dissect.http_message import (
    HEAD,
    HELD,
    HOLD,
    LOST,
    METHODS,
    SEEK,
    STOPPED,
    Message,
    note,
    request_length,
    response_length,
)
from kubeshark_mcp.dissect.http_reader import MessageReader
from kubeshark_mcp.dissect.pairing import Pipeline
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field
from kubeshark_mcp.model.stream import Closing, Direction, Piece

WAITING = 1024
"""Requests of one connection that may wait for answers; each keeps its body up to the limit."""

_FIRST_LINE = re.compile(rb"[\r\n]{0,4}([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64})(?:[ \t]+([^\r\n]*))?(\r?\n|\r?\Z)?")
_VERSION_AT_END = re.compile(rb"[ \t][Hh][Tt][Tt][Pp]/\d{1,3}(?:\.\d{1,3})?[ \t]*\Z")
_OTHER_VERSION = re.compile(rb"(?:\A|[ \t])(?!HTTP/)[A-Z]{3,8}/\d(?:\.\d)?[ \t]*\Z")
_HEADER_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}:[ \t]")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_PREFACE = b"PRI * HTTP/2.0"
"""How HTTP/2 begins (RFC 9113 section 3.4), made so that HTTP/1 declines it."""
_STATUS = re.compile(rb"[Hh][Tt][Tt][Pp]/[01](?:\.\d{1,2})?[ \t]+\d{3}[ \t\r\n]")
_UPGRADES = {"websocket": "ws", "h2c": "http2"}

_CLIENT = Direction.CLIENT


class Http(Protocol):
    """HTTP/1. Start lines and header sections are remembered for as long as the protocol object lives."""

    name: ClassVar[str] = "http"
    title: ClassVar[str] = "HTTP/1.1"
    specification: ClassVar[str] = "RFC 9112"
    ports: ClassVar[frozenset[int]] = frozenset({80, 443, 3000, 5000, 8000, 8008, 8080, 8081, 8443, 8888, 9090})
    fields: ClassVar[tuple[Field, ...]] = HTTP_FIELDS

    def __init__(self) -> None:
        self._heads = Heads()
        self._requests = RequestLines()
        self._statuses = StatusLines()

    def probe(self, opening: Opening) -> Confidence:
        """Look for a request line from the client, else for a status line from the server."""
        asked = _probe_request(opening) if opening.client else Confidence.UNDECIDED
        if asked >= Confidence.LIKELY:
            return asked
        answered = _probe_response(opening)
        if answered is Confidence.SURE:
            return answered
        opinion = asked if opening.client and not (asked is Confidence.NO and opening.server) else answered
        return Confidence.NO if opinion is Confidence.UNDECIDED and opening.complete else opinion

    def open(self, context: Context) -> Dissector:
        """Begin to read a connection."""
        return HttpDissector(context, self._requests, self._statuses, self._heads)


class HttpDissector(Dissector):
    """Reads one HTTP/1 connection; a request waits until its response, and its own body, are complete."""

    def __init__(self, context: Context, requests: RequestLines, statuses: StatusLines, heads: Heads) -> None:
        super().__init__(context)
        limit, synced = context.settings.body_limit, context.connection.from_start
        self._requests: MessageReader[RequestLine] = MessageReader(
            Direction.CLIENT,
            requests,
            heads,
            limit,
            self._request_begun,
            self._request_done,
            self._refused,
            synced=synced,
        )
        self._responses: MessageReader[StatusLine] = MessageReader(
            Direction.SERVER,
            statuses,
            heads,
            limit,
            self._response_begun,
            self._response_done,
            self._overtaken,
            synced=synced,
        )
        self._waiting: Pipeline[Message[RequestLine]] = Pipeline(WAITING)
        self._begun: Message[RequestLine] | None = None
        self._pipelined = self._adrift = False
        self._server_gap = self._client_gap = False
        self._upgrade = ""
        self._switched: Entry | None = None

    def on_piece(self, piece: Piece) -> None:
        """Take bytes of either side, and see whether the connection changes its protocol."""
        if piece.direction is _CLIENT:
            self._requests.feed(piece)
            return
        self._client_gap = False
        self._adrift = self._adrift and self._pipelined
        if self._requests.partial and not len(self._waiting):
            self._requests.settle()
        self._responses.feed(piece)
        if self._responses.state == STOPPED:
            self._hand_over()

    def on_gap(self, direction: Direction, length: int) -> None:
        """Keep the position where the gap lies inside a body; else messages are lost, and pairing is careful.

        A response behind missing bytes belongs to the only request that waits; of several nobody can tell. A request
        right behind missing bytes of the client waits for no answer, because the next one may be another's. Pairing
        goes on once both sides are in step again, which is never certain where requests are pipelined.
        """
        reader = self._requests if direction is Direction.CLIENT else self._responses
        reader.gap(length)
        if reader.synced:
            return
        self._server_gap = self._server_gap or direction is Direction.SERVER
        self._client_gap = self._client_gap or direction is Direction.CLIENT
        if self._pipelined or (direction is Direction.SERVER and len(self._waiting) > 1):
            self._adrift = True
            self._answers_lost()

    def on_close(self, closing: Closing) -> None:
        """Finish both sides; what still waits got no answer."""
        self._requests.close(closing.how)
        self._responses.close(closing.how)
        self._flush()

    def _hand_over(self) -> None:
        """Give the rest of the connection away: it was switched (101), or is a tunnel (CONNECT)."""
        if self._requests.state not in {HEAD, HELD, SEEK}:
            self._requests.close("end")
        rest = self._requests.stop() + self._responses.stop()
        self._flush()
        self.hand_over = HandOver(_UPGRADES.get(self._upgrade, ""), rest, self._switched)

    def _overtaken(self) -> bool:
        return len(self._waiting) > 1

    def _refused(self) -> bool:
        """Tell whether the last request was answered without 100 (Continue): its body need not follow.

        RFC 9110 section 10.1.1.
        """
        request = self._begun
        return request is not None and request.answer is not None and "expect" in request.head.headers

    def _request_begun(self, message: Message[RequestLine]) -> int:
        if self._server_gap and not self._pipelined:
            self._answers_lost()
        self._pipelined = self._pipelined or self._adrift
        self._adrift = self._adrift or self._client_gap
        if self._adrift:
            message.alone = True
        else:
            self._unanswered(self._waiting.ask(message))
        self._begun = message
        if message.line is None:
            return LOST
        return HOLD if message.line.method == "CONNECT" else request_length(message)

    def _request_done(self, message: Message[RequestLine]) -> None:
        if message.answer is not None or message.alone:
            self._emit(message, message.answer)

    def _response_begun(self, message: Message[StatusLine]) -> int:
        request = self._waiting.next
        asked = request.line if request is not None else None
        if self._server_gap:
            self._server_gap = False
        elif len(self._waiting) > 1:
            self._pipelined = True
        return response_length(message, asked)

    def _response_done(self, message: Message[StatusLine]) -> None:
        line = message.line
        code = line.code if line is not None else 0
        if 100 <= code < 200 and code != 101:
            return
        request = self._waiting.answer()
        if request is not None and not request.done:
            request.answer = message
            return
        entry = self._emit(request, message)
        if code == 101:
            self._upgrade = message.head.upgrade or (request.head.upgrade if request is not None else "")
            self._switched = entry
        elif request is not None and request.line is not None and request.line.method == "CONNECT" and code >= 300:
            self._requests.release()

    def _answers_lost(self) -> None:
        """Let go of requests whose answers may be among missing bytes."""
        for request in self._waiting.flush():
            note(request, "bytes of the connection are missing, its answer may be among them")
            self._unanswered(request)

    def _unanswered(self, request: Message[RequestLine] | None) -> None:
        if request is None:
            return
        if request.done:
            self._emit(request, None)
        else:
            request.alone = True

    def _flush(self) -> None:
        for request in self._waiting.flush():
            self._unanswered(request)

    def _emit(self, request: Message[RequestLine] | None, response: Message[StatusLine] | None) -> Entry:
        entry = Entry("http", self.context.connection, None, None)
        if request is not None:
            add_request(entry, request)
        if response is not None:
            add_response(entry, response)
        self.context.emit(entry)
        return entry


def _probe_request(opening: Opening) -> Confidence:
    match = _FIRST_LINE.match(opening.client)
    if match is None or match[0].startswith(_PREFACE):
        return Confidence.NO
    method, rest, line_end = match.groups()
    if line_end is not None and line_end.endswith(b"\n") and rest and _VERSION_AT_END.search(rest):
        return Confidence.SURE
    if _CONTROL.search(match[0]):
        return Confidence.NO
    if line_end is None:
        return Confidence.NO
    if not line_end.endswith(b"\n"):
        begun = method in METHODS and bool(rest)
        return Confidence.LIKELY if opening.complete and begun else Confidence.UNDECIDED
    if not rest or method not in METHODS or _OTHER_VERSION.search(rest):
        return Confidence.NO
    following = opening.client[match.end() :]
    if _HEADER_LINE.match(following):
        return Confidence.LIKELY
    if b"\n" not in following and not opening.server and not opening.complete:
        return Confidence.UNDECIDED
    return Confidence.POSSIBLE


def _probe_response(opening: Opening) -> Confidence:
    if _STATUS.match(opening.server):
        return Confidence.SURE
    begun = len(opening.server) < 16 and b"HTTP/".startswith(opening.server[:5].upper())
    return Confidence.UNDECIDED if begun else Confidence.NO
