"""Filters as text: every kind, what is escaped, and how deep."""

from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.wire_ber import BerError
from kubeshark_mcp.dissect.wire_ldap_filter import DEEPEST, LONGEST, filter_text, value_text
from tests.dissect.test_laws import samples

HAND = samples("ldap")
ber, text = HAND.ber, HAND.text


def pair(tag: int, name: str, value: str) -> bytes:
    return ber(tag, text(name), text(value))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (pair(0xA3, "uid", "ada"), "(uid=ada)"),
        (pair(0xA5, "age", "3"), "(age>=3)"),
        (pair(0xA6, "age", "3"), "(age<=3)"),
        (pair(0xA8, "cn", "x"), "(cn~=x)"),
        (text("cn", 0x87), "(cn=*)"),
        (ber(0xA0), "(&)"),
        (ber(0xA2, pair(0xA3, "a", "b")), "(!(a=b))"),
        (ber(0xA4, text("cn"), ber(0x30, text("x", 0x81))), "(cn=*x*)"),
        (ber(0xA4, text("cn"), ber(0x30, text("x", 0x80))), "(cn=x*)"),
        (ber(0xA4, text("cn"), ber(0x30, text("x", 0x82))), "(cn=*x)"),
        (ber(0xA9, text("2.5.13.5", 0x81), text("cn", 0x82), text("x", 0x83)), "(cn:2.5.13.5:=x)"),
        (ber(0xA9, text("o", 0x82), text("x", 0x83), ber(0x84, b"\xff")), "(o:dn:=x)"),
        (pair(0xA3, "userPassword", "geheim"), "(userPassword=***)"),
    ],
)
def test_each_kind_is_written_as_people_write_it(data: bytes, expected: str):
    assert filter_text(data, 0, len(data)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a*(b)\\\0", r"a\2a\28b\29\5c\00"),
        ("Ö".encode(), "Ö"),
        (b"\xd6*", r"\d6\2a"),
    ],
)
def test_what_has_a_meaning_is_escaped(value: bytes, expected: str):
    assert value_text(value) == expected


def test_deep_nesting_is_refused_and_long_text_is_cut():
    data = pair(0xA3, "a", "b")
    for _ in range(DEEPEST):
        data = ber(0xA2, data)
    with pytest.raises(BerError, match="nested deeper"):
        filter_text(data, 0, len(data))
    data = pair(0xA3, "a", "b" * (2 * LONGEST))
    assert len(filter_text(data, 0, len(data))) == LONGEST + 1
