from __future__ import annotations

import hashlib

from kubeshark_mcp.dissect.wire_tls import Hello, read_client_hello, read_server_hello
from kubeshark_mcp.dissect.wire_tls_fingerprints import ja3, ja3s, ja4
from tests.dissect import tls_building as b

HELLO = read_client_hello(
    b.client_hello(
        (0x0A0A, b""),
        b.server_name("a.example"),
        b.groups(0x1A1A, 29, 23),
        (11, b.vector(1, b"\0")),
        b.alpn("h2", "http/1.1"),
        (13, b.vector(2, b.words(0x0403, 0x0804))),
        b.versions(0x0A0A, 0x0304, 0x0303),
        suites=(0x2A2A, 0x1301, 0xC02F),
    )
)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def test_ja3_is_the_hash_of_what_the_client_offers_without_grease():
    assert ja3(HELLO) == md5("771,4865-49199,0-10-11-16-13-43,29-23,0")
    assert ja3(Hello(0x0301, suites=(5,))) == md5("769,5,,,")


def test_ja3s_is_the_hash_of_what_the_server_chose():
    hello = read_server_hello(b.server_hello((65281, b"\0"), (43, b"\x03\x04"), suite=0x1302))
    assert ja3s(hello) == md5("771,4866,65281-43")


def test_ja4_tells_version_name_counts_and_protocol_and_sorts_the_rest():
    assert ja4(HELLO) == f"t13d0206h2_{short('1301,c02f')}_{short('000a,000b,000d,002b_0403,0804')}"


def test_ja4_of_a_hello_without_extensions():
    assert ja4(Hello(0x0301, suites=(5, 4))) == f"t10i020000_{short('0004,0005')}_000000000000"
    assert ja4(Hello(0xFEFD, suites=()), transport="d") == "dd2i000000_000000000000_000000000000"


def test_ja4_writes_odd_protocols_by_their_hex_digits():
    hello = read_client_hello(b.client_hello(b.alpn("\x0a-")))
    assert ja4(hello).split("_", maxsplit=1)[0] == "t12i03010d"
