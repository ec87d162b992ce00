"""Which rows are sightings of one call."""

from __future__ import annotations

import pytest

from kubeshark_mcp.model.stream import Endpoint, Span
from kubeshark_mcp.store import grouping
from kubeshark_mcp.store.grouping import group_part, split_rows
from kubeshark_mcp.store.workshop import Workshop

TOLERANCE = 10**10


@pytest.fixture
def groups(write):
    """Give the groups as sorted lists of the `packet` numbers that entries were made with."""

    def _groups(entries, place=lambda connection, time_ns: {}):
        shop = Workshop(write(entries, place))
        found = {}
        parts = split_rows(shop)
        for part in range(parts):
            if not group_part(shop, part, parts, TOLERANCE):
                continue
            for protocol in shop.files:
                for gid, packet in shop.run(
                    f"SELECT gid, _request_first FROM members JOIN {shop.raw(protocol)} USING (_id)"
                ):
                    found.setdefault(gid, []).append(packet)
        shop.close()
        return sorted(sorted(packets) for packets in found.values())

    return _groups


def test_places_differ_by_capture_point_or_server(groups, make):
    same = make.http(make.connection(), packet=1)
    captured = make.http(make.connection(capture=1), packet=2)
    point = make.http(make.connection(point=1), packet=3)
    server = make.http(make.connection(server=Endpoint("10.244.9.9", 8080)), packet=4)
    assert groups([same, captured, point, server]) == [[1, 2, 3, 4]]


def test_the_kth_at_one_place_joins_the_kth_at_another(groups, make):
    entries = []
    for turn in range(3):
        for capture in (0, 1):
            entries.append(
                make.http(make.connection(capture=capture), at_ms=turn * 100 + capture, packet=turn * 10 + capture)
            )
    assert groups(entries) == [[0, 1], [10, 11], [20, 21]]


def test_a_missed_turn_long_before_does_not_shift_the_rest(groups, make):
    late = 60_000
    entries = [
        make.http(make.connection(), packet=1),
        make.http(make.connection(), at_ms=late, packet=2),
        make.http(make.connection(capture=1), at_ms=late, packet=3),
    ]
    assert groups(entries) == [[2, 3]]


def test_many_rows_of_one_match_take_no_time(groups, make):
    entries = [make.http(make.connection(capture=n % 2), at_ms=n, packet=n) for n in range(6000)]
    assert len(groups(entries)) == 3000


def connection(make, sequence, packet, start_ms=0, seconds=10, **changes):
    start = make.START + start_ms * make.MS
    span = Span(0, 500, packet, packet + 1, start, start + seconds * 10**9)
    where = make.connection(client_sequence=sequence, **changes)
    return make.http(where, protocol="tcp_conn", request=span, response=span, fields={"conn_local_bytes": 500})


def test_connections_join_where_their_sequence_numbers_touch(groups, make):
    entries = [
        connection(make, 2**32 - 100, 1),
        connection(make, 300, 2, capture=1),
        connection(make, 2_000_000_000, 3, capture=1),
        connection(make, 2_000_000_100, 4),
        connection(make, 3_000_000_000, 5),
    ]
    assert groups(entries) == [[1, 2], [3, 4]]


def test_a_connection_of_a_later_time_from_the_same_port_is_another(groups, make):
    entries = [connection(make, 1000, 1), connection(make, 1000, 2, start_ms=40_000, capture=1)]
    assert groups(entries) == []


def test_a_connection_with_unknown_sequence_numbers_joins_nothing(groups, make):
    assert groups([connection(make, -1, 1), connection(make, -1, 2, capture=1)]) == []


def test_a_folder_without_entries_has_no_groups(tmp_path):
    shop = Workshop(tmp_path)
    assert split_rows(shop) == 0
    shop.close()


@pytest.mark.parametrize("limit", ["PART_ROWS", "COUNTED_ROWS"])
def test_what_repeats_is_grouped_in_parts_as_it_would_be_at_once(groups, make, monkeypatch, limit):
    entries = [make.http(make.connection(n, capture=c), packet=10 * n + c) for n in range(200) for c in (0, 1)]
    at_once = groups(entries)
    monkeypatch.setattr(grouping, limit, 30)
    assert groups(entries) == at_once == [[10 * n, 10 * n + 1] for n in range(200)]
