"""Diagnosis and claims as tools."""

from __future__ import annotations

from datetime import UTC, datetime

from fake_hub import FakeHub

from kubeshark_mcp.hub import contract_analysis as a

ONSET = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def finding(**more) -> a.FindingRow:
    return a.FindingRow(
        **{
            "mechanism": "cache_failure", "meaning": "a cache stopped", "component": "data/redis", "kind": "workload",
            "title": "redis refuses writes", "confidence": "high", "rank": 0.9, "score": 0.5, "detector": "cache",
            "onset": ONSET, "chain": ["data/redis", "shop/orders"], "evidence": ["s/d#7"],
            "claims": [a.ClaimRow(kfl="redis && failed", measure=a.Measure.COUNT, value=200, meaning="refused")],
        } | more
    )  # fmt: skip


class Analyst(FakeHub):
    """Answers with what it was given."""

    def __init__(self, *findings: a.FindingRow) -> None:
        super().__init__()
        self.findings = list(findings)
        self.asked: list[object] = []

    async def diagnose(self, query: a.DiagnosisQuery) -> a.Diagnosis:
        self.asked.append(query)
        coverage = a.CoverageRow(start=ONSET, end=ONSET, calls=10, connections=2, workloads=3, nodes=["node-a"])
        return a.Diagnosis(database="s/d", coverage=coverage, findings=self.findings, service=query.service)

    async def verify_claim(self, query: a.ClaimQuery) -> a.Verified:
        self.asked.append(query)
        return a.Verified(holds=query.value == 3, found=3.0, count=3, database="s/d")


async def test_a_diagnosis_names_the_cause_its_evidence_and_the_next_calls(ask):
    hub = Analyst(finding(), finding(confidence="low", title="a hint"))
    answer = await ask("diagnose", hub, db="s", service="shop/orders")
    lines = answer.text.splitlines()
    assert lines[0].startswith("Diagnosis of shop/orders (db s/d), ")
    assert lines[0].endswith("10 calls, 2 connections, 3 workloads, nodes node-a. 1 findings, likeliest cause first.")
    assert "Likeliest cause: data/redis - cache_failure" in answer.text
    assert answer.text.count("a hint") == 1
    assert lines[-2:] == [
        'Next: get_api_call(id="7", db="s/d")', 'Then: list_api_calls(kfl="redis && failed", db="s/d")',
    ]  # fmt: skip
    assert [one["component"] for one in answer.facts["findings"]] == ["data/redis"]
    assert hub.asked == [a.DiagnosisQuery(database="s", service="shop/orders")]


async def test_nothing_abnormal_leads_to_the_numbers(ask):
    answer = await ask("diagnose", Analyst())
    assert "Nothing abnormal was found." in answer.text
    assert answer.text.splitlines()[-1] == 'Next: get_api_stats(group_by="service", db="s/d")'


async def test_a_claim_is_answered_with_the_number_that_was_found(ask):
    good, bad = [await ask("verify_claim", Analyst(), kfl="http", value=value) for value in (3, 4)]
    assert good.text == "holds: count = 3 was claimed, 3 was found (3 entries, db s/d)"
    assert bad.text == "DOES NOT HOLD: count = 4 was claimed, 3 was found (3 entries, db s/d)"
    assert (good.facts["holds"], bad.facts["holds"]) == (True, False)


async def test_a_count_without_a_number_is_refused(ask):
    answer = await ask("verify_claim", Analyst(), kfl="http")
    assert (answer.is_error, "needs `value`" in answer.text) == (True, True)
