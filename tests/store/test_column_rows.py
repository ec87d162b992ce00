"""Entries that come as columns make the table that their objects make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.entry_columns import (
    Coded,
    ConnectionColumns,
    EntryColumns,
    Lists,
    Numbers,
    Slices,
    SpanColumns,
)
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.store.batch import BatchBuilder
from kubeshark_mcp.store.columns import column_types
from kubeshark_mcp.store.place_columns import PlaceColumns

KINDS = {
    "proto": FieldType.BOOL,
    "number": FieldType.INT,
    "rate": FieldType.DOUBLE,
    "when": FieldType.TIMESTAMP,
    "name": FieldType.STRING,
    "conn_id": FieldType.INT,
    "payload": FieldType.BYTES,
    "lines": FieldType.STRING_LIST,
    "words": FieldType.STRING_LIST,
    "heads": FieldType.STRING_MAP,
    "conn_local_bytes": FieldType.INT,
}
TEXTS = st.one_of(st.none(), st.text(max_size=4))
ROW = st.fixed_dictionaries(
    {
        "connection": st.integers(0, 3),
        "asked": st.integers(0, 5),
        "answered": st.integers(0, 5),
        "halves": st.sampled_from([(True, True), (True, False), (False, True)]),
        "number": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        "rate": st.one_of(st.none(), st.floats(allow_nan=False)),
        "code": st.integers(-1, 2),
        "text": TEXTS,
        "data": st.one_of(st.none(), st.binary(max_size=4)),
        "lines": st.one_of(st.none(), st.lists(TEXTS, max_size=3)),
        "words": st.one_of(st.none(), st.lists(st.integers(-1, 2), max_size=3)),
        "failed": st.booleans(),
    }
)


class Places:
    """Tells of connections one by one, and of many at once."""

    def __call__(self, connection, time_ns):
        own = {"src.ip": connection.client.address, "stream": str(connection.number), "conn_id": 7 + connection.number}
        return own | self.common(connection.number % 2, time_ns)

    def columns(self, connections, times):
        pairs = list(zip((connections.number % 2).tolist(), times.tolist(), strict=True))
        shared = list(dict.fromkeys(pairs))
        codes = np.array([shared.index(pair) for pair in pairs], np.int32)
        numbers = connections.number
        own = {"stream": Coded([str(n) for n in numbers.tolist()], np.arange(len(numbers), dtype=np.int32))}
        return PlaceColumns([self.common(*pair) for pair in shared], codes, own | {"conn_id": Numbers(7 + numbers)})

    @staticmethod
    def common(node, time_ns):
        return {"node_name": f"node-{node}", "src.pod.name": f"at-{time_ns}", "local_labels": {"app": "web"}}


def numbers(rows, name, kind):
    values = [row[name] for row in rows]
    seen = np.array([value is not None for value in values], bool)
    return Numbers(np.array([value or 0 for value in values], kind), None if seen.all() else seen)


def slices(values, *, text=False):
    """Lay values one behind the other, the last one first."""
    data = [b"" if value is None else (value.encode() if text else value) for value in values]
    lengths = np.array([len(one) for one in data], np.int64)
    behind = np.cumsum(lengths[::-1])[::-1] - lengths if data else lengths
    absent = np.array([value is None for value in values], bool)
    return Slices(b"".join(reversed(data)), behind, np.where(absent, -1, lengths), text=text)


def lists(rows, name):
    values = [row[name] for row in rows]
    lengths = np.array([-1 if value is None else len(value) for value in values], np.int64)
    return lengths, [item for value in values for item in value or ()]


def spans(rows, half, name):
    seen = np.array([row["halves"][half] for row in rows], bool)
    start = np.array([row[name] for row in rows], np.int64) * seen
    return SpanColumns(seen, start * 3, start * 10, start + 1, start + 2, start, start * 2, start % 2)


def connections(transport):
    one = np.ones(4, np.int64)
    addresses = (np.array([0, 1, 0, 2], np.int32), np.array([1, 1, 3, 3], np.int32))
    return ConnectionColumns(
        transport,
        ["10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"],
        np.array([0, 5, 9, 3]),
        addresses[0],
        np.array([4000, 4001, 4000, 0]),
        addresses[1],
        one * 53,
        np.array([0, 0, 1, 2]),
        one,
        np.array([-1, 7, 2**32 - 1, 5]),
        np.array([3, -1, 7, 5]),
        np.array([True, False, True, False]),
    )


def columns_of(rows, transport, protocol="proto"):
    codes = np.array([row["code"] for row in rows], np.int32)
    line_lengths, lines = lists(rows, "lines")
    word_lengths, words = lists(rows, "words")
    fields = {
        "proto": Numbers(np.ones(len(rows), bool)),
        "number": numbers(rows, "number", np.int64),
        "rate": numbers(rows, "rate", np.float64),
        "when": Numbers(np.arange(len(rows))),
        "name": slices([row["text"] for row in rows], text=True),
        "conn_id": Numbers(codes, codes == 1),
        "payload": slices([row["data"] for row in rows]),
        "lines": Lists(line_lengths, slices(lines, text=True)),
        "words": Lists(word_lengths, Coded(["a", "b", ""], np.array(words, np.int32))),
        "heads": Coded([{"host": "shop"}, {}, {"a": "b", "c": ""}], codes),
        "conn_local_bytes": Numbers(codes.astype(np.int64)),
    }
    return EntryColumns(
        protocol,
        connections(transport),
        np.array([row["connection"] for row in rows], np.int32),
        spans(rows, 0, "asked"),
        spans(rows, 1, "answered"),
        fields,
        slices([row["text"] for row in rows], text=True),
        Coded(["200", "", "500"], codes),
        np.array([row["failed"] for row in rows], bool),
        Coded(["cut off", "", "at 5"], codes),
        slices([row["data"] for row in rows]),
        slices([row["data"] for row in rows][::-1]),
    )


def tables(columns, matching=("number", "name", "words", "lines", "heads"), places=None):
    """Give the table of columns, and that of their objects."""
    own = tuple(Field(name, kind, "meaning", "example") for name, kind in KINDS.items())
    builder = BatchBuilder(columns.protocol, column_types(COMMON_FIELDS, own), frozenset(KINDS), matching)
    places = places or Places()
    return builder.build_columns(columns, places, 5), builder.build(list(columns.entries()), places, 5)


@settings(deadline=None, max_examples=60)
@given(st.lists(ROW, min_size=1, max_size=12), st.sampled_from(["tcp", "udp"]), st.booleans())
def test_columns_make_the_table_that_their_entries_make(rows, transport, by_fields):
    matching = ("number", "name", "words", "lines", "heads", "absent") if by_fields else None
    made, expected = tables(columns_of(rows, transport), matching)
    made.validate(full=True)
    assert made.schema == expected.schema
    assert made.to_pylist() == expected.to_pylist()


@pytest.mark.parametrize("protocol", ["tcp_conn", "udp_conn", "tcp_flow"])
@settings(deadline=None, max_examples=60)
@given(rows=st.lists(ROW, min_size=1, max_size=6))
def test_connections_and_flows_match_as_their_objects_do(protocol, rows):
    made, expected = tables(columns_of(rows, protocol[:3], protocol))
    assert made.to_pylist() == expected.to_pylist()


def test_a_plain_function_may_tell_of_places(make):
    rows = [{**_ROW, "connection": n} for n in (1, 3, 1)]
    made, expected = tables(columns_of(rows, "udp"), places=make.place)
    assert made.to_pylist() == expected.to_pylist()
    assert set(made["node_name"].to_pylist()) == {"node-0", "node-2"}


def test_what_a_batch_does_not_say_is_empty():
    full = columns_of([_ROW, _ROW], "udp")
    bare = EntryColumns("proto", full.connections, full.connection, full.request, full.response)
    made, expected = tables(bare, None)
    assert made.to_pylist() == expected.to_pylist()
    row = made.to_pylist()[0]
    assert [row[name] for name in ("summary", "status", "failed", "malformed", "number")] == ["", "", False, None, None]


_ROW = {
    "connection": 1, "asked": 1, "answered": 2, "halves": (True, True), "number": 5, "rate": 0.5, "code": 0,
    "text": "a", "data": b"b", "lines": ["x"], "words": [1], "failed": False,
}  # fmt: skip
