"""The fake Hub that can also say what traffic means, with canned answers."""

from __future__ import annotations

from fake_hub import END, START, FakeHub

from kubeshark_mcp.hub import contract_analysis as ca
from kubeshark_mcp.hub import contract_views as cv

FINDING = ca.FindingRow(
    mechanism="slow_dependency",
    meaning="calls wait for it",
    component="shop/cart",
    kind="workload",
    title="cart is slow: GET /x?token=hunter2-hunter2",
    confidence="high",
    rank=0.9,
    score=4.0,
    detector="latency_shift",
    onset=START,
    evidence=["s1/main#1"],
    claims=[ca.ClaimRow(kfl="http", measure=ca.Measure.COUNT, value=40)],
    facts={"share": 0.5},
)


class AnalysingHub(FakeHub):
    """Answers every question of analysis."""

    async def diagnose(self, query: ca.DiagnosisQuery) -> ca.Diagnosis:
        coverage = ca.CoverageRow(start=START, end=END, calls=40, connections=3, workloads=2, nodes=["node-a"])
        return ca.Diagnosis(database="s1/main", coverage=coverage, findings=[FINDING], service=query.service)

    async def verify_claim(self, query: ca.ClaimQuery) -> ca.Verified:
        return ca.Verified(holds=query.value == 40, found=40, found_at=query.at, count=40, database="s1/main")

    async def compare(self, query: cv.ComparisonQuery) -> cv.Comparison:
        side = cv.Side(database="s1/main", start=query.start, end=query.end, calls=20, connections=2)
        row = cv.DifferenceRow(
            change="slower", where="web -> cart http", before=1.0, after=9.0, unit="ms", p=0.01, weight=2.0, worse=True
        )
        return cv.Comparison(before=side, after=side, differences=[row], compared=5, noise=4)

    async def trace_call(self, query: cv.TraceQuery) -> cv.Trace:
        hop = cv.HopRow(
            depth=0, handle=f"s1/main#{query.id}", client="shop/web", server="shop/cart", protocol="http",
            endpoint="GET /", status="200", start=START, offset_us=0, elapsed_us=10, own_us=None, wire_us=None,
            failed=False, by="time", asked=True,
        )  # fmt: skip
        return cv.Trace(database="s1/main", hops=[hop], header="", confidence="low")

    async def service_map(self, query: cv.MapQuery) -> cv.ServiceMap:
        link = cv.LinkRow(
            client="shop/web", server="shop/cart", protocol="http", calls=40, failed=0, unanswered=0, nxdomain=0,
            per_second=1.0, p50_us=None, p95_us=None, request_bytes=1, response_bytes=2, outside=False,
        )  # fmt: skip
        return cv.ServiceMap(database="s1/main", start=START, end=END, links=[link], service=query.service)

    async def timeline(self, query: cv.TimelineQuery) -> cv.Timeline:
        event = cv.EventRow(at=START, what="finding", text="cart is slow")
        return cv.Timeline(database="s1/main", start=query.start, end=query.end, events=[event])

    async def cut_evidence(self, request: cv.CutRequest) -> cv.Cut:
        return cv.Cut(
            path="/mcp/files/x.pcapng", packets=1, size_bytes=100, sha256="ab" * 32, database="s1/main", entries=1
        )

    async def source_of(self, handle: str) -> cv.Source:
        return cv.Source(node="node-a", file="a.pcap", sha256="ab" * 32, packets={"request": [1, 2]})
