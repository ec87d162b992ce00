"""A run as markdown, for a terminal, a pull request and the page of a job."""

from __future__ import annotations

from evals.outcomes import Run
from evals.report.summary import Comparison, Row, by_kind, by_suite, missed

REASONS_AT_MOST = 4
REASON_LENGTH = 260


def markdown(run: Run, against: Comparison | None = None, details: bool = True) -> str:
    """Write the tables by suite and by class, measures, and why what did not pass did not."""
    about = ", ".join(f"{name}: {value}" for name, value in run.about.items())
    parts = [f"# Evals\n\n{about}. {run.executed} cases executed."]
    parts.append(table(by_suite(run)))
    if run.measures:
        parts.append("\n".join(f"- {name}: {value:,}" for name, value in sorted(run.measures.items())))
    if against is not None:
        parts.append(_compared(against))
    parts.append("## Gates\n\n" + ("\n".join(f"- FAIL {cut(gate)}" for gate in run.gates) or "All hold."))
    if details:
        parts.append("## By class\n\n" + table(by_kind(run)))
        parts.append(_misses(run))
    return "\n\n".join(part for part in parts if part) + "\n"


def table(rows: list[Row]) -> str:
    """Rows as a table of markdown."""
    head = "| arm | suite | class | passed | rate (95 %) | cause found | calls | tokens | s | $ | outcomes |"
    lines = [head, "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"]
    for each in rows:
        found = "" if each.found is None else f"{each.found:.0%}"
        others = ", ".join(f"{count} {name}" for name, count in sorted(each.outcomes.items()))
        lines.append(
            f"| {each.arm} | {each.suite} | {each.kind} | {each.passed}/{each.tried} "
            f"| {each.rate:.0%} ({each.low:.0%} to {each.high:.0%}) | {found} | {each.calls:.1f} "
            f"| {each.tokens:,.0f} | {each.seconds:.1f} | {each.money:.2f} | {others} |"
        )
    return "\n".join(lines)


def cut(text: str) -> str:
    """Put a reason on one line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= REASON_LENGTH else line[:REASON_LENGTH] + "…"


def _compared(against: Comparison) -> str:
    lines = [
        f"## Against the run before\n\n{against.both} cases in both; {len(against.better)} better, "
        f"{len(against.worse)} worse, p = {against.p:.3f} (exact McNemar)."
    ]
    lines += [f"- worse: {key}" for key in against.worse] + [f"- better: {key}" for key in against.better]
    return "\n".join(lines)


def _misses(run: Run) -> str:
    lines = []
    for each in missed(run.results):
        lines.append(f"- **{each.suite}/{each.case}** ({each.arm}, {each.kind or '-'}): {each.outcome.value}")
        lines += [f"  - {cut(reason)}" for reason in each.reasons[:REASONS_AT_MOST]]
    return "## What did not pass, and why\n\n" + ("\n".join(lines) or "Nothing.")
