"""The walk finds where everything is in usual messages, and leaves others alone."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from kubeshark_mcp.dissect.dns_lockstep import LABEL_LIMIT, POINTER_LIMIT, RECORD_LIMIT, Walk
from tests.dissect.test_dns_columns import answer, name, query


def record(owner: bytes, kind: int, data: bytes, *, ttl: int = 30, size: int = 1) -> bytes:
    return owner + struct.pack(">HHIH", kind, size, ttl, len(data)) + data


def reply(*records: bytes, host: str = "api.example", counts: tuple[int, int, int] | None = None) -> bytes:
    head = struct.pack(">6H", 1, 0x8180, 1, *(counts or (len(records), 0, 0)))
    return head + name(host) + struct.pack(">HH", 1, 1) + b"".join(records)


def walk(*datas: bytes) -> Walk:
    return Walk([data[2:] for data in datas])


def test_records_are_found_with_their_sections_and_names():
    mail = record(b"\xc0\x0c", 15, b"\0\x0a\x02mx\xc0\x10", ttl=7)
    extra = record(b"\0", 41, b"", size=1232, ttl=0x8000)
    found = walk(query(), reply(mail, record(b"\xc0\x2b", 1, b"\x0a\0\0\1"), extra, counts=(1, 0, 2)))
    records = found.records
    assert found.good.tolist() == [True, True]
    assert records.message.tolist() == [1, 1, 1]
    assert records.section.tolist() == [0, 2, 2]
    assert records.kind.tolist() == [15, 1, 41]
    assert records.ttl.tolist() == [7, 30, 0x8000]
    assert records.size.tolist() == [1, 1, 1232]
    assert (records.stop - records.start).tolist() == [7, 4, 0]
    assert (records.first > 0).tolist() == [True, False, False]
    assert found.texts(records.message, records.owner) == ["api.example", "mx.example", "."]
    assert found.texts(records.message[:1], records.first[:1]) == ["mx.example"]
    assert found.texts(np.arange(2), found.question) == ["api.example", "api.example"]


def test_names_that_lead_on_from_name_to_name_are_followed():
    chain = [record(b"\xc0\x0c", 5, b"\x01a\xc0\x0c")]
    at = len(reply()) + 12
    for _ in range(POINTER_LIMIT - 2):
        chain.append(record(b"\xc0\x0c", 5, b"\x01b" + struct.pack(">H", 0xC000 | at)))
        at += len(chain[-1])
    found = walk(reply(*chain))
    assert found.good.all()
    last = found.texts(found.records.message[-1:], found.records.first[-1:])
    assert last == ["b." * (POINTER_LIMIT - 2) + "a.api.example"]
    chain.append(record(b"\xc0\x0c", 5, b"\x01b" + struct.pack(">H", 0xC000 | at)))
    found = walk(reply(*chain))
    found.texts(found.records.message, found.records.first)
    assert not found.good.any()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(query(flags=0x2900), id="another opcode"),
        pytest.param(query(flags=0x0103), id="query with an outcome"),
        pytest.param(query(flags=0x0140), id="reserved bit"),
        pytest.param(answer(flags=0x8380), id="cut by its sender"),
        pytest.param(query()[:12], id="header alone"),
        pytest.param(query()[:-1], id="cut in the question"),
        pytest.param(answer()[:-1], id="cut in a record"),
        pytest.param(answer() + b"\0", id="more than a message"),
        pytest.param(answer(data=b"\x0a\0\0"), id="short address"),
        pytest.param(query(kind=9999), id="unknown type asked for"),
        pytest.param(answer(kind=9999), id="unknown type answered"),
        pytest.param(query()[:-1] + b"\3", id="another class"),
        pytest.param(query(host=".".join(["a"] * (LABEL_LIMIT + 1))), id="many labels"),
        pytest.param(query(host="a\\b"), id="backslash in a name"),
        pytest.param(query(host="a" * 64), id="long label"),
        pytest.param(reply(*[record(b"\xc0\x0c", 1, bytes(4))] * (RECORD_LIMIT + 1)), id="many records"),
        pytest.param(reply(record(b"\xc0\x0d", 1, bytes(4))), id="pointer into a label"),
        pytest.param(reply(record(b"\xc0\x04", 1, bytes(4))), id="pointer into the header"),
        pytest.param(reply(record(b"\xff\xff", 1, bytes(4))), id="pointer behind the end"),
        pytest.param(reply(record(b"\xc0\x1d", 1, bytes(4))), id="pointer to itself"),
        pytest.param(reply(record(b"\x80", 1, bytes(4))), id="label of an unknown kind"),
        pytest.param(reply(record(b"\xc0\x0c", 5, b"\1a\0x")), id="more than a name"),
        pytest.param(reply(record(b"\xc0\x0c", 5, b"\5a\0")), id="name longer than its record"),
        pytest.param(reply(record(b"\xc0\x0c", 6, b"\0\0" + bytes(19))), id="short start of authority"),
        pytest.param(reply(record(b"\0", 41, b"", size=1232)), id="EDNS as an answer"),
        pytest.param(reply(record(b"\0", 41, b"", ttl=1 << 24), counts=(0, 0, 1)), id="extended outcome"),
        pytest.param(reply(record(b"\0", 16, b"", size=3)), id="record of another class"),
    ],
)
def test_what_is_unusual_is_left_alone_and_its_neighbours_are_not(data):
    found = walk(answer(), data, query())
    assert found.good.tolist() == [True, False, True]
    assert found.texts(found.records.message, found.records.owner) == ["api.example"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(query(host=".".join(["a" * 62] * 4) + ".bb"), id="too long"),
        pytest.param(reply(record(b"\x3f" + b"b" * 63 + b"\xc0\x0c", 1, bytes(4)), host=".".join(["a" * 62] * 4))),
        pytest.param(query(host="A" * 32 + ".example"), id="NetBIOS"),
    ],
)
def test_names_that_are_too_long_or_of_netbios_are_told_when_they_are_worded(data):
    found = walk(query(), data)
    rows = np.flatnonzero(found.good)
    found.texts(rows, found.question[rows])
    found.texts(found.records.message, found.records.owner)
    assert found.good.tolist() == [True, False]


def test_nothing_to_walk_is_nothing():
    found = walk()
    assert (found.good.tolist(), len(found.records.message), found.texts(*[np.zeros(0, np.int64)] * 2)) == ([], 0, [])
