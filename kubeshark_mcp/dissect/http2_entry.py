"""HTTP/2 streams as entries: the fields of HTTP, and those of gRPC where it is that."""

from __future__ import annotations

from typing import Any

from kubeshark_mcp.dissect.http2_streams import Half, Stream
from kubeshark_mcp.dissect.http_head import RequestLine, read_cookies, split_target
from kubeshark_mcp.dissect.wire_grpc import (
    NO_STATUS,
    MessageCounter,
    read_message,
    read_status,
    read_timeout,
    status_name,
)
from kubeshark_mcp.dissect.wire_hpack import HeaderSection
from kubeshark_mcp.dissect.wire_http2 import error_name
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, Direction

VERSION = "HTTP/2"

_TARGETS, _TARGET_LENGTH = 4096, 2048
_TAKEN_OVER = ("method", "url", "path", "query_string", "request_headers_size", "request_body_size", "request_body_cut")
_NO_ERROR, _CANCEL = 0, 8


class Targets(dict[tuple[str, str], RequestLine]):
    """Methods with request targets, remembered for as long as a run lasts; emptied when full."""

    def __missing__(self, key: tuple[str, str]) -> RequestLine:
        method, url = key
        path, query = split_target(method, url)
        line = RequestLine(method, url, VERSION, path, query, f"{method} {path or url}")
        if len(url) <= _TARGET_LENGTH:
            if len(self) >= _TARGETS:
                self.clear()
            self[key] = line
        return line


def make_entry(stream: Stream, connection: Connection, targets: Targets, notes: list[str]) -> Entry:
    """Give the entry of a stream. notes: what is not whole about it, beside what the stream knows itself."""
    request, response = stream.request, stream.response
    entry = Entry("http2", connection, request.span, response.span)
    entry.fields = fields = {"http": True, "http_version": VERSION, "http2_stream": stream.number}
    _add_request(entry, request, targets)
    if stream.upgrade is not None:
        _take_over(entry, stream.upgrade)
    _add_response(entry, response)
    if stream.reset > _NO_ERROR or stream.goaway:
        fields["http2_error"] = error_name(stream.reset)
        fields["http2_reset_by"] = "client" if stream.reset_by is Direction.CLIENT else "server"
    if stream.pushed:
        fields["http2_pushed"] = True
    _judge(entry, stream)
    if stream.grpc:
        _add_grpc(entry, stream)
    if unknown := _unknown(request) + _unknown(response):
        fields["http2_unknown_headers"] = unknown
        verb = "refers" if unknown == 1 else "refer"
        notes.append(f"{unknown} of the header fields {verb} to table entries that are not in the capture")
    for half, name in ((request, "request"), (response, "response")):
        if not half.sound:
            stream.notes += _broken(half, name)
    if stream.notes or notes:
        entry.malformed = "; ".join([*stream.notes, *notes])
    return entry


def _add_request(entry: Entry, half: Half, targets: Targets) -> None:
    section = half.section
    if section is not None:
        headers = section.headers
        method = headers.get(":method", "")
        connect = method == "CONNECT"
        target = headers.get(":authority" if connect and ":path" not in headers else ":path", "")
        if method and target and not (connect and ":path" in headers):
            line = targets[method, target]
            entry.summary = line.summary
            entry.fields.update(method=method, url=target, path=line.path)
            if line.query:
                entry.fields["query_string"] = line.query
        else:
            _add_known(entry, method, target)
    entry.request_body = _add_half(entry.fields, half, "request")
    if section is not None and "cookie" in section.headers:
        cookies = read_cookies(section.headers["cookie"].split(";"))
        if cookies:
            entry.fields["request.cookies"] = cookies


def _add_known(entry: Entry, method: str, target: str) -> None:
    """Add the part of a request line that is known."""
    path, query = split_target("", target)
    known: dict[str, Any] = {"method": method, "url": target, "path": path, "query_string": query}
    entry.fields.update({name: value for name, value in known.items() if value})
    entry.summary = f"{method or '?'} {path or '?'}"


def _add_response(entry: Entry, half: Half) -> None:
    section = half.section
    if section is not None:
        code = section.headers.get(":status", "")
        if len(code) == 3 and code.isascii() and code.isdigit():
            entry.fields["status_code"] = int(code)
            entry.status = code
            entry.summary = entry.summary or f"response {code}"
        if section.set_cookies:
            cookies = read_cookies([value.partition(";")[0] for value in section.set_cookies])
            entry.fields["response.cookies"] = cookies
    entry.response_body = _add_half(entry.fields, half, "response")
    entry.summary = entry.summary or "not a request"


def _add_half(fields: dict[str, Any], half: Half, name: str) -> bytes:
    """Add what requests and responses have in common; give the body."""
    if half.section is not None:
        fields[f"{name}.headers"] = half.section.regular
        fields[f"{name}_headers_size"] = half.section.size
    if half.trailers is not None:
        fields[f"{name}.trailers"] = half.trailers.headers
    body = b"".join(half.body)
    if half.seen:
        fields[f"{name}_body_size"] = half.body_size
        if half.body_size > len(body):
            fields[f"{name}_body_cut"] = True
    return body


def _take_over(entry: Entry, upgrade: Entry) -> None:
    """Take the request from the HTTP/1.1 message that stream 1 answers (RFC 7540 section 3.2)."""
    entry.request, entry.request_body, entry.summary = upgrade.request, upgrade.request_body, upgrade.summary
    entry.fields["http2_upgraded"] = True
    for name, value in upgrade.fields.items():
        if name in _TAKEN_OVER or name.startswith("request."):
            entry.fields[name] = value


def _judge(entry: Entry, stream: Stream) -> None:
    """Say how it went. A client may cancel what it has begun to receive: a watch ends like that."""
    entry.failed = entry.fields.get("status_code", 0) >= 400
    if stream.reset <= _NO_ERROR and not stream.goaway:
        return
    cancelled = stream.reset == _CANCEL and stream.reset_by is Direction.CLIENT
    if stream.abandoned or not (cancelled and entry.status):
        entry.failed = True
        entry.status = "GOAWAY" if stream.goaway else error_name(stream.reset)


def _add_grpc(entry: Entry, stream: Stream) -> None:
    fields = entry.fields
    fields["grpc"] = True
    if path := fields.get("path"):
        fields["grpc_method"] = entry.summary = path
    ends = _ends(stream.response)
    code = read_status(ends)
    fields["grpc_status"] = code
    if code != NO_STATUS:
        fields["grpc_status_name"] = status_name(code)
        entry.status = entry.status if stream.abandoned else status_name(code)
        entry.failed = entry.failed or code > 0
    elif stream.reset > _NO_ERROR:
        entry.status = error_name(stream.reset)
    elif stream.response.ended and fields.get("status_code") == 200 and not _unknown(stream.response):
        stream.notes.append("the response ended without grpc-status")
    if message := read_message(ends):
        fields["grpc_message"] = message
    _add_messages(fields, stream.request.messages, stream.response.messages)
    if stream.request.section is not None:
        _add_deadline(entry, stream, stream.request.section, code)


def _ends(half: Half) -> dict[str, str]:
    """Give the header fields that hold the status: the trailers, or all when nothing else was sent (Trailers-Only)."""
    if half.trailers is not None:
        return half.trailers.headers
    if half.messages is not None and half.messages.trailers:
        return half.messages.web_trailers()
    return half.section.headers if half.section is not None and half.ended else {}


def _add_messages(fields: dict[str, Any], asked: MessageCounter | None, answered: MessageCounter | None) -> None:
    for name, counter in (("request", asked), ("response", answered)):
        if counter is not None:
            fields[f"grpc_{name}_messages"] = counter.count
            fields[f"grpc_{name}_bytes"] = counter.bytes
            if counter.compressed:
                fields[f"grpc_{name}_compressed"] = counter.compressed
    up, down = asked is not None and asked.count > 1, answered is not None and answered.count > 1
    if up or down:
        fields["grpc_streaming"] = "both" if up and down else "client" if up else "server"


def _add_deadline(entry: Entry, stream: Stream, section: HeaderSection, code: int) -> None:
    """Add the deadline, and whether the call was given up when it was over.

    Clients round the deadline up to a few digits and need a moment to send it: 2 % or 1 ms are let pass.
    """
    timeout = read_timeout(section.headers)
    if not timeout:
        return
    entry.fields["grpc_timeout_us"] = timeout
    if (code != NO_STATUS and not stream.abandoned) or stream.reset != _CANCEL or entry.request is None:
        return
    waited = (stream.reset_ns - entry.request.start_ns) // 1000
    if waited + max(timeout // 50, 1000) >= timeout:
        entry.fields["grpc_deadline_exceeded"] = True
        entry.failed, entry.status = True, "deadline exceeded"


def _unknown(half: Half) -> int:
    found = half.section.unknown if half.section is not None else 0
    return found + half.trailers.unknown if half.trailers is not None else found


def _broken(half: Half, name: str) -> list[str]:
    """Say what of a half cannot be read."""
    found = []
    for section, part in ((half.section, "header section"), (half.trailers, "trailers")):
        if section is not None and section.error:
            found.append(f"the {name} {part} cannot be read: {section.error}")
        if section is not None and section.cut:
            found.append(f"only the first of {section.size} octets of the {name} {part} are kept")
    if half.missing:
        found.append(f"{half.missing} bytes missing in the {name} body")
    if half.seen and half.section is None:
        found.append(f"the {name} header section was not captured")
    messages = half.messages
    if messages is not None and messages.broken:
        found.append(f"the {name} messages cannot be counted: {messages.broken}")
    elif messages is not None and half.ended and messages.unfinished:
        found.append(f"the last {name} message is not whole")
    return found
