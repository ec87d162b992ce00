"""One connection on its way through the dissectors: undecided, read by one, handed to another, or unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from kubeshark_mcp.dissect.base import Context, Dissector, HandOver, Opening, Protocol, Settings
from kubeshark_mcp.dissect.detection import OPENING_BYTES, Detector, Fault, turned, turned_opening, turned_piece
from kubeshark_mcp.dissect.preface import Peeler
from kubeshark_mcp.dissect.unclaimed import DECRYPTED, Leftovers, Meter
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Connection, Datagram, Direction, Piece, Span, Window

_CLIENT = Direction.CLIENT

TRIES, DATAGRAM_TRIES = 8, 64
"""Turns, or datagrams (many of STUN precede DTLS), at which detection begins anew before a connection is unknown."""
SKIPPED_BYTES = 1 << 20
"""Bytes of one turn nobody knows after which no further turn is waited for."""
HAND_OVERS = 16
"""Changes of protocol within one connection; STARTTLS inside a proxy inside an upgrade needs three."""


@dataclass(slots=True)
class Shared:
    """What all sessions of a run share.

    note: hears each protocol found on a connection. leftovers: gives where to leave what nobody reads of a connection.
    """

    settings: Settings
    detector: Detector
    emit: Callable[[Entry], None]
    fault: Fault
    note: Callable[[Connection, str], None]
    leftovers: Callable[[Connection], Leftovers]
    meter: Meter = field(default_factory=Meter)


class Session:
    """Reads one connection. While nobody knows its protocol it holds a bounded number of bytes.

    A turn is what one side says until the other side speaks or bytes are missing: detection begins at the start of a
    turn, because a message does. inherited: fields that entries of a tunnel take over from the protocol around it.
    """

    __slots__ = (
        "_begins", "_client", "_declared", "_dissector", "_emitted", "_hand_overs", "_held", "_inherited", "_inner",
        "_peeler", "_protocol", "_proxied", "_reach", "_server", "_shared", "_skipped", "_skipping", "_tries",
        "_turned", "_unknown", "_wire", "connection",
    )  # fmt: skip

    def __init__(self, shared: Shared, connection: Connection, inherited: dict[str, object] | None = None) -> None:
        self.connection = self._wire = connection
        self._shared = shared
        self._inherited = inherited
        self._dissector: Dissector | None = None
        self._protocol = ""
        self._inner: dict[int, Session] | None = None
        self._held: list[Piece] = []
        self._client = self._server = b""
        self._skipping: Direction | None = None
        self._skipped = 0
        self._tries = DATAGRAM_TRIES if connection.transport == "udp" else TRIES
        self._hand_overs = 0
        self._turned = self._unknown = False
        self._reach = [0, 0, 0, 0]
        self._emitted: tuple[str, ...] = ()
        outermost = inherited is None and connection.transport == "tcp"
        self._peeler = Peeler(from_start=connection.from_start) if outermost else None
        self._proxied: dict[str, object] | None = None
        self._begins: Sequence[int] = (0, 0)
        self._declared = shared.detector.declared(connection) if inherited is None else None
        if self._declared is not None and (connection.from_start or connection.transport != "tcp"):
            self._open(self._declared, None)

    def feed(self, window: Window) -> None:
        """Take what the connection carried in one window."""
        reach, pieces, length = self._reach, window.pieces, 0
        for piece in pieces:
            size = len(piece.data)
            length += size
            reach[piece.direction] = piece.offset + size
        reach[2], reach[3] = pieces[-1].packets[-1], pieces[-1].times[-1]
        self._shared.meter.fed += length
        if self._peeler is not None:
            window = self._peel(self._peeler, window)
            if not window.pieces:
                return
        if self._turned:
            window = Window(self.connection, [turned_piece(piece) for piece in window.pieces])
        if self._dissector is not None:
            self._read(window)
        elif self._unknown:
            self._count_unknown(window.pieces)
        else:
            self._detect(window.pieces)

    def _peel(self, peeler: Peeler, window: Window) -> Window:
        """Take the header of a load balancer off; what it says is told by every entry of the connection."""
        pieces = peeler.take(window.pieces)
        if peeler.done:
            self._peeler, self._proxied, self._begins = None, peeler.fields, peeler.begins
            self._shared.meter.dissected += peeler.length
        return window if pieces is window.pieces else Window(window.connection, pieces)

    def feed_datagram(self, datagram: Datagram) -> None:
        """Take one datagram. Each one is whole, so a probe has to decide on what it sees."""
        meter, length = self._shared.meter, len(datagram.data)
        meter.fed += length
        reach = self._reach
        reach[datagram.direction] += length
        reach[2], reach[3] = datagram.packet, datagram.time_ns
        if self._turned:
            datagram = replace(datagram, connection=self.connection, direction=datagram.direction.other)
        if self._dissector is None and not self._unknown:
            datagram = self._detect_datagram(datagram)
        if self._dissector is None:
            meter.unknown += length
            self._leftovers().add_datagram(self._on_wire(datagram))
            return
        meter.dissected += length
        self._guard(self._dissector.on_datagram, datagram)

    def resume(self, protocol: Protocol, reach: tuple[int, int]) -> None:
        """Go on with a protocol that was found elsewhere; so many bytes of each direction were read there."""
        self._reach[:2] = reach
        self._open(protocol, None)

    def close(self, closing: Closing) -> None:
        """Hear that the connection has ended: decide what is undecided, then let everybody finish."""
        if self._peeler is not None:
            self.feed_pieces(self._peeler.release())
        if self._dissector is None and not self._unknown:
            self._decide(complete=True)
            self._count_unknown(self._held)
            self._held = []
        if self._turned:
            closing = replace(closing, connection=self.connection)
        for _ in range(HAND_OVERS):
            dissector = self._dissector
            if dissector is None:
                break
            self._guard(dissector.on_close, closing)
            self._change()
            if self._dissector is dissector:
                break
        for inner in (self._inner or {}).values():
            inner.close(closing)
        # A dissector knows its session, and its readers know it, by their ways back: all would wait for the collector.
        if self._dissector is not None:
            vars(self._dissector).clear()
        self._dissector = self._inner = None

    def _read(self, window: Window) -> None:
        dissector = self._dissector
        if dissector is None:
            return
        self._shared.meter.dissected += sum([len(piece.data) for piece in window.pieces])
        self._guard(dissector.feed, window)
        if self.connection.muted:
            self._mute()
        if dissector.hand_over is not None:
            self._change()

    def _change(self) -> None:
        """Give the connection to the protocol that the present one handed it to."""
        former = self._dissector
        if former is None or (hand_over := former.hand_over) is None:
            return
        self._dissector = None
        vars(former).clear()
        self._hand_overs += 1
        self._shared.meter.dissected -= sum([len(piece.data) for piece in hand_over.rest])
        wanted = self._shared.detector.named(hand_over.protocol) if hand_over.protocol else None
        if self._hand_overs > HAND_OVERS or (hand_over.protocol and wanted is None):
            self._count_unknown(hand_over.rest)
            self._give_up()
        elif wanted is not None:
            self._open(wanted, hand_over)
            if hand_over.rest:
                self.feed_pieces(hand_over.rest)
        else:
            self._tries, self._skipping, self._skipped = TRIES, None, 0
            self.feed_pieces(hand_over.rest)

    def feed_pieces(self, pieces: list[Piece]) -> None:
        """Take pieces that already have the direction this session reads them in."""
        if not pieces:
            return
        if self._dissector is not None:
            self._read(Window(self.connection, pieces))
        elif self._unknown:
            self._count_unknown(pieces)
        else:
            self._detect(pieces)

    def _detect(self, pieces: list[Piece]) -> None:
        """Hold pieces until a protocol is found; what nobody knows is dropped turn by turn."""
        before = self._turned
        for index, piece in enumerate(pieces):
            if piece.gap and self._held and self._decide(complete=True):
                self._go_on(pieces[index:], before)
                return
            if self._unknown:
                self._count_unknown(pieces[index:])
                return
            if self._skip(piece):
                continue
            self._held.append(piece)
            self._extend(piece)
            if self._decide():
                self._go_on(pieces[index + 1 :], before)
                return

    def _go_on(self, pieces: list[Piece], turned_before: bool) -> None:
        """Read the rest of a window in which the protocol, and perhaps which end is the client, was found."""
        self.feed_pieces([turned_piece(piece) for piece in pieces] if self._turned and not turned_before else pieces)

    def _decide(self, *, complete: bool = False) -> bool:
        """Open the protocol that the held bytes speak; drop turns that nobody knows. True when one was opened."""
        while self._held:
            full = complete or max(len(self._client), len(self._server)) >= OPENING_BYTES
            opening = self._opening(full)
            verdict = self._shared.detector.judge(opening, self._declared)
            if verdict.wait:
                return False
            found = verdict.protocol or self._judge_turned(opening)
            if found is not None:
                pieces, self._held = self._held, []
                self._client = self._server = b""
                self._open(found, None)
                self.feed_pieces(pieces)
                return True
            self._drop_turn()
        return False

    def _judge_turned(self, opening: Opening) -> Protocol | None:
        """Ask again with client and server exchanged where the beginning was not seen, and turn round if that fits."""
        if self._turned or self._wire.from_start or self._hand_overs:
            return None
        connection = turned(self.connection)
        found = self._shared.detector.judge(turned_opening(opening, connection), self._declared).protocol
        if found is not None:
            self.connection, self._turned = connection, True
            self._held = [turned_piece(piece) for piece in self._held]
        return found

    def _detect_datagram(self, datagram: Datagram) -> Datagram:
        data, nothing = datagram.data, b""
        pair = (data, nothing) if datagram.direction is _CLIENT else (nothing, data)
        opening = Opening(self.connection, *pair, True, True, complete=True)
        found = self._shared.detector.judge(opening).protocol or self._judge_turned(opening)
        if found is not None:
            self._open(found, None)
            if self._turned:
                return replace(datagram, connection=self.connection, direction=datagram.direction.other)
            return datagram
        self._tries -= 1
        if not self._tries:
            self._give_up()
        return datagram

    def _opening(self, complete: bool) -> Opening:
        starts = [False, False]
        if self._wire.from_start:
            for piece in reversed(self._held):
                starts[piece.direction] = piece.offset == self._begins[piece.direction]
        return Opening(self.connection, self._client, self._server, starts[0], starts[1], complete)

    def _extend(self, piece: Piece) -> None:
        if piece.direction is _CLIENT:
            self._client += piece.data[: OPENING_BYTES - len(self._client)]
        else:
            self._server += piece.data[: OPENING_BYTES - len(self._server)]

    def _drop_turn(self) -> None:
        """Forget the first held turn, and let the rest be looked at anew."""
        direction = self._held[0].direction
        end = 1
        while end < len(self._held) and self._held[end].direction is direction and not self._held[end].gap:
            end += 1
        self._count_unknown(self._held[:end])
        self._held = self._held[end:]
        self._client = self._server = b""
        for piece in self._held:
            self._extend(piece)
        self._skipping, self._skipped = None if self._held else direction, 0
        self._tries -= 1
        if not self._tries:
            self._count_unknown(self._held)
            self._give_up()

    def _skip(self, piece: Piece) -> bool:
        """Tell whether the piece goes on with a turn that nobody knows."""
        if self._skipping is None or piece.direction is not self._skipping or piece.gap:
            self._skipping = None
            return False
        self._count_unknown([piece])
        self._skipped += len(piece.data)
        if self._skipped > SKIPPED_BYTES:
            self._give_up()
        return True

    def _open(self, protocol: Protocol, hand_over: HandOver | None) -> None:
        context = Context(self.connection, self._shared.settings, self._emit, self._tunnel, unread=self._unread)
        if self._inherited is not None:
            context.inherited = self._inherited
        self._protocol, self._declared = protocol.name, None
        self._shared.note(self._wire, protocol.name)
        self._emitted += (protocol.name,)
        try:
            self._dissector = protocol.adopt(context, hand_over) if hand_over else protocol.open(context)
        except Exception as error:  # noqa: BLE001 - a fault of one protocol must not stop the file; it is reported
            self._fail(error)

    def _guard(self, call: Callable[..., None], argument: object) -> None:
        try:
            call(argument)
        except Exception as error:  # noqa: BLE001 - a fault of one protocol must not stop the file; it is reported
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._shared.fault(self._protocol, self._wire, error)
        self._give_up()

    def _give_up(self) -> None:
        self._dissector = None
        self._held = []
        self._client = self._server = b""
        self._unknown = True
        self._mute()

    def _mute(self) -> None:
        """Want no more bytes of this connection, and remember how far they were read."""
        if self._inherited is not None:
            return
        leftovers = self._leftovers()
        if leftovers.left is None:
            self._wire.muted = True
            client, server, number, time_ns = self._reach
            leftovers.left = client, server, number, time_ns

    def _count_unknown(self, pieces: list[Piece]) -> None:
        if not pieces:
            return
        leftovers = self._leftovers()
        for piece in pieces:
            self._shared.meter.unknown += len(piece.data)
            leftovers.add(turned_piece(piece) if self._turned else piece)

    def _unread(self, direction: Direction, span: Span) -> None:
        """Hear of bytes that the present protocol cannot read."""
        self._shared.meter.dissected -= span.length
        self._shared.meter.recognised += span.length
        self._leftovers().add_encrypted(1 - direction if self._turned else int(direction), span)

    def _leftovers(self) -> Leftovers:
        leftovers = self._shared.leftovers(self._wire)
        if self._inherited:
            leftovers.how = DECRYPTED
        return leftovers

    def _on_wire(self, datagram: Datagram) -> Datagram:
        return replace(datagram, direction=datagram.direction.other) if self._turned else datagram

    def _emit(self, entry: Entry) -> None:
        name = entry.protocol
        entry.fields[name] = True
        if name not in self._emitted:
            self._emitted += (name,)
            self._shared.note(self._wire, name)
        if self._inherited:
            entry.fields.update({key: of for key, of in self._inherited.items() if key not in entry.fields})
        if self._proxied:
            entry.fields.update(self._proxied)
        self._shared.emit(entry)

    def _tunnel(self, window: Window, hand_over: HandOver | None) -> None:
        """Read what the present protocol carried inside as a connection of its own; its bytes are counted once."""
        self._inner = self._inner or {}
        key = id(window.connection)
        inner = self._inner.get(key)
        if not window.pieces:
            if self._inner.pop(key, None) is not None and inner is not None:
                inner.close(Closing(inner.connection, "end", 0))
            return
        if inner is None:
            inherited = self._dissector.context.inherited if self._dissector is not None else {}
            inner = self._inner[key] = Session(replace(self._shared, meter=Meter()), window.connection, inherited)
            inner._proxied = self._proxied
            inner.take_over(hand_over)
        inner.feed(window)

    def take_over(self, hand_over: HandOver | None) -> None:
        """Begin with the protocol that something around this connection says it is, where that is installed."""
        wanted = self._shared.detector.named(hand_over.protocol) if hand_over is not None else None
        if wanted is not None:
            self._open(wanted, hand_over)
