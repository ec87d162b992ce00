"""An empty answer says why, and names the one call that settles it."""

from __future__ import annotations

from datetime import timedelta

from kubeshark_mcp.hub import contract as c


async def reason(incident, **query) -> c.EmptyReason:
    page = await incident.hub.calls(c.CallQuery(**query))
    assert page.rows == []
    return page.empty


async def test_a_window_outside_the_data(incident):
    boundaries = await incident.hub.l7_boundaries()
    later = boundaries.newest + timedelta(hours=1)
    found = await reason(incident, start=later, end=later + timedelta(hours=1))
    assert (found.code, found.tool) == ("outside_window", "get_l7_data_boundaries")
    assert "lies outside the dissected data, which covers 2026-" in found.sentence


async def test_a_field_that_nothing_fills(incident):
    found = await reason(incident, kfl='kafka && kafka_client_id == "x"')
    assert found.code == "never_filled"
    assert "has kafka, kafka_client_id" in found.sentence
    assert (found.tool, found.arguments) == ("get_api_stats", {"group_by": "protocol"})


async def test_the_clause_that_removed_the_last_rows(incident):
    found = await reason(incident, kfl='http && status_code == 503 && method == "DELETE"')
    assert found.code == "clause"
    assert found.clauses[1:] == [("status_code == 503", 40), ('method == "DELETE"', 0)]
    assert found.sentence.startswith('Clause 3 (method == "DELETE") removed the last 40 of ')


async def test_a_quiet_moment_between_traffic(incident):
    boundaries = await incident.hub.l7_boundaries()
    found = await reason(
        incident, start=boundaries.oldest - timedelta(seconds=2), end=boundaries.oldest - timedelta(seconds=1)
    )
    assert found.code == "outside_window"


async def test_statistics_and_flows_say_it_too(incident):
    stats = await incident.hub.stats(c.StatsQuery(kfl="http && status_code == 418"))
    assert stats.empty.code == "clause"
    flows = await incident.hub.flows(c.FlowQuery(snapshot_id=incident.snapshot, pod="nobody"))
    assert flows.empty.code == "clause"
    assert flows.empty.sentence.endswith("flows has pod=nobody.")
