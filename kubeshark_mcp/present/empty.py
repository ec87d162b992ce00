"""Why an answer has no rows, and the one call that settles it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kubeshark_mcp.present.hints import call_text


def empty_answer(
    sentence: str,
    remedy: str = "",
    tool: str = "",
    arguments: Mapping[str, object] | None = None,
    clauses: Sequence[tuple[str, int]] = (),
    registered: Callable[[str], bool] = lambda name: False,
) -> str:
    """Say why nothing was found; what is left after each clause of the filter; and what to do.

    The tool is named only when it is registered; otherwise the remedy stands in words alone.
    """
    lines = [sentence.strip() or "Nothing matches."]
    if clauses:
        lines.append("Rows left after each clause: " + "; ".join(f"{clause} -> {left:,}" for clause, left in clauses))
    if remedy:
        lines.append(remedy.strip())
    if tool and registered(tool):
        lines.append(f"Next: {call_text(tool, arguments or {})}")
    return "\n".join(lines)
