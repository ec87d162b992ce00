"""Reads the records of one TLS connection: handshakes and alerts become entries, contents go on to be dissected."""

from __future__ import annotations

from dataclasses import dataclass, field

from kubeshark_mcp.dissect import wire_tls_names as n
from kubeshark_mcp.dissect.base import Context, Dissector
from kubeshark_mcp.dissect.buffer import Source, StreamBuffer, join, packets_of, piece_rest, piece_span, span_of
from kubeshark_mcp.dissect.tls_decryption import Decryption
from kubeshark_mcp.dissect.tls_fields import CARRIED
from kubeshark_mcp.dissect.tls_handshake import Alert, Handshake, Memory
from kubeshark_mcp.dissect.tls_plaintext import Plaintext
from kubeshark_mcp.dissect.tls_probe import RECORD
from kubeshark_mcp.dissect.wire_tls import (
    LARGEST_RECORD,
    RECORD_HEADER,
    TlsError,
    is_hello,
    is_whole,
    may_grow,
    messages,
    read_ssl2_client_hello,
    read_ssl2_server_hello,
)
from kubeshark_mcp.dissect.wire_tls_keys import KeyLog
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Direction, Piece, Span, Window

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER

SSL2_LARGEST = 1 << 12
"""Bytes after which a hello of SSL 2.0 is not waited for any longer."""
SEALED_ALERT = 19
"""Length of an alert under TLS 1.3: two bytes, its type and the tag. Nothing else in a handshake is as short."""
PROMPT_NS = 1_000_000_000
"""Within this time a server refuses a client's certificate; later it only closes what nobody uses."""


@dataclass(slots=True)
class _Side:
    """One direction.

    skip: bytes of a record whose beginning was lost. lost: the next record must be looked for. begun: no record was
    read yet. ciphered: ChangeCipherSpec was seen. fragments: of the handshake message that is not whole yet, from
    `since` on. blind: whether handshake records may begin inside a message.
    """

    buffer: StreamBuffer
    skip: int = 0
    lost: bool = False
    begun: bool = False
    ciphered: bool = False
    blind: bool = False
    fragments: bytearray = field(default_factory=bytearray)
    since: Span | None = None


class TlsDissector(Dissector):
    """Takes records out of both directions. When nothing more can be learned the connection is muted."""

    def __init__(self, context: Context, memory: Memory, log: KeyLog) -> None:
        super().__init__(context)
        self._memory = memory
        self._sides = (_Side(StreamBuffer(CLIENT)), _Side(StreamBuffer(SERVER)))
        for side in self._sides:
            side.lost = not context.connection.from_start
        self._handshake: Handshake | None = None
        self._handshakes = 0
        self._missing = ""
        self._done_ns = 0
        self._sni = ""
        self._decryption = Decryption(log)
        self._plain = Plaintext(context.connection)
        self._opened = self._quiet = False
        context.inherited.update(CARRIED)

    def feed(self, window: Window) -> None:
        """Take what came in one window, and pass on what was inside."""
        super().feed(window)
        inner = self._plain.window()
        if inner is not None:
            self.context.tunnel(inner, None)

    def on_piece(self, piece: Piece) -> None:
        """Take the records that end in this piece."""
        if self._quiet:
            self.context.unread(piece.direction, piece_span(piece, 0, len(piece.data)))
            return
        side = self._sides[piece.direction]
        start = min(side.skip, len(piece.data))
        side.skip -= start
        if not len(side.buffer):
            start = self._take(piece.direction, side, piece, start)
            for rest in piece_rest(piece, start):
                side.buffer.append(rest)
            return
        side.buffer.append(piece)
        side.buffer.consume(self._take(piece.direction, side, side.buffer, 0))

    def _take(self, direction: Direction, side: _Side, source: Source, start: int) -> int:
        """Read what is whole, from `start` on or where a record is found; give where the rest begins."""
        data = source.data
        if side.lost:
            start = self._resume(side, data, start)
        return start if side.lost else self._read(direction, side, source, data, start)

    def on_gap(self, direction: Direction, length: int) -> None:
        """Go on behind the record that the gap lies in, or look for the next one."""
        side = self._sides[direction]
        if self._quiet:
            return
        held, rest = len(side.buffer), side.skip
        if held >= RECORD_HEADER:
            header = side.buffer.data[:RECORD_HEADER]
            rest = RECORD_HEADER + int.from_bytes(header[3:5], "big") - held
        inside = 0 < length <= rest
        side.buffer.clear()
        side.fragments.clear()
        side.blind = True
        side.skip = rest - length if inside else 0
        side.lost = side.lost or not inside
        self._decryption.lose(direction, length, records=int(inside and held > 0))
        self._plain.lose(direction, length + held)
        why = f"{length} bytes of the {'client' if direction is CLIENT else 'server'} are missing"
        if self._handshake is not None:
            self._handshake.missing = self._handshake.missing or why
        elif not self._handshakes:
            self._missing = why

    def on_close(self, closing: Closing) -> None:
        """Emit a handshake that never came to its end."""
        handshake = self._handshake
        if handshake is None:
            return
        for direction, side in zip((CLIENT, SERVER), self._sides, strict=True):
            if side.fragments and not handshake.missing:
                self._unfinished(direction, f"{len(side.fragments)} bytes of a message were seen, then nothing more")
        self._emit(closing)

    def _unfinished(self, direction: Direction, why: str) -> None:
        if self._handshake is not None and not self._handshake.missing:
            self._handshake.missing = f"the {'client' if direction is CLIENT else 'server'}'s handshake: {why}"

    def _resume(self, side: _Side, data: bytes, begin: int) -> int:
        """Give where a record seems to begin behind missing bytes: its header fits, and the next one too."""
        for match in RECORD.finditer(data, begin):
            start = match.start()
            end = start + RECORD_HEADER + int.from_bytes(data[start + 3 : start + 5], "big")
            if start + RECORD_HEADER < end <= start + RECORD_HEADER + LARGEST_RECORD:
                following = data[end : end + 3]
                if not following or RECORD.match(following + b"\x17\x03\x03"[len(following) :]):
                    side.lost = False
                    return start
        return max(begin, len(data) - RECORD_HEADER + 1)

    def _read(self, direction: Direction, side: _Side, source: Source, data: bytes, start: int) -> int:
        """Read all whole records; give where the first unfinished one begins."""
        end = len(data)
        if not side.begun and start < end and data[start] & 0x80 and not start:
            start = self._read_ssl2(direction, side, source, data)
            if not side.begun and end < SSL2_LARGEST:
                return start
        while end - start >= RECORD_HEADER and not self._quiet:
            length = int.from_bytes(data[start + 3 : start + 5], "big")
            if not RECORD.match(data, start) or length > LARGEST_RECORD:
                where = source.offset + start
                self._unfinished(direction, f"no record begins with {data[start : start + 5].hex(' ')} at byte {where}")
                side.lost = side.blind = True
                side.fragments.clear()
                return end
            after = start + RECORD_HEADER + length
            if after > end:
                break
            side.begun = True
            self._record(direction, side, source, data, start, after)
            start = after
        if self._quiet and start < end:
            self.context.unread(direction, span_of(source, start, end))
        return end if self._quiet else start

    def _read_ssl2(self, direction: Direction, side: _Side, source: Source, data: bytes) -> int:
        """Read a hello in the format of SSL 2.0 at the very beginning; give where it ends, 0 while it is not whole."""
        if direction is CLIENT:
            found = read_ssl2_client_hello(data)
            if found is None:
                return 0
            hello, length = found
            self._open_handshake().set_client(hello, span_of(source, 0, length))
        else:
            answered = read_ssl2_server_hello(data)
            if answered is None:
                return 0
            hello, certificate, length = answered
            handshake = self._handshake or self._open_handshake()
            handshake.set_ssl2_server(hello, certificate, span_of(source, 0, length))
            self._emit(None)
            self._silence()
        side.begun = True
        return length

    def _open_handshake(self) -> Handshake:
        self._handshakes += 1
        self._handshake = Handshake(self._memory, renegotiation=self._handshakes > 1, missing=self._missing)
        self._missing = ""
        return self._handshake

    def _record(self, direction: Direction, side: _Side, source: Source, data: bytes, start: int, end: int) -> None:
        kind = data[start]
        body = data[start + RECORD_HEADER : end]
        if side.ciphered and kind == n.HANDSHAKE and (self._handshake is None or self._handshake.server is None):
            side.ciphered = not is_hello(body)  # in TLS 1.3 a change to encryption means nothing
        if not side.ciphered and kind != n.APPLICATION_DATA:
            self._content(direction, side, kind, body, span_of(source, start, end))
            return
        opened = self._decryption.open(direction, data[start : start + RECORD_HEADER], body)
        if opened is None:
            self._plain.lose(direction, len(body))
            self._sealed(direction, kind, len(body), span_of(source, start, end))
            return
        self._opened = True
        if opened[0] == n.APPLICATION_DATA:
            starts, numbers, times = packets_of(source, start, end)
            hidden = max(RECORD_HEADER, end - start - len(opened[1]) - 16)
            starts = [max(0, position - hidden) for position in starts]
            self._plain.add(direction, opened[1], (starts, numbers, times))
        else:
            self._content(direction, side, opened[0], opened[1], span_of(source, start, end))

    def _content(self, direction: Direction, side: _Side, kind: int, content: bytes, span: Span) -> None:
        """Take what a record says, in clear or decrypted."""
        if kind == n.HANDSHAKE:
            self._fragment(direction, side, content, span)
        elif kind == n.ALERT and len(content) == 2:
            self._alert(Alert(content[0], content[1], direction), span)
        elif kind == n.CHANGE_CIPHER_SPEC:
            self._change_cipher(direction, side, span)

    def _change_cipher(self, direction: Direction, side: _Side, span: Span) -> None:
        """Switch to the keys that were agreed. In TLS 1.3 the message is for old middleboxes and means nothing."""
        handshake = self._handshake
        if handshake is None:
            side.ciphered = True
            return
        if handshake.tls13 or (handshake.server is None and (handshake.early or handshake.retried)):
            return
        if direction is SERVER:
            handshake.server_ciphers()
            handshake.extend(span)
        resumed = not handshake.exchanged and not handshake.missing
        side.ciphered = handshake.ciphered[direction] = True
        self._decryption.change_cipher(direction, resumed=resumed)

    def _sealed(self, direction: Direction, kind: int, length: int, span: Span) -> None:
        """Conclude from a record that cannot be read how far the handshake is."""
        handshake = self._handshake
        if handshake is None or handshake.complete:
            self.context.unread(direction, span)
        if handshake is None:
            if not self._decryption.ready:
                self._silence()
            return
        if handshake.complete:
            self._after(handshake, direction, length, span)
            return
        if direction is SERVER:
            handshake.extend(span)
        if kind == n.APPLICATION_DATA and (handshake.tls13 or handshake.server is None):
            began = handshake.server is not None or handshake.finished[SERVER] or direction is SERVER
            handshake.finished[SERVER] = began
            handshake.finished[CLIENT] = direction is CLIENT and began
            handshake.refused = handshake.tls13 and direction is CLIENT and length == SEALED_ALERT
        else:
            handshake.finished[direction] = True
            if kind == n.APPLICATION_DATA and direction is SERVER:
                handshake.finished[CLIENT] = True
        self._conclude(span.end_ns)

    def _fragment(self, direction: Direction, side: _Side, content: bytes, span: Span) -> None:
        """Put handshake messages together; a record may hold several, or a part of one."""
        if side.blind:
            if not is_whole(content):
                return
            side.blind = False
        data, fragments = content, side.fragments
        if fragments:
            fragments += content
            known = len(fragments)
            if known < 4 or (4 + int.from_bytes(fragments[1:4], "big") > known and may_grow(fragments)):
                return
            data = bytes(fragments)
            fragments.clear()
        else:
            side.since = span
        end = 0
        try:
            for start, end in messages(data):
                since = side.since
                whole = span if since is None or since is span else join(since, span)
                self._message(direction, data[start:end], whole)
                side.since = span
        except TlsError as error:
            self._unfinished(direction, f"{error} at byte {span.offset} of the stream")
            side.blind, end = True, len(data)
        if end < len(data):
            fragments += data[end:]

    def _message(self, direction: Direction, message: bytes, span: Span) -> None:
        kind = message[0]
        handshake = self._handshake
        if kind == n.CLIENT_HELLO and direction is CLIENT:
            if handshake is None or not (handshake.retried and handshake.server is None):
                self._emit(None)
                handshake = self._open_handshake()
        elif handshake is None and not self._handshakes and direction is SERVER:
            handshake = self._open_handshake()
            if kind != n.SERVER_HELLO:
                handshake.missing = handshake.missing or "the hellos were not seen"
        if handshake is None or not kind:
            return
        handshake.message(direction, kind, message, span)
        if kind == n.CLIENT_HELLO and handshake.client is not None:
            self._decryption.client_hello(handshake.client)
            self._sni = handshake.sni
        elif kind == n.SERVER_HELLO and handshake.server is not None:
            self._decryption.server_hello(handshake.server)
        else:
            self._decryption.message(kind, message)
        if kind == n.FINISHED:
            handshake.finished[direction] = True
            if direction is CLIENT and handshake.tls13:
                handshake.finished[SERVER] = True
            self._conclude(span.end_ns)

    def _after(self, handshake: Handshake, direction: Direction, length: int, span: Span) -> None:
        """Judge by the next record whether the server took what the client had sent; a client may say goodbye first."""
        if direction is SERVER:
            prompt = span.start_ns - self._done_ns < PROMPT_NS
            handshake.refused = length == SEALED_ALERT and prompt
        if direction is SERVER or length == SEALED_ALERT:
            self._settle()

    def _conclude(self, ended_ns: int) -> None:
        """Emit the handshake when both sides are done with it.

        A server of TLS 1.3 that refuses the client's certificate says so afterwards, under encryption: without secrets
        its next record is waited for.
        """
        handshake = self._handshake
        if handshake is None or not all(handshake.finished):
            return
        handshake.complete = not handshake.refused
        self._done_ns = ended_ns
        handshake.decrypted = self._opened
        if self._decryption.ready or not handshake.complete or not handshake.tls13:
            self._settle()

    def _settle(self) -> None:
        """Emit what is decided, and want no more bytes where nothing opens them."""
        self._emit(None)
        if not self._decryption.ready:
            self._silence()

    def _alert(self, alert: Alert, span: Span) -> None:
        """Emit the alert, behind the handshake that it ends."""
        handshake = self._handshake
        version = handshake.version if handshake is not None else 0
        if handshake is not None and alert.failed:
            handshake.alert = alert
            handshake.decrypted = self._opened
            self._emit(None)
        client = alert.direction is CLIENT
        values: dict[str, object] = {"tls": True, **alert.fields()}
        values |= {"tlsx_sni": self._sni} if self._sni else {}
        values |= {"tlsx_version": version, "tlsx_info": n.version_name(version)} if version else {}
        summary = f"alert {alert.name} from the {values['tlsx_alert_from']}"
        summary += f" ({self._sni})" if self._sni else ""
        values |= {"tlsx_summary": summary, "tls_summary": summary}
        made = Entry("tlsx", self.context.connection, span if client else None, None if client else span, values)
        made.summary, made.status, made.failed = summary, alert.name, alert.failed
        self.context.emit(made)

    def _emit(self, closing: Closing | None) -> None:
        """Emit the present handshake, if any; one that a connection's end has cut off has failed."""
        handshake, self._handshake = self._handshake, None
        if handshake is None:
            return
        entry = handshake.entry(self.context.connection, self.context.settings.body_limit)
        if entry is None:
            return
        cut_off = closing is not None and closing.how in {"fin", "reset"}
        if cut_off and not handshake.complete and not entry.malformed:
            entry.status = "no answer" if handshake.server is None else "not completed"
            entry.failed = handshake.request is not None
        self.context.emit(entry)

    def _silence(self) -> None:
        """Want no more bytes: nothing can be learned from them."""
        self._quiet = True
        self.context.connection.muted = True
