from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.wire_mysql_probe import (
    Packets,
    find_command,
    follow,
    judge,
    judge_answer,
    judge_client,
    judge_command,
    judge_server,
)
from tests.dissect.conversation import connection
from tests.dissect.samples.mysql import (
    EXECUTE,
    PROTOCOL_41,
    SSL,
    answer,
    column,
    command,
    eof,
    error,
    greeting,
    login,
    ok,
    packet,
    query,
    row,
)

TLS = packet(1, struct.pack("<IIB", PROTOCOL_41 | SSL, 1 << 24, 45) + bytes(23))
NO, UNDECIDED, POSSIBLE, LIKELY, SURE = Confidence


@pytest.mark.parametrize(
    ("data", "opinion"),
    [
        (login(), SURE),
        (TLS, SURE),
        (query("SELECT 1"), SURE),
        (query("(select 1)"), SURE),
        (query("/* x */ something else"), POSSIBLE),
        (query("SELECT 1") + command(0x0E), SURE),
        (query("SELECT 1") + b"\x05\0\0\0\x99", NO),
        (command(0x17, EXECUTE), LIKELY),
        (command(0x17, b"\3\0\0\0\0\2\0\0\0"), NO),
        (command(0x0E), POSSIBLE),
        (command(0x0E, b"x"), NO),
        (command(0x19, b"\3\0\0\0"), POSSIBLE),
        (command(0x19, b"\3"), NO),
        (command(0x02, "shop"), POSSIBLE),
        (command(0x02, b"\x01\x02"), NO),
        (command(0x03, b"SELECT\x01\x02"), NO),
        (command(0x03), NO),
        (command(0x99), NO),
        (packet(0, b""), NO),
        (packet(9, b"\x03SELECT 1"), NO),
        (b"\x10\0", NO),
        (b"\x10\0\0\0", NO),
        (packet(1, b"\x01\x02\x03\x04\x05"), NO),
    ],
)
def test_a_client_is_judged_by_what_it_says(data: bytes, opinion: Confidence):
    assert judge_client(data, complete=True) is opinion


@pytest.mark.parametrize(
    ("data", "opinion"),
    [
        (greeting(), SURE),
        (greeting()[:30], NO),
        (packet(0, b"\xff\x10\x04Too many connections"), LIKELY),
        (answer(error(1045, "28000", "Access denied")), SURE),
        (answer(b"\xff\x01\x00no"), NO),
        (answer(b"\xff\x10\x04\x01\x02\x03"), NO),
        (answer(ok()), POSSIBLE),
        (answer(b"\x01", column("a"), eof(), row("1"), eof()), SURE),
        (answer(column("a")), LIKELY),
        (answer(b"\x01") + packet(5, column("a")), NO),
        (answer(b"hello"), NO),
        (packet(7, b"\0\0\0\2\0\0\0"), NO),
        (packet(0, b""), NO),
        (b"\x10\0", NO),
    ],
)
def test_a_server_is_judged_by_what_it_says(data: bytes, opinion: Confidence):
    assert judge_server(data, complete=True) is opinion


@pytest.mark.parametrize(
    "data", [greeting(), login(), TLS, query("SELECT " + "x" * 60), answer(error(1045, "28000", "no"))]
)
def test_a_beginning_is_never_refused(data: bytes):
    for size in range(1, len(data)):
        opinions = judge_client(data[:size], complete=False), judge_server(data[:size], complete=False)
        assert max(opinions) >= UNDECIDED


def test_an_unfinished_statement_is_judged_by_its_text_when_no_more_comes():
    long = query("SELECT " + "x" * 5000)[:4096]
    assert judge_client(long, complete=True) is LIKELY
    assert judge_client(query("z" * 5000)[:4096], complete=True) is NO
    assert judge_client(command(0x17, EXECUTE + bytes(5000))[:4096], complete=True) is POSSIBLE


def test_both_sides_have_to_fit():
    old = connection(from_start=False)

    def ask(client: bytes, server: bytes, *, complete: bool = True) -> Confidence:
        return judge(Opening(old, client, server, False, False, complete))

    assert ask(command(0x0E), answer(ok())) is LIKELY
    assert ask(command(0x17, EXECUTE), answer(ok())) is SURE
    assert ask(command(0x0E), b"HTTP/1.1 200 OK\r\n") is NO
    assert ask(command(0x0E), b"", complete=False) is UNDECIDED
    assert ask(command(0x0E), b"") is POSSIBLE
    assert ask(b"", b"") is NO


def test_packets_of_an_answer_are_followed_while_they_count_up():
    assert follow(answer(b"\x01", column("a"), eof())) == Packets(3, 1, broken=False)
    assert follow(answer(b"\x01", column("a"))[:-1]) == Packets(1, 0, broken=False)
    assert follow(answer(b"\x01") + packet(9, b"x")) == Packets(1, 0, broken=True)
    assert follow(answer(b"\x01", b"")) == Packets(1, 0, broken=True)


def test_answers_that_lie_behind_each_other_are_followed_though_the_client_spoke_between_them():
    switched = packet(1, b"\xfemysql_native_password\0" + b"x" * 20) + packet(3, b"\0\0\0\2\0\0\0")
    assert follow(switched + answer(b"\x01", column("a"), eof())) == Packets(5, 1, broken=False)
    opening = Opening(
        connection(),
        command(0x11, b"bob\0") + packet(2, b"proof") + query("set names utf8"),
        switched + packet(1, ok()),
        False,
        False,
    )
    assert judge(opening) is LIKELY
    assert judge_answer(answer(b"\xfe\0\0\2\0")) is POSSIBLE


def test_a_command_is_found_at_a_packet():
    inside = b"\x99" * 50
    assert find_command(inside + query("SELECT 1"), [0, 50]) == 50
    assert find_command(query("SELECT " + "x" * 90_000)[:1400], [0]) == 0
    assert find_command(login(), [0]) == 0
    assert find_command(inside, [0, 20]) == find_command(b"", [0]) == -1
    assert judge_command(b"\x0e") is POSSIBLE


def test_noise_is_hardly_ever_a_message():
    noise = random.Random(3)
    for _ in range(3000):
        data = noise.randbytes(200)
        assert judge_client(data, complete=True) <= POSSIBLE
        assert judge_server(data, complete=True) <= POSSIBLE


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_judged_without_an_exception(data: bytes, complete: bool):
    assert judge_client(data, complete=complete) in Confidence
    assert judge_server(data, complete=complete) in Confidence
    assert -1 <= find_command(data, [0]) <= len(data)


def test_a_change_of_the_way_to_log_in_is_not_taken_for_a_login_of_old():
    switch = packet(2, b"\xfemysql_native_password\0=PFp\x12m\x1b~y<qn3=pe9yq\0")
    assert judge_client(switch, complete=True) is NO
    assert judge_server(switch, complete=True) is POSSIBLE
