from __future__ import annotations

from kubeshark_mcp.dissect.protocols.tcp_conn import TcpConn
from kubeshark_mcp.dissect.stats_columns import columns_of
from kubeshark_mcp.model.entry_columns import EntryColumns
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Traffic


def stats(number: int, transport: str) -> ConnectionStats:
    connection = Connection(number, transport, Endpoint("10.0.0.1", 5000 + number), Endpoint("10.0.0.2", 53))
    return ConnectionStats(connection, "active", Traffic(1, 60, 20), Traffic(1, 90, 50), number + 1, number + 1, 10, 20)


def test_only_tcp_is_counted():
    entries = TcpConn().entries([stats(0, "tcp"), stats(0, "udp"), stats(1, "tcp"), stats(2, "sctp")])
    assert [entry.protocol for entry in entries] == ["tcp_conn"] * 2
    assert {entry.connection.transport for entry in entries} == {"tcp"}
    assert all(entry.fields["tcp_conn"] and entry.fields["conn"] for entry in entries)


def test_its_entries_carry_declared_fields_only():
    protocol = TcpConn()
    (entry,) = protocol.entries([stats(0, "tcp")])
    assert entry.fields.keys() <= {field.name for field in protocol.fields}
    assert (entry.fields["conn_local_bytes"], entry.fields["conn_remote_pkts"]) == (60, 1)


def test_columns_give_the_same_entries():
    every = [stats(0, "tcp"), stats(0, "udp"), stats(1, "tcp")]
    protocol, found = TcpConn(), []
    for columns in columns_of(every):
        made = protocol.entries_of(columns)
        assert isinstance(made, EntryColumns) == (columns.transport == "tcp")
        found += made.entries() if isinstance(made, EntryColumns) else made
    assert found == protocol.entries(every)
