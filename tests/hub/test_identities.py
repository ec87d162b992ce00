"""Identities of a run: objects from files, names from DNS answers."""

from __future__ import annotations

import numpy as np

from kubeshark_mcp.hub.identities import answers_in, answers_of, learn, learn_columns, load_identities
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import (
    Coded,
    Column,
    ConnectionColumns,
    EntryColumns,
    Lists,
    SpanColumns,
)
from kubeshark_mcp.model.stream import Connection, Endpoint, Span

from .conftest import RESOURCES

CONNECTION = Connection(0, "udp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 53))


def test_objects_files_are_read_into_one_table():
    table = load_identities(RESOURCES)
    assert table.resolve("10.244.2.30", 6379, 2**62).service == "redis"
    assert table.node_address("node-a")


def test_dns_answers_name_addresses_from_then_on():
    table = load_identities([])
    answer = Entry("dns", CONNECTION, None, Span(0, 1, 1, 1, 100, 100), {"dns_addresses": ["api.example 60 192.0.2.7"]})
    learn(table, [answer, Entry("http", CONNECTION, None, Span(0, 1, 2, 2, 200, 200))])
    assert table.resolve("192.0.2.7", 443, 150).dns == "api.example"
    assert table.resolve("192.0.2.8", 443, 150).status == "unresolved"


def _columns(addresses: Column | None, protocol: str = "dns") -> EntryColumns:
    """Three entries of two connections, the last of them an answer alone."""
    nothing = np.zeros(3, np.int64)
    connections = ConnectionColumns(
        "udp", ["10.0.0.1", "10.0.0.2"], np.array([0, 1]), np.zeros(2, np.int32), np.array([40000, 40001]),
        np.ones(2, np.int32), np.array([53, 8600]), *[nothing[:2]] * 4, np.zeros(2, bool),
    )  # fmt: skip
    asked, answered = np.array([100, 300, 0]), np.array([150, 250, 400])
    return EntryColumns(
        protocol,
        connections,
        np.array([0, 1, 1], np.int32),
        SpanColumns(np.array([True, True, False]), *[nothing] * 4, asked, asked, nothing),
        SpanColumns(np.ones(3, bool), *[nothing] * 4, answered, answered, nothing),
        {} if addresses is None else {"dns_addresses": addresses},
    )


LINES = [("api.example 60 192.0.2.7", "api.example 60 192.0.2.8"), (), ("db.example 60 192.0.2.9",)]
CODED = Coded(LINES, np.array([0, 2, -1], np.int32))
LISTED = Lists(np.array([1, 0, 1]), Coded([LINES[0][0], LINES[2][0]], np.array([0, 1], np.int32)))


def test_answers_in_columns_are_those_of_their_entries():
    for addresses in (CODED, LISTED, None):
        columns = _columns(addresses)
        assert answers_in(columns) == answers_of(columns.entries())
    assert answers_in(_columns(CODED))[-1] == (250, "db.example", "192.0.2.9")
    assert answers_in(_columns(CODED, "mdns")) == []


def test_columns_teach_names_but_for_ports_that_are_known():
    table, others = load_identities([]), load_identities([])
    learn_columns(table, _columns(CODED))
    learn_columns(others, _columns(CODED), {53})
    assert [table.resolve(f"192.0.2.{end}", 1, 500).dns for end in (7, 8, 9)] == ["api.example"] * 2 + ["db.example"]
    assert [others.resolve(f"192.0.2.{end}", 1, 500).dns for end in (7, 8, 9)] == ["", "", "db.example"]
