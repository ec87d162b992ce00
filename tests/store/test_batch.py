"""Entries as columns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubeshark_mcp.model.stream import Endpoint, Span
from kubeshark_mcp.store.batch import BatchBuilder, endpoint_of
from kubeshark_mcp.store.columns import column_types
from kubeshark_mcp.store.places import connection_key


@pytest.fixture
def build(make):
    def _build(entries, place=lambda connection, time_ns: {}, protocol="http"):
        own = make.FIELDS[protocol]
        types = column_types(make.COMMON, own)
        builder = BatchBuilder(protocol, types, frozenset(field.name for field in own), ("dns_id",))
        return builder.build(entries, place, 1).to_pylist()

    return _build


@pytest.mark.parametrize(
    ("summary", "endpoint"),
    [
        ("GET /orders", "GET /orders"),
        ("GET /users/17/cart/9?x=1&y=2", "GET /users/{}/cart/{}"),
        ("GET /v1/items/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "GET /v1/items/{}"),
        ("GET /blob/5f8d04e1a2b3c4d5", "GET /blob/{}"),
        ("GET /v2.0/x1/3d", "GET /v2.0/x1/3d"),
        ("GET cart:17", "GET cart:{}"),
        ("SELECT * FROM t WHERE id=17", "SELECT * FROM t WHERE id={}"),
        ("A api.example.com", "A api.example.com"),
        ("GET /added/decade", "GET /added/decade"),
    ],
)
def test_an_endpoint_is_a_summary_without_what_varies(summary, endpoint):
    assert endpoint_of(summary) == endpoint


def test_an_endpoint_of_a_long_summary_is_cut_and_quick():
    assert len(endpoint_of("GET /" + "1/" * 100_000)) <= 400


def test_times_come_from_the_halves_that_were_seen(build, make):
    where = make.connection()
    asked = make.http(where, elapsed_ms=None)
    both = make.http(where, at_ms=1, elapsed_ms=2)
    pushed = make.http(where, at_ms=2, request=None, elapsed_ms=4)
    rows = build([pushed, both, asked])
    chosen = ("timestamp", "elapsed_time", "answered", "_request_start", "_response_end")
    assert [tuple(row[name] for name in chosen) for row in rows] == [
        (make.START, None, False, make.START, None),
        (make.START + make.MS, 2000, True, make.START + make.MS, make.START + 3 * make.MS),
        (make.START + 6 * make.MS - 1000, None, False, None, make.START + 6 * make.MS),
    ]


def test_a_field_of_the_entry_wins_over_its_place_and_the_place_over_the_connection(build, make):
    conn = make.http(make.connection(4), protocol="tcp_conn", fields={"conn_id": 77})
    bare = make.http(make.connection(5), at_ms=1, protocol="tcp_conn", fields={})

    def place(connection, time_ns):
        return {"conn_id": 10 + connection.number, "src.ip": "1.2.3.4"} if connection.number == 5 else {}

    rows = build([conn, bare], place, "tcp_conn")
    assert [(row["conn_id"], row["src.ip"], row["dst.port"]) for row in rows] == [
        (77, "10.0.0.1", 80),
        (15, "1.2.3.4", 80),
    ]


def test_nearness_and_the_kind_of_server_are_derived_where_the_place_does_not_tell(build, make):
    known = [
        {"node_name": "a", "local_node_name": "a", "dst.pod.name": "cart-0", "dst.service.name": "cart"},
        {"node_name": "b", "local_node_name": "a", "remote_node_name": "b", "dst.service.name": "cart"},
        {"node_name": "c", "local_node_name": "a", "dst.service.name": "cart", "dst.pod.name": "cart"},
        {},
        {"_near": 2, "_server_kind": "service"},
    ]
    rows = build([make.http(make.connection(n), at_ms=n) for n in range(5)], lambda where, time_ns: known[where.number])
    assert [(row["_near"], row["_server_kind"]) for row in rows] == [
        (0, "pod"),
        (2, "service"),
        (1, "service"),
        (1, ""),
        (2, "service"),
    ]


def test_what_cannot_be_recognised_elsewhere_has_no_match(build, make):
    unknown = make.http(make.connection(client_sequence=-1))
    known = make.http(make.connection(), at_ms=1)
    rows = build([unknown, known])
    assert [row["_match"] is None for row in rows] == [True, False]
    flow = make.http(make.connection(), protocol="tcp_flow", fields={})
    assert build([flow], protocol="tcp_flow")[0]["_match"] is None


def test_one_batch_may_mix_transports(build, make):
    over_tcp = make.http(make.connection(), protocol="dns", fields={"dns_id": 1})
    over_udp = make.http(
        make.connection(transport="udp", client_sequence=-1), at_ms=1, protocol="dns", fields={"dns_id": 1}
    )
    first, second = build([over_tcp, over_udp], protocol="dns")
    assert first["_match"] is not None
    assert second["_match"] is not None
    assert first["_match"] != second["_match"]
    assert second["_match_response"] is None


@pytest.mark.parametrize(("matching", "alike"), [(("dns_id",), [0, 1, 0, 0]), (None, [0, 0, 1, 2])])
def test_datagrams_match_by_the_fields_that_identify_them_else_by_what_they_say(make, matching, alike):
    where = make.connection(1, transport="udp")
    entry = make.http(where, protocol="dns", fields={"dns_id": 5})
    entries = [
        entry,
        replace(entry, fields={"dns_id": 6}),
        replace(entry, summary="other"),
        replace(entry, request=None),
    ]
    own = make.FIELDS["dns"]
    builder = BatchBuilder("dns", column_types(make.COMMON, own), frozenset(field.name for field in own), matching)
    table = builder.build(entries, lambda connection, time_ns: {}, 1)
    found = dict(zip([_kind(row) for row in table.to_pylist()], table["_match"].to_pylist(), strict=True))
    matches = [
        found[kind]
        for kind in ((5, entry.summary, True), (6, entry.summary, True), (5, "other", True), (5, entry.summary, False))
    ]
    assert [sorted(set(matches), key=matches.index).index(match) for match in matches] == alike


def _kind(row):
    return row["dns_id"], row["summary"], row["_request_start"] is not None


def test_connections_have_numbers_of_their_own(make):
    keys = {
        connection_key(make.connection(number, capture=capture, transport=transport))
        for number in (0, 1, 2**32)
        for capture in (0, 1, 999)
        for transport in ("tcp", "udp", "sctp", "icmp", "other")
    }
    assert len(keys) == 45
    assert max(keys) < 2**63


def test_servers_are_written_as_addresses_with_ports(build, make):
    entries = [
        make.http(make.connection(1)),
        make.http(make.connection(2, server=Endpoint("2001:db8::1", 443)), at_ms=1),
    ]
    assert [row["_server"] for row in build(entries)] == ["10.96.0.9:80", "[2001:db8::1]:443"]


def test_missing_bytes_of_both_halves_are_added(build, make):
    entry = make.http(make.connection(), request=Span(0, 10, 1, 1, make.START, make.START, missing=3))
    assert build([entry])[0]["_missing"] == 3
