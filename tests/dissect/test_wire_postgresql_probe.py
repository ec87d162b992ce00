from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.wire_postgresql_probe import (
    Chain,
    begins,
    chain,
    find_message,
    judge,
    judge_kinds,
    judge_start,
    plausible,
)
from tests.dissect.conversation import connection
from tests.dissect.samples.postgresql import (
    BOUND,
    CLIENT,
    IDLE,
    LOGIN,
    SERVER,
    SSL,
    SYNC,
    authentication,
    bind,
    columns,
    describe,
    done,
    error,
    execute,
    message,
    parse,
    query,
    request,
    row,
)

TRUE = [
    (CLIENT, query("SELECT 1")), (CLIENT, parse("s", "SELECT $1")), (CLIENT, bind("s", "1", "22")), (CLIENT, execute()),
    (CLIENT, describe("S", "s")), (CLIENT, message("C", b"Ss\0")), (CLIENT, SYNC), (CLIENT, message("f", "no")),
    (CLIENT, message("d", b"1")), (CLIENT, message("p", b"x")), (CLIENT, message("F", b"\0" * 12)),
    (SERVER, columns("a", "b")), (SERVER, row("1", None)), (SERVER, done("INSERT 0 1")), (SERVER, IDLE),
    (SERVER, error("42601", "no")), (SERVER, message("t", 1, b"\0\0\0\x17")), (SERVER, message("G", b"\0\0\x01\0\0")),
    (SERVER, message("A", b"\0\0\0\x01", "c", "p")), (SERVER, message("S", "a", "b")), (SERVER, BOUND),
    (SERVER, authentication(5, b"salt")),
    (SERVER, message("K", b"\0" * 8)), (SERVER, message("V", b"\xff" * 4)), (SERVER, message("v", b"\0" * 8)),
]  # fmt: skip
FALSE = [
    (CLIENT, message("Q", b"SELECT\x01\0")), (CLIENT, message("Q", b"no end")), (CLIENT, message("P", b"a\0b\0\0\x09")),
    (CLIENT, message("B", b"\0\0\0\0\0\x01\0\0")), (CLIENT, message("E", b"a\0b\0\0")), (CLIENT, message("D", b"Xa\0")),
    (CLIENT, message("S", b"x")), (SERVER, message("Z", b"Q")), (SERVER, message("T", b"\0\x09a\0")),
    (SERVER, message("D", b"\0\x01\0\0\0\x09a")), (SERVER, message("C", "lower")), (SERVER, message("E", b"x\0\0")),
    (SERVER, message("1", b"x")), (SERVER, message("R", struct.pack(">I", 99))), (SERVER, message("G", b"\x07\0\0")),
    (SERVER, message("T", b"")), (SERVER, message("D", b"")), (SERVER, message("t", b"\0\x05")), (SERVER, message("x")),
]  # fmt: skip


@pytest.mark.parametrize(("way", "data"), TRUE)
def test_true_messages_are_plausible(way: object, data: bytes):
    assert plausible(way, data, 0, len(data))  # type: ignore[arg-type]


@pytest.mark.parametrize(("way", "data"), FALSE)
def test_others_are_not(way: object, data: bytes):
    assert not plausible(way, data, 0, len(data))  # type: ignore[arg-type]


def test_messages_are_followed_to_an_end_a_rest_or_a_break():
    assert chain(SERVER, columns("a") + row("1") + IDLE) == Chain(3, 3, 0)
    assert chain(SERVER, IDLE + row("1")[:-1]) == Chain(1, 1, len(row("1")) - 1)
    assert chain(SERVER, IDLE + b"GET / HTTP/1.1") == Chain(1, 1, -1)
    assert chain(CLIENT, SYNC + message("d", b"x")) == Chain(2, 0, 0)
    assert chain(CLIENT, SYNC * 9, most=3) == Chain(3, 0, 0)
    assert chain(CLIENT, b"Q\0\0\0\x01") == Chain(0, 0, -1)


def test_only_some_messages_begin_long_ones():
    assert begins(SERVER, b"D\0\0\xff\xff\0\x01", 0)
    assert not begins(SERVER, b"D\0\0\0\x07\0\x09", 0)
    assert not begins(SERVER, b"Z\0\0\xff\xff", 0)
    assert not begins(CLIENT, b"Q\0\0\xff\xff\x01\x02", 0)
    assert not begins(CLIENT, b"C\0\x10\xff\xff", 0)


def test_the_first_message_of_a_session_is_known_by_its_code():
    assert judge_start(LOGIN) is judge_start(SSL) is judge_start(request(80877102, 1, 2)) is Confidence.SURE
    assert judge_start(LOGIN[:9], complete=False) is judge_start(b"\0", complete=False) is Confidence.UNDECIDED
    assert judge_start(LOGIN[:40]) is Confidence.LIKELY
    assert judge_start(LOGIN[:11]) is judge_start(b"\0\0") is judge_start(query("SELECT 1")) is Confidence.NO
    assert judge_start(struct.pack(">II", 8, 1234), b"N") is Confidence.POSSIBLE
    assert judge_start(struct.pack(">II", 30, 196608) + b"\x01\x02", complete=False) is Confidence.NO


def test_more_and_telling_messages_make_surer():
    assert judge_kinds(SERVER, row("1") + IDLE, complete=True) is Confidence.SURE
    assert judge_kinds(CLIENT, query("SELECT 1") + SYNC[:3], complete=True) is Confidence.LIKELY
    assert judge_kinds(CLIENT, SYNC, complete=True) is Confidence.POSSIBLE
    assert judge_kinds(SERVER, row("123")[:9], complete=False) is Confidence.UNDECIDED


def test_both_sides_have_to_fit():
    old = connection(from_start=False)
    asked, answered = query("SELECT 1"), done("SELECT 1") + IDLE
    assert judge(Opening(old, asked, answered, False, False, True)) is Confidence.SURE
    assert judge(Opening(old, asked, b"HTTP/1.1 200 OK\r\n", False, False, True)) is Confidence.NO
    assert judge(Opening(old, b"", b"", False, False, True)) is Confidence.NO


def test_a_server_alone_is_known_by_how_it_asks_for_a_login():
    asked = authentication(10, b"SCRAM-SHA-256\0\0") + authentication(0)

    def alone(data: bytes, *, complete: bool = True) -> Confidence:
        return judge(Opening(connection(), b"", data, False, True, complete))

    assert alone(asked) is alone(b"N" + asked) is Confidence.SURE
    assert alone(asked, complete=False) is alone(b"N", complete=False) is Confidence.UNDECIDED
    assert alone(b"RFB 003.008\n") is alone(row("1") + IDLE) is alone(b"220 mail\r\n") is Confidence.NO
    assert alone(b"R\0\0\0\x08\0\0\0\x63") is Confidence.NO


def test_a_message_is_found_at_a_packet_or_behind_a_ready_for_query():
    inside = b"\x99" * 50
    assert find_message(SERVER, inside + row("1") + IDLE, [0, 50]) == 50
    assert find_message(SERVER, inside + IDLE + row("1"), [0]) == 50
    assert find_message(SERVER, inside, [0]) == find_message(CLIENT, inside + IDLE, [0]) == -1
    assert find_message(CLIENT, inside + query("SELECT 1"), [0, 50]) == 50


def test_noise_is_hardly_ever_a_message():
    noise = random.Random(3)
    claims = sum(
        judge_kinds(way, noise.randbytes(200), complete=True) > Confidence.POSSIBLE
        for _ in range(3000)
        for way in (CLIENT, SERVER)
    )
    assert claims == 0


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_judged_without_an_exception(data: bytes, complete: bool):
    for way in (CLIENT, SERVER):
        assert judge_kinds(way, data, complete=complete) in Confidence
        assert -1 <= find_message(way, data, [0]) <= len(data)
    assert judge_start(data, complete=complete) in Confidence
