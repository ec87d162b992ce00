from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_postgresql import (
    TEXT_LIMIT,
    Failure,
    Tag,
    authentication_method,
    bound_parameters,
    read_failure,
    read_tag,
    startup_parameters,
    text_at,
)
from tests.dissect.samples.postgresql import LOGIN, authentication, bind, done, error, message, start


def test_strings_end_with_a_zero_and_are_cut():
    assert text_at(b"ab\0cd\0", 0) == ("ab", 3)
    assert text_at(b"ab\0cd\0", 3) == ("cd", 6)
    assert text_at(b"abc", 1) == ("bc", -1)
    assert text_at(b"x" * 5000 + b"\0", 0) == ("x" * TEXT_LIMIT, 5001)


def test_parameters_of_a_session_need_a_user():
    assert startup_parameters(LOGIN) == {"user": "app", "database": "shop", "application_name": "orders"}
    assert startup_parameters(start(user="a", options="")) == {"user": "a", "options": ""}
    assert startup_parameters(start(database="shop")) is None
    assert startup_parameters(LOGIN[:-2]) is None
    assert startup_parameters(LOGIN + b"x") is None
    assert startup_parameters(struct.pack(">II", 9, 196608) + b"\0") is None


def test_an_error_has_code_message_and_severity():
    assert read_failure(error("42P01", "no such table")) == Failure("42P01", "no such table", "ERROR")
    translated = message("E", "SFEHLER", "C42P01", "Mkeine Tabelle", b"\0")
    assert read_failure(translated) == Failure("42P01", "keine Tabelle", "FEHLER")
    assert read_failure(message("E", b"")) == Failure("", "", "")
    assert read_failure(message("E", b"Mcut")) == Failure("", "cut", "")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("SELECT 5", Tag("SELECT 5", "SELECT", 0)),
        ("INSERT 0 2", Tag("INSERT 0 2", "INSERT", 2)),
        ("UPDATE 3", Tag("UPDATE 3", "UPDATE", 3)),
        ("DELETE 0", Tag("DELETE 0", "DELETE", 0)),
        ("MERGE 4", Tag("MERGE 4", "MERGE", 4)),
        ("COPY 60", Tag("COPY 60", "COPY", 60)),
        ("CREATE TABLE", Tag("CREATE TABLE", "CREATE TABLE", 0)),
        ("odd one", Tag("odd one", "", 0)),
        ("", Tag("", "", 0)),
    ],
)
def test_a_tag_says_what_was_done_to_how_many_rows(tag: str, expected: Tag):
    assert read_tag(done(tag)) == expected


def test_methods_of_authentication_are_named():
    assert authentication_method(authentication(5, b"salt")) == "MD5"
    assert authentication_method(authentication(3)) == "cleartext password"
    assert authentication_method(authentication(10, b"SCRAM-SHA-256\0\0")) == "SCRAM-SHA-256"
    assert authentication_method(authentication(0)) == authentication_method(authentication(11, b"r=x")) == ""
    assert authentication_method(b"R\0\0\0\x04") == ""


def test_values_of_a_bind_are_counted():
    body = bind("s", "1", "2", "3", portal="p")
    position = text_at(body, text_at(body, 5)[1])[1]
    assert bound_parameters(body, position) == 3
    assert bound_parameters(body[:9], position) == bound_parameters(body, -1) == 0


@given(st.binary(max_size=80))
def test_any_bytes_are_read_without_an_exception(data: bytes):
    body = message("E", data)
    assert isinstance(read_failure(body), Failure)
    assert isinstance(read_tag(body), Tag)
    assert isinstance(authentication_method(body), str)
    assert bound_parameters(body, 5) >= 0
    assert startup_parameters(b"\0\0\0\x50\0\3\0\0" + data) is None or b"user" in data
