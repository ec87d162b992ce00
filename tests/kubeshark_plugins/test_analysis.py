"""Diagnosis and claims as tools."""

from __future__ import annotations

from datetime import UTC, datetime

from fake_hub import FakeHub

from kubeshark_mcp.hub import contract_analysis as a
from kubeshark_mcp.hub import contract_views as v

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


class Viewer(FakeHub):
    """Answers with few rows, and remembers the question."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[object] = []

    async def compare(self, query: v.ComparisonQuery) -> v.Comparison:
        self.questions.append(query)
        side = v.Side(database="s/d", start=ONSET, end=ONSET, calls=5, connections=1)
        rows = [
            v.DifferenceRow(
                change="errors", where="a/b -> c/d http GET /x", before=0.0, after=0.5, unit="share of calls",
                p=0.001, weight=1.0, worse=True,
            )
        ]  # fmt: skip
        before = side.model_copy(update={"database": query.baseline or "s/d"})
        return v.Comparison(before=before, after=side, differences=rows, compared=40, noise=39)

    async def trace_call(self, query: v.TraceQuery) -> v.Trace:
        self.questions.append(query)
        hop = v.HopRow(
            depth=0, handle="s/d#7", client="a/b", server="c/d", protocol="http", endpoint="GET /x?password=hunter22",
            status="200", start=ONSET, offset_us=0, elapsed_us=900, own_us=900, wire_us=None, failed=False, by="time",
            asked=True,
        )  # fmt: skip
        return v.Trace(database="s/d", hops=[hop], header="", confidence="medium")

    async def service_map(self, query: v.MapQuery) -> v.ServiceMap:
        self.questions.append(query)
        link = v.LinkRow(
            client="a/b", server="c/d", protocol="http", calls=9, failed=3, unanswered=0, nxdomain=0, per_second=0.9,
            p50_us=1000, p95_us=2000, request_bytes=10, response_bytes=20, outside=False,
        )  # fmt: skip
        return v.ServiceMap(database="s/d", start=ONSET, end=ONSET, links=[link], service=query.service)

    async def timeline(self, query: v.TimelineQuery) -> v.Timeline:
        self.questions.append(query)
        event = v.EventRow(at=ONSET, what="finding", text="cache_failure at data/redis", handle="s/d#7", place=1)
        return v.Timeline(database="s/d", start=ONSET, end=ONSET, events=[event])

    async def cut_evidence(self, request: v.CutRequest) -> v.Cut:
        self.questions.append(request)
        return v.Cut(
            path="/mcp/files/x.pcapng", packets=12, size_bytes=3456, sha256="ab" * 32, database="s/d", entries=2,
            left_out=3, names=4, masked=16 if request.scrub else 0, opaque=["http2"] if request.scrub else [],
        )  # fmt: skip


async def test_a_comparison_names_both_sides_and_leads_to_a_diagnosis(ask):
    hub = Viewer()
    answer = await ask("compare_snapshots", hub, db="s", baseline="t/d")
    lines = answer.text.splitlines()
    assert lines[0] == ("1 differences, 1 of them for the worse; 40 things compared, 39 within chance or too small.")
    assert lines[1].startswith("before: db t/d, ")
    assert "worse errors: a/b -> c/d http GET /x: 0.0% -> 50.0% of calls (p 0.001)" in lines
    assert lines[-1] == 'Next: diagnose(db="s/d", baseline="t/d")'
    assert answer.facts == {"differences": 1, "worse": 1, "compared": 40}
    assert hub.questions == [v.ComparisonQuery(database="s", baseline="t/d")]


async def test_a_trace_is_a_fenced_ladder_without_secrets(ask):
    answer = await ask("trace_call", Viewer(), id=7)
    assert "hunter22" not in answer.text
    assert "+0.0 ms a/b -> c/d http GET /x?password=<redacted" in answer.text
    assert answer.text.splitlines()[-1] == 'Next: get_api_call(id="7", db="s/d")'
    assert answer.facts == {"calls": 1, "confidence": "medium", "handles": ["s/d#7"]}


async def test_a_map_comes_as_table_json_or_drawing(ask):
    for form, sign in (("table", "a/b|c/d|http|9|"), ("json", '"client":"a/b"'), ("mermaid", "flowchart LR")):
        answer = await ask("service_map", Viewer(), format=form, service="c/d")
        assert answer.text.startswith("Service map around c/d (db s/d), ")
        assert sign in answer.text
        assert answer.facts == {"workloads": 2, "links": 1, "db": "s/d"}


async def test_a_timeline_gives_handles(ask):
    answer = await ask("timeline", Viewer())
    assert "+0.0s ! 1. cache_failure at data/redis [s/d#7]" in answer.text
    assert answer.text.splitlines()[-1] == 'Next: trace_call(id="7", db="s/d")'


async def test_evidence_is_scrubbed_unless_told_otherwise(ask):
    hub = Viewer()
    answer = await ask("cut_evidence", hub, ids=["s/d#7", "8"])
    assert answer.text.splitlines() == [
        "12 packets of 2 entries, 3 entries beyond the limit left out (db s/d), 3.46 kB, 4 addresses named; "
        "16 bytes of secrets overwritten; payloads overwritten whole: http2.",
        "path: /mcp/files/x.pcapng",
        f"sha256: {'ab' * 32}",
        'Next: download_file(path="/mcp/files/x.pcapng")',
    ]
    plain = await ask("cut_evidence", hub, kfl="http", scrub=False)
    assert "secrets are in it as captured" in plain.text
    assert hub.questions == [
        v.CutRequest(ids=["s/d#7", "8"], scrub=True), v.CutRequest(kfl="http", scrub=False),
    ]  # fmt: skip


async def test_a_hub_without_entries_says_what_to_do(ask):
    for name, arguments in (
        ("compare_snapshots", {"baseline": "x"}), ("trace_call", {"id": 1}), ("service_map", {}), ("timeline", {}),
        ("cut_evidence", {"kfl": "http"}),
    ):  # fmt: skip
        answer = await ask(name, **arguments)
        assert answer.is_error
        assert "export a PCAP of the snapshot and open it with --pcap" in answer.text
