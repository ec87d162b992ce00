"""BER as LDAP restricts it: lengths are checked, what is wrong is said with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_ber import BerError, Reader, element, elements, header
from tests.dissect.test_laws import samples

HAND = samples("ldap")


@given(st.binary(max_size=70_000))
def test_an_element_comes_back_from_its_bytes(content: bytes):
    data = b"xx" + HAND.ber(0x04, content) + b"yy"
    tag, start, stop = element(data, 2, len(data))
    assert (tag, data[start:stop]) == (0x04, content)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_comes_back(value: int):
    octets = value.to_bytes(8, "big", signed=True)
    assert Reader(b"\x02\x08" + octets, 0, 10).integer() == value


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x04\x05ab", "an element of 5 bytes where 2 are left"),
        (b"\x04\x80ab", "an indefinite length"),
        (b"\x04\x85\0\0\0\0\1a", "a length of 5 octets"),
        (b"\x1f\x81\x05a", "an element of 1 bytes where 0 are left"),
        (b"", "an element is missing"),
        (b"\x04", "an element has no length"),
    ],
)
def test_what_is_no_element_is_refused(data: bytes, reason: str):
    if data[:1] == b"\x1f":
        with pytest.raises(BerError, match="a tag of several octets"):
            header(data, 0, len(data))
        return
    with pytest.raises(BerError, match=reason) as caught:
        element(data, 0, len(data))
    assert caught.value.position == 0


def test_a_length_that_is_not_whole_is_waited_for():
    assert header(b"\x30\x82\x01", 0, 3) is None
    assert header(b"\x30\x82\x01\x00", 0, 4) == (4, 260)


def test_a_reader_takes_what_it_expects_and_nothing_else():
    data = HAND.number(7) + HAND.text("a\xff".encode("latin-1")) + HAND.ber(0x01, b"\xff")
    reader = Reader(data, 0, len(data))
    assert (reader.tag, reader.integer(), reader.text(), reader.boolean(), reader.tag) == (2, 7, "a\\xff", True, -1)
    assert [tag for tag, _, _ in elements(data, 0, len(data))] == [2, 4, 1]
    with pytest.raises(BerError, match="tag 0x02 where 0x04 belongs"):
        Reader(data, 0, len(data)).text()
