"""A diagnosis as text: the cause first, everything else as far as the budget of tokens reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from kubeshark_mcp.present.tokens import rough_tokens

BUDGET = 1200
"""Rough tokens of a brief diagnosis, all in all."""
_RESERVE = 180
"""Tokens kept free for the lines around: window, next calls, fences."""
_MOST_ITEMS = 6

Time = Callable[[datetime | None], str]


def diagnosis_text(found: Mapping[str, Any], time: Time, brief: bool = True) -> str:
    """Write the findings of a diagnosis (the contract's shape as a mapping); brief: within BUDGET.

    Most important first: what is left out is counted, never silently dropped.
    """
    parts = list(_parts(found, time, brief))
    if not brief:
        return "\n".join(parts)
    kept: list[str] = []
    used = _RESERVE
    for part in parts:
        used += rough_tokens(part) + 1
        if used > BUDGET and kept:
            break
        kept.append(part)
    left = len(parts) - len(kept)
    return "\n".join([*kept, *([f"({left} more lines: format=full)"] if left else [])])


def _parts(found: Mapping[str, Any], time: Time, brief: bool) -> Iterator[str]:
    solid = [one for one in found["findings"] if one["confidence"] != "low"]
    hints = [one for one in found["findings"] if one["confidence"] == "low"]
    if not solid:
        felt = any(one["symptom"] for one in hints)
        yield "No cause was found, only symptoms of one." if felt else "Nothing abnormal was found."
    roots = _roots(solid)
    for number in sorted(set(roots.values())):
        yield _finding(number, solid[number - 1], time, not brief or number == 1)
        echoes = [_echo(solid[place - 1], time) for place, root in roots.items() if root == number != place]
        if echoes:
            yield f"  Follows from it: {_listed(echoes, brief)}"
    if found["suffering"]:
        counts = [f"{one['workload']} {one['failed']} of {one['calls']} calls failed" for one in found["suffering"]]
        yield f"Suffering since then: {_listed(counts, brief)}"
    for sentence in found["coverage"]["limits"]:
        yield f"Limit: {sentence}"
    if found["broken"]:
        yield f"These detectors failed (a fault of this program): {', '.join(found['broken'])}"
    if hints:
        texts = [f"{one['mechanism']} at {one['component']} ({one['title']})" for one in hints]
        yield f"Only hints, low confidence: {_listed(texts, brief, 2)}"
    if found["normal"]:
        yield f"Looked for and normal: {_listed(found['normal'], brief, 12)}"
    if found["unasked"]:
        yield f"Not looked for: {_listed(found['unasked'], brief, 3)}"


def _roots(solid: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Give the first cause that each finding goes back to, itself where none explains it; positions from 1 on."""
    roots: dict[int, int] = {}
    for number in range(1, len(solid) + 1):
        causes = [place for place, other in enumerate(solid[: number - 1], 1) if number in other["explains"]]
        roots[number] = roots[causes[0]] if causes else number
    return roots


def _finding(number: int, one: Mapping[str, Any], time: Time, whole: bool) -> str:
    role = "Symptom of what was not seen" if one["symptom"] else "Likeliest cause" if number == 1 else "Also"
    since = f"since {time(one['onset'])}" if one["onset"] else "from the first packet on"
    until = f" until {time(one['end'])}" if one["end"] else ""
    head = f"{role}: {one['component']} - {one['mechanism']} ({one['confidence']} confidence, {since}{until})"
    if not whole:
        return f"{head}: {one['title']}"
    return "\n  ".join([f"{head}: {one['meaning']}", one["title"], *_details(one)])


def _echo(one: Mapping[str, Any], time: Time) -> str:
    """Write a finding that another one explains: what is seen there, and since when."""
    since = f", since {time(one['onset'])}" if one["onset"] else ""
    return f"{one['title']} ({one['mechanism']}{since})"


def _details(one: Mapping[str, Any]) -> Iterator[str]:
    if one["after"] is not None:
        before = "" if one["before"] is None else f"{_number(one['before'])} before, "
        yield f"{one['unit']}: {before}{_number(one['after'])} after"
    if len(one["chain"]) > 1:
        yield f"chain: {' <- '.join(one['chain'])}"
    if one["affected"]:
        yield f"seen on: {_listed(one['affected'], True, 4)}"
    for claim in one["claims"][:4]:
        of = f" of {claim['of']}" if claim["of"] else ""
        yield f"{claim['meaning']}: {claimed(claim)}{of} [{claim['kfl']}]"
    if one["evidence"]:
        yield f"evidence: {', '.join(one['evidence'][:4])}"
    if one["refuted_by"]:
        yield f"would be refuted by: {one['refuted_by']}"


def claimed(claim: Mapping[str, Any]) -> str:
    """Write the number that a claim is about, with its measure."""
    measure = str(getattr(claim["measure"], "value", claim["measure"]))
    if measure.endswith("_us"):
        return f"{measure[:-3]} {claim['value'] / 1000:.4g} ms"
    if measure == "share":
        return f"{claim['value']:.1%}"
    return f"{measure} {_number(claim['value'])}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.3g}"


def _listed(texts: Sequence[str], brief: bool, most: int = _MOST_ITEMS) -> str:
    if not brief or len(texts) <= most:
        return "; ".join(texts)
    return f"{'; '.join(texts[:most])}; and {len(texts) - most} more"
