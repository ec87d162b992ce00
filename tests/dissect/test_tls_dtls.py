from __future__ import annotations

from kubeshark_mcp.dissect.protocols.tlsx import Tls
from tests.dissect import tls_building as b
from tests.dissect.conversation import CLIENT, SERVER, play
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


def test_fragments_and_damage_make_no_entry():
    whole = dtls(1, DTLS_HELLO)
    fragment = whole[:19] + b"\0\0\x05" + whole[22:]
    assert play([Tls()], [(CLIENT, fragment), (CLIENT, whole[:-1] + b"")], transport="udp") == []
