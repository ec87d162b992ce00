from __future__ import annotations

from kubeshark_mcp.dissect.protocols.udp_flow import UdpFlow
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Traffic


def stats(number: int, transport: str) -> ConnectionStats:
    connection = Connection(number, transport, Endpoint("10.0.0.1", 5000 + number), Endpoint("10.0.0.2", 53))
    return ConnectionStats(connection, "active", Traffic(1, 60, 20), Traffic(1, 90, 50), number + 1, number + 1, 10, 20)


def test_only_udp_is_counted():
    entries = UdpFlow().entries([stats(0, "tcp"), stats(0, "udp"), stats(1, "udp"), stats(2, "sctp")])
    assert [entry.protocol for entry in entries] == ["udp_flow"] * 1
    assert {entry.connection.transport for entry in entries} == {"udp"}
    assert all(entry.fields["udp_flow"] and entry.fields["flow"] for entry in entries)


def test_its_entries_carry_declared_fields_only():
    protocol = UdpFlow()
    (entry,) = protocol.entries([stats(0, "udp")])
    assert entry.fields.keys() <= {field.name for field in protocol.fields}
    assert (entry.fields["flow_local_bytes"], entry.fields["flow_remote_pkts"]) == (60, 1)
