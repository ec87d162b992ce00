from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_proxy import SIGNATURE, Preface, read_preface

LINE = b"PROXY TCP4 203.0.113.7 10.0.0.2 51000 443\r\n"
IPV4 = bytes([203, 0, 113, 7, 10, 0, 0, 2]) + (51000).to_bytes(2, "big") + (443).to_bytes(2, "big")


def binary(body: bytes, command: int = 0x21, family: int = 0x11, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return SIGNATURE + bytes([command, family]) + size.to_bytes(2, "big") + body


def test_a_line_of_version_1_tells_both_ends():
    assert read_preface(LINE + b"GET /") == Preface(len(LINE), 1, "203.0.113.7:51000", "10.0.0.2:443")


def test_ipv6_ends_are_written_in_brackets():
    line = b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"
    assert read_preface(line) == Preface(len(line), 1, "[2001:db8::1]:1", "[2001:db8::2]:65535")


@pytest.mark.parametrize("line", [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ffff::1 whatever 1 2\r\n"])
def test_a_line_may_leave_open_who_the_client_is(line: bytes):
    assert read_preface(line) == Preface(len(line), 1)


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\n",
        b"PROXY\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.2 51000\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.2 51000 65536\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.2 51000 " + b"9" * 40 + b"\r\n",
        b"PROXY TCP4 203.0.113.256 10.0.0.2 51000 443\r\n",
        b"PROXY TCP6 203.0.113.7 10.0.0.2 51000 443\r\n",
        b"PROXY TCP4 \xff 10.0.0.2 51000 443\r\n",
        b"PROXY TCP9 a b 1 2\r\n",
        b"PROXY " + b"x" * 200,
        b"\r\n\r\nGET / HTTP/1.1\r\n",
        binary(IPV4, command=0x31),
        binary(IPV4, command=0x22),
    ],
)
def test_what_only_looks_like_a_header_is_none(data: bytes):
    assert read_preface(data) == 0


def test_version_2_tells_both_ends_and_passes_over_what_follows_them():
    header = binary(IPV4 + b"\x02\0\x0bexample.com")
    assert read_preface(header + b"x") == Preface(len(header), 2, "203.0.113.7:51000", "10.0.0.2:443")


def test_version_2_tells_ipv6_ends_and_unix_paths():
    ends = bytes.fromhex("20010db8" + "0" * 23 + "1" + "20010db8" + "0" * 23 + "2") + b"\0\x50\1\xbb"
    assert read_preface(binary(ends, family=0x21)) == Preface(52, 2, "[2001:db8::1]:80", "[2001:db8::2]:443")
    paths = b"/run/a".ljust(108, b"\0") + b"/run/b".ljust(108, b"\0")
    assert read_preface(binary(paths, family=0x31)) == Preface(232, 2, "/run/a", "/run/b")


@pytest.mark.parametrize(
    "header",
    [
        binary(b"", command=0x20, family=0),
        binary(IPV4, command=0x20),
        binary(IPV4[:-1]),
        binary(IPV4, family=0x51),
        binary(IPV4, family=0x14),
    ],
)
def test_a_header_without_readable_ends_is_passed_over(header: bytes):
    assert read_preface(header) == Preface(len(header), 2)


def test_a_header_says_how_many_bytes_it_needs():
    header = binary(IPV4)
    assert [read_preface(header[:length]) for length in (0, 1, 15, 16, 27)] == [16, 16, 16, 28, 28]
    assert read_preface(binary(b"", length=65535)) == 65551
    assert [read_preface(LINE[:length]) for length in (1, 6, 40)] == [2, 7, 41]


@given(st.binary(max_size=300), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11"]))
def test_any_bytes_are_read_without_a_fault(data: bytes, start: bytes):
    found = read_preface(start + data)
    if isinstance(found, Preface):
        assert 0 < found.length <= len(start + data)
    else:
        assert found == 0 or found > len(start + data)
