"""MySQL: what the client says."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from kubeshark_mcp.dissect.frames import Frame, FrameError
from kubeshark_mcp.dissect.mysql_exchange import Await, Exchange, Session
from kubeshark_mcp.dissect.sql_text import read_text
from kubeshark_mcp.dissect.wire_mysql import (
    COMMANDS,
    HEADER,
    Capability,
    Login,
    number,
    query_text,
    read_change_user,
    read_login,
    text_at,
    wants_tls,
)

_AWAITS = {
    0x01: Await.NOTHING,
    0x03: Await.RESULT,
    0x04: Await.FIELDS,
    0x09: Await.TEXT,
    0x0A: Await.RESULT,
    0x11: Await.AUTHENTICATION,
    0x12: Await.EVENTS,
    0x16: Await.PREPARED,
    0x17: Await.RESULT,
    0x18: Await.NOTHING,
    0x19: Await.NOTHING,
    0x1C: Await.ROWS,
    0x1E: Await.EVENTS,
    0xFA: Await.RESULT,
    0xFE: Await.RESULT,
}
"""What answers a command; the others are answered by one packet: OK, EOF or ERR."""

_OF_STATEMENT = frozenset((0x17, 0x18, 0x19, 0x1A, 0x1C, 0xFA))
_LAST_PREPARED = 0xFFFFFFFF


class Requests:
    """Takes the packets of the client."""

    def __init__(self, session: Session) -> None:
        self._of = session

    def take(self, frame: Frame, last: int) -> None:
        """Take a message: a command, a step of a login, or a piece of a local file.

        last: number of its last packet; a message of 16 MB has more than one. Raises FrameError.
        """
        session = self._of
        payload = frame.body[HEADER:]
        exchange = session.waiting.next
        if exchange is not None and exchange.awaits is Await.FILE and frame.body[3]:
            self._file(frame, exchange)
        elif exchange is not None and exchange.awaits is Await.AUTHENTICATION and frame.body[3]:
            exchange.size += frame.size
            exchange.sequence = (frame.body[3] + 1) & 0xFF
        elif not session.logged_in and frame.body[3]:
            self._begin(frame, payload)
        elif frame.body[3] in {1, 2} and (login := read_login(payload)) is not None:
            self._login(frame, login)
        elif payload:
            self._command(frame, payload, last)

    def _begin(self, frame: Frame, payload: bytes) -> None:
        """Take the client's first packet: a wish for TLS, or a login."""
        session = self._of
        login = read_login(payload)
        if wants_tls(payload):
            exchange = Exchange(session, "SSLRequest", Await.NOTHING)
            exchange.ask(frame)
            if session.version:
                exchange.fields["mysql_server_version"] = session.version
            session.lone = None
            session.encrypted = True
            session.emit(exchange)
        elif login is not None:
            self._login(frame, login)
        else:
            exchange = Exchange(session, "HandshakeResponse", Await.AUTHENTICATION)
            exchange.ask(frame, shown=False)
            exchange.entry.malformed = f"no login can be read at byte {frame.offset} of the stream"
            session.lone = None
            session.ask(exchange)

    def _login(self, frame: Frame, login: Login) -> None:
        session = self._of
        session.logged_in = False
        session.lone = None
        session.capabilities = login.capabilities & (session.greeted if session.greeted >= 0 else login.capabilities)
        exchange = Exchange(session, "HandshakeResponse", Await.AUTHENTICATION)
        exchange.ask(frame, shown=False)
        self._name(exchange, login, "HandshakeResponse")
        if session.version:
            exchange.fields["mysql_server_version"] = session.version
        elif session.gaps:
            exchange.entry.malformed = "the server's greeting is missing, as bytes of the connection are"
        session.ask(exchange)

    def _name(self, exchange: Exchange, login: Login, command: str) -> None:
        """Take who logs in; the session bears the names once the server agrees."""
        fields = exchange.fields
        fields["mysql_user"] = login.user
        for name, value in (("database", login.database), ("auth", login.plugin), ("program_name", login.program)):
            if value:
                fields[f"mysql_{name}"] = value
        exchange.entry.summary = f"{command} {login.user}" + (f"@{login.database}" if login.database else "")

    def _file(self, frame: Frame, exchange: Exchange) -> None:
        exchange.ask(frame)
        exchange.fields["mysql_local_bytes"] = exchange.fields.get("mysql_local_bytes", 0) + frame.size - HEADER

    def _command(self, frame: Frame, payload: bytes, last: int) -> None:
        session, code = self._of, payload[0]
        if code not in COMMANDS or frame.body[3]:
            raise FrameError(f"no command begins with 0x{frame.body[: HEADER + 1].hex()}", 0)
        session.logged_in = True
        exchange = Exchange(session, COMMANDS[code], _AWAITS.get(code, Await.SIMPLE))
        exchange.ask(frame, shown=code != 0x11)
        exchange.sequence = (last + 1) & 0xFF
        if code in _OF_STATEMENT:
            self._statement(exchange, number(payload, 1, 4))
        elif (handler := self._HANDLERS.get(code)) is not None:
            handler(self, exchange, payload)
        if exchange.awaits is Await.NOTHING:
            session.close_lone()
            session.emit(exchange)
        else:
            session.ask(exchange)

    def _query(self, exchange: Exchange, payload: bytes) -> None:
        capabilities = self._of.capabilities
        attributes = bool(capabilities & Capability.QUERY_ATTRIBUTES) if capabilities >= 0 else None
        self._say(exchange, read_text(query_text(payload, attributes=attributes)))

    def _say(self, exchange: Exchange, text: str) -> None:
        exchange.text = exchange.entry.fields["mysql_query"] = text
        exchange.entry.summary = self._of.phrases.of(text).line

    def _prepare(self, exchange: Exchange, payload: bytes) -> None:
        self._say(exchange, read_text(payload[1:]))
        exchange.entry.summary = f"COM_STMT_PREPARE {exchange.entry.summary}"

    def _statement(self, exchange: Exchange, number: int) -> None:
        """Take a command about a prepared statement; MariaDB's clients may mean the last one without its number."""
        session, fields = self._of, exchange.fields
        number = session.prepared if number == _LAST_PREPARED and session.prepared >= 0 else number
        command = fields["mysql_command"]
        fields["mysql_statement_id"] = number
        exchange.entry.summary = f"{command} {number}"
        known = session.statements.get(number)
        if command == "COM_STMT_CLOSE":
            session.statements.drop(number)
        elif command in {"COM_STMT_EXECUTE", "COM_STMT_BULK_EXECUTE"} and known is not None:
            self._say(exchange, known.text)
            if known.extra:
                fields["mysql_parameters"] = known.extra
        elif command in {"COM_STMT_EXECUTE", "COM_STMT_BULK_EXECUTE"}:
            fields["mysql_statement_unknown"] = True
            exchange.entry.summary += ", text not captured"
            if session.gaps:
                why = f"the text of prepared statement {number} is missing, as bytes of the connection are"
                exchange.entry.malformed = why

    def _database(self, exchange: Exchange, payload: bytes) -> None:
        name = text_at(payload, 1)[0]
        exchange.fields["mysql_database"] = name
        exchange.entry.summary = f"{exchange.fields['mysql_command']} {name}"

    def _fields(self, exchange: Exchange, payload: bytes) -> None:
        exchange.fields["mysql_table"] = text_at(payload, 1)[0]
        exchange.entry.summary = f"COM_FIELD_LIST {exchange.fields['mysql_table']}"

    def _kill(self, exchange: Exchange, payload: bytes) -> None:
        exchange.entry.summary = f"COM_PROCESS_KILL {number(payload, 1, 4)}"

    def _change_user(self, exchange: Exchange, payload: bytes) -> None:
        exchange.fields.pop("mysql_database", None)
        self._name(exchange, read_change_user(payload), "COM_CHANGE_USER")

    _HANDLERS: ClassVar[dict[int, Callable[[Requests, Exchange, bytes], None]]] = {
        0x02: _database,
        0x03: _query,
        0x04: _fields,
        0x05: _database,
        0x06: _database,
        0x0C: _kill,
        0x11: _change_user,
        0x16: _prepare,
    }
