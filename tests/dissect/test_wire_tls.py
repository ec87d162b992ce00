from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect import wire_tls as wire
from tests.dissect import tls_building as b


def test_a_client_hello_is_read_whole():
    raw = b.client_hello(b.server_name("a.example"), b.versions(0x0304), session=b"s" * 32, suites=(0x1301, 0x0A0A))
    assert wire.read_client_hello(raw) == wire.Hello(
        version=0x0303,
        random=b.CLIENT_RANDOM,
        session_id=b"s" * 32,
        suites=(0x1301, 0x0A0A),
        extensions=[b.server_name("a.example"), b.versions(0x0304)],
        raw=raw,
    )


def test_a_server_hello_is_read_whole():
    raw = b.server_hello((43, b"\x03\x04"), b.key_share(), suite=0x1302)
    hello = wire.read_server_hello(raw)
    assert hello == wire.Hello(0x0303, b.SERVER_RANDOM, b"", (0x1302,), [(43, b"\x03\x04"), b.key_share()], "", raw)
    assert (wire.chosen_version(hello), wire.chosen_group(hello), hello.retry) == (0x0304, 29, False)
    assert wire.read_server_hello(b.server_hello(random=b.RETRY_RANDOM)).retry


def test_a_hello_of_an_early_draft_has_no_session():
    body = b.words(0x7F12) + b.SERVER_RANDOM + b.words(0x1301) + b.extensions([b.key_share()])
    hello = wire.read_server_hello(b.message(2, body))
    assert (hello.version, hello.suites, hello.extensions, hello.malformed) == (0x7F12, (0x1301,), [b.key_share()], "")
    retry = wire.read_server_hello(b.message(6, b.words(0x7F13, 0x1301) + b.extensions([b.key_share()])))
    assert (retry.retry, retry.suites, retry.malformed) == (True, (0x1301,), "")


def test_a_hello_that_ends_early_keeps_what_was_read():
    raw = b.client_hello(b.server_name("a.example"))[:-3]
    hello = wire.read_client_hello(raw)
    assert (hello.suites, hello.extensions) == ((0x1301, 0xC02F, 0x002F), [])
    assert hello.malformed == (
        "ClientHello: 18 bytes of extensions are announced where 15 are left at byte 51 of the message"
    )


@given(st.binary(max_size=200), st.integers(0, 120))
def test_no_bytes_make_a_hello_raise(noise: bytes, cut: int):
    for kind, read in ((1, wire.read_client_hello), (2, wire.read_server_hello)):
        read(b.message(kind, noise))
        read((b.client_hello(*b.TLS13_CLIENT) if kind == 1 else b.server_hello(b.key_share()))[:cut] + noise)
        read(b.message(kind, noise), dtls=True)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b.server_name("shop.example")[1], "shop.example"),
        (b.vector(2, b"\x01" + b.vector(2, b"x") + b"\0" + b.vector(2, b"second")), "second"),
        (b.vector(2, b"\0" + b.vector(2, b"caf\xc3\xa9")), "caf\\xc3\\xa9"),
        (b"", ""),
        (b"\0\x09\0\0\x0a", ""),
    ],
)
def test_the_host_name_is_read_from_its_extension(content: bytes, name: str):
    assert wire.server_name(content) == name


def test_protocol_names_and_numbers_are_read_as_far_as_they_are_whole():
    content = b.alpn("h2", "http/1.1")[1]
    assert wire.protocol_names(content) == ["h2", "http/1.1"]
    assert wire.protocol_names(b"\0\x05\x02h2\x09x") == ["h2"]
    assert wire.numbers(b.groups(29, 23)[1], 2) == [29, 23]
    assert wire.numbers(b"\x06\0\x1d\0", 1) == [29]
    assert wire.numbers(b"\x03\0\x01\x02", 1, 1) == [0, 1, 2]


def test_versions_are_those_of_the_extension_before_that_of_the_message():
    assert wire.offered_versions(wire.read_client_hello(b.client_hello())) == [0x0303]
    assert wire.offered_versions(wire.read_client_hello(b.client_hello(b.versions(0x0304, 0x0303)))) == [0x0304, 0x0303]


def test_certificates_are_read_in_both_forms():
    old = b.certificate(b"first", b"second")
    new = b.message(11, b.vector(1, b"") + b.vector(3, b.vector(3, b"first") + b.vector(2, b"")))
    assert wire.certificates(old, tls13=False) == [b"first", b"second"]
    assert wire.certificates(new, tls13=True) == [b"first"]
    assert wire.certificates(old[:-1], tls13=False) == [b"first"]
    assert wire.certificates(b"\x0b", tls13=True) == []
    assert len(wire.certificates(b.certificate(*[b"x"] * 50), tls13=False)) == wire.MOST_CERTIFICATES


def test_a_compressed_certificate_is_decompressed_within_its_announced_size():
    plain = b.certificate(b"first")[4:]
    packed = b.message(25, b"\0\x01" + len(plain).to_bytes(3, "big") + b.vector(3, zlib.compress(plain)))
    assert wire.decompressed_certificate(packed) == b.certificate(b"first")
    bomb = b.message(25, b"\0\x01" + b"\0\0\x10" + b.vector(3, zlib.compress(bytes(1 << 20))))
    assert len(wire.decompressed_certificate(bomb)) == 4 + 16
    assert wire.decompressed_certificate(b.message(25, b"\0\x02\0\0\x01" + b.vector(3, b"x"))) == b""
    assert wire.decompressed_certificate(b.message(25, b"\0\x01\0\0\x09" + b.vector(3, b"damaged"))) == b""


def test_key_exchange_tells_the_curve_or_the_size_of_the_prime():
    assert wire.key_exchange(b.ecdhe(23), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256") == ("secp256r1", 0)
    assert wire.key_exchange(b.dhe(1024), "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256") == ("DH 1024", 1024)
    assert wire.key_exchange(b.dhe(1024), "TLS_RSA_WITH_AES_128_GCM_SHA256") == ("", 0)
    assert wire.key_exchange(b"\x0c\0\0\x01\x09", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256") == ("", 0)


SSL2 = bytes.fromhex("8028010301000f00000010") + bytes.fromhex("000039 000005 010080 00002f 07 00 c0") + bytes(16)


def test_a_hello_in_the_format_of_ssl_2_is_read():
    raw = SSL2
    found = wire.read_ssl2_client_hello(raw + b"rest")
    assert found == (wire.Hello(0x0301, bytes(32), b"", (0x39, 0x05, 0x010080, 0x2F, 0x0700C0), raw=raw), len(raw))


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (SSL2, 42),
        (SSL2[:10], 0),
        (b"\x80", 0),
        (b"\x80\x28\x02", -1),
        (b"\x16\x03\x01", -1),
        (SSL2[:5] + b"\0" * 8, -1),
    ],
)
def test_the_length_of_such_a_hello_is_known_from_its_head(data: bytes, length: int):
    assert wire.ssl2_length(data) == length


def test_an_answer_of_ssl_2_is_read_with_its_certificate():
    body = b"\x04\0\x01\0\x02" + b.words(4, 3, 2) + b"cert" + b"\x01\x00\x80" + b"id"
    raw = (0x8000 | len(body)).to_bytes(2, "big") + body
    assert wire.read_ssl2_server_hello(raw) == (wire.Hello(2, suites=(0x010080,), raw=raw), b"cert", len(raw))
    assert wire.read_ssl2_server_hello(raw[:-1]) is None
    assert wire.read_ssl2_server_hello(b"\x80" + bytes(20)) is None


def test_messages_are_found_one_after_the_other():
    data = b.DONE + b.message(16, b"abc") + b"\x0b\0\0\x09x"
    assert list(wire.messages(data)) == [(0, 4), (4, 11)]
    with pytest.raises(wire.TlsError, match="no handshake message begins with 63 00 00 00"):
        list(wire.messages(b"\x63\0\0\0"))
    with pytest.raises(wire.TlsError, match="begins with 0b ff ff ff"):
        list(wire.messages(b"\x0b\xff\xff\xff"))


def test_a_hello_is_told_from_what_is_encrypted_by_its_length():
    hello = b.client_hello(b.server_name("a.example"))
    assert [wire.is_hello(content) for content in (hello, hello[:-1], b"\x01" + bytes(range(100, 139)), b"")] == [
        True,
        False,
        False,
        False,
    ]
