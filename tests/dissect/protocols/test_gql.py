from __future__ import annotations

import gzip
import json
import timeit
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.discovery import fields_by_protocol, load_protocols
from kubeshark_mcp.dissect.protocols.gql import REMEMBERED, GraphQL
from kubeshark_mcp.dissect.protocols.http import Http
from kubeshark_mcp.dissect.protocols.ws import WebSocket
from kubeshark_mcp.kfl import Catalogue, compile_filter
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field
from kubeshark_mcp.model.stream import Span
from tests.corpus.harness import dissect_file
from tests.dissect.conversation import CLIENT, SERVER, connection, play
from tests.dissect.samples.ws import frame, said
from tests.dissect.test_laws import has_type

RECORDED = Path(__file__).parents[2] / "recordings" / "gql"
HERE = Span(0, 1, 1, 1, 1, 1)
CART = "query GetCart($id: ID!) { cart(id: $id) { id } }"
DECLARED = {field.name: field.type for field in GraphQL.fields}


def asked(body: object, answer: object = None, *, how: str = "application/json", coding: str = "") -> Entry:
    """Give the HTTP entry of a call whose bodies are JSON, or bytes, as GraphQL has left it."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = f"Content-Type: {how}\r\n" + (f"Content-Encoding: {coding}\r\n" if coding else "")
    request = f"POST /graphql HTTP/1.1\r\n{headers}Content-Length: {len(content)}\r\n\r\n".encode() + content
    reply = json.dumps({"data": {}} if answer is None else answer).encode()
    response = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(reply) + reply
    (entry,) = play([Http(), GraphQL()], [(CLIENT, request), (SERVER, response)])
    return entry


def own(entry: Entry) -> dict[str, Any]:
    """Give the GraphQL fields of an entry, which are all declared and of their types."""
    found = {name: value for name, value in entry.fields.items() if name.startswith("gql")}
    assert all(has_type(value, DECLARED[name]) for name, value in found.items())
    return found


def test_an_operation_over_http_stands_on_the_http_entry():
    entry = asked({"operationName": "GetCart", "variables": {"id": "7"}, "query": CART})
    assert (entry.protocol, entry.summary) == ("http", "POST /graphql query GetCart")
    assert (entry.status, entry.failed) == ("200", False)
    assert own(entry) == {
        "gql": True,
        "gqlv1": True,
        "gql_operation_type": "query",
        "gql_operation_name": "GetCart",
        "gql_fields": ("cart",),
        "gql_operations": 1,
        "gql_errors": 0,
    }
    assert entry.fields["http"]


def test_a_response_with_errors_is_a_failure_whatever_its_status():
    error = {"message": "no such cart", "extensions": {"code": "NOT_FOUND"}}
    entry = asked({"query": "{ cart { id } }"}, {"data": None, "errors": [error, {"message": "x"}]})
    assert (entry.status, entry.failed, entry.summary) == ("200", True, "POST /graphql query {cart}")
    assert own(entry) == {
        "gql": True,
        "gqlv1": True,
        "gql_operation_type": "query",
        "gql_fields": ("cart",),
        "gql_operations": 1,
        "gql_errors": 2,
        "gql_error_message": "no such cart",
        "gql_error_code": "NOT_FOUND",
    }


def test_a_batch_names_its_first_operations():
    batch = [{"query": f"{kind} {name} {{ {field} }}"} for kind, name, field in (
        ("query", "A", "a"), ("mutation", "B", "b"), ("query", "C", "a"), ("query", "D", "d"),
    )]  # fmt: skip
    entry = asked(batch, [{"data": {}}, {"errors": [{"message": "no"}]}, {"data": {}}, {"data": {}}])
    assert entry.summary == "POST /graphql batch of 4: query A, mutation B, query C, …"
    assert own(entry) == {
        "gql": True,
        "gqlv2": True,
        "gql_operation_type": "query, mutation",
        "gql_operation_name": "A, B, C, D",
        "gql_fields": ("a", "b", "d"),
        "gql_operations": 4,
        "gql_errors": 1,
        "gql_error_message": "no",
    }


def test_a_persisted_query_has_no_type():
    entry = asked({"operationName": "GetCart", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ab"}}})
    assert entry.summary == "POST /graphql persisted GetCart"
    assert "gql_operation_type" not in own(entry)


@pytest.mark.parametrize(
    ("body", "how", "coding"),
    [
        (CART.encode(), "application/graphql", ""),
        (b"{ cart { id } }", "application/graphql; charset=utf-8", ""),
        (b" " + json.dumps({"query": CART}, indent=2).encode(), "application/json", ""),
        (gzip.compress(json.dumps({"query": CART}).encode(), mtime=0), "application/json", "gzip"),
        (b'{ cart(like: "query") { id } }', "application/graphql", ""),
        (b"\xef\xbb\xbf" + CART.encode(), "application/graphql", ""),
        (json.dumps({"variables": {"note": "x" * 900}, "query": CART}).encode(), "application/json", ""),
        (json.dumps({"extensions": {"client": "x" * 900}, "query": CART}).encode(), "application/json", ""),
        (b"query=%7Bcart%7Bid%7D%7D", "application/x-www-form-urlencoded", ""),
        (b"variables=%7B%7D&query=query+GetCart%7B+cart%7Bid%7D%7D", "application/x-www-form-urlencoded", ""),
        (
            b'--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n'
            + json.dumps({"query": CART}).encode()
            + b"\r\n--b--\r\n",
            "multipart/form-data; boundary=b",
            "",
        ),
    ],
)
def test_a_request_may_come_in_other_forms(body: bytes, how: str, coding: str):
    assert own(asked(body, how=how, coding=coding))["gql_fields"] == ("cart",)


@pytest.mark.parametrize(
    ("body", "how"),
    [
        (b'{"query": {"match_all": {}}}', "application/json"),
        (b'{"query": "SELECT 1", "size": 5}', "application/json"),
        (b"{ not json }", "application/json"),
        (b"{ cart }", "text/plain"),
        (b"query=%7Bcart%7D", "text/plain"),
        (b"query=lamp&page=2", "application/x-www-form-urlencoded"),
        (b"\x1f\x8b broken", "application/json"),
        (b"--b\r\nnothing", "multipart/form-data; boundary=b"),
    ],
)
def test_what_is_something_else_is_left_alone(body: bytes, how: str):
    entry = asked(body, how=how)
    assert (entry.summary, own(entry)) == ("POST /graphql", {})


def got(target: str) -> Entry:
    talk = [(CLIENT, f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())]
    (entry,) = play([Http(), GraphQL()], talk)
    return entry


def test_a_query_may_stand_in_the_address():
    entry = got(f"/graphql?query={quote(CART)}&variables=%7B%7D")
    assert entry.summary == "GET /graphql query GetCart"
    assert "gql_errors" not in own(entry)
    assert own(got("/graphql?operationName=A&extensions=" + quote('{"persistedQuery": {"version": 1}}'))) != {}
    assert own(got("/search?query=lamp")) == own(got("/loki?query=" + quote('{app="nginx"}'))) == {}


def test_of_a_request_that_is_longer_than_what_is_kept_the_beginning_is_read():
    content = json.dumps({"query": "query Long { first " + "x " * 500 + "}"}).encode()
    request = b"POST /g HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(content) + content
    (entry,) = play([Http(), GraphQL()], [(CLIENT, request)], settings=Settings(body_limit=100))
    assert (entry.summary, entry.fields["gql_fields"]) == ("POST /g query Long", ("first", "x"))


SWITCH = (
    (CLIENT, b"GET /graphql HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
    (
        SERVER,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n",
    ),
)


def spoken(*messages: tuple[Any, object], handshake: bool = True) -> list[Entry]:
    """Give the WebSocket entries of messages that each side sends."""
    talk = list(SWITCH) if handshake else []
    for sender, message in messages:
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        talk.append((sender, said(1, data) if sender is CLIENT else frame(1, data)))
    entries = play([Http(), WebSocket(), GraphQL()], talk)
    return [entry for entry in entries if entry.protocol == "ws"]


SUBSCRIBE = {"id": "7", "type": "subscribe", "payload": {"query": "subscription Prices { prices }"}}


def test_results_over_websocket_bear_the_name_of_their_operation():
    entries = spoken(
        (CLIENT, {"type": "connection_init", "payload": {"token": "x"}}),
        (SERVER, {"type": "connection_ack"}),
        (CLIENT, SUBSCRIBE),
        (SERVER, {"id": "7", "type": "next", "payload": {"data": {"prices": 1}}}),
        (SERVER, {"id": "7", "type": "next", "payload": {"errors": [{"message": "gone"}]}}),
        (SERVER, {"id": "7", "type": "complete"}),
        (SERVER, {"id": "7", "type": "next", "payload": {"data": {}}}),
    )
    assert [(entry.summary, entry.failed) for entry in entries] == [
        ("client connection_init /graphql", False),
        ("server connection_ack /graphql", False),
        ("client subscribe /graphql subscription Prices", False),
        ("server next /graphql subscription Prices", False),
        ("server next /graphql subscription Prices", True),
        ("server complete /graphql subscription Prices", False),
        ("server next /graphql", False),
    ]
    assert own(entries[4]) == {
        "gql": True,
        "gqlv2": True,
        "gql_message_type": "next",
        "gql_message_id": "7",
        "gql_operation_type": "subscription",
        "gql_operation_name": "Prices",
        "gql_fields": ("prices",),
        "gql_operations": 1,
        "gql_errors": 1,
        "gql_error_message": "gone",
    }


def test_a_refused_operation_fails():
    (_, entry) = spoken((CLIENT, SUBSCRIBE), (SERVER, {"id": "7", "type": "error", "payload": [{"message": "no"}]}))
    assert (entry.summary, entry.failed) == ("server error /graphql subscription Prices", True)
    (_, entry) = spoken((CLIENT, SUBSCRIBE), (SERVER, {"id": "7", "type": "error", "payload": {"message": "no"}}))
    assert own(entry)["gql_error_message"] == "no"


def test_where_the_handshake_was_not_seen_an_operation_tells_that_the_connection_speaks_graphql():
    tick = {"id": "7", "type": "data", "payload": {"data": {"prices": 1}}}
    start = {**SUBSCRIBE, "type": "start"}
    before, began, after = spoken((SERVER, tick), (CLIENT, start), (SERVER, tick), handshake=False)
    assert own(before) == {}
    assert (began.summary, after.summary) == ("client start subscription Prices", "server data subscription Prices")


def test_other_messages_over_websocket_are_left_alone():
    messages = (
        (CLIENT, {"type": "subscribe", "channel": "prices", "query": "all"}),
        (SERVER, {"type": "data", "query": "all"}),
        (SERVER, b"not json"),
        (SERVER, b"{broken"),
    )
    assert [own(entry) for entry in spoken(*messages, handshake=False)] == [{}] * 4
    assert own(spoken((SERVER, {"type": "tick"}))[0]) == {}


def test_an_operation_that_is_longer_than_what_is_kept_is_read_as_far_as_it_goes():
    message = {"type": "subscribe", "id": "1", "payload": {"query": "subscription Long { prices " + "x " * 9000 + "}"}}
    (entry,) = spoken((CLIENT, message))
    assert entry.summary == "client subscribe /graphql subscription Long"


def test_what_is_remembered_is_bounded():
    graphql = GraphQL()
    for number in range(REMEMBERED + 50):
        body = json.dumps({**SUBSCRIBE, "id": str(number)}).encode()
        entry = Entry("ws", connection(number=number), HERE, None, {"ws_request": True}, request_body=body)
        assert graphql.annotate(entry)
    assert len(graphql._operations) == len(graphql._speaking) == REMEMBERED


def test_what_is_no_graphql_costs_next_to_nothing():
    graphql = GraphQL()
    headers = {"content-type": "application/json", "host": "a"}
    plain = Entry("http", connection(), HERE, None, {"method": "GET", "request.headers": headers})
    body = b'{"sku": "17", "count": 3, "address": {"street": "somewhere", "zip": "12345"}}'
    posted = Entry("http", connection(), HERE, None, {"method": "POST", "request.headers": headers}, request_body=body)
    for entry in (plain, posted):
        assert not graphql.annotate(entry)
        assert min(timeit.repeat(lambda entry=entry: graphql.annotate(entry), number=1000, repeat=5)) < 0.005


@pytest.mark.parametrize("field", [pytest.param(field, id=field.name) for field in GraphQL.fields])
def test_the_example_of_each_field_compiles(field: Field):
    assert compile_filter(field.example, Catalogue(GraphQL.fields), now_ns=0).text == field.example


def test_its_fields_are_fields_of_http_and_websocket():
    names = {name: {field.name for field in fields} for name, fields in fields_by_protocol(load_protocols()).items()}
    assert "gql" not in names
    assert DECLARED.keys() <= names["http"] & names["ws"]


def log_of(case: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((RECORDED / f"{case}.json").read_text())["calls"]
    return found


def first_error(row: dict[str, Any]) -> tuple[int, str, str]:
    errors = row["errors"]
    return (len(errors), errors[0]["message"], errors[0]["code"]) if errors else (0, "", "")


def errors_in(fields: dict[str, Any]) -> tuple[int, str, str]:
    return fields.get("gql_errors", 0), fields.get("gql_error_message", ""), fields.get("gql_error_code", "")


def operation_in(fields: dict[str, Any]) -> tuple[str, str, list[str]]:
    name = fields.get("gql_operation_name", "")
    return fields.get("gql_operation_type", ""), name, list(fields.get("gql_fields", ()))


@pytest.mark.parametrize("case", ["queries", "mutations", "batches", "errors", "others"])
def test_operations_at_a_real_server_are_those_of_the_clients_log(case: str):
    log, result = log_of(case), dissect_file(RECORDED / f"{case}.pcap")
    assert result.warnings == []
    entries = result.of("http")
    assert [entry.fields["method"] for entry in entries] == [row["method"] for row in log]
    for entry, row in zip(entries, log, strict=True):
        fields = entry.fields
        assert fields.get("gql", False) == ("type" in row)
        assert operation_in(fields) == (row.get("type", ""), row.get("name", ""), row.get("fields", []))
        assert fields.get("gqlv2", False) == ("operations" in row)
        assert fields.get("gql_operations", 1) == row.get("operations", 1)
        assert errors_in(fields) == first_error(row)
        assert entry.failed == (row["status"] >= 400 or row["errors"] != [])


@pytest.mark.parametrize("case", ["subscriptions", "subscriptions_legacy"])
def test_messages_of_a_real_subscription_are_those_of_the_clients_log(case: str):
    log, result = log_of(case), dissect_file(RECORDED / f"{case}.pcap")
    assert result.warnings == []
    entries = [entry for entry in result.of("ws") if entry.fields["ws_opcode"] == "text"]
    assert len(log) <= len(entries) <= len(log) + 3, "messages behind the last that was read"
    for entry, row in zip(entries, log, strict=False):
        fields = entry.fields
        assert (fields["gqlv2"], fields["gql_message_type"]) == (True, row["message"])
        assert ("client" if "ws_request" in fields else "server") == row["from"]
        assert fields.get("gql_message_id", "") == row["id"]
        assert operation_in(fields) == (row.get("type", ""), row.get("name", ""), row.get("fields", []))
        assert errors_in(fields) == first_error(row)
        assert entry.failed == (row["errors"] != [])


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.pcap")), ids=lambda path: path.stem)
def test_each_recording_is_small_and_has_its_log(path: Path):
    assert path.stat().st_size <= 40_000
    assert len(log_of(path.stem)) >= 2
