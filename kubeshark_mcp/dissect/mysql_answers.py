"""MySQL: what the server says, and which command it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from kubeshark_mcp.dissect.frames import Frame, FrameError
from kubeshark_mcp.dissect.mysql_exchange import Await, Exchange, Session
from kubeshark_mcp.dissect.wire_mysql import (
    EOF,
    HEADER,
    LOCAL_INFILE,
    OK,
    PROGRESS,
    Capability,
    Status,
    integer,
    number,
    read_error,
    read_greeting,
    read_info,
    read_ok,
    text_at,
)

MISMATCH = "its answer was not captured: what came next answers something else"
_UNSEEN = "the beginning of the answer was not captured"
_SHORT_EOF = 9
"""Bytes of the payload below which a packet that begins with 0xFE is an EOF packet of protocol 4.1."""
_COLUMN = b"\x03def"
_COUNTED = frozenset((Await.ROWS, Await.COLUMNS))


class Answers:
    """Takes the packets of the server."""

    def __init__(self, session: Session) -> None:
        self._of = session

    @property
    def counts(self) -> Exchange | None:
        """Give the exchange whose rows or column definitions come now: they are counted without a look at each."""
        exchange = self._of.lone or self._of.waiting.next
        return exchange if exchange is not None and exchange.awaits in _COUNTED else None

    def run(self, exchange: Exchange, frame: Frame, count: int) -> None:
        """Take rows or column definitions that lie behind each other."""
        exchange.sequence = (exchange.sequence + count) & 0xFF
        exchange.hear(frame)
        if exchange.awaits is Await.ROWS:
            exchange.rows += count
            return
        exchange.left -= count
        if not exchange.left:
            exchange.awaits = Await.ROWS_OR_EOF

    def take(self, frame: Frame, last: int) -> None:
        """Take a message. last: number of its last packet; one of 16 MB has more. Raises FrameError."""
        session = self._of
        payload = frame.body[HEADER:]
        exchange = session.lone or session.waiting.next
        if exchange is not None and self._is_other(exchange, frame, payload):
            session.lose(MISMATCH)
            exchange = None
        if exchange is None:
            exchange = self._alone(frame, payload)
        if (
            exchange.awaits is Await.DEFINITIONS
            and not exchange.left
            and not exchange.sections
            and not _is_eof(payload)
        ):
            session.finish(exchange)
            self.take(frame, last)
            return
        exchange.sequence = (last + 1) & 0xFF
        exchange.hear(frame, shown=exchange.awaits is not Await.AUTHENTICATION or payload[:1] in {b"\x00", b"\xff"})
        if payload[:1] == b"\xff" and exchange.awaits is not Await.TEXT:
            self._error(exchange, payload)
        elif payload:
            self._HANDLERS[exchange.awaits](self, exchange, payload, frame.size - HEADER)

    def _is_other(self, exchange: Exchange, frame: Frame, payload: bytes) -> bool:
        """Tell whether an answer begins that bears the wrong number. Raises FrameError in the middle of one.

        Behind compression numbers tell nothing.
        """
        sequence = frame.body[3]
        if sequence == exchange.sequence or self._of.compression or exchange.awaits is Await.UNKNOWN:
            return False
        if not exchange.heard:
            return payload[:1] != b"\xff"
        if exchange.awaits is Await.DEFINITIONS and not exchange.left and not exchange.sections:
            return False
        if exchange.awaits is Await.AUTHENTICATION and sequence == exchange.sequence + 1:
            return False  # what the client said between was not captured
        raise FrameError(f"packet {sequence} comes where {exchange.sequence} is to come", 0)

    def _alone(self, frame: Frame, payload: bytes) -> Exchange:
        """Begin an exchange for what nobody asked for: a greeting, an error, an answer to a command not seen."""
        session = self._of
        greeting = read_greeting(payload) if not frame.body[3] else None
        if greeting is not None:
            session.greeted, session.logged_in = greeting.capabilities, False
            session.fields["mysql_connection_id"] = greeting.connection_id
            session.version = greeting.version
            exchange = Exchange(session, "Handshake", Await.AUTHENTICATION)
            exchange.fields["mysql_server_version"] = greeting.version
            exchange.entry.summary = f"Handshake {greeting.version}"
            exchange.entry.status = "OK"
        else:
            first = payload[:1]
            refused = first == b"\xff" and not session.logged_in
            exchange = Exchange(session, "Handshake" if refused else "", Await.UNKNOWN)
            if first == b"\xff" or (frame.body[3] == 1 and first == b"\0" and len(payload) >= 7):
                exchange.awaits = Await.SIMPLE
            elif frame.body[3] == 1 and payload.startswith(_COLUMN):
                exchange.awaits = Await.FIELDS
            elif frame.body[3] == 1 and payload and frame.size - HEADER == integer(payload, 0)[1]:
                exchange.awaits = Await.RESULT
            else:
                exchange.entry.malformed = f"{_UNSEEN}, at byte {frame.offset} of the stream"
            exchange.entry.summary = "answer to a command that was not captured"
        session.lone = exchange
        return exchange

    def _error(self, exchange: Exchange, payload: bytes) -> None:
        """Take an error, or a report of progress."""
        if number(payload, 1, 2) == PROGRESS:
            exchange.fields["mysql_progress_reports"] = exchange.fields.get("mysql_progress_reports", 0) + 1
            return
        failure = read_error(payload)
        if exchange is self._of.lone and not exchange.entry.status:
            exchange.entry.summary = f"error {failure.code}: {failure.message}"
        exchange.fail(failure)
        self._of.finish(exchange)

    def _result(self, exchange: Exchange, payload: bytes, size: int) -> None:
        """Take the first packet of a result."""
        first = payload[0]
        if first == OK or (first == EOF and size < _SHORT_EOF):
            self._end(exchange, payload)
        elif first == LOCAL_INFILE:
            exchange.fields["mysql_local_file"] = text_at(payload, 1)[0]
            exchange.awaits = Await.FILE
        else:
            columns, position = integer(payload, 0)
            if columns < 0:
                self._unclear(exchange)
                return
            exchange.fields["mysql_columns"] = columns
            exchange.left = columns if position >= len(payload) or payload[position] else 0
            exchange.awaits = Await.COLUMNS if exchange.left else Await.ROWS_OR_EOF

    def _column(self, exchange: Exchange, payload: bytes, size: int) -> None:
        exchange.left -= 1
        if exchange.left <= 0:
            exchange.awaits = Await.ROWS_OR_EOF

    def _row_or_eof(self, exchange: Exchange, payload: bytes, size: int) -> None:
        """Pass over the EOF behind column definitions; a cursor keeps the rows, then that was all."""
        exchange.awaits = Await.ROWS
        if not (payload[0] == EOF and size in {1, 5}):
            self._row(exchange, payload, size)
        elif read_ok(payload).status & Status.CURSOR:
            self._end(exchange, payload)

    def _row(self, exchange: Exchange, payload: bytes, size: int) -> None:
        if payload[0] == EOF and size < 0xFFFFFF:
            self._end(exchange, payload)
        else:
            exchange.rows += 1

    def _prepared(self, exchange: Exchange, payload: bytes, size: int) -> None:
        if payload[0] != OK or size < 9:
            self._unclear(exchange)
            return
        session = self._of
        statement, columns, parameters = number(payload, 1, 4), number(payload, 5, 2), number(payload, 7, 2)
        session.prepared = exchange.fields["mysql_statement_id"] = statement
        session.statements.put(statement, exchange.text or "", parameters)
        for name, count in (("columns", columns), ("parameters", parameters)):
            if count:
                exchange.fields[f"mysql_{name}"] = count
        if warnings := number(payload, 10, 2):
            exchange.fields["mysql_warnings"] = warnings
        exchange.entry.status = "OK"
        exchange.sections = [count for count in (columns, parameters) if count]
        exchange.awaits = Await.DEFINITIONS
        self._next_section(exchange)

    def _next_section(self, exchange: Exchange) -> None:
        """Go on with the next list of definitions; without EOF packets the last definition is the end."""
        if exchange.sections:
            exchange.left = exchange.sections.pop()
        else:
            self._of.finish(exchange)

    def _definition(self, exchange: Exchange, payload: bytes, size: int) -> None:
        if exchange.left:
            exchange.left -= 1
            if not exchange.left and self._of.capabilities >= 0 and self._of.capabilities & Capability.DEPRECATE_EOF:
                self._next_section(exchange)
        elif _is_eof(payload):
            self._next_section(exchange)
        else:
            exchange.left = exchange.sections.pop() - 1

    def _field(self, exchange: Exchange, payload: bytes, size: int) -> None:
        if payload[0] == EOF and size < _SHORT_EOF:
            self._end(exchange, payload)
        else:
            exchange.fields["mysql_columns"] = exchange.fields.get("mysql_columns", 0) + 1

    def _text(self, exchange: Exchange, payload: bytes, size: int) -> None:
        exchange.entry.status = "OK"
        self._of.finish(exchange)

    def _simple(self, exchange: Exchange, payload: bytes, size: int) -> None:
        if payload[0] in {OK, EOF}:
            if exchange.fields["mysql_command"] == "COM_RESET_CONNECTION":
                self._of.statements.clear()
            self._end(exchange, payload)
        else:
            self._unclear(exchange)

    def _event(self, exchange: Exchange, payload: bytes, size: int) -> None:
        if payload[0] == EOF and size < _SHORT_EOF:
            self._end(exchange, payload)
        else:
            exchange.rows += 1

    def _authenticate(self, exchange: Exchange, payload: bytes, size: int) -> None:
        """Follow a login to its end; of what proves the user nothing is kept but the method's name."""
        session, first = self._of, payload[0]
        if first in {EOF, 0x02}:
            method = text_at(payload, 1)[0] if size > 1 else "mysql_old_password"
            exchange.fields["mysql_auth"] = method[:64]
        elif first == OK:
            for name in ("mysql_user", "mysql_database", "mysql_program_name"):
                session.fields.pop(name, None)
                if name in exchange.fields:
                    session.fields[name] = exchange.fields[name]
            session.statements.clear()
            self._compress(exchange)
            session.logged_in = True
            self._end(exchange, payload)

    def _compress(self, exchange: Exchange) -> None:
        session = self._of
        if exchange.fields["mysql_command"] != "HandshakeResponse" or session.capabilities < 0:
            return
        if session.capabilities & Capability.COMPRESS:
            session.compression = "zlib"
        elif session.capabilities & Capability.ZSTD:
            session.compression = "zstd"
        if session.compression:
            session.fields["mysql_compression"] = exchange.fields["mysql_compression"] = session.compression

    def _end(self, exchange: Exchange, payload: bytes) -> None:
        """Take the end of one result: an OK or EOF packet; another result may follow."""
        outcome = read_ok(payload)
        exchange.succeed(outcome)
        tracked = bool(outcome.status & Status.SESSION_CHANGED)
        known = self._of.capabilities
        words, database = read_info(
            outcome.info, tracked=tracked or (known >= 0 and bool(known & Capability.SESSION_TRACK))
        )
        if words:
            exchange.fields["mysql_info"] = words
        self._change_database(exchange, database)
        if outcome.status & Status.MORE_RESULTS:
            exchange.awaits = Await.RESULT
        else:
            self._of.finish(exchange)

    def _change_database(self, exchange: Exchange, reported: str) -> None:
        """Follow the session to another database: as reported, or by COM_INIT_DB or USE."""
        fields = self._of.fields
        if reported:
            fields["mysql_database"] = reported
        elif exchange.fields["mysql_command"] == "COM_INIT_DB":
            fields["mysql_database"] = exchange.fields["mysql_database"]
        elif exchange.text is not None and self._of.phrases.of(exchange.text).verb == "USE":
            fields["mysql_database"] = exchange.text.split(None, 1)[-1].strip("; \t\r\n`")

    def _unclear(self, exchange: Exchange) -> None:
        exchange.entry.malformed = exchange.entry.malformed or "the answer cannot be read"
        exchange.awaits = Await.UNKNOWN

    def _pass(self, exchange: Exchange, payload: bytes, size: int) -> None:
        """Gather what cannot be read up to the next command."""

    _HANDLERS: ClassVar[dict[Await, Callable[[Answers, Exchange, bytes, int], None]]] = {
        Await.AUTHENTICATION: _authenticate,
        Await.RESULT: _result,
        Await.COLUMNS: _column,
        Await.ROWS_OR_EOF: _row_or_eof,
        Await.ROWS: _row,
        Await.PREPARED: _prepared,
        Await.DEFINITIONS: _definition,
        Await.FIELDS: _field,
        Await.TEXT: _text,
        Await.SIMPLE: _simple,
        Await.EVENTS: _event,
        Await.FILE: _simple,
        Await.NOTHING: _pass,
        Await.UNKNOWN: _pass,
    }


def _is_eof(payload: bytes) -> bool:
    return payload[:1] == b"\xfe" and len(payload) == 5
