"""MongoDB: commands paired with their replies, over OP_MSG and the operations before it."""

from __future__ import annotations

from struct import Struct
from typing import Any, ClassVar

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, Opening, Protocol
from kubeshark_mcp.dissect.framed import FramedDissector, FrameError
from kubeshark_mcp.dissect.pairing import Transactions
from kubeshark_mcp.dissect.wire_mongodb import (
    COMPRESSORS,
    HEADER,
    LEGACY,
    LONGEST,
    MORE_TO_COME,
    OPCODES,
    Message,
    read_message,
)
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Direction, Span

_BOOL, _INT, _STRING = FieldType.BOOL, FieldType.INT, FieldType.STRING
_GROUP = "MongoDB"
FIELDS = (
    Field("mongodb", _BOOL, "the entry is MongoDB", "mongodb", _GROUP, ("mongo",)),
    Field("mongodb_command", _STRING, "name of the command", 'mongodb_command == "find"', _GROUP, ("mongo.command",)),
    Field("mongodb_database", _STRING, "database of the command", 'mongodb_database == "shop"', _GROUP),
    Field("mongodb_collection", _STRING, "collection of the command", 'mongodb_collection == "orders"', _GROUP),
    Field("mongodb_opcode", _STRING, "wire operation of the request", 'mongodb_opcode == "OP_MSG"', _GROUP),
    Field("mongodb_request_size", _INT, "bytes of the request", "mongodb_request_size > 1000000", _GROUP),
    Field("mongodb_response_size", _INT, "bytes of the reply", "mongodb_response_size > 1000000", _GROUP),
    Field("mongodb_total_size", _INT, "bytes of request and reply", "mongodb_total_size > 1000000", _GROUP),
    Field("mongodb_success", _BOOL, "the reply says ok, without write errors", "mongodb && !mongodb_success", _GROUP),
    Field("mongodb_error_code", _INT, "code of the error", "mongodb_error_code == 11000", _GROUP),
    Field(
        "mongodb_error_message",
        _STRING,
        "text of the error",
        'mongodb_error_message.contains("duplicate key")',
        _GROUP,
    ),
    Field("mongodb_error_code_name", _STRING, "name of the error", 'mongodb_error_code_name == "NotPrimary"', _GROUP),
    Field("mongodb_compressor", _STRING, "how messages are compressed", 'mongodb_compressor == "zstd"', _GROUP),
    Field("mongodb_documents", _INT, "documents sent, or returned in the batch", "mongodb_documents > 1000", _GROUP),
    Field("mongodb_request_id", _INT, "identifier of the request", "mongodb_request_id == 17", _GROUP),
)
_AUTHENTICATION = frozenset({"saslStart", "saslContinue", "authenticate", "getnonce", "createUser", "updateUser"})
"""Commands whose payload holds secrets: it is not kept."""
_NAMES = {
    6: "HostUnreachable", 13: "Unauthorized", 18: "AuthenticationFailed", 26: "NamespaceNotFound", 43: "CursorNotFound",
    50: "MaxTimeMSExpired", 59: "CommandNotFound", 112: "WriteConflict", 11000: "DuplicateKey",
    10107: "NotWritablePrimary", 13435: "NotPrimaryNoSecondaryOk", 189: "PrimarySteppedDown",
}  # fmt: skip
"""Names of codes that come without one, as write errors do (error_codes.yml of the server)."""


class Mongodb(Protocol):
    """MongoDB and what speaks like it."""

    name: ClassVar[str] = "mongodb"
    title: ClassVar[str] = "MongoDB"
    aliases: ClassVar[frozenset[str]] = frozenset({"mongo"})
    specification: ClassVar[str] = "MongoDB Wire Protocol, bsonspec.org 1.1"
    ports: ClassVar[frozenset[int]] = frozenset({27017, 27018, 27019})
    fields: ClassVar[tuple[Field, ...]] = FIELDS

    def probe(self, opening: Opening) -> Confidence:
        """Look for a header with a known operation and a body that is one."""
        opinions = [
            _judge(data, start, direction)
            for data, start, direction in (
                (opening.client, opening.client_start, Direction.CLIENT),
                (opening.server, opening.server_start, Direction.SERVER),
            )
            if data
        ]
        if not opinions or Confidence.NO in opinions:
            return Confidence.NO if opinions else Confidence.UNDECIDED
        return max(opinions)

    def open(self, context: Context) -> Dissector:
        """Read both directions."""
        return MongodbDissector(context)


_HEAD = Struct("<iiii").unpack_from
"""Length, requestID, responseTo, opCode."""


def _judge(data: bytes, start: bool, direction: Direction) -> Confidence:
    if len(data) < HEADER:
        return Confidence.UNDECIDED
    if not _is_header(data, 0):
        return Confidence.NO
    length = _HEAD(data, 0)[0]
    message = read_message(data, 0, min(length, len(data)))
    if len(data) < length:
        known = not message.unread or message.body or message.compressor in COMPRESSORS.values()
        return Confidence.LIKELY if known else Confidence.UNDECIDED
    if message.unread and not message.compressor:
        return Confidence.POSSIBLE
    answers = message.is_response
    if start and direction is Direction.CLIENT and answers:
        return Confidence.NO
    return Confidence.SURE if message.body or message.compressor else Confidence.LIKELY


def _is_header(data: bytes, position: int) -> bool:
    length, _, _, opcode = _HEAD(data, position)
    return HEADER < length <= LONGEST and opcode in OPCODES


class MongodbDissector(FramedDissector):
    """Pairs by responseTo; what is sent on without being asked (exhaust cursors) is an entry of its own."""

    HEADER = HEADER

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._waiting: Transactions[int, Entry] = Transactions()

    def length_at(self, direction: Direction, data: bytes, position: int) -> int:
        """Read the length of the header."""
        if len(data) - position < HEADER:
            return 0
        length: int
        length, _, _, opcode = _HEAD(data, position)
        if not (HEADER < length <= LONGEST and opcode in OPCODES):
            raise FrameError("no MongoDB message begins", position)
        return length

    def begins_at(self, direction: Direction, data: bytes, start: int, stop: int) -> bool:
        """Tell a header from other bytes."""
        return stop - start >= HEADER and _is_header(data, start)

    def on_message(self, direction: Direction, data: bytes, start: int, stop: int, span: Span, cut: str) -> None:
        """Take a command or a reply."""
        message = read_message(data, start, stop)
        malformed = cut or message.unread
        limit = self.context.settings.body_limit
        if direction is Direction.SERVER:
            self._reply(message, span, malformed, data[start : min(stop, start + limit)])
            return
        entry = _request(self.context, message, span, malformed)
        if entry.fields["mongodb_command"] not in _AUTHENTICATION:
            entry.request_body = data[start : min(stop, start + limit)]
        silent = message.opcode in LEGACY and message.opcode not in {2004, 2005}
        if silent or message.flags & MORE_TO_COME:
            self.context.emit(entry)
        elif (replaced := self._waiting.ask(message.request_id, entry)) is not None:
            self.context.emit(replaced)

    def on_unread(self, direction: Direction, data: bytes, span: Span, why: str) -> None:
        """Tell of bytes that are no message."""
        request, response = (span, None) if direction is Direction.CLIENT else (None, span)
        self.context.emit(Entry("mongodb", self.context.connection, request, response, malformed=why))

    def on_close(self, closing: Closing) -> None:
        """Emit what waits for an answer."""
        super().on_close(closing)
        for entry in self._waiting.flush():
            self.context.emit(entry)

    def _reply(self, message: Message, span: Span, malformed: str, body: bytes) -> None:
        entry = self._waiting.answer(message.response_to)
        if entry is None:
            entry = Entry("mongodb", self.context.connection, None, span, {"mongodb_opcode": _opcode(message)})
            entry.summary = "reply"
        entry.response = span
        fields = entry.fields
        fields["mongodb_response_size"] = span.length
        fields["mongodb_total_size"] = span.length + fields.get("mongodb_request_size", 0)
        if message.compressor:
            fields["mongodb_compressor"] = message.compressor
        if malformed:
            entry.malformed = entry.malformed or malformed
        if message.body or not malformed:
            _outcome(entry, message)
        if fields.get("mongodb_command") not in _AUTHENTICATION:
            entry.response_body = body
        self.context.emit(entry)


def _opcode(message: Message) -> str:
    return OPCODES.get(message.opcode, str(message.opcode))


def _request(context: Context, message: Message, span: Span, malformed: str) -> Entry:
    command, database, collection = _named(message)
    fields: dict[str, Any] = {
        "mongodb_command": command,
        "mongodb_opcode": _opcode(message),
        "mongodb_request_id": message.request_id,
        "mongodb_request_size": span.length,
        "mongodb_total_size": span.length,
    }
    if database:
        fields["mongodb_database"] = database
    if collection:
        fields["mongodb_collection"] = collection
    if message.compressor:
        fields["mongodb_compressor"] = message.compressor
    if message.documents:
        fields["mongodb_documents"] = message.documents
    target = f"{database}.{collection}" if database and collection else database or collection
    summary = f"{command} {target}".strip()
    return Entry("mongodb", context.connection, span, None, fields, summary=summary, malformed=malformed)


def _named(message: Message) -> tuple[str, str, str]:
    """Give command, database and collection."""
    body = message.body
    if message.opcode in LEGACY:
        database, _, collection = message.collection.partition(".")
        if collection != "$cmd":
            return LEGACY[message.opcode], database, collection
        body = _unwrapped(body)
        command = next(iter(body), "")
        return command, database, _text(body.get(command))
    command = next(iter(body), "")
    target = body.get("collection" if command == "getMore" else command)
    return command, _text(body.get("$db")), _text(target)


def _unwrapped(body: dict[str, Any]) -> dict[str, Any]:
    """Give the command, whose name comes first; `$query` wraps it in old ones."""
    name = next(iter(body), "")
    inner = body.get(name)
    return _unwrapped(inner) if name in {"$query", "query"} and isinstance(inner, dict) else body


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _outcome(entry: Entry, message: Message) -> None:
    body = message.body
    failure = _failure(message)
    entry.fields["mongodb_success"] = failure is None
    cursor = body.get("cursor")
    batch = cursor.get("firstBatch", cursor.get("nextBatch")) if isinstance(cursor, dict) else None
    returned = batch if isinstance(batch, int) else message.documents if message.opcode == 1 else 0
    if returned:
        entry.fields["mongodb_documents"] = returned
    if failure is None:
        entry.status = "ok"
        return
    code, name, text = failure
    entry.fields["mongodb_error_code"] = code
    entry.fields["mongodb_error_code_name"] = name
    entry.fields["mongodb_error_message"] = text
    entry.failed = True
    entry.status = name or (str(code) if code else "error")


def _failure(message: Message) -> tuple[int, str, str] | None:
    """Give code, name and text of what went wrong; None when nothing did."""
    body = message.body
    if message.opcode == 1 and message.flags & 2:  # QueryFailure
        return _described(body, body.get("$err"))
    if "ok" in body and not body["ok"]:
        return _described(body, body.get("errmsg"))
    errors = body.get("writeErrors")
    first = next(iter(errors.values()), None) if isinstance(errors, dict) else None
    if not isinstance(first, dict):
        first = body.get("writeConcernError")
    return _described(first, first.get("errmsg")) if isinstance(first, dict) else None


def _described(body: dict[str, Any], text: Any) -> tuple[int, str, str]:
    code = body.get("code", 0)
    number = int(code) if isinstance(code, int | float) else 0
    return number, _text(body.get("codeName")) or _NAMES.get(number, ""), _text(text)
