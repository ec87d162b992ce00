"""HTTP messages as fields of an entry."""

from __future__ import annotations

from kubeshark_mcp.dissect.http_head import RequestLine, StatusLine
from kubeshark_mcp.dissect.http_message import Message
from kubeshark_mcp.model.entry import Entry


def add_request(entry: Entry, message: Message[RequestLine]) -> None:
    """Put what the request says into the entry."""
    entry.request, entry.request_body, entry.malformed = message.span, message.body, message.malformed
    line, head = message.line, message.head
    if line is None:
        entry.summary = "not a request"
        return
    entry.summary = line.summary
    entry.fields = fields = {
        "method": line.method,
        "url": line.url,
        "path": line.path,
        "http_version": line.version,
        "request.headers": head.headers,
        "request_headers_size": message.header_size,
        "request_body_size": message.body_size,
    }
    if line.query:
        fields["query_string"] = line.query
    if head.request_cookies:
        fields["request.cookies"] = head.request_cookies
    if message.body_size > len(message.body):
        fields["request_body_cut"] = True
    if message.trailers:
        fields["request.trailers"] = message.trailers


def add_response(entry: Entry, message: Message[StatusLine]) -> None:
    """Put what the response says into the entry; the request's part is there already."""
    entry.response, entry.response_body = message.span, message.body
    if message.malformed:
        entry.malformed = f"{entry.malformed}; {message.malformed}" if entry.malformed else message.malformed
    fields = entry.fields
    line, head = message.line, message.head
    if line is not None:
        entry.summary = entry.summary or f"response {line.text}"
        entry.status = line.text
        entry.failed = line.code >= 400
        fields["status_code"] = line.code
        fields["response.headers"] = head.headers
        fields["response_headers_size"] = message.header_size
        fields.setdefault("http_version", line.version)
        if line.reason:
            fields["status_text"] = line.reason
    fields["response_body_size"] = message.body_size
    if head.response_cookies:
        fields["response.cookies"] = head.response_cookies
    if message.body_size > len(message.body):
        fields["response_body_cut"] = True
    if message.trailers:
        fields["response.trailers"] = message.trailers
