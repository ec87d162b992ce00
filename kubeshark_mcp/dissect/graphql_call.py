"""GraphQL requests and responses as JSON, over HTTP (GraphQL over HTTP specification) and inside WebSocket messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from kubeshark_mcp.dissect.content import decode_body
from kubeshark_mcp.dissect.http_head import text
from kubeshark_mcp.dissect.wire_graphql import DocumentError, Operation, read_document

BATCH = 256
"""Operations of one request that are read."""
BODY_LIMIT = 1 << 20
"""Bytes that a body may decode to."""
TEXT_LIMIT = 500
"""Characters of an error's message that are kept."""
REMEMBERED, REMEMBERED_LENGTH = 512, 8192
"""Documents whose operation is remembered, and characters of the longest: a program sends the same few for ever."""

_QUERY = re.compile(rb'"query"\s*:\s*"((?:[^"\\]|\\.)*+)("?)', re.DOTALL)
_LONGEST_ESCAPE = 12
"""Characters of the longest escape in JSON, a surrogate pair; a cut text may end within one."""
_OPERATION_NAME = re.compile(rb'"operationName"\s*:\s*"(\w{1,200})"')
_BEGINS_WITH_ERRORS = re.compile(rb'\s*\{\s*"errors"\s*:\s*\[\s*\{')
_PART = re.compile(rb'[;\s]name="?operations"?(?=[;\r])')
_PART_WITHIN = 4096
_DATA_LINE = re.compile(rb"^data:[ \t]*+(\S.*?)\r?$", re.MULTILINE)
_PART_CONTENT = re.compile(rb"\r\n\r\n(\{[^\r]*+)(?=\r\n--)")


class Call(NamedTuple):
    """The operations that one request asks for. batched: they came as a list, even if there is only one."""

    operations: tuple[Operation, ...]
    batched: bool = False


class Errors(NamedTuple):
    """What a response says went wrong. number: of errors, 0 where all went well. message, code: of the first one.

    code: `extensions.code`, which most servers give and the specification does not name.
    """

    number: int = 0
    message: str = ""
    code: str = ""


def read_call(body: bytes, *, cut: bool = False) -> Call | None:
    """Read the JSON body of a request; None where it asks for nothing in GraphQL. cut: its end is missing."""
    value = load_json(body)
    if value is None:
        return _read_beginning(body) if cut else None
    if isinstance(value, list):
        found = [operation_of(item) for item in value[:BATCH]]
        operations = tuple(operation for operation in found if operation is not None)
        return Call(operations, batched=True) if len(operations) == len(found) > 0 else None
    operation = operation_of(value)
    return Call((operation,)) if operation is not None else None


def read_parameters(parameters: Mapping[str, str]) -> Call | None:
    """Read the query of a GET request."""
    given: dict[str, Any] = {name: parameters[name] for name in ("query", "operationName") if name in parameters}
    if "extensions" in parameters:
        given["extensions"] = load_json(parameters["extensions"].encode())
    operation = operation_of(given)
    return Call((operation,)) if operation is not None else None


def read_form(body: bytes) -> Call | None:
    """Read a form (application/x-www-form-urlencoded), which holds what a GET request has in its query."""
    if b"query=" not in body and b"extensions=" not in body:
        return None
    return read_parameters(dict(parse_qsl(text(body))))


def read_plain(body: bytes, *, cut: bool = False) -> Call | None:
    """Read a body that is the document itself (application/graphql)."""
    operation = _chosen(body.decode("utf-8", "replace"), "", cut=cut)
    return Call((operation,)) if operation is not None else None


def read_upload(body: bytes, *, cut: bool = False) -> Call | None:
    """Read the part `operations` of a multipart request that uploads files."""
    part = _PART.search(body, 0, _PART_WITHIN)
    if part is None:
        return None
    _, _, rest = body[part.end() :].partition(b"\r\n\r\n")
    content, boundary, _ = rest.partition(b"\r\n--")
    return read_call(content, cut=cut and not boundary)


def operation_of(value: object) -> Operation | None:
    """Give the operation that one request object asks for."""
    if not isinstance(value, dict):
        return None
    document, name = value.get("query"), value.get("operationName")
    wanted = name if isinstance(name, str) else ""
    if isinstance(document, str) and document:
        return _chosen(document, wanted)
    extensions = value.get("extensions")
    if isinstance(extensions, dict) and isinstance(extensions.get("persistedQuery"), dict):
        return Operation("", wanted)
    return None


def read_errors(body: bytes, headers: Mapping[str, str], *, cut: bool = False) -> Errors | None:
    """Read the body of a response; None where it does not tell. A list counts as the sum of its responses."""
    decoded = decode_body(headers, body, BODY_LIMIT)
    data, kind = decoded.data, headers.get("content-type", "")
    if kind.startswith(("text/event-stream", "multipart/mixed")):
        parts = (_PART_CONTENT if kind[0] == "m" else _DATA_LINE).findall(data)
        data = b"[" + b",".join(parts[:BATCH]) + b"]"
    value = load_json(data)
    if value is None:
        begun = (cut or decoded.cut) and _BEGINS_WITH_ERRORS.match(data)
        return Errors(1) if begun else None
    found = [errors_of(item) for item in (value[:BATCH] if isinstance(value, list) else [value])]
    told = [errors for errors in found if errors is not None]
    if not told:
        return None
    first = next((errors for errors in told if errors.number), Errors())
    return first._replace(number=sum(errors.number for errors in told))


def errors_of(value: object) -> Errors | None:
    """Give the errors of one response object, of a list of errors, or of one error; None where it is none of them."""
    if isinstance(value, dict) and ("data" in value or "errors" in value):
        value = value.get("errors") or []
    elif isinstance(value, dict) and isinstance(value.get("message"), str):
        value = [value]
    if not isinstance(value, list):
        return None
    first = value[0] if value and isinstance(value[0], dict) else {}
    message, extensions = first.get("message"), first.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else ""
    return Errors(len(value), str(message or "")[:TEXT_LIMIT], str(code or "")[:TEXT_LIMIT])


def load_json(data: bytes) -> Any:
    """Read JSON; None where it is none (and for null)."""
    import orjson

    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _chosen(document: str, wanted: str, *, cut: bool = False) -> Operation | None:
    """Give the operation of a document that is to be run: the one of that name, else the first."""
    return (_remembered if len(document) <= REMEMBERED_LENGTH else _choose)(document, wanted, cut)


def _choose(document: str, wanted: str, cut: bool) -> Operation | None:
    try:
        operations = read_document(document, cut=cut)
    except DocumentError:
        return None
    return next((operation for operation in operations if operation.name == wanted), operations[0])


_remembered = lru_cache(REMEMBERED)(_choose)


def _read_beginning(body: bytes) -> Call | None:
    """Find the document in JSON whose end is missing."""
    found = _QUERY.search(body)
    if found is None:
        return None
    whole = bool(found[2])
    ends = range(len(found[1]), len(found[1]) - (1 if whole else _LONGEST_ESCAPE), -1)
    candidates = (load_json(b'"' + found[1][: max(0, end)] + b'"') for end in ends)
    document = next((candidate for candidate in candidates if candidate is not None), None)
    if not isinstance(document, str):
        return None
    name = _OPERATION_NAME.search(body)
    operation = _chosen(document, name[1].decode() if name is not None else "", cut=not whole)
    return Call((operation,), batched=body.lstrip()[:1] == b"[") if operation is not None else None
