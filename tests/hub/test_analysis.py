"""Diagnoses and claims on the dissected incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kubeshark_mcp.analyse.findings import Claim, Measure
from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.hub import contract_analysis as a
from kubeshark_mcp.hub.analysis import claim_row, holds
from kubeshark_mcp.hub.times import end_to_ns


async def test_a_diagnosis_says_what_it_rests_on(incident):
    found = await incident.hub.diagnose(a.DiagnosisQuery())
    assert found.database == incident.database
    assert found.coverage.nodes == ["node-a", "node-b"]
    assert found.coverage.calls > 1000
    assert found.broken == []


async def test_every_claim_of_a_finding_holds(incident):
    found = await incident.hub.diagnose(a.DiagnosisQuery())
    claims = [claim for finding in found.findings for claim in finding.claims]
    for claim in claims:
        timely = claim.measure in (a.Measure.FIRST_AT, a.Measure.LAST_AT)
        query = a.ClaimQuery(
            kfl=claim.kfl, measure=claim.measure, of=claim.of or None, start=claim.start, end=claim.end,
            tolerance=0.001, value=None if timely else claim.value,
            at=datetime.fromtimestamp(claim.value / 1000, UTC) if timely else None,
        )  # fmt: skip
        assert (await incident.hub.verify_claim(query)).holds, claim


async def test_claims_hold_or_not_with_the_number_that_was_found(incident):
    refused = a.ClaimQuery(kfl='redis && redis_error != ""', value=200)
    good = await incident.hub.verify_claim(refused)
    assert (good.holds, good.found, good.count) == (True, 200.0, 200)
    assert not (await incident.hub.verify_claim(refused.model_copy(update={"value": 0}))).holds
    share = await incident.hub.verify_claim(
        a.ClaimQuery(
            kfl="http && status_code == 503", of="http", measure=a.Measure.SHARE, value=0.5, relation=a.Relation.AT_MOST
        )
    )
    assert (share.holds, share.count, share.of_count) == (True, 40, incident.truth["calls"]["http"])
    slow = await incident.hub.verify_claim(
        a.ClaimQuery(kfl="postgresql", measure=a.Measure.P95_US, value=1, relation=a.Relation.AT_LEAST)
    )
    assert slow.holds
    first = await incident.hub.verify_claim(
        a.ClaimQuery(kfl="http && status_code == 503", measure=a.Measure.FIRST_AT, at=datetime(2020, 1, 1, tzinfo=UTC))
    )
    assert (first.holds, first.found) == (False, None)
    assert first.found_at is not None


async def test_a_claim_about_entries_that_are_not_there_does_not_hold(incident):
    none = await incident.hub.verify_claim(a.ClaimQuery(kfl="kafka", measure=a.Measure.P50_US, value=1))
    assert (none.holds, none.found) == (False, None)
    assert (await incident.hub.verify_claim(a.ClaimQuery(kfl="kafka", value=0))).holds


async def test_a_claim_that_lacks_its_number_is_refused(incident):
    for wrong in (
        a.ClaimQuery(kfl="http"),
        a.ClaimQuery(kfl="http", measure=a.Measure.FIRST_AT, value=3),
        a.ClaimQuery(kfl="http", measure=a.Measure.SHARE, value=0.1),
    ):
        with pytest.raises(UsageError, match="A claim about"):
            await incident.hub.verify_claim(wrong)


async def test_a_service_is_found_by_its_short_name_and_suggested_when_misspelt(incident):
    found = await incident.hub.diagnose(a.DiagnosisQuery(service="orders"))
    assert found.service == "shop/orders"
    with pytest.raises(NotFoundError, match=r"Did you mean .*orders"):
        await incident.hub.diagnose(a.DiagnosisQuery(service="ordrs"))


async def test_a_window_that_ends_before_it_starts_is_refused(incident):
    now = datetime.now(UTC)
    with pytest.raises(UsageError, match="swap them"):
        await incident.hub.diagnose(a.DiagnosisQuery(start=now, end=now - timedelta(1)))


def test_equal_allows_the_tolerance_that_was_asked_for_and_no_more():
    query = a.ClaimQuery(kfl="x", value=100, tolerance=0.1)
    assert holds(query, 110.0, None)
    assert not holds(query, 111.0, None)


def test_the_window_of_a_claim_includes_its_last_entry_and_nothing_behind_it():
    def end(end_ns: int) -> int:
        row = claim_row(Claim("http", Measure.COUNT, 1, "calls", end_ns=end_ns))
        return end_to_ns(row.end) if row.end else 0

    assert (end(5_000_001), end(5_000_000)) == (5_001_000, 5_000_000)
