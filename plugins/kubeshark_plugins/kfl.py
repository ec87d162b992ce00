"""The filter language: is a filter right, what does it do, which fields are there."""

from __future__ import annotations

from typing import Annotated

from kubeshark_mcp.plugin import Answer, Field, ToolContext, Toolset, tool

Db = Annotated[str | None, Field(description="SNAPSHOT/DISSECTION; the newest by default")]
MOST = 60
"""Fields of one answer."""
PROFILED = 25
"""Fields of one answer whose values are looked at."""


class KflToolset(Toolset):
    """KFL, the filter language."""

    name = "kfl"

    @tool(title="Check a filter", read_only=True)
    async def check_kfl(self, context: ToolContext, kfl: str, db: Db = None) -> Answer:
        """Say whether a KFL filter is valid: canonical form and warnings, or the error, its place and a correction."""
        found = await context.hub.check_filter(kfl, db)
        lines = [f"valid: {found.canonical}"] if found.valid else [found.message]
        lines += context.show.warnings(found.warnings) if found.valid else []
        facts = {"valid": found.valid, "canonical": found.canonical, "corrected": found.corrected}
        return Answer("\n".join(lines), facts)

    @tool(title="Explain a filter", read_only=True)
    async def explain_kfl(self, context: ToolContext, kfl: str, db: Db = None) -> Answer:
        """Run a KFL filter clause by clause: how many entries each leaves, so that a wrong one shows."""
        plan = await context.hub.explain_filter(kfl, db)
        rows = [
            (number, clause.text, "SQL" if clause.in_sql else "row by row", clause.left)
            for number, clause in enumerate(plan.clauses, 1)
        ]
        lines = [
            f"{plan.matches:,} of {plan.total:,} entries match (db {plan.database})",
            *context.show.warnings(plan.warnings),
            context.show.table(("clause", "text", "runs as", "left"), rows),
        ]
        return Answer("\n".join(lines), {"matches": plan.matches, "total": plan.total})

    @tool(title="Fields of filters", read_only=True)
    async def list_kfl_fields(
        self,
        context: ToolContext,
        word: Annotated[str | None, Field(description="in name, group or meaning, e.g. redis")] = None,
        values: Annotated[bool, Field(description="how often filled, commonest values")] = False,
        db: Db = None,
    ) -> Answer:
        """List the fields that a filter can use: type, meaning, example; with values, what this data has in them."""
        wanted = (word or "").lower()
        fields = [
            field
            for field in await context.hub.fields()
            if wanted in f"{field.name} {field.group} {field.meaning}".lower()
        ]
        if not fields:
            return Answer(context.show.empty(f"No field has {word!r} in its name, group or meaning."), {"total": 0})
        if not values:
            rows = [(field.name, field.type.value, field.meaning, field.example) for field in fields[:MOST]]
            body = context.show.table(("field", "type", "meaning", "example"), rows)
            return Answer(f"{context.show.shown(len(rows), len(fields), 'fields')}\n{body}", {"total": len(fields)})
        used = await context.hub.field_use([field.name for field in fields[:PROFILED]], db)
        profiles = [
            (one.name, one.filled, one.total, ", ".join(f"{value} ({count})" for value, count in one.commonest))
            for one in used
        ]
        body = context.show.captured_table(("field", "filled", "of", "commonest values"), profiles)
        return Answer(f"{context.show.shown(len(used), len(fields), 'fields')}\n{body}", {"total": len(fields)})
