"""MySQL: one command with its answers, on the way to an entry, and the session it belongs to."""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Any

from kubeshark_mcp.dissect.base import Context
from kubeshark_mcp.dissect.frames import HELD, Frame, Gatherer
from kubeshark_mcp.dissect.pairing import Pipeline
from kubeshark_mcp.dissect.sql_text import Phrasebook, Statements
from kubeshark_mcp.dissect.wire_mysql import Failure, Outcome, Status
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction

MISSING = "bytes of the connection are missing, its answer may be among them"
QUIET_NS = 200_000_000
"""After this long without a byte of either side no answer is outstanding."""


class Await(IntEnum):
    """What the next packet of an answer is."""

    AUTHENTICATION = auto()
    """A step of a login, or its end."""
    RESULT = auto()
    """OK, ERR, a request for a local file, or the number of columns."""
    COLUMNS = auto()
    """A column definition."""
    ROWS_OR_EOF = auto()
    """The EOF behind column definitions, where there is one, or a row."""
    ROWS = auto()
    """A row, or the end of the rows."""
    PREPARED = auto()
    """The head of the answer to COM_STMT_PREPARE."""
    DEFINITIONS = auto()
    """A definition of a parameter or a column of a prepared statement, or the EOF behind the definitions."""
    FIELDS = auto()
    """A column definition, or the end of them."""
    TEXT = auto()
    """One packet of text."""
    SIMPLE = auto()
    """OK, EOF or ERR."""
    EVENTS = auto()
    """Events of a replication stream, or its end."""
    FILE = auto()
    """OK or ERR behind a local file."""
    NOTHING = auto()
    """No answer comes."""
    UNKNOWN = auto()
    """The beginning of the answer was not captured."""


class Exchange(Gatherer):
    """One command with its answers.

    awaits: what comes next. left: definitions still to come. sections: numbers of definitions behind those.
    sequence: number that the next packet of the answer bears. text: of the statement, None where there is none.
    """

    __slots__ = ("awaits", "left", "results", "rows", "sections", "sequence", "text")

    def __init__(self, session: Session, command: str, awaits: Await) -> None:
        fields: dict[str, Any] = {**session.fields, "mysql_command": command}
        entry = Entry("mysql", session.context.connection, None, None, fields, command)
        super().__init__(entry, session.context.settings.body_limit)
        self.awaits = awaits
        self.left = self.results = self.rows = self.sequence = 0
        self.sections: list[int] = []
        self.text: str | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Give the fields of the entry."""
        return self.entry.fields

    def ask(self, frame: Frame, *, shown: bool = True) -> None:
        """Add a packet of the client. shown: its bytes may be kept as a body."""
        self.sequence = (frame.body[3] + 1) & 0xFF
        if frame.size > HELD:
            self.fields["mysql_truncated"] = True
        super().ask(frame, shown=shown)

    def succeed(self, outcome: Outcome) -> None:
        """Take the end of one result."""
        fields, entry = self.fields, self.entry
        self.results += 1
        entry.status = entry.status or "OK"
        if outcome.affected > 0:
            fields["mysql_affected_rows"] = fields.get("mysql_affected_rows", 0) + outcome.affected
        if outcome.insert_id:
            fields["mysql_insert_id"] = min(outcome.insert_id, (1 << 63) - 1)
        if outcome.warnings:
            fields["mysql_warnings"] = fields.get("mysql_warnings", 0) + outcome.warnings
        fields["mysql_transaction"] = bool(outcome.status & Status.IN_TRANSACTION)
        if outcome.status & (Status.NO_INDEX | Status.NO_GOOD_INDEX):
            fields["mysql_no_index"] = True
        if outcome.status & Status.SLOW:
            fields["mysql_slow"] = True

    def fail(self, failure: Failure) -> None:
        """Take an error."""
        fields = self.fields
        fields["mysql_error_code"], fields["mysql_error_message"] = failure.code, failure.message
        if failure.state:
            fields["mysql_sqlstate"] = failure.state
        self.entry.status, self.entry.failed = str(failure.code), True

    def close(self) -> Entry:
        """Write down what was counted and give the entry."""
        self.settle()
        entry, fields = self.entry, self.fields
        if entry.response is not None:
            fields["mysql_response_size"] = entry.response.length
        answered = bool(entry.status) or self.awaits is Await.NOTHING
        fields["mysql_success"] = answered and not entry.failed and not entry.malformed
        if entry.request is not None:
            fields["mysql_request_size"] = self.size
        fields["mysql_total_size"] = self.size + (entry.response.length if entry.response else 0)
        if self.rows:
            fields["mysql_rows"] = self.rows
        if self.results > 1:
            fields["mysql_results"] = self.results
        return entry


class Session:
    """What is known of one connection.

    fields: those that all its entries bear. waiting: commands without their whole answer, in order. lone: what comes
    from the server without a command. capabilities: agreed on, -1 while unknown. greeted, version: the server's.
    logged_in: commands come. adrift: answers cannot be told apart. gaps: bytes were missing at some time.
    encrypted: TLS begins. compression: what packets are compressed with from now on.
    """

    def __init__(self, context: Context, phrases: Phrasebook | None = None) -> None:
        """Begin. phrases: the words of statements, where connections share them."""
        self.context = context
        self.fields: dict[str, Any] = {"mysql": True}
        self.waiting: Pipeline[Exchange] = Pipeline()
        self.lone: Exchange | None = None
        self.statements: Statements[int, int] = Statements()
        self.phrases = phrases or Phrasebook()
        self.prepared = -1
        self.capabilities = self.greeted = -1
        self.logged_in = not context.connection.from_start
        self.adrift = self.gaps = self.encrypted = False
        self.compression = self.version = ""
        self._pipelined = False

    def ask(self, exchange: Exchange) -> None:
        """Let a command wait for its answer."""
        self.close_lone()
        if self.adrift:
            exchange.entry.malformed = exchange.entry.malformed or MISSING
            self.emit(exchange)
            return
        self._pipelined = self._pipelined or len(self.waiting) > 0
        if (oldest := self.waiting.ask(exchange)) is not None:
            self.emit(oldest)
            self.lose()

    def finish(self, exchange: Exchange) -> None:
        """Hear that an answer is whole."""
        if exchange is self.lone:
            self.lone = None
        else:
            self.waiting.answer()
        self.emit(exchange)

    def emit(self, exchange: Exchange) -> None:
        """Emit the entry of an exchange."""
        self.context.emit(exchange.close())

    def close_lone(self, reason: str = "") -> None:
        """Emit what came from the server without a command."""
        if self.lone is not None:
            exchange, self.lone = self.lone, None
            exchange.entry.malformed = exchange.entry.malformed or reason
            self.emit(exchange)

    def settle(self, *, quiet_ns: int) -> None:
        """Hear that the client speaks, and how long nobody spoke before: then perhaps all answers are in."""
        if self.adrift and (not self._pipelined or quiet_ns >= QUIET_NS):
            self.adrift = False

    def lose(self, reason: str = MISSING) -> None:
        """Hear that bytes are missing or cannot be read: what waits may have been answered there."""
        self.gaps = self.adrift = self.logged_in = True
        self.prepared = -1
        self.close_lone(reason)
        self.flush(reason)

    def flush(self, reason: str = "") -> None:
        """Emit all that waits."""
        self.close_lone()
        for exchange in self.waiting.flush():
            exchange.entry.malformed = exchange.entry.malformed or reason
            self.emit(exchange)

    def unread(self, frame: Frame | None, direction: Direction, why: str) -> None:
        """Emit bytes that cannot be read; those of the server belong to what waits for an answer."""
        if frame is None:
            return
        exchange = self.waiting.next or self.lone
        if direction is Direction.SERVER and exchange is not None:
            exchange.entry.malformed = exchange.entry.malformed or why
            exchange.hear(frame)
            return
        exchange = Exchange(self, "unreadable", Await.UNKNOWN)
        exchange.entry.malformed = why
        if direction is Direction.CLIENT:
            exchange.size = frame.size
            exchange.entry.request = frame.span
        else:
            exchange.hear(frame, shown=False)
        self.emit(exchange)
