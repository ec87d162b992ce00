from __future__ import annotations

from kubeshark_mcp.dissect.http_entry import add_request, add_response
from kubeshark_mcp.dissect.http_head import Head, Heads, RequestLines, StatusLines
from kubeshark_mcp.dissect.http_message import Message
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Span
from tests.dissect.conversation import connection

SPAN = Span(0, 9, 1, 1, 5, 5)


def request(line: bytes = b"POST /a?x=1 HTTP/1.1", block: bytes = b"Cookie: s=1") -> Message:
    message = Message(RequestLines()[line], Heads()[block], 40)
    message.span, message.body, message.body_size = SPAN, b"abc", 5
    return message


def response() -> Message:
    message = Message(StatusLines()[b"HTTP/1.1 503 Service Unavailable"], Heads()[b"Set-Cookie: t=2"], 50, "cut")
    message.span, message.trailers = SPAN, {"x": "1"}
    return message


def entry() -> Entry:
    return Entry("http", connection(), None, None)


def test_request_and_response_become_one_entry():
    made = entry()
    add_request(made, request())
    add_response(made, response())
    assert made == Entry(
        "http",
        connection(),
        SPAN,
        SPAN,
        {
            "method": "POST",
            "url": "/a?x=1",
            "path": "/a",
            "http_version": "HTTP/1.1",
            "query_string": {"x": "1"},
            "request.headers": {"cookie": "s=1"},
            "request.cookies": {"s": "1"},
            "request_headers_size": 40,
            "request_body_size": 5,
            "request_body_cut": True,
            "status_code": 503,
            "status_text": "Service Unavailable",
            "response.headers": {"set-cookie": "t=2"},
            "response.cookies": {"t": "2"},
            "response.trailers": {"x": "1"},
            "response_headers_size": 50,
            "response_body_size": 0,
        },
        summary="POST /a",
        status="503",
        failed=True,
        request_body=b"abc",
        malformed="cut",
    )


def test_a_response_alone_says_so():
    made = entry()
    add_response(made, response())
    assert (made.request, made.summary, made.fields["http_version"]) == (None, "response 503", "HTTP/1.1")


def test_what_is_no_request_has_no_fields_of_one():
    made = entry()
    message: Message = Message(None, Head({}), malformed="no request line")
    message.span = SPAN
    add_request(made, message)
    assert (made.summary, made.fields, made.malformed) == ("not a request", {}, "no request line")
