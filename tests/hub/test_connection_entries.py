"""Connections become entries as they end."""

from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.protocols.tcp import Tcp
from kubeshark_mcp.dissect.protocols.tcp_conn import TcpConn
from kubeshark_mcp.dissect.protocols.tcp_flow import TcpFlow
from kubeshark_mcp.dissect.stats_columns import columns_of
from kubeshark_mcp.hub import connection_entries
from kubeshark_mcp.hub.connection_entries import ConnectionEntries
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import EntryColumns
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Traffic


def connections(count: int) -> list[ConnectionStats]:
    """Give connections of one flow."""
    client, server = Endpoint("10.0.0.1", 4000), Endpoint("10.0.0.2", 80)
    traffic = Traffic(1, 60)
    return [
        ConnectionStats(
            Connection(number, "tcp", client, server), "closed", traffic, traffic, number + 1, number + 1, 1, 2
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(("count", "before_the_end"), [(20, 0), (95, 50)])
def test_few_wait_for_the_end_and_many_do_not(monkeypatch, count, before_the_end):
    monkeypatch.setattr(connection_entries, "HELD", 50)
    found: list[Entry] = []
    made = ConnectionEntries([TcpConn(), TcpFlow()], found.extend)
    for start in range(0, count, 10):
        add(made, connections(count)[start : start + 10])
    assert len(found) == before_the_end
    made.finish()
    assert [entry.connection.number for entry in found if entry.protocol == "tcp_conn"] == list(range(count))
    (flow,) = [entry for entry in found if entry.protocol == "tcp_flow"]
    assert flow.fields["flow_connections"] == count


def test_entries_are_columns_where_these_are_wanted_and_objects_elsewhere():
    stats = connections(30)
    expected = [*TcpConn().entries(stats), *TcpFlow().entries(stats)]
    for columns_too in (False, True):
        found: list[Entry] = []
        columns: list[EntryColumns] = []
        made = ConnectionEntries([TcpConn(), TcpFlow(), Tcp()], found.extend, columns.append if columns_too else None)
        for part in (stats[:5], stats[5:17], stats[17:]):
            add(made, part)
        made.finish()
        assert [one.protocol for one in columns] == (["tcp_conn", "tcp_flow"] if columns_too else [])
        assert found + [entry for one in columns for entry in one.entries()] == expected


def add(made: ConnectionEntries, stats: list[ConnectionStats]) -> None:
    for columns in columns_of(stats):
        made.add_columns(columns)
