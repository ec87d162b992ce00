"""From when to when there is data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.boundaries import bounded, widened

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def node(name: str, first: int, last: int, packets: int | None = 1) -> c.NodeBoundaries:
    return c.NodeBoundaries(
        name=name, oldest=NOON + timedelta(seconds=first), newest=NOON + timedelta(seconds=last), packets=packets
    )


def test_two_captures_of_a_node_are_one_window():
    assert widened(node("a", 0, 5), node("a", 3, 9, None)) == node("a", 0, 9, 1)


def test_boundaries_span_all_nodes_in_order_of_name():
    found = bounded([node("b", 4, 5), node("a", 1, 2)], False, ["w"])
    assert (found.oldest, found.newest) == (NOON + timedelta(seconds=1), NOON + timedelta(seconds=5))
    assert [one.name for one in found.nodes] == ["a", "b"]
    assert bounded([], None, []).oldest is None


async def test_raw_and_dissected_windows_of_the_incident(incident):
    raw, entries = await incident.hub.data_boundaries(), await incident.hub.l7_boundaries()
    assert [one.name for one in raw.nodes] == [one.name for one in entries.nodes] == ["node-a", "node-b"]
    assert raw.oldest <= entries.oldest < entries.newest <= raw.newest
    assert entries.warnings[0] == f"of the dissection {incident.database}"
