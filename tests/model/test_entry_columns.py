"""Entries as columns mean the entries that are made of them."""

from __future__ import annotations

import numpy as np

from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import (
    Coded,
    ConnectionColumns,
    EntryColumns,
    Lists,
    Numbers,
    Slices,
    SpanColumns,
)
from kubeshark_mcp.model.stream import Connection, Endpoint, Span


def _connections() -> ConnectionColumns:
    return ConnectionColumns(
        transport="udp",
        addresses=["10.0.0.1", "10.0.0.2", "fd00::1"],
        number=np.array([3, 9]),
        client_address=np.array([0, 2], np.int32),
        client_port=np.array([40000, 40001]),
        server_address=np.array([1, 1], np.int32),
        server_port=np.array([53, 53]),
        capture=np.array([0, 1]),
        point=np.array([5, 0]),
        client_sequence=np.array([-1, -1]),
        server_sequence=np.array([-1, -1]),
        from_start=np.array([False, False]),
    )


def _spans(*rows: Span | None) -> SpanColumns:
    parts = np.array([row or Span(0, 0, 0, 0, 0, 0) for row in rows], np.int64).T
    return SpanColumns(np.array([row is not None for row in rows]), *parts)


def test_a_connection_is_what_its_row_says() -> None:
    assert _connections().connections() == [
        Connection(3, "udp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 53), 0, 5),
        Connection(9, "udp", Endpoint("fd00::1", 40001), Endpoint("10.0.0.2", 53), 1, 0),
    ]
    assert len(_connections()) == 2


def test_a_half_that_was_not_seen_is_none() -> None:
    first = Span(1, 2, 3, 4, 5, 6, 7)

    assert _spans(first, None).spans() == [first, None]


def test_columns_of_each_kind_give_their_rows() -> None:
    texts = Slices("äbc".encode(), np.array([0, 2, 0]), np.array([2, 2, -1]), text=True)

    assert Numbers(np.array([1, 2])).rows() == [1, 2]
    assert Numbers(np.array([1, 2]), np.array([True, False])).rows() == [1, None]
    assert Coded(["x", "y"], np.array([1, -1, 0], np.int32)).rows() == ["y", None, "x"]
    assert texts.rows() == ["ä", "bc", None]
    assert Slices(b"abc", np.array([1]), np.array([2])).rows() == [b"bc"]
    assert Lists(np.array([2, -1, 0, 1]), Coded(["x", "y"], np.array([0, 1, 1], np.int32))).rows() == [
        ["x", "y"],
        None,
        [],
        ["y"],
    ]


def test_entries_are_made_of_all_columns_and_share_their_connection() -> None:
    asked, answered = Span(0, 30, 1, 1, 100, 100), Span(0, 60, 2, 2, 300, 300)
    columns = EntryColumns(
        "dns",
        _connections(),
        np.array([1, 1], np.int32),
        _spans(asked, asked),
        _spans(answered, None),
        {"dns": Numbers(np.array([True, True])), "dns_rcode": Coded(["NOERROR"], np.array([0, -1], np.int32))},
        summary=Coded(["A example.com"], np.array([0, 0], np.int32)),
        status=Coded(["NOERROR"], np.array([0, -1], np.int32)),
        failed=np.array([False, True]),
        malformed=Coded(["cut"], np.array([-1, 0], np.int32)),
        request_body=Slices(b"qqaa", np.array([0, 0]), np.array([2, 2])),
        response_body=Slices(b"qqaa", np.array([2, 0]), np.array([2, -1])),
    )

    first, second = columns.entries()

    [_, connection] = _connections().connections()
    assert first == Entry(
        "dns", connection, asked, answered, {"dns": True, "dns_rcode": "NOERROR"}, "A example.com", "NOERROR",
        False, b"qq", b"aa",
    )  # fmt: skip
    assert second == Entry(
        "dns", connection, asked, None, {"dns": True}, "A example.com", "", True, b"qq", b"", "cut"
    )  # fmt: skip
    assert first.connection is second.connection
    assert len(columns) == 2


def test_what_entries_say_nothing_of_may_be_left_out() -> None:
    asked = Span(0, 30, 1, 1, 100, 100)
    columns = EntryColumns("udp", _connections(), np.array([0], np.int32), _spans(asked), _spans(None))

    assert list(columns.entries()) == [Entry("udp", _connections().connections()[0], asked, None)]


def test_rows_are_taken_by_their_positions() -> None:
    chosen = np.array([1])
    assert _connections().taken(chosen).connections() == _connections().connections()[1:]
    assert Numbers(np.array([1, 2]), np.array([True, False])).taken(chosen).rows() == [None]
    assert Numbers(np.array([1, 2])).taken(None).rows() == [1, 2]
    assert Coded(["a"], np.array([0, -1], np.int32)).taken(chosen).rows() == [None]
    assert Coded(["a"], np.array([0, -1], np.int32)).taken(None).rows() == ["a", None]


def test_connections_of_one_client_address_with_one_port_of_a_server_are_one_flow() -> None:
    addresses = np.array([0, 1, 0, 0, 0], np.int32), np.array([1, 1, 1, 1, 0], np.int32)
    ones = np.ones(5, np.int64)
    ports = np.array([80, 80, 81, 80, 80])
    columns = ConnectionColumns(
        "tcp", ["a", "b"], *(ones, addresses[0], np.arange(5), addresses[1], ports), *[ones] * 5
    )
    first, codes = columns.flows()
    assert sorted(first.tolist()) == [0, 1, 2, 4]
    assert [int(first[code]) for code in codes] == [0, 1, 2, 0, 4]


def test_columns_of_objects_mean_them() -> None:
    objects = _connections().connections()
    objects[0].from_start, objects[1].client_sequence = True, 2**32 - 1
    assert ConnectionColumns.of(objects, np.array).connections() == objects
