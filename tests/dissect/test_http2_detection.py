from __future__ import annotations

import random

import pytest

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.http2_detection import probe, probe_client, probe_server
from kubeshark_mcp.model.stream import Connection, Endpoint
from tests.dissect.samples.http2 import (
    ANSWER,
    ASK,
    HELLO,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    WELCOME,
    WINDOW_UPDATE,
    WITH_PRIORITY,
    block,
    data,
    frame,
    headers,
    literal,
    settings,
)

NO, UNDECIDED, POSSIBLE, LIKELY, SURE = Confidence


@pytest.mark.parametrize(
    ("said", "complete", "opinion"),
    [
        (PREFACE, False, SURE),
        (HELLO, True, SURE),
        (PREFACE[:16], True, SURE),
        (PREFACE[:5], False, UNDECIDED),
        (PREFACE[:5], True, NO),
        (b"PRI * HTTP/1.1\r\n\r\n", False, NO),
        (headers(1, ASK), False, NO),
    ],
)
def test_the_first_bytes_of_a_client_have_to_be_the_preface(said: bytes, complete: bool, opinion: Confidence):
    assert probe_client(said, complete=complete, first=True) is opinion


@pytest.mark.parametrize(
    ("said", "complete", "opinion"),
    [
        (headers(7, ASK), False, SURE),
        (frame(1, 4 | PADDED | WITH_PRIORITY, 7, b"\x02\0\0\0\0\x10" + ASK + b"\0\0"), False, SURE),
        (headers(7, ANSWER), False, NO),
        (headers(7, block(70, literal("server", "nginx"))), False, NO),
        (headers(7, block(literal("grpc-status", "0"))), False, NO),
        (headers(7, b"\x80"), False, NO),
        (data(7, b"x") + frame(WINDOW_UPDATE, 0, 7, b"\0\0\0\x01"), False, SURE),
        (frame(PING, 0, 0, b"12345678"), False, LIKELY),
        (data(7, b"x") + data(7, b"y"), False, LIKELY),
        (frame(0x10, 0, 0, b"\0\0\0\x07u=1") + headers(7, ASK), False, SURE),
        (data(7, b"x"), False, UNDECIDED),
        (data(7, b"x"), True, POSSIBLE),
        (data(7, b"x" * 9000)[:4096], True, POSSIBLE),
        (headers(7, ASK)[:5], False, UNDECIDED),
        (headers(7, ASK)[:5], True, NO),
        (b"GET / HTTP/1.1\r\n\r\n", False, NO),
        (data(7, b"x") + b"GET / HTTP/1.1\r\n", False, NO),
        (frame(1, 0, 7, ASK[:4]) + frame(9, 4, 7, ASK[4:]), False, SURE),
        (frame(1, 0, 7, ASK[:4]) + frame(9, 0, 7, ASK[4:]), True, LIKELY),
        (frame(1, 0, 7, ASK) + data(7, b"x"), False, NO),
        (frame(1, 0, 0x331, b"10D\0\0\0\x0d\0\1" * 300) + frame(1, 0, 0x332, b"1D"), True, NO),
    ],
)
def test_a_connection_whose_beginning_is_missing_is_known_by_its_frames(
    said: bytes, complete: bool, opinion: Confidence
):
    assert probe_client(said, complete=complete) is opinion


@pytest.mark.parametrize(
    ("said", "first", "opinion"),
    [
        (WELCOME, True, LIKELY),
        (WELCOME + headers(1, ANSWER), True, SURE),
        (WELCOME[:3], True, UNDECIDED),
        (settings((0x4D4D, 1)), True, NO),
        (headers(1, ANSWER), True, NO),
        (headers(1, ANSWER), False, SURE),
        (headers(1, ASK), False, NO),
        (headers(1, block(70, literal(":scheme", "http"))), False, NO),
        (frame(1, 0, 1, ASK[:4]) + frame(9, 4, 1, ASK[4:]), False, NO),
        (frame(PRIORITY, 0, 1, b"12345") + WELCOME, True, NO),
    ],
)
def test_a_server_begins_with_settings_and_never_sends_requests(said: bytes, first: bool, opinion: Confidence):
    assert probe_server(said, complete=False, first=first) is opinion


def opening(client: bytes, server: bytes, complete: bool = True) -> Opening:
    ends = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 40001)
    return Opening(Connection(0, "tcp", *ends, from_start=False), client, server, False, False, complete)


def test_a_connection_that_is_entered_in_its_middle_tells_which_end_asks():
    said, unclear = headers(7, ASK), headers(5, block(70, 71)) + data(5, b"x")
    assert probe(opening(said, unclear)) is SURE
    assert probe(opening(unclear, said)) is NO
    assert probe(opening(headers(7, ANSWER), unclear)) is NO
    assert probe(opening(b"the end of a body", headers(7, ANSWER))) is SURE


def test_frames_that_do_not_tell_which_end_asks_wait_for_what_does():
    unclear = headers(5, block(70, 71)) + data(5, b"x")
    assert probe(opening(unclear, b"", complete=False)) is UNDECIDED
    assert probe(opening(unclear, headers(7, ASK), complete=False)) is NO
    assert probe(opening(unclear, b"")) is SURE
    assert probe(opening(b"hello, world", b"", complete=False)) is NO


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\x00\x00\x08\x04\xd2\x16\x2f",  # PostgreSQL SSLRequest
        b"\x00\x00\x00\x19\x00\x12\x00\x00\x00\x00\x00\x01\x00\x04test\x00\x00\x00\x00\x00\x00\x00",  # Kafka
        b"\x4a\x00\x00\x00\x0a5.5.5-10.11",  # MariaDB greeting
        b"\x16\x03\x01\x00\x10\x01\x00\x00\x0c\x03\x03",  # TLS ClientHello
        b"\x00\x1d\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01",  # DNS
        b"AMQP\x00\x00\x09\x01",
        b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00",  # LDAP bind
        b"*1\r\n$4\r\nPING\r\n",
        bytes(4096),
    ],
)
def test_other_protocols_are_declined(said: bytes):
    for complete in (False, True):
        assert probe_client(said, complete=complete) is NO
        assert probe_server(said, complete=complete) is NO


def test_noise_is_declined():
    noise = random.Random(5)
    for _ in range(3000):
        assert probe_client(noise.randbytes(200), complete=True) <= POSSIBLE
