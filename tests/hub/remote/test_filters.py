"""Filters are checked here before a Hub sees them."""

from __future__ import annotations

import pytest

from kubeshark_mcp.errors import FilterError, UsageError
from kubeshark_mcp.hub.contract_filters import ClausePlan
from kubeshark_mcp.hub.remote.filters import Filters, clause_counts

FILTERS = Filters()


def test_a_bad_filter_is_explained():
    with pytest.raises(FilterError):
        FILTERS.compile("http &&")
    assert FILTERS.compile("  ") is None
    found = FILTERS.check("src.ns == 'shop'")
    assert not found.valid
    assert found.corrected is not None


def test_a_field_of_ours_is_warned_of_for_other_hubs_only():
    program = FILTERS.compile("http && failed")
    assert any("failed is a field of kubeshark-mcp's own" in one for one in FILTERS.warnings(program, ours=False))
    assert not any("kubeshark-mcp" in one for one in FILTERS.warnings(program, ours=True))
    assert FILTERS.warnings(None, ours=False) == []


async def test_explaining_counts_clause_by_clause():
    asked: list[str | None] = []

    async def count(kfl):
        asked.append(kfl)
        return {None: 100, "(http)": 40, "(http) && (status_code >= 500)": 0}.get(kfl, 0)

    plan = await FILTERS.explain('http && status_code >= 500 && method == "GET"', count, "live")
    assert (plan.total, plan.matches, plan.database) == (100, 0, "live")
    assert plan.clauses == [
        ClausePlan(text="http", in_sql=True, left=40),
        ClausePlan(text="status_code >= 500", in_sql=True, left=0),
        ClausePlan(text='method == "GET"', in_sql=True, left=None),
    ]
    assert len(asked) == 4
    with pytest.raises(UsageError):
        await FILTERS.explain(" ", count, "live")


async def test_no_more_than_eight_clauses_are_counted():
    program = FILTERS.compile(" && ".join(f"status_code != {number}" for number in range(20)))

    async def count(kfl):
        return 5

    assert program is not None
    assert await clause_counts(program, count) == [5] * 8
