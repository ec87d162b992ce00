"""What traffic means: diagnosis in one call, and claims checked against the entries."""

from __future__ import annotations

from typing import Annotated, Literal

from kubeshark_mcp.plugin import (
    Answer,
    Field,
    Time,
    ToolContext,
    Toolset,
    UsageError,
    check_window,
    contract_analysis,
    contract_views,
    tool,
)

Db = Annotated[str | None, Field(description="SNAPSHOT/DISSECTION; the newest by default")]
Length = Literal["brief", "full"]


class AnalysisToolset(Toolset):
    """Root causes and claims."""

    name = "analysis"

    @tool(title="Diagnose", read_only=True)
    async def diagnose(
        self,
        context: ToolContext,
        db: Db = None,
        start: Time | None = None,
        end: Time | None = None,
        service: Annotated[str | None, Field(description="namespace/name: only what concerns it")] = None,
        baseline: Annotated[str | None, Field(description="db of a healthy time: what was so then is left out")] = None,
        format: Annotated[Literal["brief", "full"], Field(description="full: every finding with its claims")] = "brief",
    ) -> Answer:
        """Find what is abnormal and where it began: ranked causes, onset, chain, evidence; who suffers; what is fine.

        Low-confidence hints come last.
        """
        check_window(start, end)
        asked = contract_analysis.DiagnosisQuery(database=db, start=start, end=end, service=service, baseline=baseline)
        found = await context.hub.diagnose(asked)
        solid = [one for one in found.findings if one.confidence != "low"]
        coverage = found.coverage
        about = f" of {found.service}" if found.service else ""
        lines = [
            f"Diagnosis{about} (db {found.database}), {context.show.span(coverage.start, coverage.end)}: "
            f"{coverage.calls:,} calls, {coverage.connections:,} connections, {coverage.workloads} workloads, "
            f"nodes {', '.join(coverage.nodes) or '-'}. {len(solid)} findings, likeliest cause first.",
            context.show.diagnosis(found.model_dump(), format == "brief"),
            *_next(context, found),
        ]
        facts = {
            "database": found.database,
            "findings": [
                {
                    "mechanism": one.mechanism,
                    "component": one.component,
                    "confidence": one.confidence,
                    "rank": one.rank,
                    "onset": one.onset.isoformat() if one.onset else None,
                    "chain": one.chain,
                    "evidence": one.evidence,
                }
                for one in solid
            ],
        }
        return Answer("\n".join(line for line in lines if line), facts)

    @tool(title="Verify a claim", read_only=True)
    async def verify_claim(
        self,
        context: ToolContext,
        kfl: Annotated[str, Field(description="the entries that the claim is about")],
        measure: Annotated[
            contract_analysis.Measure, Field(description="share needs of; first_at, last_at need at")
        ] = contract_analysis.Measure.COUNT,
        value: Annotated[float | None, Field(description="count, share 0..1, or microseconds")] = None,
        relation: contract_analysis.Relation = contract_analysis.Relation.EQUAL,
        of: Annotated[str | None, Field(description="KFL of the whole that a share is of")] = None,
        at: Time | None = None,
        db: Db = None,
        start: Time | None = None,
        end: Time | None = None,
        tolerance: Annotated[float, Field(ge=0, le=1, description="for =, as a share of the value")] = 0.0,
    ) -> Answer:
        """Check a claim: do the entries of a filter have this count, share, percentile, first or last time."""
        check_window(start, end)
        if measure is contract_analysis.Measure.COUNT and value is None:
            raise UsageError("A claim about count needs `value`: 0 claims that there are none.")
        asked = contract_analysis.ClaimQuery(
            kfl=kfl,
            measure=measure,
            value=value,
            at=at,
            relation=relation,
            of=of,
            database=db,
            start=start,
            end=end,
            tolerance=tolerance,
        )
        found = await context.hub.verify_claim(asked)
        claimed = context.show.time(at) if at is not None else f"{value:g}" if value is not None else "-"
        shown = (
            context.show.time(found.found_at) if found.found_at else "-" if found.found is None else f"{found.found:g}"
        )
        whole = "" if found.of_count is None else f" of {found.of_count:,}"
        lines = [
            f"{'holds' if found.holds else 'DOES NOT HOLD'}: {measure.value} {relation.value} {claimed} was claimed, "
            f"{shown} was found ({found.count:,}{whole} entries, db {found.database})",
            *context.show.warnings(found.warnings),
        ]
        return Answer("\n".join(lines), {"holds": found.holds, "found": found.found, "count": found.count})

    @tool(title="Compare two times", read_only=True)
    async def compare_snapshots(
        self,
        context: ToolContext,
        db: Db = None,
        baseline: Annotated[str | None, Field(description="another db; db itself by default")] = None,
        start: Time | None = None,
        end: Time | None = None,
        baseline_start: Time | None = None,
        baseline_end: Time | None = None,
        format: Length = "brief",
    ) -> Answer:
        """Say what differs between two dbs or windows: edges, errors, latency, calls per call, TCP; not chance."""
        check_window(start, end)
        check_window(baseline_start, baseline_end, ("baseline_start", "baseline_end"))
        asked = contract_views.ComparisonQuery(
            database=db,
            baseline=baseline,
            start=start,
            end=end,
            baseline_start=baseline_start,
            baseline_end=baseline_end,
        )
        found = await context.hub.compare(asked)
        worse = sum(one.worse for one in found.differences)
        lines = [
            f"{len(found.differences)} differences, {worse} of them for the worse; {found.compared:,} things compared, "
            f"{found.noise:,} within chance or too small.",
            *(f"{name}: {_side(context, side)}" for name, side in (("before", found.before), ("after", found.after))),
            context.show.comparison(found.model_dump(), format == "brief"),
            context.hint("diagnose", db=found.after.database, **_other(found)) if worse else "",
        ]
        facts = {"differences": len(found.differences), "worse": worse, "compared": found.compared}
        return Answer("\n".join(filter(None, lines)), facts)

    @tool(title="Follow a call", read_only=True)
    async def trace_call(
        self,
        context: ToolContext,
        id: Annotated[str, Field(coerce_numbers_to_str=True, description="id or handle of an entry")],
        db: Db = None,
        format: Length = "brief",
    ) -> Answer:
        """Follow one call through services, by trace headers or time: time in each server and on the network."""
        found = await context.hub.trace_call(contract_views.TraceQuery(id=id, database=db))
        slowest = max(found.hops, key=lambda hop: hop.own_us or 0)
        lines = [
            f"Trace (db {found.database}) from {context.show.time(found.hops[0].start)}",
            context.show.ladder(found.model_dump(), format == "brief"),
            context.hint("get_api_call", id=slowest.handle.rpartition("#")[2], db=found.database),
        ]
        facts = {"calls": len(found.hops), "confidence": found.confidence, "handles": [h.handle for h in found.hops]}
        return Answer("\n".join(filter(None, lines)), facts)

    @tool(title="Service map", read_only=True)
    async def service_map(
        self,
        context: ToolContext,
        db: Db = None,
        start: Time | None = None,
        end: Time | None = None,
        service: Annotated[str | None, Field(description="namespace/name: only the ways to and from it")] = None,
        format: Literal["table", "json", "mermaid"] = "table",
        limit: Annotated[int, Field(ge=0, le=1000, description="links; 0: as many as fit")] = 0,
    ) -> Answer:
        """Say who calls whom: protocol, rate, errors, p50/p95, bytes, retransmissions by link, busiest first."""
        check_window(start, end)
        query = contract_views.MapQuery(database=db, start=start, end=end, service=service)
        found = await context.hub.service_map(query)
        names = {name for link in found.links for name in (link.client, link.server)}
        about = f" around {found.service}" if found.service else ""
        lines = [
            f"Service map{about} (db {found.database}), {context.show.span(found.start, found.end)}: "
            f"{len(names)} workloads, {len(found.links)} links",
            context.show.service_map(found.model_dump(), format, limit),
        ]
        return Answer("\n".join(lines), {"workloads": len(names), "links": len(found.links), "db": found.database})

    @tool(title="Timeline", read_only=True)
    async def timeline(
        self,
        context: ToolContext,
        db: Db = None,
        start: Time | None = None,
        end: Time | None = None,
        format: Length = "brief",
    ) -> Answer:
        """Tell what happened in order: findings, pods that came, edges that began to fail or recovered, with ids."""
        check_window(start, end)
        found = await context.hub.timeline(contract_views.TimelineQuery(database=db, start=start, end=end))
        shown = next((event.handle for event in found.events if event.handle), "")
        lines = [
            f"Timeline (db {found.database}), {context.show.span(found.start, found.end)}: {len(found.events)} events",
            context.show.timeline(found.model_dump(), format == "brief"),
            context.hint("trace_call", id=shown.rpartition("#")[2], db=found.database) if shown else "",
        ]
        return Answer("\n".join(filter(None, lines)), {"events": len(found.events), "db": found.database})

    @tool(title="Cut evidence", idempotent=True)
    async def cut_evidence(
        self,
        context: ToolContext,
        ids: Annotated[list[str] | None, Field(description="ids or handles of entries")] = None,
        kfl: Annotated[str | None, Field(description="instead of ids: the entries of a filter")] = None,
        db: Db = None,
        limit: Annotated[int, Field(ge=1, le=1000, description="entries of the filter")] = 100,
        scrub: Annotated[bool, Field(description="overwrite secrets in payloads")] = True,
    ) -> Answer:
        """Write the smallest PCAPNG that still shows some entries, for a ticket: packets, handshakes, names, notes."""
        request = contract_views.CutRequest(ids=ids or [], kfl=kfl, database=db, limit=limit, scrub=scrub)
        found = await context.hub.cut_evidence(request)
        left = f", {found.left_out:,} entries beyond the limit left out" if found.left_out else ""
        secrets = f"{found.masked:,} bytes of secrets overwritten" if scrub else "secrets are in it as captured"
        opaque = f"; payloads overwritten whole: {', '.join(found.opaque)}" if found.opaque else ""
        lines = [
            f"{found.packets:,} packets of {found.entries:,} entries{left} (db {found.database}), "
            f"{context.show.size(found.size_bytes)}, {found.names} addresses named; {secrets}{opaque}.",
            f"path: {found.path}",
            f"sha256: {found.sha256}",
            *context.show.warnings(found.warnings),
            context.hint("download_file", path=found.path),
        ]
        facts = {"path": found.path, "packets": found.packets, "sha256": found.sha256, "entries": found.entries}
        return Answer("\n".join(filter(None, lines)), facts)


def _side(context: ToolContext, side: contract_views.Side) -> str:
    return f"db {side.database}, {context.show.span(side.start, side.end)}, {side.calls:,} calls"


def _other(found: contract_views.Comparison) -> dict[str, str]:
    return {} if found.before.database == found.after.database else {"baseline": found.before.database}


def _next(context: ToolContext, found: contract_analysis.Diagnosis) -> list[str]:
    if not found.findings:
        return [context.hint("get_api_stats", group_by="service", db=found.database)]
    first = found.findings[0]
    steps = []
    if first.evidence:
        steps.append(context.hint("get_api_call", id=first.evidence[0].rpartition("#")[2], db=found.database))
    if first.claims:
        claim = first.claims[0]
        steps.append(context.hint("list_api_calls", "Then: ", kfl=claim.kfl, db=found.database))
    return steps
