"""What an entry knows of where it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kubeshark_mcp.hub.places import Places, flow_number
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.identity.table import IdentityTable
from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.entry_columns import ConnectionColumns
from kubeshark_mcp.model.stream import Connection, Endpoint

SOURCES = [CaptureSource(Path("/c/one.pcap"), "node-1")]


def connection(number: int = 3, transport: str = "tcp", client_port: int = 40000) -> Connection:
    return Connection(number, transport, Endpoint("10.0.0.1", client_port), Endpoint("10.0.0.2", 80))


def test_strangers_have_addresses_and_a_place():
    found = Places(SOURCES, IdentityTable())(connection(), 0)
    assert {name: found[name] for name in ("src.ip", "src.port", "dst.ip", "dst.port", "node_name", "stream")} == {
        "src.ip": "10.0.0.1", "src.port": 40000, "dst.ip": "10.0.0.2", "dst.port": 80, "node_name": "node-1",
        "stream": "3",
    }  # fmt: skip
    assert found["capture"] == {"file": "one.pcap", "node": "node-1", "interface": "0"}
    assert found["local_resolution_status"] == "unresolved"
    assert "src.pod.name" not in found


def test_every_name_that_is_given_is_a_declared_field():
    declared = {field.name for field in COMMON_FIELDS}
    found = Places(SOURCES, IdentityTable())(connection(), 0)
    assert {name for name in found if not name.startswith("_")} - declared <= {"conn_group_id", "flow_group_id"}


def test_connections_of_different_transports_never_share_a_number():
    place = Places(SOURCES, IdentityTable())
    numbers = {place(connection(3, transport), 0)["conn_id"] for transport in ("tcp", "udp", "sctp", "icmp")}
    assert len(numbers) == 4


def test_a_flow_is_the_same_whatever_the_clients_port():
    assert flow_number(connection(client_port=1)) == flow_number(connection(client_port=2))
    assert flow_number(connection()) != flow_number(connection(transport="udp"))
    assert 0 <= flow_number(connection()) < 2**63


def test_many_connections_are_told_of_as_one_by_one():
    identities = IdentityTable()
    for name, address, time_ns in (("db", "10.0.0.2", 5), ("cache", "10.0.0.2", 50), ("web", "10.0.0.1", 0)):
        identities.names.add(name, address, time_ns)
    sources = [*SOURCES, CaptureSource(Path("/c/two.pcap"), "node-2")]
    place = Places(sources, identities)
    count = 60
    numbers = np.arange(count)
    columns = ConnectionColumns(
        "udp", ["10.0.0.1", "10.0.0.2", "fd00::1"], numbers, (numbers % 3).astype(np.int32), 4000 + numbers,
        (numbers % 2).astype(np.int32), 53 + numbers % 2, numbers % 2, numbers % 4, numbers, numbers, numbers > 5,
    )  # fmt: skip
    found = place.columns(columns, numbers * 3)
    own = {name: column.rows() for name, column in found.own.items()}
    for row, one in enumerate(columns.connections()):
        expected = dict(place(one, row * 3))
        for name in ("src.ip", "dst.ip", "src.port", "dst.port"):
            del expected[name]
        assert {**{name: values[row] for name, values in own.items()}, **found.shared[found.codes[row]]} == expected
    assert len(found.shared) < count
