"""Whether anything may have been seen at several places: what is told without a database is what the database finds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubeshark_mcp.model.stream import Endpoint
from kubeshark_mcp.store import repeats
from kubeshark_mcp.store.grouping import split_rows
from kubeshark_mcp.store.repeats import may_repeat, row_counts
from kubeshark_mcp.store.workshop import Workshop

SERVERS = (Endpoint("10.96.0.9", 80), Endpoint("10.244.2.7", 8080))


def nothing(connection, time_ns):
    return {}


def repeats_in_database(folder):
    shop = Workshop(folder)
    try:
        return split_rows(shop) > 0
    finally:
        shop.close()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(0, 1),
            st.integers(0, 1),
            st.sampled_from(SERVERS),
            st.sampled_from(["both", "request", "response"]),
            st.sampled_from(["http", "tcp_conn", "tcp_flow", "dns"]),
        ),
        max_size=5,
    )
)
def test_it_tells_what_the_database_finds(write, make, tmp_path_factory, seen):
    entries = []
    for number, capture, point, server, halves, protocol in seen:
        where = make.connection(number, capture=capture, point=point, server=server)
        entry = make.http(where)
        if halves != "both" and protocol == "http":
            entry = replace(entry, request=None) if halves == "response" else replace(entry, response=None)
        if protocol == "dns":
            entry = replace(entry, connection=replace(where, transport="udp", client_sequence=-1, server_sequence=-1))
        entries.append(replace(entry, protocol=protocol, fields={protocol: True}))
    folder = write(entries, nothing, tmp_path_factory.mktemp("law") / "entries")
    assert may_repeat(folder) == repeats_in_database(folder)


@pytest.mark.parametrize("change", [{"capture": 1}, {"point": 1}, {"server": SERVERS[1]}])
def test_one_call_at_another_capture_point_or_server_repeats(write, make, change):
    folder = write([make.http(make.connection()), make.http(make.connection(**change))], nothing)
    assert may_repeat(folder)


def test_calls_at_one_place_do_not_repeat_however_alike_they_are(write, make):
    assert not may_repeat(write([make.http(make.connection()) for _ in range(5)], nothing))


def test_a_response_alone_may_be_that_of_a_request_elsewhere(write, make):
    whole = make.http(make.connection())
    lone = replace(make.http(make.connection(capture=1)), request=None)
    assert may_repeat(write([whole, lone], nothing))
    assert not may_repeat(write([lone, make.http(make.connection(3))], nothing, "others"))


def test_an_empty_folder_has_nothing_to_look_at(tmp_path):
    assert not may_repeat(tmp_path)
    assert row_counts(tmp_path) == {}


def test_too_many_rows_are_left_to_the_database(write, make, monkeypatch):
    folder = write([make.http(make.connection(number)) for number in range(5)], nothing)
    assert not may_repeat(folder)
    monkeypatch.setattr(repeats, "MOST_ROWS", 4)
    assert may_repeat(folder)


def test_a_damaged_file_is_left_to_the_database(write, make):
    folder = write([make.http(make.connection())], nothing)
    (folder / "dns-0-000.parquet").write_bytes(b"PAR1 and no more")
    assert may_repeat(folder)


def test_rows_are_counted_by_protocol(write, make):
    other = replace(make.http(make.connection()), protocol="dns", fields={"dns": True})
    assert row_counts(write([make.http(make.connection()), make.http(make.connection()), other], nothing)) == {
        "dns": 1,
        "http": 2,
    }
