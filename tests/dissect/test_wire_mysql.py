from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_mysql import (
    Failure,
    Greeting,
    Login,
    Outcome,
    integer,
    number,
    query_text,
    read_change_user,
    read_error,
    read_greeting,
    read_info,
    read_login,
    read_ok,
    string,
    text_at,
    wants_tls,
)
from tests.dissect.samples.mysql import (
    PLUGIN_AUTH,
    PROTOCOL_41,
    SSL,
    USUAL,
    ended,
    eof,
    error,
    greeting,
    login,
    ok,
    text,
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x05", (5, 1)),
        (b"\xfa", (250, 1)),
        (b"\xfc\x01\x02", (0x201, 3)),
        (b"\xfd\x01\x02\x03", (0x30201, 4)),
        (b"\xfe" + b"\x01" + bytes(7), (1, 9)),
        (b"\xfb", (-1, 0)),
        (b"\xff", (-1, 0)),
        (b"\xfc\x01", (-1, 0)),
        (b"", (-1, 0)),
    ],
)
def test_integers_bear_their_length(data: bytes, expected: tuple[int, int]):
    assert integer(data, 0) == expected


def test_strings_and_numbers_are_read_within_their_bounds():
    assert string(b"\x03abcd", 0) == (b"abc", 4)
    assert string(b"\x09abcd", 0) == (b"", -1)
    assert text_at(b"ab\0cd", 0) == ("ab", 3)
    assert text_at(b"abcd", 2) == ("cd", 5)
    assert number(b"\x01\x02\x03", 0, 2) == 0x201
    assert number(b"", 5, 4) == 0
    assert integer(b"\x01", -1) == (-1, -1)


def test_a_greeting_names_version_session_and_plugin():
    caps = USUAL
    assert read_greeting(greeting(caps)[4:]) == Greeting("8.0.36", 17, caps, "caching_sha2_password")
    assert read_greeting(greeting(caps & ~PLUGIN_AUTH)[4:]) == Greeting("8.0.36", 17, caps & ~PLUGIN_AUTH, "")
    mariadb = read_greeting(greeting(version="5.5.5-10.11.6-MariaDB")[4:])
    assert mariadb is not None
    assert mariadb.version == "10.11.6-MariaDB"
    assert read_greeting(b"\x093.23\0\x07\0\0\0saltsalt\0") == Greeting("3.23", 7, 0, "")


@pytest.mark.parametrize("data", [b"", b"\x0a", b"\x0a8.0\0", b"\x0a\x01\x02\0" + bytes(40), b"\x0b8.0\0" + bytes(40)])
def test_others_are_no_greeting(data: bytes):
    assert read_greeting(data) is None


def test_a_login_names_user_database_plugin_and_program():
    assert read_login(login()[4:]) == Login(USUAL, "app", "shop", "mysql_native_password", "orders")


def test_logins_without_extras_and_of_before_are_read():
    caps = PROTOCOL_41
    plain = struct.pack("<IIB", caps, 1, 45) + bytes(23) + b"app\0" + b"secret\0"
    assert read_login(plain) == Login(caps, "app", "", "", "")
    lenenc = caps | 1 << 21
    assert read_login(struct.pack("<IIB", lenenc, 1, 45) + bytes(23) + b"app\0\x02xy") == Login(
        lenenc, "app", "", "", ""
    )
    old = struct.pack("<H", 8) + b"\0\0\x40" + b"app\0secret\0shop\0"
    assert read_login(old) == Login(8, "app", "shop", "mysql_old_password", "")
    assert [read_login(old + bytes(512)), read_login(bytes(2) + old[2:])] == [None, None]


@pytest.mark.parametrize("data", [b"", b"\0\0\0", struct.pack("<IIB", PROTOCOL_41, 1, 45) + b"\x01" * 40, bytes(6)])
def test_others_are_no_login(data: bytes):
    assert read_login(data) is None


def test_the_library_is_named_where_the_program_is_not():
    attributes = text("_client_name") + text("libmysql")
    data = struct.pack("<IIB", PROTOCOL_41 | 1 << 20, 1, 45) + bytes(23) + b"app\0\0" + text(attributes)
    found = read_login(data)
    assert found is not None
    assert found.program == "libmysql"


def test_a_change_of_user_is_read():
    body = b"\x11second\0\x04abcdother\0\x2d\0mysql_native_password\0" + text(text("program_name") + text("p"))
    assert read_change_user(body) == Login(0, "second", "other", "mysql_native_password", "p")
    assert read_change_user(b"\x11second\0") == Login(0, "second", "", "", "")


def test_a_wish_for_tls_has_a_size_and_a_flag():
    wish = struct.pack("<IIB", PROTOCOL_41 | SSL, 1, 45) + bytes(23)
    assert wants_tls(wish)
    assert not wants_tls(wish + b"a\0")
    assert not wants_tls(struct.pack("<IIB", PROTOCOL_41, 1, 45) + bytes(23))


def test_ends_of_results_are_read_in_each_form():
    assert read_ok(ok(3, 7, 0x22, 1, b"words")) == Outcome(3, 7, 0x22, 1, b"words")
    assert read_ok(eof(8)) == Outcome(-1, 0, 8, 0, b"")
    assert read_ok(ended(8)) == Outcome(0, 0, 8, 0, b"")
    assert read_ok(b"\0") == Outcome(-1, 0, 0, 0, b"")


def test_the_words_of_an_answer_are_read_with_and_without_a_length():
    assert read_info(b"plain words", tracked=False) == ("plain words", "")
    assert read_info(text("Records: 2"), tracked=False) == ("Records: 2", "")
    changes = b"\x00" + text("x=y") + b"\x01" + text(text("third"))
    assert read_info(text("words") + text(changes), tracked=True) == ("words", "third")
    assert read_info(b"", tracked=True) == ("", "")


def test_errors_are_read_with_and_without_a_state():
    assert read_error(error(1045, "28000", "Access denied")) == Failure(1045, "28000", "Access denied")
    assert read_error(b"\xff\x10\x04Too many") == Failure(1040, "", "Too many")


def test_the_text_of_a_query_lies_behind_its_attributes():
    attributes = b"\x01\x01\0\x01" + b"\x08\0" + text("n") + struct.pack("<q", 7)
    assert query_text(b"\x03SELECT 1", attributes=False) == b"SELECT 1"
    assert query_text(b"\x03" + attributes + b"SELECT 1", attributes=True) == b"SELECT 1"
    assert query_text(b"\x03\0\x01SELECT 1", attributes=True) == b"SELECT 1"


def test_attributes_are_found_where_the_login_was_not_seen():
    assert query_text(b"\x03\0\x01SELECT 1", attributes=None) == b"SELECT 1"
    assert query_text(b"\x03SELECT 1", attributes=None) == b"SELECT 1"
    assert query_text(b"\x03\tSELECT 1", attributes=None) == b"\tSELECT 1"


def test_values_of_each_kind_are_passed_over():
    values = {
        1: b"\x01", 2: b"\x01\0", 3: bytes(4), 4: bytes(4), 5: bytes(8), 6: b"", 7: b"\x04" + bytes(4), 8: bytes(8),
        9: bytes(4), 10: b"\0", 11: b"\x08" + bytes(8), 12: b"\x0b" + bytes(11), 13: bytes(2), 253: text("x" * 300),
    }  # fmt: skip
    kinds = b"".join(bytes([kind, 0]) + text("name") for kind in values)
    body = bytes([3, len(values), 1]) + bytes((len(values) + 7) // 8) + b"\x01" + kinds + b"".join(values.values())
    assert query_text(body + b"SELECT 1", attributes=True) == b"SELECT 1"


@pytest.mark.parametrize(
    "body", [b"\x05\x01", b"\x01\x01\0\x01", b"\xfc\xff\xff\x01", b"\x01\x01\0\x01\xfd\0\x01n\x50x"]
)
def test_attributes_that_cannot_be_read_leave_the_payload(body: bytes):
    assert query_text(b"\x03" + body, attributes=True) == body


@given(st.binary(min_size=1, max_size=80))
def test_any_bytes_are_read_without_an_exception(data: bytes):
    read_greeting(b"\x0a" + data)
    read_login(data)
    read_login(struct.pack("<IIB", USUAL | 1 << 21, 1, 45) + bytes(23) + data)
    read_change_user(data)
    read_ok(data)
    read_error(data)
    read_info(data, tracked=True)
    assert query_text(b"\x03" + data, attributes=True) in data
