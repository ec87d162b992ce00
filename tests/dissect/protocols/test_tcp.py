from __future__ import annotations

from kubeshark_mcp.dissect.protocols.tcp import Tcp
from kubeshark_mcp.dissect.stats_columns import columns_of
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Span, Traffic, Unclaimed

UNCLAIMED = Unclaimed("data", Span(0, 20, 1, 1, 10, 10), None, (b"hello", b""), 1)


def stats(transport: str = "tcp", state: str = "closed", unclaimed: Unclaimed | None = None) -> ConnectionStats:
    connection = Connection(0, transport, Endpoint("10.0.0.1", 5000), Endpoint("10.0.0.2", 22))
    sides = Traffic(1, 60, 20), Traffic(1, 90, 50)
    return ConnectionStats(connection, state, *sides, 1, 2, 10, 20, unclaimed=unclaimed)


def test_only_what_nobody_read_and_what_failed_makes_entries():
    asked = [
        stats(),
        stats(unclaimed=UNCLAIMED),
        stats(state="refused"),
        stats("udp", "active", UNCLAIMED),
        stats(state="reset"),
    ]
    found = Tcp().entries(asked)
    assert [(entry.fields["tcp_method"], entry.status) for entry in found] == [("data", "closed"), ("error", "refused")]


def test_a_failure_is_told_in_words():
    (entry,) = Tcp().entries([stats(state="reset", unclaimed=UNCLAIMED)])
    assert entry.fields["tcp_error_type"] == "reset"
    assert entry.fields["tcp_error_message"] == "the connection was reset"
    assert not entry.failed


def test_its_entries_carry_declared_fields_only():
    found = Tcp().entries([stats(state="syn_sent"), stats(state="reset", unclaimed=UNCLAIMED)])
    declared = {field.name for field in Tcp.fields}
    assert len(found) == 2
    for entry in found:
        assert entry.fields.keys() <= declared


def test_columns_give_the_same_entries():
    every = [stats(), stats(state="refused"), stats("udp", "active", UNCLAIMED), stats(unclaimed=UNCLAIMED)]
    expected = Tcp().entries(every)
    assert expected
    assert [entry for columns in columns_of(every) for entry in Tcp().entries_of(columns)] == expected
