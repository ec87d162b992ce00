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
    tool,
)

Db = Annotated[str | None, Field(description="SNAPSHOT/DISSECTION; the newest by default")]


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
        """Find what is abnormal and where it began: ranked causes with onset, chain, evidence; who suffers; what is well.

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
