from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.protocols.http import Http
from kubeshark_mcp.dissect.protocols.http2 import Http2
from kubeshark_mcp.model.field import FieldType
from tests.dissect.conversation import CLIENT, SERVER, connection, meaning, play
from tests.dissect.samples.http2 import (
    ANSWER,
    ASK,
    CALL,
    GRPC_OK,
    HELLO,
    PREFACE,
    SAMPLES,
    STATUS_OK,
    WELCOME,
    block,
    data,
    headers,
    message,
    settings,
)

NO, UNDECIDED, POSSIBLE, LIKELY, SURE = Confidence


def opinion(client: bytes, server: bytes, start: bool = True, complete: bool = False) -> Confidence:
    return Http2().probe(Opening(connection(), client, server, start, start, complete))


@pytest.mark.parametrize(
    ("client", "server", "start", "complete", "expected"),
    [
        (HELLO, b"", True, False, SURE),
        (PREFACE[:4], WELCOME, True, False, UNDECIDED),
        (b"", WELCOME + headers(1, ANSWER), True, False, SURE),
        (b"", b"HTTP/1.1 200 OK\r\n", True, False, NO),
        (headers(1, ASK), WELCOME, True, False, NO),
        (b"", b"", True, False, UNDECIDED),
        (b"", b"", True, True, NO),
        (headers(7, ASK), b"", False, False, SURE),
        (b"middle of a body", headers(7, ANSWER), False, False, SURE),
        (headers(7, ANSWER), headers(7, ASK), False, False, NO),
    ],
)
def test_a_connection_is_known_by_either_side(
    client: bytes, server: bytes, start: bool, complete: bool, expected: Confidence
):
    assert opinion(client, server, start, complete) is expected


def test_entries_have_the_fields_of_http_and_the_contract_s_of_grpc():
    declared = {field.name: field for field in Http2.fields}
    assert all(declared[field.name] is field for field in Http.fields)
    grpc = {name: declared[name].type for name in ("grpc", "grpc_method", "grpc_status")}
    assert grpc == {"grpc": FieldType.BOOL, "grpc_method": FieldType.STRING, "grpc_status": FieldType.INT}
    assert declared["grpc_status"].missing_value == -1


def test_a_filter_for_http_finds_streams_and_calls():
    entries = play([Http2()], SAMPLES["gRPC: one call and an error"])
    told = [{name: entry.fields[name] for name in ("http", "http2", "grpc", "http_version")} for entry in entries]
    assert told == [{"http": True, "http2": True, "grpc": True, "http_version": "HTTP/2"}] * 2
    assert {entry.protocol for entry in entries} == {"http2"}


def test_a_connection_changes_from_http_1_by_upgrade():
    ask = (
        b"GET /a?b=1 HTTP/1.1\r\nHost: shop\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
    )
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    talk = [
        (CLIENT, ask),
        (SERVER, switch + WELCOME + headers(1, ANSWER)),
        (CLIENT, HELLO + headers(3, ASK, end=True)),
        (SERVER, data(1, b"hello", end=True) + headers(3, block(0x88), end=True)),
    ]
    switched, first, second = play([Http(), Http2()], talk)
    assert (switched.protocol, switched.status) == ("http", "101")
    assert (first.summary, first.status, first.fields["http2_upgraded"]) == ("GET /a", "200", True)
    assert (first.request, first.fields["request.headers"]["host"]) == (switched.request, "shop")
    assert (first.fields["query_string"], first.response_body) == ({"b": "1"}, b"hello")
    assert (second.summary, second.status, second.malformed) == ("GET /orders", "200", "")


def test_a_connection_seen_the_wrong_way_round_is_turned():
    """Without the beginning nobody knows which end asked; the bytes do."""
    talk = [
        (SERVER, headers(7, CALL) + data(7, message(b"ask"), end=True)),
        (CLIENT, headers(7, GRPC_OK) + data(7, message(b"told")) + headers(7, STATUS_OK, end=True)),
    ]
    (entry,) = play([Http(), Http2()], talk, from_start=False)
    assert (entry.summary, entry.status, entry.connection.client.address) == ("/shop.Cart/Add", "OK", "10.0.0.2")


def test_a_server_may_speak_first():
    talk = [(SERVER, settings((3, 100))), (CLIENT, HELLO + headers(1, ASK, end=True)), (SERVER, headers(1, ANSWER))]
    (entry,) = play([Http(), Http2()], talk)
    assert (entry.summary, entry.status) == ("GET /orders", "200")


def test_what_is_remembered_between_connections_changes_nothing():
    protocol = Http2()
    talk = SAMPLES["one after the other"]
    once, again = play([protocol], talk), play([protocol], talk)
    assert [meaning(entry) for entry in once] == [meaning(entry) for entry in again]
