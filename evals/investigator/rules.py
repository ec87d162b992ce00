"""What a careful person does with the tools and no thought of their own: the score that a model must beat.

It sees what any MCP client sees, the text of answers and their `_meta` facts, and nothing of the truths.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from evals.answers import Claimed, Findings
from evals.desk import Desk, Reply
from evals.lab.truth import MECHANISMS

EVIDENCE = 3
CONTRAST_ROWS = 8
LOOKED_LINES = 16
FACTS_AT_MOST = 24
_CONFIDENCES: dict[str, Literal["low", "medium", "high"]] = {"low": "low", "medium": "medium", "high": "high"}

_OTHER_END = {"connection_refused": "dst.port"}
"""What tells a broken way from a sound one, by mechanism; who else calls, for all others."""

_CLAIM = re.compile(r"^\s*(?P<what>[^:\n]+): count (?P<count>[\d,]+) \[(?P<kfl>.+)\]\s*$", re.MULTILINE)
_FENCE = re.compile(r"^\[(?:captured|end) \w+", re.MULTILINE)


@dataclass(slots=True)
class Investigation:
    """How it went. asked_from: number of calls until the dissection was there; findings: the answer."""

    findings: Findings
    asked_from: int


async def investigate(desk: Desk) -> Investigation:
    """Go the skill's way: data, window, dissection, diagnosis, first evidence, a claim verified, an answer."""
    status = await desk.call("check_kubeshark_status")
    if not status.failed:
        await desk.call("get_data_boundaries")
    database = await desk.dissect()
    asked_from = len(desk.replies)
    diagnosis = await desk.call("diagnose", db=database)
    found = [each for each in diagnosis.facts.get("findings", []) if each.get("mechanism") in MECHANISMS]
    if diagnosis.failed or not found:
        return Investigation(await _without_a_finding(desk, diagnosis), asked_from)
    first = found[0]
    looked = await _look_at(desk, first["evidence"])
    verified = await _verify(desk, diagnosis)
    contrast = await _contrast(desk, first["component"], first["mechanism"])
    confidence = _CONFIDENCES.get(str(first["confidence"]), "medium") if verified else "low"
    findings = Findings(
        healthy=False,
        cause=Claimed(component=first["component"], mechanism=first["mechanism"]),
        chain=first["chain"],
        facts=_facts(diagnosis.text, looked) + contrast,
        evidence=[str(each) for each in first["evidence"][:EVIDENCE]],
        confidence=confidence,
    )
    return Investigation(findings, asked_from)


async def _look_at(desk: Desk, evidence: list[str]) -> str:
    """Open the first entry of a finding: what it says belongs into an answer."""
    for each in evidence[:1]:
        reply = await desk.call("get_api_call", id=str(each).rpartition("#")[2], db=desk.database)
        if not reply.failed:
            return reply.text
    return ""


async def _verify(desk: Desk, diagnosis: Reply) -> bool:
    """Have the diagnosis' first count checked against the entries, as one would before telling anyone."""
    claim = _CLAIM.search(diagnosis.text)
    if claim is None:
        return True
    asked = {"kfl": claim["kfl"], "measure": "count", "value": float(claim["count"].replace(",", ""))}
    reply = await desk.call("verify_claim", **asked, db=desk.database)
    return bool(reply.facts.get("holds"))


async def _contrast(desk: Desk, component: str, mechanism: str) -> list[str]:
    """Ask which calls to the same component do well: a cause must explain these too. A node has no callers."""
    namespace, slash, name = component.partition("/")
    if not slash:
        return []
    kfl = f'dst.namespace == "{namespace}" && "{name}" in services'
    group = _OTHER_END.get(mechanism, "src.name")
    reply = await desk.call("get_api_stats", kfl=kfl, group_by=group, limit=CONTRAST_ROWS, db=desk.database)
    if reply.failed:
        return []
    kept = [line for line in reply.text.splitlines()[1:] if "|" in line and not _FENCE.match(line)]
    return [f"others that reach {component}, by {group}: " + "; ".join(kept)]


async def _without_a_finding(desk: Desk, diagnosis: Reply) -> Findings:
    """Nothing abnormal, or no diagnosis at all: make sure of it by rates of errors before all is called well."""
    if not diagnosis.failed:
        return Findings(healthy=True, facts=["diagnose found nothing abnormal"], confidence="high")
    stats = await desk.call("get_api_stats", group_by="service", db=desk.database)
    told = stats.text.splitlines()[:FACTS_AT_MOST]
    return Findings(healthy=False, facts=[f"diagnose failed: {diagnosis.text[:200]}", *told], confidence="low")


def _facts(diagnosis: str, looked: str) -> list[str]:
    """Keep the lines that tell what happened: the likeliest cause, its figures, what follows from it, its first entry.

    Advice, limits, fences and lists of what was looked for are left out.
    """
    kept: list[str] = []
    for line in diagnosis.splitlines()[1:]:
        text = line.strip()
        if text.startswith(("Suffering", "Limit:", "Looked for", "Next:", "Then:", "Not looked")):
            continue
        if text and not _FENCE.match(text):
            kept.append(text)
    return kept[:FACTS_AT_MOST] + [
        line for line in looked.splitlines()[:LOOKED_LINES] if line and not _FENCE.match(line)
    ]
