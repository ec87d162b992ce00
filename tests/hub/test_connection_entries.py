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
    made.add(connections(count))
    assert len(found) == before_the_end
    made.finish()
    assert [entry.connection.number for entry in found if entry.protocol == "tcp_conn"] == list(range(count))
    (flow,) = [entry for entry in found if entry.protocol == "tcp_flow"]
    assert flow.fields["flow_connections"] == count


def test_columns_give_the_entries_that_objects_give_and_as_columns_where_these_are_wanted():
    stats = connections(30)
    found: list[Entry] = []
    made = ConnectionEntries([TcpConn(), TcpFlow(), Tcp()], found.extend)
    made.add(stats)
    made.finish()
    for columns_too in (False, True):
        again: list[Entry] = []
        columns: list[EntryColumns] = []
        made = ConnectionEntries([TcpConn(), TcpFlow(), Tcp()], again.extend, columns.append if columns_too else None)
        made.add(stats[:5])
        for start in (5, 17):
            for part in columns_of(stats[start : 17 if start == 5 else 30]):
                made.add_columns(part)
        made.finish()
        assert [one.protocol for one in columns] == (["tcp_conn", "tcp_flow"] if columns_too else [])
        assert again + [entry for one in columns for entry in one.entries()] == found
    assert [entry.protocol for entry in found] == ["tcp_conn"] * 30 + ["tcp_flow"]
