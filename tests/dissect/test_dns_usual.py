"""What is read of many messages at the same time is what each of them says."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.dns_messages import _traits_of
from kubeshark_mcp.dissect.dns_usual import Told, read_usual
from kubeshark_mcp.dissect.wire_dns import read_message
from tests.dissect.test_dns_columns import answer, name, query
from tests.dissect.test_dns_lockstep import record, reply


def told(column: Told) -> dict[int, Any]:
    values = column.values if column.codes is None else [column.values[code] for code in column.codes]
    return dict(zip(column.rows.tolist(), values, strict=True))


def check(datas: list[bytes]) -> list[int]:
    """Compare with what is read one by one; give which messages were taken for usual."""
    usual = read_usual([data[2:] for data in datas])
    fields = {name: told(column) for name, column in usual.fields.items()}
    texts = {name: told(column) for name, column in usual.texts.items()}
    keys, traits, letters = told(usual.keys), told(usual.traits), 0
    for row in usual.rows.tolist():
        reading = read_message(datas[row])
        own = reading.own if reading.message.response else reading.common | reading.own
        assert {name: values[row] for name, values in fields.items() if row in values} == own
        assert {name: values[row] for name, values in texts.items()} == {
            "summary": reading.summary,
            "status": reading.status,
        }
        assert not reading.message.malformed
        assert keys[row] == reading.key
        assert [traits[row]] == list(_traits_of([datas[row][2:]], [reading]))
        lists = ("dns_answers", "dns_addresses", "dns_authorities", "dns_additionals")
        letters += sum(len(text) for name in lists for text in own.get(name, ()))
    assert usual.letters == letters
    return usual.rows.tolist()


def test_records_of_all_usual_kinds_are_worded():
    records = [
        record(b"\xc0\x0c", 5, b"\x04EDGE\xc0\x10"),
        record(b"\x04edge\xc0\x10", 1, b"\x0a\0\0\1"),
        record(b"\xc0\x29", 28, bytes.fromhex("20010db8000000000000000000000001")),
        record(b"\xc0\x29", 28, bytes.fromhex("20010db8000100020003000400050006")),
        record(b"\0", 2, b"\2ns\xc0\x0c"),
        record(b"\xc0\x0c", 12, b"\0"),
        record(b"\xc0\x0c", 15, b"\0\x0a\2mx\xc0\x10", ttl=2**32 - 1),
        record(b"\xc0\x0c", 33, b"\0\1\0\2\0\3\xc0\x0c"),
        record(b"\xc0\x0c", 16, b"\5hello\2\"'"),
        record(b"\xc0\x0c", 6, b"\2ns\xc0\x10\5admin\xc0\x0c" + struct.pack(">5I", 1, 2, 3, 4, 2**32 - 1)),
        record(b"\0", 41, b"\0\x0a\0\x08abcdefgh", size=1232, ttl=0x8000),
    ]
    for stop in range(len(records)):
        first, second = min(stop, 7), max(0, stop - 7)
        assert check([query(), reply(*records[:stop], counts=(first, second, 0)), answer()]) == [0, 1, 2]
    assert check([reply(*records, counts=(7, 2, 2))]) == [0]
    assert check([reply(*records, counts=(10, 0, 1))]) == [0]


def test_aliases_are_followed_back_and_end_where_they_turn_round():
    turning = [record(name("a"), 5, name("b")), record(name("B"), 5, name("A")), record(name("a"), 1, bytes(4))]
    apart = [record(name("x"), 5, name("y")), record(name("z"), 1, bytes(4)), record(name("Y"), 28, bytes(16))]
    assert check([reply(*turning), reply(*apart), reply(*turning[2:], *apart)]) == [0, 1, 2]


def test_what_cannot_be_worded_is_left_alone():
    unreadable = reply(record(b"\xc0\x0c", 16, b"\5hell"))
    options = reply(record(b"\0", 41, b"\0\x0a\0\x08abc", size=1232), counts=(0, 0, 1))
    assert check([query(), unreadable, answer(), options, query(2)]) == [0, 2, 4]


def test_a_transfer_is_told_apart():
    assert check([query(kind=252), query(kind=251), query(kind=255), answer(flags=0x8583)]) == [0, 1, 2, 3]


def test_nothing_is_read_of_nothing():
    assert check([]) == []


_LABELS = st.lists(st.sampled_from(["a", "B", "api", "x-1", "_tcp", "example", "a b", "p" * 63]), max_size=4)
_HOSTS = _LABELS.map(".".join)
_POINTERS = st.sampled_from([12, 12, 12, 14, 16, 20, 29, 30, 35, 41, 45]).map(lambda at: struct.pack(">H", 0xC000 | at))
_NAMES = st.one_of(_HOSTS.map(name), _POINTERS, st.tuples(_HOSTS.map(name), _POINTERS).map(lambda p: p[0][:-1] + p[1]))
_DATA = st.one_of(
    st.tuples(st.just(1), st.binary(min_size=4, max_size=4)),
    st.tuples(st.just(28), st.lists(st.sampled_from([b"\0\0", b"\0\1", b"\xfe\x80"]), min_size=8, max_size=8)).map(
        lambda pair: (28, b"".join(pair[1]))
    ),
    st.tuples(st.sampled_from([2, 5, 5, 12]), _NAMES),
    st.tuples(st.just(33), _NAMES.map(lambda made: bytes(6) + made)),
    st.tuples(st.just(6), st.tuples(_NAMES, _NAMES, st.binary(min_size=20, max_size=20)).map(b"".join)),
    st.tuples(st.sampled_from([16, 41, 43, 65, 99, 257]), st.binary(max_size=12)),
)
_RECORDS = st.builds(
    lambda owner, pair, ttl: record(owner, *pair, ttl=ttl), _NAMES, _DATA, st.sampled_from([0, 30, 2**31])
)


@st.composite
def _messages(draw: st.DrawFn) -> bytes:
    records = draw(st.lists(_RECORDS, max_size=4))
    first = draw(st.integers(0, len(records)))
    second = draw(st.integers(0, len(records) - first))
    counts = (first, second, len(records) - first - second)
    head = struct.pack(">6H", 1, draw(st.sampled_from([0x0100, 0x8180, 0x8583])), 1, *counts)
    asked = name(draw(_HOSTS)) + struct.pack(">HH", draw(st.sampled_from([1, 28, 255])), 1)
    data = bytearray(head + asked + b"".join(records))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        data[draw(st.integers(2, len(data) - 1))] = draw(st.sampled_from([0, 1, 5, 12, 0xC0, 0xFF]))
    return bytes(data[: draw(st.integers(12, len(data)))] if draw(st.integers(0, 9)) == 0 else data)


@given(st.lists(_messages(), max_size=12))
def test_whatever_comes_is_read_as_one_by_one_or_not_at_all(datas):
    check(datas)


@given(st.lists(st.binary(min_size=12, max_size=80), max_size=8))
def test_any_bytes_are_read_as_one_by_one_or_not_at_all(datas):
    check(datas)
