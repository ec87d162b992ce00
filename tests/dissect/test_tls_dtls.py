from __future__ import annotations

import tracemalloc

import pytest

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.dissect.protocols.tlsx import Tls
from kubeshark_mcp.model.stream import Datagram
from tests.dissect import tls_building as b
from tests.dissect.conversation import CLIENT, SERVER, START_NS, connection, play
from tests.dissect.samples.tlsx import DTLS_HELLO, SAMPLES, dtls

RETRY = dtls(3, b"\xfe\xff\x04abcd")


def hello_with(cookie: bytes) -> bytes:
    return DTLS_HELLO[:35] + b.vector(1, cookie) + DTLS_HELLO[36:]


def test_hellos_name_version_server_and_suite():
    (found,) = play([Tls()], SAMPLES["over datagrams"], transport="udp")
    assert found.summary == "voice.example.com DTLS 1.2"
    assert found.fields["tlsx_info"] == "DTLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    assert found.fields["tlsx_ja4"].startswith("dd2d0101")
    assert (found.request.first_packet, found.response.first_packet) == (1, 2)


def test_a_hello_with_a_cookie_belongs_to_the_first():
    talk = [
        (CLIENT, dtls(1, hello_with(b""))),
        (SERVER, RETRY),
        (CLIENT, dtls(1, hello_with(b"abcd"))),
        (SERVER, dtls(2, b.server_hello(suite=0xC02B, version=0xFEFD)[4:])),
    ]
    (found,) = play([Tls()], talk, transport="udp")
    assert (found.fields["tlsx_sni"], found.malformed) == ("voice.example.com", "")


def test_a_hello_nobody_answers_is_an_entry():
    (found,) = play([Tls()], [(CLIENT, dtls(1, DTLS_HELLO))], transport="udp")
    assert (found.summary, found.response) == ("voice.example.com up to DTLS 1.2", None)


def fragments(message: bytes, *cuts: int) -> list[bytes]:
    """Cut the message of a record into records with a fragment each."""
    header, body = message[13:25], message[25:]
    parts = []
    for begin, end in zip((0, *cuts), (*cuts, len(body)), strict=True):
        where = begin.to_bytes(3, "big") + (end - begin).to_bytes(3, "big")
        part = header[:6] + where + body[begin:end]
        parts.append(message[:11] + len(part).to_bytes(2, "big") + part)
    return parts


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 1, 0, 1, 2), (0, 2, 0, 2, 1)])
def test_a_hello_in_fragments_is_put_together(order: tuple[int, ...]):
    cut = fragments(dtls(1, DTLS_HELLO), 20, 40)
    (found,) = play([Tls()], [(CLIENT, cut[number]) for number in order], transport="udp")
    (whole,) = play([Tls()], [(CLIENT, dtls(1, DTLS_HELLO))], transport="udp")
    assert found.fields == whole.fields
    assert (found.request.first_packet, found.request.last_packet, found.malformed) == (1, len(order), "")


def test_fragments_that_overlap_and_share_a_datagram_are_put_together():
    first, second = fragments(dtls(1, DTLS_HELLO), 30)
    answer = b"".join(fragments(dtls(2, b.server_hello(suite=0xC02B, version=0xFEFD)[4:]), 2, 3, 30))
    overlapping = fragments(dtls(1, DTLS_HELLO), 10)[1]
    talk = [(CLIENT, first), (CLIENT, overlapping), (CLIENT, second), (SERVER, answer)]
    (found,) = play([Tls()], talk, transport="udp")
    assert found.summary == "voice.example.com DTLS 1.2"
    assert found.request.last_packet == 2


def test_fragments_of_different_hellos_are_not_mixed():
    first, _ = fragments(dtls(1, hello_with(b"")), 30)
    _, second = fragments(dtls(1, hello_with(b"abcd")), 30)
    assert play([Tls()], [(CLIENT, first), (CLIENT, second)], transport="udp") == []


def test_a_hello_in_too_many_scattered_fragments_is_given_up():
    body = DTLS_HELLO + bytes(1000)
    scattered = fragments(dtls(1, body), *range(1, len(body)))[::2]
    rest = fragments(dtls(1, body), *range(1, len(body)))[1::2]
    talk = [(CLIENT, part) for part in (*scattered, *rest)]
    assert play([Tls()], talk, transport="udp") == []


def test_fragments_that_claim_long_hellos_hold_no_more_than_came():
    claims = DTLS_HELLO + bytes(60_000)
    first = fragments(dtls(1, claims), 10)[0]
    engine = DissectionEngine([Tls()], Settings(), lambda entry: None)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(500):
        engine.feed(Datagram(connection("udp", 443, number=number), CLIENT, first, number, START_NS))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 500 * 8_000


def test_unfinished_fragments_and_damage_make_no_entry():
    whole = dtls(1, DTLS_HELLO)
    fragment = whole[:19] + b"\0\0\x05" + whole[22:]
    assert play([Tls()], [(CLIENT, fragment), (CLIENT, whole[:-1] + b"")], transport="udp") == []
