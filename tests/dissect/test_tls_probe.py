from __future__ import annotations

import random

import pytest

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.tls_probe import judge, probe
from tests.dissect import tls_building as b
from tests.dissect.conversation import CLIENT, SERVER, connection
from tests.dissect.samples.tlsx import SSL2_HELLO, dtls

SURE, LIKELY, POSSIBLE = Confidence.SURE, Confidence.LIKELY, Confidence.POSSIBLE
UNDECIDED, NO = Confidence.UNDECIDED, Confidence.NO
HELLO = b.handshake(b.client_hello(b.server_name("a.example")))


@pytest.mark.parametrize(
    ("data", "of_client", "of_server"),
    [
        (HELLO, SURE, NO),
        (b.handshake(b.server_hello()), NO, SURE),
        (b"".join(b.record(22, bytes([byte])) for byte in b.client_hello()[:8]), SURE, NO),
        (HELLO[:3], UNDECIDED, UNDECIDED),
        (HELLO[:10], UNDECIDED, UNDECIDED),
        (b.alert(2, 40), SURE, SURE),
        (b.alert(2, 40)[:6], UNDECIDED, UNDECIDED),
        (b.alert(7, 40), NO, NO),
        (b.sealed(100), LIKELY, LIKELY),
        (b.sealed(100) + b.sealed(20), SURE, SURE),
        (b.sealed(100) + b"HTTP/1.1 200", NO, NO),
        (b.sealed(9000)[:50], LIKELY, LIKELY),
        (b.record(23, bytes(9000), 0x0301)[:50], POSSIBLE, POSSIBLE),
        (b.handshake(b.certificate(b.CERTIFICATE)), LIKELY, LIKELY),
        (b.CHANGE + b.SEALED_FINISHED, SURE, SURE),
        (b.record(20, b"\x02"), NO, NO),
        (b.record(22, b""), NO, NO),
        (b"\x16\x03\x01\xff\xff", NO, NO),
        (b"GET / HTTP/1.1", NO, NO),
        (SSL2_HELLO, SURE, NO),
        (SSL2_HELLO[:8], UNDECIDED, NO),
    ],
)
def test_bytes_of_one_side_are_judged_by_their_records(data: bytes, of_client: Confidence, of_server: Confidence):
    assert (judge(data, CLIENT), judge(data, SERVER)) == (of_client, of_server)


@pytest.mark.parametrize(
    ("client", "server", "opinion"),
    [
        (HELLO, b"", SURE),
        (HELLO, b.alert(2, 70), SURE),
        (b"GET / HTTP/1.0\r\n\r\n", b.alert(2, 70), NO),
        (HELLO, b"HTTP/1.0 400 Bad Request", NO),
        (b"", b"", UNDECIDED),
    ],
)
def test_a_side_that_speaks_otherwise_refuses_for_both(client: bytes, server: bytes, opinion: Confidence):
    assert probe(Opening(connection(), client, server, True, True)) is opinion


def test_what_is_undecided_at_the_end_is_refused():
    assert probe(Opening(connection(), HELLO[:8], b"", True, True, complete=True)) is NO


@pytest.mark.parametrize(
    ("data", "opinion"),
    [
        (dtls(1, b.client_hello()[4:]), SURE),
        (b"\x17\xfe\xfd\x00\x01" + bytes(6) + b"\x00\x03abc", LIKELY),
        (b"\x17\xfe\xfd\x00\x01" + bytes(6) + b"\x00\x03abcd", NO),
        (HELLO, NO),
        (b"", NO),
    ],
)
def test_datagrams_are_judged_by_records_that_fill_them(data: bytes, opinion: Confidence):
    assert probe(Opening(connection("udp"), data, b"", True, True, complete=True)) is opinion


def test_noise_that_begins_like_a_record_is_refused_or_undecided_for_want_of_bytes():
    choice = random.Random(3)
    claimed = 0
    for _ in range(2000):
        data = b"\x16\x03\x01" + choice.randbytes(200)
        claimed += judge(data, CLIENT) >= LIKELY
    assert claimed < 100
