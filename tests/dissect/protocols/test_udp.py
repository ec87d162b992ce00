from __future__ import annotations

from kubeshark_mcp.dissect.protocols.udp import Udp
from kubeshark_mcp.dissect.stats_columns import columns_of
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Span, Traffic, Unclaimed


def stats(transport: str, unclaimed: Unclaimed | None) -> ConnectionStats:
    connection = Connection(0, transport, Endpoint("10.0.0.1", 5000), Endpoint("10.0.0.2", 4789))
    return ConnectionStats(connection, "active", Traffic(2, 0, 20), Traffic(), 1, 2, 10, 20, unclaimed=unclaimed)


def test_only_datagrams_that_nobody_read_make_entries():
    unclaimed = Unclaimed("data", Span(0, 20, 1, 2, 10, 20), Span(0, 5, 3, 3, 30, 30), (b"hello", b"you"), 3)
    found = Udp().entries([stats("udp", None), stats("tcp", unclaimed), stats("udp", unclaimed)])
    assert [entry.fields for entry in found] == [
        {
            "udp": True,
            "udp_length": 25 + 3 * 8,
            "udp_payload": b"hello",
            "request_body_size": 20,
            "response_body_size": 5,
        }
    ]
    assert found[0].fields.keys() <= {field.name for field in Udp.fields}


def test_columns_give_the_same_entries():
    every = [stats("udp", None), stats("tcp", None), stats("udp", Unclaimed("data", Span(0, 20, 1, 2, 10, 20), None))]
    expected = Udp().entries(every)
    assert expected
    assert [entry for columns in columns_of(every) for entry in Udp().entries_of(columns)] == expected
