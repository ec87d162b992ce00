"""PostgreSQL: what the server says, and which request it answers."""

from __future__ import annotations

from collections.abc import Callable
from struct import unpack_from
from typing import ClassVar

from kubeshark_mcp.dissect.frames import Frame
from kubeshark_mcp.dissect.postgresql_exchange import Exchange
from kubeshark_mcp.dissect.postgresql_pairing import ENDS_WITH_READY, MISMATCH, STARTUP, Conversation
from kubeshark_mcp.dissect.sql_text import one_line
from kubeshark_mcp.dissect.wire_postgresql import (
    TRANSACTION,
    Tag,
    authentication_method,
    read_failure,
    read_tag,
    text_at,
)

TAGS_KEPT, TAG_LIMIT = 128, 64
"""Outcomes of a connection that are read once, and bytes of each."""

_QUERIES = frozenset(b"QE")
_STARTUP = frozenset((STARTUP,))
_LAST = frozenset({"FATAL", "PANIC"})
_ANSWERS: dict[int, frozenset[int]] = {
    ord("1"): frozenset(b"P"),
    ord("2"): frozenset(b"B"),
    ord("3"): frozenset(b"C"),
    ord("t"): frozenset(b"D"),
    ord("n"): frozenset(b"D"),
    ord("T"): frozenset(b"DQE"),
    ord("D"): _QUERIES,
    ord("C"): _QUERIES,
    ord("I"): _QUERIES,
    ord("s"): frozenset(b"E"),
    ord("G"): _QUERIES,
    ord("H"): _QUERIES,
    ord("W"): _QUERIES,
    ord("d"): _QUERIES,
    ord("c"): _QUERIES,
    ord("V"): frozenset(b"F"),
    ord("R"): _STARTUP,
    ord("K"): _STARTUP,
    ord("v"): _STARTUP,
}
"""Which message of the client each message of the server can answer; the others come at any time."""

_USUAL = {kind: _ANSWERS[kind] for kind in b"12nTCIs"}
"""Those of them that most answers consist of, and that something is done with."""

_NAMES = {
    ord("R"): "Authentication",
    ord("S"): "ParameterStatus",
    ord("K"): "BackendKeyData",
    ord("N"): "NoticeResponse",
    ord("A"): "NotificationResponse",
    ord("E"): "ErrorResponse",
    ord("d"): "CopyData",
    ord("H"): "CopyOutResponse",
    ord("G"): "CopyInResponse",
    ord("W"): "CopyBothResponse",
    ord("T"): "RowDescription",
    ord("t"): "ParameterDescription",
    ord("D"): "DataRow",
    ord("1"): "ParseComplete",
    ord("2"): "BindComplete",
    ord("3"): "CloseComplete",
    ord("C"): "CommandComplete",
    ord("I"): "EmptyQueryResponse",
    ord("n"): "NoData",
    ord("s"): "PortalSuspended",
    ord("c"): "CopyDone",
    ord("V"): "FunctionCallResponse",
    ord("v"): "NegotiateProtocolVersion",
}


class Answers:
    """Takes the messages of the server."""

    def __init__(self, conversation: Conversation) -> None:
        self._of = conversation
        self._tags: dict[bytes, Tag] = {}

    def negotiated(self, frame: Frame) -> bool:
        """Take the byte that answers a request for encryption; tell whether it was agreed to."""
        exchange = self._of.take().exchange
        agreed = frame.body in (b"S", b"G")
        if exchange is not None:
            exchange.hear(frame)
            exchange.entry.status = "accepted" if agreed else "refused"
            self._of.emit(exchange)
        return agreed

    def take(self, frame: Frame) -> None:
        """Take a message."""
        kind = frame.body[0]
        if kind == 0x5A:
            self._ready(frame)
            return
        conversation = self._of
        conversation.ready = False
        usual = _USUAL.get(kind)
        if usual is not None and conversation.lone is None and conversation.operations and not conversation.adrift:
            head, awaited = conversation.operations[0]
            if awaited is not None and head in usual:
                awaited.hear(frame)
                self._HANDLERS[kind](self, frame, awaited)
                return
        if kind == 0x41:
            self._notification(frame)
            return
        exchange = self._exchange(kind)
        exchange.hear(frame, shown=kind not in b"RK")
        handler = self._HANDLERS.get(kind)
        if handler is not None:
            handler(self, frame, exchange)
        if exchange is self._of.lone and (kind in b"NE" or (kind == 0x53 and self._of.was_ready)):
            self._alone(kind, exchange)

    def rows(self, frame: Frame, messages: int, kind: int) -> None:
        """Take DataRow or CopyData messages that lie behind each other."""
        self._of.ready = False
        exchange = self._exchange(kind)
        exchange.hear(frame)
        if kind == 0x44:
            exchange.rows += messages
        else:
            exchange.copy(messages, frame.size - 5 * messages)

    def _exchange(self, kind: int) -> Exchange:
        """Find what a message answers; what answers nothing is gathered until the server is ready."""
        conversation = self._of
        if conversation.lone is not None:
            return conversation.lone
        if conversation.operations and not conversation.adrift:
            head, wanted = conversation.operations[0], _ANSWERS.get(kind)
            if wanted is not None and head.kind not in wanted:
                conversation.lose(MISMATCH)
            elif head.exchange is not None:
                return head.exchange
            elif wanted is not None:
                return self._nobody()
            elif conversation.done:
                return conversation.done[-1]
        conversation.lone = exchange = conversation.exchange(_NAMES.get(kind, "unreadable"))
        return exchange

    def _nobody(self) -> Exchange:
        """Give an exchange for an answer that no entry tells of (a portal was closed)."""
        exchange = self._of.exchange("Close")
        exchange.emitted = exchange.finished = True
        return exchange

    def _alone(self, kind: int, exchange: Exchange) -> None:
        """Emit at once what the server says on its own account, unless it belongs to something that began unseen."""
        if kind == 0x45 or exchange.fields["postgresql_command"] == _NAMES[kind]:
            self._of.close_lone()

    def _next(self, exchange: Exchange) -> None:
        """Go on to the next operation: one step of this exchange was answered."""
        conversation = self._of
        if conversation.lone is exchange:
            return
        conversation.take()
        if not exchange.finished and exchange not in conversation.answering:
            conversation.answering.append(exchange)

    def _step(self, frame: Frame, exchange: Exchange) -> None:
        self._next(exchange)

    def _described(self, frame: Frame, exchange: Exchange) -> None:
        """Count columns; a description that was asked for is complete with them."""
        if frame.body[0] == 0x54 and frame.size >= 7:
            exchange.fields["postgresql_columns"] = unpack_from(">H", frame.body, 5)[0]
        operations = self._of.operations
        if self._of.lone is not exchange and operations and operations[0].kind == 0x44:
            self._next(exchange)

    def _complete(self, frame: Frame, exchange: Exchange) -> None:
        """Take the end of one statement; a simple query may hold more of them."""
        kind = frame.body[0]
        if kind == 0x43:
            exchange.add_tag(self._tag(frame.body))
        exchange.entry.status = exchange.entry.status or ("suspended" if kind == 0x73 else "OK")
        if self._of.copying is exchange:
            self._of.copying = None
        if self._of.lone is not exchange and self._of.operations[0].kind == 0x45:
            self._of.take()
            self._of.finish(exchange)

    def _tag(self, body: bytes) -> Tag:
        """Read a CommandComplete; most say what another one said."""
        tag = self._tags.get(body)
        if tag is None:
            tag = read_tag(body)
            if len(self._tags) >= TAGS_KEPT:
                self._tags.clear()
            if len(body) < TAG_LIMIT:
                self._tags[body] = tag
        return tag

    def _copies(self, frame: Frame, exchange: Exchange) -> None:
        exchange.copy(0, 0)
        if self._of.lone is not exchange:
            self._of.copying = exchange

    def _function(self, frame: Frame, exchange: Exchange) -> None:
        exchange.entry.status = exchange.entry.status or "OK"

    def _authentication(self, frame: Frame, exchange: Exchange) -> None:
        """Take the method's name, never what proves the identity."""
        if method := authentication_method(frame.body):
            exchange.fields.setdefault("postgresql_auth", method)

    def _key(self, frame: Frame, exchange: Exchange) -> None:
        if frame.size >= 9:
            process = unpack_from(">I", frame.body, 5)[0]
            self._of.session["postgresql_process_id"] = exchange.fields["postgresql_process_id"] = process

    def _parameter(self, frame: Frame, exchange: Exchange) -> None:
        name, position = text_at(frame.body, 5)
        if name == "server_version":
            exchange.fields["postgresql_server_version"] = text_at(frame.body, max(5, position))[0]
        elif self._of.lone is exchange:
            exchange.entry.summary = f"ParameterStatus {name}"

    def _notice(self, frame: Frame, exchange: Exchange) -> None:
        failure = read_failure(frame.body)
        exchange.notice(failure)
        if self._of.lone is exchange and exchange.fields["postgresql_command"] == "NoticeResponse":
            exchange.entry.summary = f"{failure.severity} {failure.message}".strip()

    def _notification(self, frame: Frame) -> None:
        """Take what another session notifies; it is an entry of its own, also in the middle of an answer."""
        channel, position = text_at(frame.body, 9)
        exchange = self._of.exchange("NotificationResponse")
        exchange.hear(frame)
        exchange.fields["postgresql_channel"] = channel
        exchange.entry.summary = one_line(f"NotificationResponse {channel} {text_at(frame.body, max(9, position))[0]}")
        self._of.emit(exchange)

    def _error(self, frame: Frame, exchange: Exchange) -> None:
        """Take an error; up to Sync the server passes over what it was asked."""
        conversation = self._of
        failure = read_failure(frame.body)
        exchange.fail(failure)
        if conversation.lone is exchange:
            if exchange.fields["postgresql_command"] == "ErrorResponse":
                exchange.entry.summary = f"{failure.severity} {failure.message}".strip()
            return
        if exchange.prepares and not exchange.finished:
            conversation.give_up(conversation.statements.drop(exchange.statement))
        head = conversation.operations[0].kind
        if head not in ENDS_WITH_READY:
            conversation.failed = True
            conversation.take()
            conversation.finish(exchange)
            self._pass_over()
        elif head == STARTUP:
            conversation.take()
            conversation.emit(exchange)
        if failure.severity in _LAST:
            conversation.flush()

    def _pass_over(self) -> None:
        """Take what the server passes over; it answers again behind the next Sync."""
        conversation = self._of
        while conversation.operations and conversation.operations[0].kind not in ENDS_WITH_READY:
            exchange = conversation.take().exchange
            if exchange is not None and not exchange.finished:
                exchange.abort()
                conversation.finish(exchange)

    def _ready(self, frame: Frame) -> None:
        """Take ReadyForQuery: all up to here is over, and the state of the transaction is known."""
        conversation = self._of
        state = TRANSACTION.get(frame.body[5], "") if frame.size == 6 else ""
        conversation.was_ready = True
        if conversation.lone is not None:
            conversation.lone.hear(frame)
            self._state(conversation.lone, state)
            conversation.close_lone()
        elif not conversation.adrift:
            self._end_cycle(frame, state)
        conversation.ready = not conversation.operations

    def _end_cycle(self, frame: Frame, state: str) -> None:
        conversation = self._of
        if conversation.failed:
            self._pass_over()
        while conversation.operations:
            operation = conversation.take()
            exchange = operation.exchange
            if exchange is not None and not exchange.finished:
                if operation.kind in ENDS_WITH_READY:
                    exchange.hear(frame)
                    exchange.entry.status = exchange.entry.status or "OK"
                conversation.finish(exchange)
            if operation.kind in ENDS_WITH_READY:
                break
        conversation.failed = False
        for exchange in conversation.done:
            self._state(exchange, state)
            conversation.emit(exchange)
        conversation.done.clear()
        for exchange in conversation.answering:
            exchange.entry.status = exchange.entry.status or "OK"
            self._state(exchange, state)
            if exchange.prepares:
                conversation.hold_prepared(exchange)
            else:
                conversation.emit(exchange)
        conversation.answering.clear()

    def _state(self, exchange: Exchange, state: str) -> None:
        if state:
            exchange.fields["postgresql_transaction"] = state

    _HANDLERS: ClassVar[dict[int, Callable[[Answers, Frame, Exchange], None]]] = {
        ord("1"): _step,
        ord("2"): _step,
        ord("3"): _step,
        ord("n"): _described,
        ord("T"): _described,
        ord("C"): _complete,
        ord("I"): _complete,
        ord("s"): _complete,
        ord("G"): _copies,
        ord("W"): _copies,
        ord("V"): _function,
        ord("R"): _authentication,
        ord("K"): _key,
        ord("S"): _parameter,
        ord("N"): _notice,
        ord("E"): _error,
    }
