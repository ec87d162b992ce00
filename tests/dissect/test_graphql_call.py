from __future__ import annotations

import gzip
import json
import time
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.graphql_call import (
    BATCH,
    REMEMBERED_LENGTH,
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
from kubeshark_mcp.dissect.wire_graphql import Operation

CART = Operation("query", "GetCart", ("cart",))
DOCUMENT = "query GetCart { cart(id: 7) { id } }"
BODY = json.dumps({"operationName": "GetCart", "variables": {"id": 7}, "query": DOCUMENT}).encode()
PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": "ab" * 32}}


def test_a_request_asks_for_one_operation():
    assert read_call(BODY) == Call((CART,))
    assert read_call(b'{"query": "{cart}"}') == Call((Operation("query", "", ("cart",)),))


def test_a_list_is_a_batch_even_with_one_operation():
    assert read_call(b"[" + BODY + b"," + BODY + b"]") == Call((CART, CART), batched=True)
    assert read_call(b"[" + BODY + b"]") == Call((CART,), batched=True)
    assert read_call(b"[" + b",".join([BODY] * 1000) + b"]") == Call((CART,) * BATCH, batched=True)


def test_of_several_operations_the_named_one_is_run():
    both = "query A { a } query B { b }"
    assert operation_of({"query": both, "operationName": "B"}) == Operation("query", "B", ("b",))
    assert operation_of({"query": both, "operationName": "C"}) == Operation("query", "A", ("a",))
    assert operation_of({"query": both}) == Operation("query", "A", ("a",))


def test_a_persisted_query_has_a_name_at_most():
    assert operation_of({"operationName": "GetCart", "extensions": PERSISTED}) == Operation("", "GetCart")
    assert operation_of({"extensions": PERSISTED, "query": ""}) == Operation("", "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"17",
        b'"query"',
        b'{"query": {"match": {}}}',
        b'{"query": "SELECT 1"}',
        b'{"query": null}',
        b'{"query": "{}"}',
        b'{"query": "{app=\\"nginx\\"} |= \\"query\\""}',
        b'[{"query": "{a}"}, {"query": "no"}]',
        b'[{"query": "{a}"}, 5]',
        b'{"extensions": {"persistedQuery": "x"}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_asks_for_nothing_in_graphql_is_no_call(body: bytes):
    assert read_call(body) is None
    assert read_call(body, cut=True) is None


@pytest.mark.parametrize(
    "kept", [b'"cart(id: 7) { id } } extra', b"cart", b"cart(id: \\", b"cart(id: \\u00", b"cart(id: \\ud83d\\ude"]
)
def test_of_a_body_that_is_cut_the_document_is_read_as_far_as_it_goes(kept: bytes):
    body = b'{"operationName": "GetCart", "query": "query GetCart { ' + kept.removeprefix(b'"')
    assert read_call(body, cut=True) == Call((CART,))
    assert read_call(body) is None


def test_of_a_body_that_is_cut_behind_its_document_the_document_is_whole():
    body = b'[{"query": "query A {a} query B {b}", "operationName": "B", "variables": {"x": "yyyy'
    assert read_call(body, cut=True) == Call((Operation("query", "B", ("b",)),), batched=True)


def test_a_query_may_stand_in_the_address():
    assert read_parameters({"query": DOCUMENT, "operationName": "GetCart", "v": "1"}) == Call((CART,))
    extensions = json.dumps(PERSISTED)
    assert read_parameters({"operationName": "GetCart", "extensions": extensions}) == Call((Operation("", "GetCart"),))
    assert read_parameters({"query": "lamp"}) is None
    assert read_parameters({"extensions": "{"}) is None


def test_a_document_may_be_the_body():
    assert read_plain(DOCUMENT.encode()) == Call((CART,))
    assert read_plain(b"query GetCart { cart(id", cut=True) == Call((CART,))
    assert read_plain(b"hello") is None


def test_a_form_holds_what_an_address_may():
    form = urlencode({"query": DOCUMENT, "operationName": "GetCart"}).encode()
    assert read_form(form) == Call((CART,))
    assert read_form(b"query=lamp") is None
    assert read_form(b"&=\xff%") is None


def upload(operations: bytes) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="operations"\r\nContent-Type: application/json\r\n\r\n'
    return part + operations + b'\r\n--b\r\nContent-Disposition: form-data; name="map"\r\n\r\n{}\r\n--b--\r\n'


def test_an_upload_has_its_operations_in_a_part():
    assert read_upload(upload(BODY)) == Call((CART,))
    assert read_upload(upload(BODY).replace(b'"operations"', b"operations")) == Call((CART,))
    assert read_upload(upload(BODY)[:-60], cut=True) == Call((CART,))
    assert read_upload(upload(BODY).replace(b"operations", b"file")) is None


def error(message: str, code: str = "") -> dict[str, object]:
    return {"message": message, **({"extensions": {"code": code}} if code else {})}


@pytest.mark.parametrize(
    ("value", "errors"),
    [
        ({"data": {"a": 1}}, Errors()),
        ({"data": None, "errors": [error("no cart", "NOT_FOUND"), error("x")]}, Errors(2, "no cart", "NOT_FOUND")),
        ({"errors": None, "data": {}}, Errors()),
        ([error("a"), error("b")], Errors(2, "a", "")),
        (error("alone"), Errors(1, "alone", "")),
        ({"errors": ["text"]}, Errors(1)),
        ({"errors": [{"message": "x" * 9000, "extensions": []}]}, Errors(1, "x" * 500)),
        ({"errors": {"not": "a list"}}, None),
        ({"status": "ok"}, None),
        (None, None),
    ],
)
def test_errors_of_a_response_are_counted_and_the_first_is_told(value: object, errors: Errors | None):
    assert errors_of(value) == errors


def test_responses_of_a_batch_are_added_up():
    body = json.dumps([{"data": {}}, {"errors": [error("a", "A"), error("b")]}, {"errors": [error("c")]}]).encode()
    assert read_errors(body, {}) == Errors(3, "a", "A")


def test_a_compressed_response_is_read():
    body = gzip.compress(json.dumps({"errors": [error("no")], "data": "x" * 5000}).encode())
    assert read_errors(body, {"content-encoding": "gzip"}) == Errors(1, "no")


def test_a_stream_of_events_is_read():
    body = b'event: next\ndata: {"data": {"a": 1}}\n\nevent: next\r\ndata: {"errors": [{"message": "no"}]}\r\n\r\n'
    assert read_errors(body, {"content-type": "text/event-stream; charset=utf-8"}) == Errors(1, "no")


def test_a_stream_of_events_may_end_with_one_without_data():
    body = b'event: next\ndata: {"errors": [{"message": "no"}]}\n\nevent: complete\ndata: \n\n'
    assert read_errors(body, {"content-type": "text/event-stream"}) == Errors(1, "no")


def test_a_response_in_parts_is_read():
    first, second = b'{"data": {"a": 1}, "hasNext": true}', b'{"errors": [{"message": "no"}], "hasNext": false}'
    head = b"\r\n---\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
    body = head + first + head + second + b"\r\n-----\r\n"
    assert read_errors(body, {"content-type": 'multipart/mixed; boundary="-"'}) == Errors(1, "no")


def test_a_response_that_is_cut_tells_errors_only_where_it_begins_with_them():
    assert read_errors(b'{"errors": [{"message": "no", ', {}, cut=True) == Errors(1)
    assert read_errors(b'{"data": {"errors": [{"mess', {}, cut=True) is None
    assert read_errors(b"<html>", {}) is None


@pytest.mark.parametrize("unit", [b'"query": "', b'name="operations";', b'{"query":"{a', b"\\", b'"operationName"'])
def test_hostile_bodies_are_read_in_time(unit: bytes):
    body = b"{" + unit * (200_000 // len(unit))
    begun = time.process_time()
    assert (read_call(body, cut=True) or Call(())).operations in {(), (Operation("query", "", ("a",)),)}
    assert read_upload(body, cut=True) is None
    assert read_errors(body, {"content-type": "text/event-stream"}, cut=True) is None
    assert time.process_time() - begun < 1


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_left_alone(body: bytes, cut: bool):
    for found in (read_call(body, cut=cut), read_plain(body, cut=cut), read_upload(body, cut=cut)):
        assert found is None or found.operations
    assert read_errors(body, {"content-encoding": "gzip"}, cut=cut) is None or load_json(body) is not None


def test_a_document_that_is_sent_again_gives_the_same_operation_for_each_name():
    document = "query A {a} query B {b}"
    asked = [operation_of({"query": document, "operationName": name}) for name in ("A", "B", "A", "")]
    assert [operation and (operation.name, operation.fields) for operation in asked] == [
        ("A", ("a",)),
        ("B", ("b",)),
        ("A", ("a",)),
        ("A", ("a",)),
    ]


def test_a_document_too_long_to_be_remembered_is_read_each_time():
    document = "query A {a} " + "#" * REMEMBERED_LENGTH
    for _ in range(2):
        assert operation_of({"query": document}) == Operation("query", "A", ("a",))
