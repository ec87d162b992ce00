from __future__ import annotations

from kubeshark_mcp.dissect.protocols.tcp_flow import TcpFlow
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Traffic


def stats(number: int, transport: str) -> ConnectionStats:
    connection = Connection(number, transport, Endpoint("10.0.0.1", 5000 + number), Endpoint("10.0.0.2", 53))
    return ConnectionStats(connection, "active", Traffic(1, 60, 20), Traffic(1, 90, 50), number + 1, number + 1, 10, 20)


def test_only_tcp_is_counted():
    entries = TcpFlow().entries([stats(0, "tcp"), stats(0, "udp"), stats(1, "tcp"), stats(2, "sctp")])
    assert [entry.protocol for entry in entries] == ["tcp_flow"] * 1
    assert {entry.connection.transport for entry in entries} == {"tcp"}
    assert all(entry.fields["tcp_flow"] and entry.fields["flow"] for entry in entries)


def test_its_entries_carry_declared_fields_only():
    protocol = TcpFlow()
    (entry,) = protocol.entries([stats(0, "tcp")])
    assert entry.fields.keys() <= {field.name for field in protocol.fields}
    assert (entry.fields["flow_local_bytes"], entry.fields["flow_remote_pkts"]) == (60, 1)
