from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.present.scrubbing import scrubbed

REQUEST = (
    b"POST /login?token=tok-1234567890&page=2 HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer abc.def-ghi123456\r\n"
    b"Cookie: session=5e55104a1b2c; theme=dark\r\nContent-Length: 40\r\n\r\n"
    b'{"user": "ann", "password": "hunter\\"22x"}'
)


def test_secrets_are_overwritten_and_the_rest_stays():
    done = scrubbed(REQUEST, "http")
    assert len(done) == len(REQUEST)
    for secret in (b"tok-1234567890", b"abc.def-ghi123456", b"5e55104a1b2c", b"22x"):
        assert secret not in done
    for kept in (
        b"POST /login?token=xxxxxxxxxxxxxx&page=2 HTTP/1.1\r\n",
        b"Host: shop\r\n",
        b"Authorization: Bearer xxx",
        b"theme=",
        b'"user": "ann"',
    ):
        assert kept in done


def test_a_compressed_body_is_overwritten_whole_and_the_next_message_stays():
    first = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + bytes(range(60))
    second = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
    assert scrubbed(first + second, "http") == first[:-60] + b"x" * 60 + second


@pytest.mark.parametrize(
    ("data", "protocol", "done"),
    [
        (b"*2\r\n$4\r\nAUTH\r\n$9\r\ns3cr3tpw!\r\n", "redis", b"*2\r\n$4\r\nAUTH\r\n$9\r\nxxxxxxxxx\r\n"),
        (b"p\0\0\0\x0dpassw0rd\0", "postgresql", b"p\0\0\0\x0d" + b"x" * 9),
        (b"\x82\x05token", "ws", b"x" * 7),
        (b"\x17\x03\x03\0\x05abcde", "http2", b"\x17\x03\x03\0\x05abcde"),
        (b"", "http", b""),
    ],
)
def test_each_protocol_by_its_own_rule(data: bytes, protocol: str, done: bytes):
    assert scrubbed(data, protocol) == done


@given(st.binary(max_size=300), st.sampled_from(["http", "redis", "postgresql", "mysql", "dns", "kafka"]))
def test_the_length_never_changes(data: bytes, protocol: str):
    assert len(scrubbed(data, protocol)) == len(data)
