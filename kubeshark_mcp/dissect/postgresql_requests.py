"""PostgreSQL: what the client says."""

from __future__ import annotations

from collections.abc import Callable
from struct import unpack_from
from typing import ClassVar

from kubeshark_mcp.dissect.frames import Frame
from kubeshark_mcp.dissect.postgresql_exchange import Exchange
from kubeshark_mcp.dissect.postgresql_pairing import NEGOTIATION, PORTALS, STARTUP, Conversation
from kubeshark_mcp.dissect.sql_text import read_text
from kubeshark_mcp.dissect.wire_postgresql import (
    CANCEL,
    MAJOR,
    NEGOTIATIONS,
    bound_parameters,
    startup_parameters,
    text_at,
)


class Requests:
    """Takes the messages of the client. typed: the next one has a kind."""

    def __init__(self, conversation: Conversation) -> None:
        self.typed = False
        self._of = conversation

    def begin(self, frame: Frame) -> None:
        """Take a message without a kind: StartupMessage, CancelRequest, SSLRequest, GSSENCRequest."""
        code = unpack_from(">I", frame.body, 4)[0]
        if code in NEGOTIATIONS:
            self._of.wait(NEGOTIATION, self._of.exchange(NEGOTIATIONS[code], frame))
        elif code == CANCEL and len(frame.body) >= 16:
            self._cancel(frame)
        elif code >> 16 == MAJOR and (parameters := startup_parameters(frame.body)) is not None:
            self._start(frame, parameters)
        else:
            exchange = self._of.exchange("StartupMessage", frame)
            exchange.entry.malformed = f"0x{code:08x} is no code of a known request, at byte {frame.offset + 4}"
            self._of.wait(NEGOTIATION, exchange)

    def take(self, frame: Frame) -> None:
        """Take a message with a kind."""
        self._of.ready = False
        handler = self._HANDLERS.get(frame.body[0])
        if handler is not None:
            handler(self, frame)

    def copy(self, frame: Frame, messages: int, kind: int) -> None:
        """Take CopyData messages that lie behind each other."""
        conversation = self._of
        conversation.ready = False
        exchange = conversation.copying
        if exchange is None and conversation.operations:
            exchange = conversation.operations[-1].exchange
        if exchange is not None and not exchange.finished:
            exchange.copy(messages, frame.size - 5 * messages)
            exchange.ask(frame)

    def _start(self, frame: Frame, parameters: dict[str, str]) -> None:
        session, self.typed = self._of.session, True
        session["postgresql_user"] = parameters["user"]
        session["postgresql_database"] = parameters.get("database") or parameters["user"]
        if name := parameters.get("application_name"):
            session["postgresql_application_name"] = name
        exchange = self._of.exchange("StartupMessage", frame)
        exchange.entry.summary = f"StartupMessage {parameters['user']}@{session['postgresql_database']}"
        self._of.wait(STARTUP, exchange)

    def _cancel(self, frame: Frame) -> None:
        """Leave the secret key out of what is kept."""
        exchange = self._of.exchange("CancelRequest")
        exchange.ask(frame, shown=False)
        process = unpack_from(">I", frame.body, 8)[0]
        exchange.fields["postgresql_process_id"] = process
        exchange.fields["postgresql_success"] = True
        exchange.entry.summary = f"CancelRequest for process {process}"
        self._of.emit(exchange)

    def _query(self, frame: Frame) -> None:
        exchange = self._of.exchange("Query", frame)
        exchange.say(read_text(frame.body[5:].partition(b"\0")[0]))
        self._of.group = None
        self._of.wait(ord("Q"), exchange)

    def _parse(self, frame: Frame) -> None:
        name, position = text_at(frame.body, 5)
        exchange = self._of.exchange("Parse", frame)
        exchange.prepares = True
        exchange.name_statement(name, read_text(frame.body[max(5, position) :].partition(b"\0")[0]), gaps=False)
        self._of.prepare(name, exchange.text or "")
        self._of.group = exchange
        self._of.wait(ord("P"), exchange)

    def _bind(self, frame: Frame) -> None:
        portal, position = text_at(frame.body, 5)
        name, position = text_at(frame.body, max(5, position))
        exchange = self._of.group
        if exchange is None or exchange.statement != name or exchange.bound or exchange.executed:
            exchange = self._for_statement(name, "Bind", frame)
        else:
            exchange.ask(frame)
        exchange.bound = True
        if count := bound_parameters(frame.body, position):
            exchange.fields["postgresql_parameters"] = count
        self._open_portal(portal, exchange)
        self._of.wait(ord("B"), exchange)

    def _for_statement(self, name: str, command: str, frame: Frame) -> Exchange:
        """Begin an exchange for a statement that was prepared before."""
        conversation = self._of
        known = conversation.statements.get(name)
        exchange = conversation.exchange(command, frame)
        exchange.name_statement(name, known.text if known else None, gaps=conversation.gaps)
        return exchange

    def _open_portal(self, portal: str, exchange: Exchange) -> None:
        portals = self._of.portals
        portals.pop(portal, None)
        portals[portal] = exchange
        if len(portals) > PORTALS:
            portals.pop(next(iter(portals)))
        self._of.group = exchange

    def _describe(self, frame: Frame) -> None:
        name, _ = text_at(frame.body, 6)
        group = self._of.group
        of_statement = frame.body[5:6] == b"S"
        if group is not None and (group.statement == name if of_statement else self._of.portals.get(name) is group):
            group.ask(frame)
            exchange = group
        else:
            exchange = self._of.exchange("Describe", frame)
            exchange.entry.summary = f"Describe {name}".rstrip()
        self._of.wait(ord("D"), exchange)

    def _execute(self, frame: Frame) -> None:
        """Execute a portal; one that was executed before goes on, which is an execution of its own."""
        conversation = self._of
        portal, _ = text_at(frame.body, 5)
        bound = conversation.portals.get(portal)
        if bound is not None and conversation.is_open(bound):
            exchange = bound
            exchange.ask(frame)
        else:
            exchange = conversation.exchange("Execute", frame)
            name, text = (bound.statement, bound.text) if bound is not None else ("", None)
            exchange.name_statement(name, text, gaps=conversation.gaps)
            self._open_portal(portal, exchange)
        conversation.execute(exchange)
        conversation.wait(ord("E"), exchange)

    def _close(self, frame: Frame) -> None:
        """Close a portal, together with what was executed on it, or a statement."""
        name, _ = text_at(frame.body, 6)
        if frame.body[5:6] == b"P":
            exchange = self._of.portals.pop(name, None)
            same = exchange is not None and exchange is self._of.group
            self._of.wait(ord("C"), exchange if same else None)
            return
        self._of.give_up(self._of.statements.drop(name))
        exchange = self._of.exchange("Close", frame)
        exchange.entry.summary = f"Close {name}".rstrip()
        exchange.statement = exchange.fields["postgresql_statement"] = name
        self._of.wait(ord("C"), exchange)

    def _sync(self, frame: Frame) -> None:
        self._of.group = None
        self._of.wait(ord("S"), None)

    def _function(self, frame: Frame) -> None:
        self._of.wait(ord("F"), self._of.exchange("FunctionCall", frame))

    def _end_copy(self, frame: Frame) -> None:
        exchange = self._of.copying
        if exchange is not None and not exchange.finished:
            exchange.ask(frame)

    def _password(self, frame: Frame) -> None:
        """Count it, take the name of a SASL mechanism, and keep nothing else."""
        operations = self._of.operations
        if not operations or operations[0].kind != STARTUP or (exchange := operations[0].exchange) is None:
            return
        exchange.size += frame.size
        method = exchange.fields.get("postgresql_auth", "")
        if method.startswith("SCRAM-") and frame.body[5:11] == b"SCRAM-":
            exchange.fields["postgresql_auth"] = text_at(frame.body, 5)[0][:32]

    def _terminate(self, frame: Frame) -> None:
        exchange = self._of.exchange("Terminate", frame)
        exchange.fields["postgresql_success"] = True
        self._of.emit(exchange)

    _HANDLERS: ClassVar[dict[int, Callable[[Requests, Frame], None]]] = {
        ord("Q"): _query,
        ord("P"): _parse,
        ord("B"): _bind,
        ord("D"): _describe,
        ord("E"): _execute,
        ord("C"): _close,
        ord("S"): _sync,
        ord("F"): _function,
        ord("c"): _end_copy,
        ord("f"): _end_copy,
        ord("p"): _password,
        ord("X"): _terminate,
    }
