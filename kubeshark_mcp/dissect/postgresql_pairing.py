"""PostgreSQL: what waits for an answer on one connection, and what becomes of it when bytes were not captured."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, NamedTuple

from kubeshark_mcp.dissect.base import Context
from kubeshark_mcp.dissect.frames import Frame
from kubeshark_mcp.dissect.pairing import WAITING
from kubeshark_mcp.dissect.postgresql_exchange import Exchange
from kubeshark_mcp.dissect.sql_text import Phrasebook, Statement, Statements
from kubeshark_mcp.model.stream import Direction

MISSING = "bytes of the connection are missing, its answer may be among them"
MISMATCH = "its answer was not captured: what came next answers something else"

UNSEEN = "bytes of the connection are missing, the execution of the statement may be among them"

QUIET_NS = 200_000_000
"""After this long without a byte of either side no answer is outstanding."""

PORTALS = 256
"""Portals of one connection that are followed."""

HELD_BACK = 256
"""Answered requests that wait for the state of their transaction, which a client may ask for much later."""

STARTUP, NEGOTIATION = 0, 1
"""Kinds of operations that begin with a message without one: StartupMessage, a request for encryption."""

ENDS_WITH_READY = frozenset(b"QSF") | {STARTUP}
"""Kinds of operations that the server ends with ReadyForQuery."""


class Operation(NamedTuple):
    """A message of the client that the server answers. kind: its first byte, or STARTUP, NEGOTIATION."""

    kind: int
    exchange: Exchange | None


@dataclass(slots=True)
class Preparation:
    """What became of a Parse. exchange: its entry, held back while the statement may still be executed."""

    exchange: Exchange | None = None
    executed: bool = False


class Conversation:
    """What is known of one connection.

    session: fields that all its entries bear. operations: what waits for an answer, in order. answering: exchanges of
    which something was answered. done: exchanges whose outcome is known, not yet the state of their transaction.
    lone: what comes from the server without a request. group: the exchange of the present Parse, Bind, Execute.
    copying: whom CopyData belongs to. adrift: answers cannot be told apart. gaps: bytes were missing at some time.
    encrypted: the server agreed to encryption, what follows is not ours.
    failed: the server passes over everything up to Sync. ready: the server waits for a request.
    """

    def __init__(self, context: Context, phrases: Phrasebook | None = None) -> None:
        """Begin. phrases: the words of statements, where connections share them."""
        self.session: dict[str, Any] = {"postgresql": True}
        self.operations: deque[Operation] = deque()
        self.answering: list[Exchange] = []
        self.done: list[Exchange] = []
        self.lone: Exchange | None = None
        self.statements: Statements[str, Preparation] = Statements()
        self.portals: dict[str, Exchange] = {}
        self.group: Exchange | None = None
        self.copying: Exchange | None = None
        self.encrypted = False
        self.adrift = self.gaps = self.failed = self.ready = self.was_ready = False
        self._context = context
        self._connection = context.connection
        self._phrases = phrases or Phrasebook()
        self._limit = context.settings.body_limit
        self._pipelined = False
        self._cycle = self._unready = 0

    @property
    def negotiates(self) -> bool:
        """Whether the next byte of the server answers a request for encryption."""
        return bool(self.operations) and self.operations[0].kind == NEGOTIATION

    def exchange(self, command: str, frame: Frame | None = None) -> Exchange:
        """Begin an exchange, with a message of the client if there is one."""
        exchange = Exchange(self._connection, self.session, command, self._limit, self._phrases)
        exchange.cycle = self._cycle
        if frame is not None:
            exchange.ask(frame)
        return exchange

    def is_open(self, exchange: Exchange) -> bool:
        """Tell whether no Sync has come since an exchange began, and nothing was executed on it."""
        return exchange.cycle == self._cycle and not exchange.executed and not exchange.finished

    def wait(self, kind: int, exchange: Exchange | None) -> None:
        """Let a message of the client wait for its answer."""
        if self.adrift:
            if exchange is not None:
                exchange.entry.malformed = exchange.entry.malformed or MISSING
                self.emit(exchange)
            return
        self.operations.append(Operation(kind, exchange))
        if kind in ENDS_WITH_READY:
            self._cycle += 1
            self._unready += 1
            self._pipelined = self._pipelined or self._unready > 1
        if len(self.operations) > WAITING:
            self.lose(f"more than {WAITING} messages wait for an answer")

    def take(self) -> Operation:
        """Take the operation that is answered now; there must be one."""
        operation = self.operations.popleft()
        if operation.kind in ENDS_WITH_READY:
            self._unready -= 1
        return operation

    def finish(self, exchange: Exchange) -> None:
        """Hear that the outcome of an exchange is known."""
        exchange.finished = True
        if exchange in self.answering:
            self.answering.remove(exchange)
        if exchange is self.copying:
            self.copying = None
        self.done.append(exchange)
        if len(self.done) > HELD_BACK:
            self.emit(self.done.pop(0))

    def emit(self, exchange: Exchange) -> None:
        """Emit the entry of an exchange, unless that was done."""
        if not exchange.emitted:
            exchange.emitted = True
            self._context.emit(exchange.close())

    def prepare(self, name: str, text: str) -> None:
        """Take a Parse. One that is said again with the same text takes the place of the first."""
        for gone in self.statements.put(name, text, Preparation()):
            if gone.text != text:
                self.give_up(gone)

    def execute(self, exchange: Exchange) -> None:
        """Take an Execute: the Parse before it needs no entry of its own."""
        exchange.executed = True
        known = self.statements.get(exchange.statement)
        if known is not None and known.text == exchange.text:
            known.extra.executed, known.extra.exchange = True, None

    def hold_prepared(self, exchange: Exchange) -> None:
        """Take a Parse that was answered, and hold its entry back until it is clear whether the statement is used."""
        known = self.statements.get(exchange.statement)
        if known is None or known.text != exchange.text:
            self.emit(exchange)
        elif not known.extra.executed:
            known.extra.exchange = exchange

    def give_up(self, statement: Statement[Preparation] | None) -> None:
        """Hear that a statement is no more; emit its Parse, unless it was executed."""
        exchange = statement.extra.exchange if statement is not None else None
        if exchange is not None:
            if self.gaps:
                exchange.entry.malformed = exchange.entry.malformed or UNSEEN
            self.emit(exchange)

    def close_lone(self, reason: str = "") -> None:
        """Emit what came from the server without a request."""
        if self.lone is not None:
            self.lone.entry.malformed = self.lone.entry.malformed or reason
            self.emit(self.lone)
            self.lone = None

    def settle(self, *, quiet_ns: int) -> None:
        """Hear that the client speaks, and how long nobody spoke before: then perhaps all answers are in."""
        if self.adrift and ((self.ready and not self._pipelined) or quiet_ns >= QUIET_NS):
            self.adrift = False
            self.close_lone()

    def lose(self, reason: str = MISSING) -> None:
        """Hear that bytes are missing or cannot be read: what waits may have been answered there."""
        self.encrypted = False
        self.adrift = self.gaps = True
        self.ready = self.failed = False
        self._unready = 0
        self.portals.clear()
        self.group = self.copying = None
        self.close_lone(reason)
        self._end(reason)
        self.give_up(self.statements.drop(""))

    def flush(self) -> None:
        """Emit all that waits: nothing more comes."""
        self.close_lone()
        self._end("")
        for statement in self.statements.clear():
            self.give_up(statement)

    def _end(self, reason: str) -> None:
        for exchange in self.answering if not reason else ():
            exchange.entry.status = exchange.entry.status or "OK"
        waiting = [operation.exchange for operation in self.operations if operation.exchange is not None]
        for exchange in (*self.done, *self.answering, *waiting):
            if not exchange.emitted:
                exchange.entry.malformed = exchange.entry.malformed or reason
                self.emit(exchange)
        self.done.clear()
        self.answering.clear()
        self.operations.clear()

    def unread(self, frame: Frame | None, direction: Direction, why: str) -> None:
        """Emit bytes that cannot be read; those of the server belong to what waits for an answer."""
        if frame is None:
            return
        waiting = self.operations[0].exchange if self.operations else self.lone
        if direction is Direction.SERVER and waiting is not None:
            waiting.entry.malformed = why
            waiting.hear(frame)
            return
        exchange = self.exchange("unreadable")
        exchange.entry.malformed = why
        if direction is Direction.CLIENT:
            exchange.ask(frame)
        else:
            exchange.hear(frame)
        self.emit(exchange)
