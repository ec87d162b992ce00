"""GraphQL inside HTTP and WebSocket: its operations stand on the entries that carry them."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from kubeshark_mcp.dissect.content import decode_body
from kubeshark_mcp.dissect.enrich import Enricher
from kubeshark_mcp.dissect.graphql_call import (
    BODY_LIMIT,
    Call,
    Errors,
    errors_of,
    load_json,
    operation_of,
    read_call,
    read_errors,
    read_form,
    read_parameters,
    read_plain,
    read_upload,
)
from kubeshark_mcp.dissect.wire_graphql import FIELDS, Operation
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType

SUBPROTOCOLS = frozenset({"graphql-transport-ws", "graphql-ws"})
"""WebSocket subprotocols of the libraries graphql-ws and, older, subscriptions-transport-ws."""
MESSAGE_TYPES = frozenset(
    {"connection_init", "connection_ack", "connection_error", "connection_terminate", "ka", "ping", "pong"}
    | {"subscribe", "start", "next", "data", "error", "complete", "stop"}
)
"""Types of messages in both subprotocols."""
REMEMBERED = 4096
"""Operations over WebSocket whose answers may still come, and connections on which there are such."""
NAMED = 3
"""Operations of a batch that its summary names."""

_MARK = b'uery"'
"""End of `"query"` and of `"persistedQuery"`: one of them is in every request."""
_GLANCE, _FIRST_KEY = 256, 64
"""Bytes of a long body in which a request shows what it is: by its query, or by the key that stands before it."""
_FIRST_KEYS = re.compile(rb'"(?:operationName|variables|extensions)"')
_JSON_BEGINS = frozenset(b"{[ \t\r\n")
_OTHERS_BEGIN = frozenset(b"{ \t\r\nqmsf#\xefvoe-x\x1f")
"""First bytes of a document by itself or behind a byte order mark, a form, a multipart boundary, deflate and gzip."""
_BEGIN, _RESULT, _LAST = (
    frozenset({"subscribe", "start"}),
    frozenset({"next", "data"}),
    frozenset({"error", "complete"}),
)

_BOOL, _INT, _STRING, _LIST = FieldType.BOOL, FieldType.INT, FieldType.STRING, FieldType.STRING_LIST

Place = tuple[int, int, int]
"""Capture, connection, and stream of HTTP/2."""
Key = tuple[int, int, int, str]


class GraphQL(Enricher):
    """GraphQL. It remembers the operations of WebSocket connections, so that each result bears the name of its own."""

    name: ClassVar[str] = "gql"
    title: ClassVar[str] = "GraphQL"
    specification: ClassVar[str] = "GraphQL specification, October 2021; GraphQL over HTTP"
    enriches: ClassVar[frozenset[str]] = frozenset({"http", "http2", "ws"})
    fields: ClassVar[tuple[Field, ...]] = tuple(
        Field(name, kind, meaning, example, "GraphQL", aliases)
        for name, kind, meaning, example, aliases in (
            ("gql", _BOOL, "carries GraphQL", "gql", ("graphql",)),
            ("gqlv1", _BOOL, "a single GraphQL operation over HTTP", "gqlv1", ()),
            ("gqlv2", _BOOL, "a batch of GraphQL operations, or GraphQL over WebSocket", "gqlv2", ()),
            (
                "gql_operation_type",
                _STRING,
                "query, mutation or subscription; those of a batch joined by a comma",
                'gql_operation_type == "mutation"',
                ("graphql.operation.type",),
            ),
            (
                "gql_operation_name",
                _STRING,
                "name of the operation; those of a batch joined by a comma",
                'gql_operation_name == "GetCart"',
                ("graphql.operation.name", "operationName", "operation_name"),
            ),
            ("gql_fields", _LIST, "top fields that are asked for", '"cart" in gql_fields', ()),
            ("gql_operations", _INT, "how many operations the request has", "gql_operations > 1", ()),
            ("gql_errors", _INT, "how many errors the response has", "gql_errors > 0", ("graphql.errors",)),
            ("gql_error_message", _STRING, "text of the first error", 'gql_error_message.contains("not found")', ()),
            (
                "gql_error_code",
                _STRING,
                "extensions.code of the first error",
                'gql_error_code == "UNAUTHENTICATED"',
                (),
            ),
            (
                "gql_message_type",
                _STRING,
                "type of a message over WebSocket",
                'gql_message_type == "next"',
                (),
            ),
            (
                "gql_message_id",
                _STRING,
                "what ties a result over WebSocket to its operation",
                'gql_message_id == "1"',
                (),
            ),
        )
    )

    def __init__(self) -> None:
        self._operations: dict[Key, Operation] = {}
        self._speaking: dict[Place, None] = {}

    def annotate(self, entry: Entry) -> bool:
        """Add what the entry says in GraphQL, and say whether it says anything."""
        body, fields = entry.request_body, entry.fields
        if entry.protocol == "ws":
            return (body or entry.response_body).startswith(b"{") and self._message(entry)
        call = None
        if body:
            first = body[0]
            if first in _JSON_BEGINS and (
                body.find(_MARK, 0, _GLANCE) >= 0 or (len(body) > _GLANCE and _may_ask(body))
            ):
                call = read_call(body, cut="request_body_cut" in fields)
            if call is None and first in _OTHERS_BEGIN and body[1:2] != b'"':
                call = _by_content_type(entry)
        if call is None and "query_string" in fields:
            parameters = fields["query_string"]
            if "query" in parameters or "extensions" in parameters:
                call = read_parameters(parameters)
        if call is None:
            return False
        entry.summary = f"{entry.summary} {_label(call)}"
        fields["gqlv2" if call.batched else "gqlv1"] = True
        _add_operations(entry, call.operations)
        if entry.response_body:
            headers = fields.get("response.headers", {})
            _add_errors(entry, read_errors(entry.response_body, headers, cut="response_body_cut" in fields))
        return True

    def _message(self, entry: Entry) -> bool:
        """Add what a WebSocket message says: an operation, one of its results, or what keeps the connection going."""
        body = entry.request_body or entry.response_body
        connection = (entry.connection.capture, entry.connection.number, entry.fields.get("http2_stream", 0))
        known = entry.fields.get("ws_subprotocol") in SUBPROTOCOLS or connection in self._speaking
        if not known and body.find(_MARK) < 0:
            return False
        value = load_json(body)
        if value is None:
            value = _beginning(body)
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in MESSAGE_TYPES:
            return False
        key = (*connection, str(value.get("id") or ""))
        operation = self._operation(key, kind, value, entry)
        if not known:
            if operation is None:
                return False
            _remember(self._speaking, connection, None)
        sender = "client" if entry.request is not None else "server"
        path = str(entry.fields.get("ws_path", ""))
        entry.summary = " ".join(part for part in (sender, kind, path, operation.label if operation else "") if part)
        entry.fields.update(gqlv2=True, gql_message_type=kind)
        if key[3]:
            entry.fields["gql_message_id"] = key[3]
        if operation is not None:
            _add_operations(entry, (operation,))
        if kind in _RESULT or kind in {"error", "connection_error"}:
            _add_errors(entry, errors_of(value.get("payload")))
        return True

    def _operation(self, key: Key, kind: str, value: dict[str, Any], entry: Entry) -> Operation | None:
        """Give the operation that a message begins or belongs to."""
        if kind in _BEGIN:
            operation = value.get("operation") or operation_of(value.get("payload"))
            if operation is not None:
                _remember(self._operations, key, operation)
            return operation
        if kind in _LAST and entry.response is not None:
            return self._operations.pop(key, None)
        return self._operations.get(key)


def _may_ask(body: bytes) -> bool:
    """Tell whether a body without a query near its beginning may have one behind its variables or extensions."""
    return _FIRST_KEYS.search(body, 0, _FIRST_KEY) is not None


def _by_content_type(entry: Entry) -> Call | None:
    """Read a body that is compressed, or something else than JSON."""
    headers = entry.fields.get("request.headers", {})
    kind, cut = headers.get("content-type", ""), "request_body_cut" in entry.fields
    body = entry.request_body
    if "content-encoding" in headers and ("json" in kind or "graphql" in kind):
        decoded = decode_body(headers, body, BODY_LIMIT)
        body, cut = decoded.data, cut or decoded.cut
    if kind.startswith("application/graphql") and "json" not in kind:
        return read_plain(body, cut=cut)
    if kind.startswith("application/x-www-form-urlencoded"):
        return read_form(body)
    if kind.startswith("multipart/form-data"):
        return read_upload(body, cut=cut)
    return read_call(body, cut=cut) if body is not entry.request_body else None


def _beginning(body: bytes) -> dict[str, Any]:
    """Read a message whose end was cut off: one that begins an operation is known by its document."""
    call = read_call(body, cut=True)
    return {"type": "subscribe", "operation": call.operations[0]} if call is not None else {}


def _label(call: Call) -> str:
    labels = [operation.label for operation in call.operations[:NAMED]]
    if not call.batched:
        return labels[0]
    more = ", …" if len(call.operations) > NAMED else ""
    return f"batch of {len(call.operations)}: {', '.join(labels)}{more}"


def _add_operations(entry: Entry, operations: tuple[Operation, ...]) -> None:
    fields = entry.fields
    types = dict.fromkeys(operation.type for operation in operations if operation.type)
    if types:
        fields["gql_operation_type"] = ", ".join(types)
    if names := dict.fromkeys(operation.name for operation in operations if operation.name):
        fields["gql_operation_name"] = ", ".join(names)
    if asked := tuple(dict.fromkeys(field for operation in operations for field in operation.fields)):
        fields["gql_fields"] = asked[:FIELDS]
    fields["gql_operations"] = len(operations)


def _add_errors(entry: Entry, errors: Errors | None) -> None:
    """Add the errors of a response; one with errors has failed, whatever its status says."""
    if errors is None:
        return
    fields = entry.fields
    fields["gql_errors"] = errors.number
    if errors.number:
        entry.failed = True
    if errors.message:
        fields["gql_error_message"] = errors.message
    if errors.code:
        fields["gql_error_code"] = errors.code


def _remember(memory: dict[Any, Any], key: object, value: object) -> None:
    """Keep the newest; what has been forgotten only loses its name."""
    if len(memory) >= REMEMBERED:
        del memory[next(iter(memory))]
    memory[key] = value
