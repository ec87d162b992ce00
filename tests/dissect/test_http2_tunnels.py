from __future__ import annotations

from kubeshark_mcp.dissect.discovery import load_protocols
from tests.dissect.conversation import CLIENT, SERVER, Talk, play
from tests.dissect.samples import http2 as h
from tests.dissect.samples.ws import frame, said

SCHEME = h.literal(6, "https")


def connect(stream: int, path: str = "/chat?x=1", protocol: str = "websocket") -> bytes:
    """An extended CONNECT (RFC 8441 section 4)."""
    fields = [h.literal(2, "CONNECT"), h.literal(":protocol", protocol), SCHEME, h.literal(h.PATH, path)]
    return h.headers(stream, h.block(*fields, h.literal(h.AUTHORITY, "chat.example")))


def accepted(stream: int, *more: bytes) -> bytes:
    return h.headers(stream, h.block(h.OK, *more))


def entries(talk: Talk, **how):
    return [
        (entry.protocol, entry.summary, entry.fields.get("http2_stream"), entry.malformed)
        for entry in play(load_protocols(), talk, **how)
    ]


def test_websocket_inside_streams_is_read_and_streams_are_kept_apart():
    subprotocol = h.literal("sec-websocket-protocol", "chat.v1")
    talk = [
        (CLIENT, h.HELLO + connect(1) + connect(3, "/news")),
        (SERVER, h.WELCOME + accepted(1, subprotocol) + accepted(3)),
        (CLIENT, h.data(1, said(1, b"hello")[:4]) + h.data(3, said(1, b"news?")) + h.data(1, said(1, b"hello")[4:])),
        (SERVER, h.data(3, frame(1, b"none")) + h.data(1, frame(1, b"hi"))),
        (CLIENT, h.data(1, said(8, b"\x03\xe8"), end=True)),
        (SERVER, h.data(1, frame(8, b"\x03\xe8"), end=True)),
        (CLIENT, h.data(3, said(8), end=True)),
        (SERVER, h.data(3, frame(8), end=True)),
    ]
    assert entries(talk) == [
        ("ws", "client text /news, 5 bytes", 3, ""),
        ("ws", "client text /chat, 5 bytes", 1, ""),
        ("ws", "server text /news, 4 bytes", 3, ""),
        ("ws", "server text /chat, 2 bytes", 1, ""),
        ("ws", "client close /chat 1000 Normal Closure", 1, ""),
        ("ws", "server close /chat 1000 Normal Closure", 1, ""),
        ("http2", "CONNECT /chat", 1, ""),
        ("ws", "client close /news", 3, ""),
        ("ws", "server close /news", 3, ""),
        ("http2", "CONNECT /news", 3, ""),
    ]
    first = play(load_protocols(), talk)[1]
    assert first.fields["ws_subprotocol"] == "chat.v1"
    assert (first.request.first_packet, first.request.last_packet) == (3, 3)


def test_graphql_over_such_a_stream_is_found_and_operations_of_streams_are_kept_apart():
    subprotocol = h.literal("sec-websocket-protocol", "graphql-transport-ws")
    asked = [
        b'{"id": "1", "type": "subscribe", "payload": {"query": "subscription %s { %s }"}}' % (name, name.lower())
        for name in (b"Prices", b"Orders")
    ]
    answered = b'{"id": "1", "type": "next", "payload": {"data": {}}}'
    talk = [
        (CLIENT, h.HELLO + connect(1) + connect(3)),
        (SERVER, h.WELCOME + accepted(1, subprotocol) + accepted(3, subprotocol)),
        (CLIENT, h.data(1, said(1, asked[0])) + h.data(3, said(1, asked[1]))),
        (SERVER, h.data(1, frame(1, answered)) + h.data(3, frame(1, answered))),
    ]
    found = [entry for entry in play(load_protocols(), talk) if entry.protocol == "ws"]
    assert [entry.fields["gql_operation_name"] for entry in found] == ["Prices", "Orders", "Prices", "Orders"]
    assert all(entry.fields["gqlv2"] for entry in found)


def test_a_connect_to_a_host_and_port_is_dissected_as_what_it_carries():
    ask = h.headers(1, h.block(h.literal(2, "CONNECT"), h.literal(h.AUTHORITY, "shop:80")))
    talk = [
        (CLIENT, h.HELLO + ask),
        (SERVER, h.WELCOME + accepted(1)),
        (CLIENT, h.data(1, b"GET /inside HTTP/1.1\r\nHost: shop\r\n\r\n")),
        (SERVER, h.data(1, b"HTTP/1.1 204 No Content\r\n\r\n", end=True)),
        (CLIENT, h.data(1, end=True)),
    ]
    assert entries(talk) == [("http", "GET /inside", None, ""), ("http2", "CONNECT shop:80", 1, "")]


def test_missing_content_is_a_gap_inside():
    parts = [h.data(1, frame(1, b"one")), h.data(1, frame(2, b"x" * 400)), h.data(1, frame(1, b"three"))]
    talk = [
        (CLIENT, h.HELLO + connect(1)),
        (SERVER, h.WELCOME + accepted(1)),
        (SERVER, parts[0] + parts[1][:100]),
        (SERVER, parts[1][100:300]),
        (SERVER, parts[1][300:] + parts[2]),
        (CLIENT, h.data(1, b"")),
    ]
    found = entries(talk, lost=[3])
    assert [summary for protocol, summary, *_ in found if protocol == "ws"] == [
        "server text /chat, 3 bytes",
        "server binary /chat, 400 bytes",
        "server text /chat, 5 bytes",
    ]
    assert "200 bytes are missing" in found[1][3]


def test_a_refused_connect_and_an_unknown_protocol_open_nothing():
    refused = h.headers(1, h.block(h.NOT_FOUND))
    talk = [
        (CLIENT, h.HELLO + connect(1) + connect(3, protocol="connect-udp")),
        (SERVER, h.WELCOME + refused + h.data(1, frame(1, b"one"), end=True) + accepted(3)),
        (SERVER, h.data(3, frame(1, b"one"), end=True)),
        (CLIENT, h.data(1, end=True) + h.data(3, end=True)),
    ]
    assert [protocol for protocol, *_ in entries(talk)] == ["http2", "http2"]
