"""Filters on the incident: checked, explained, and the fields behind them."""

from __future__ import annotations

import pytest

from kubeshark_mcp.errors import FilterError, NotFoundError, UsageError
from kubeshark_mcp.hub.embedded import EmbeddedHub


async def test_a_filter_is_checked_against_the_data(incident):
    good = await incident.hub.check_filter("http&&status_code>=500")
    assert (good.valid, good.canonical) == (True, "http && status_code >= 500")
    never = await incident.hub.check_filter('kafka_client_id == "x"')
    assert never.valid
    assert never.warnings
    bad = await incident.hub.check_filter("http and response.status >= 500")
    assert (bad.valid, bad.corrected) == (False, "http && status_code >= 500")
    assert "line 1" in bad.message


async def test_without_data_a_filter_is_checked_all_the_same(tmp_path):
    hub = EmbeddedHub(tmp_path)
    assert (await hub.check_filter("http")).valid
    with pytest.raises(NotFoundError):
        await hub.check_filter("http", "nope")
    await hub.close()


async def test_each_clause_tells_what_it_leaves(incident):
    plan = await incident.hub.explain_filter('http && status_code == 503 && path.charAt(1) == "a"')
    assert [(clause.in_sql, clause.left) for clause in plan.clauses] == [
        (True, incident.truth["calls"]["http"]), (True, 40), (False, 40),
    ]  # fmt: skip
    assert plan.total > plan.clauses[0].left
    assert 0 <= plan.matches <= 40
    with pytest.raises(UsageError, match="nothing to explain"):
        await incident.hub.explain_filter(" ")
    with pytest.raises(FilterError):
        await incident.hub.explain_filter("htpp")


async def test_fields_tell_how_they_are_filled(incident):
    status, kafka = await incident.hub.field_use(["status_code", "kafka_client_id"])
    assert status.filled == incident.truth["calls"]["http"]
    assert dict(status.commonest)["503"] == 40
    assert (kafka.filled, kafka.commonest) == (0, [])
    with pytest.raises(UsageError, match="'staus_code' is no field; did you mean"):
        await incident.hub.field_use(["staus_code"])
