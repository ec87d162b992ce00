"""What a careful person does with the tools and no thought of their own: the score that a model must beat.

It sees what any MCP client sees, the text of answers and their `_meta` facts, and nothing of the truths.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from evals.answers import Claimed, Findings
from evals.desk import Desk, Reply
from evals.lab.truth import MECHANISMS

EVIDENCE = 3
CONTRAST_ROWS = 8
ROWS = 20
LOOKED = 2
LOOKED_LINES = 4
"""Of an entry: its id and time, what was asked and answered, who asked, whom."""
BODY_CHARACTERS = 200
FACTS_AT_MOST = 24
_CONFIDENCES: dict[str, Literal["low", "medium", "high"]] = {"low": "low", "medium": "medium", "high": "high"}

_OTHER_END = {"connection_refused": "dst.port"}
"""What tells a broken way from a sound one, by mechanism; who else calls, for all others."""

_CLAIM = re.compile(r"^\s*(?P<what>[^:\n]+): count (?P<count>[\d,]+) \[(?P<kfl>.+)\]\s*$", re.MULTILINE)
_ANSWERED = re.compile(r"\s*(location|retry-after|www-authenticate|grpc-message|status_text|error\w*|tcp_rst\w*): ")
_CONNECTION = re.compile(r"^conn_id: (\d+)$", re.MULTILINE)
_ROW_TIME = re.compile(r"^\d+\|(\d{4}-[^|]+Z)\|", re.MULTILINE)
_BY_CONNECTION = frozenset({"connection_reset"})
"""Faults of connections: what came before on the same one says more than a second example."""

_ALSO = re.compile(r"^\s*(?:\d+\. )?Also: (?P<component>.+?) - (?P<mechanism>\w+) \(high confidence", re.MULTILINE)
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
    evidence = await _evidence(desk, found, diagnosis)
    looked = await _look_at(desk, evidence, first["mechanism"])
    verified = await _verify(desk, diagnosis)
    contrast = await _contrast(desk, first["component"], first["mechanism"])
    confidence = _CONFIDENCES.get(str(first["confidence"]), "medium") if verified else "low"
    findings = Findings(
        healthy=False,
        cause=Claimed(component=first["component"], mechanism=first["mechanism"]),
        others=_independent(diagnosis.text, found[1:]),
        chain=first["chain"],
        facts=_facts(diagnosis.text) + looked + contrast,
        evidence=evidence[:EVIDENCE],
        confidence=confidence,
    )
    return Investigation(findings, asked_from)


def _independent(diagnosis: str, found: list[dict[str, Any]]) -> list[Claimed]:
    """Keep further causes that the diagnosis is sure of and takes for no consequence of another."""
    sure = {(also["component"], also["mechanism"]) for also in _ALSO.finditer(diagnosis)}
    told = [(each["component"], each["mechanism"]) for each in found if str(each["confidence"]) == "high"]
    return [
        Claimed(component=component, mechanism=mechanism)
        for component, mechanism in told
        if (component, mechanism) in sure
    ]


async def _evidence(desk: Desk, found: list[dict[str, Any]], diagnosis: Reply) -> list[str]:
    """Give ids of entries for the first finding: its own, those of what follows from it, or what its filter selects."""
    first = found[0]
    related = [each for each in found if each["component"] in {first["component"], *first["chain"]}]
    for each in [first, *related]:
        if each["evidence"]:
            return [str(one) for one in each["evidence"]]
    if (claim := _CLAIM.search(diagnosis.text)) is None:
        return []
    listed = await desk.call("list_api_calls", kfl=claim["kfl"], limit=EVIDENCE, db=desk.database)
    return [f"{desk.database}#{each}" for each in listed.facts.get("ids", [])]


async def _look_at(desk: Desk, evidence: list[str], mechanism: str) -> list[str]:
    """Open the first entry of a finding and what lies next to it: what they say belongs into an answer."""
    told: list[str] = []
    for each in evidence[: 1 if mechanism in _BY_CONNECTION else LOOKED]:
        little = {"include_l4": False, "max_payload_size": BODY_CHARACTERS}
        reply = await desk.call("get_api_call", id=each.rpartition("#")[2], **little, db=desk.database)
        if reply.failed:
            continue
        told += _telling(reply.text)
        connection = _CONNECTION.search(reply.text)
        if mechanism in _BY_CONNECTION and connection is not None:
            told += await _silence(desk, connection[1])
    return told


async def _silence(desk: Desk, connection: str) -> list[str]:
    """Ask for the calls on a connection that was cut: how long it was silent before the last of them."""
    reply = await desk.call("list_api_calls", kfl=f"conn_id == {connection} && !tcp_conn", limit=ROWS, db=desk.database)
    times = sorted(datetime.fromisoformat(found) for found in _ROW_TIME.findall(reply.text))
    if reply.failed or len(times) < 2:
        return []
    silent = (times[-1] - times[-2]).total_seconds()
    return [f"that connection was silent for {silent:.1f} s before the last of its {len(times)} calls"]


def _telling(entry: str) -> list[str]:
    """Keep who asked whom what, the answer, and where it sends the caller; labels, sizes and fences are left out."""
    lines = [line for line in entry.splitlines() if line and not _FENCE.match(line)]
    kept = lines[:LOOKED_LINES]
    kept += [line.strip() for line in lines[LOOKED_LINES:] if _ANSWERED.match(line)]
    bodies = [at for at, line in enumerate(lines) if line.startswith("response body")]
    return kept + [lines[at + 1][:BODY_CHARACTERS] for at in bodies if at + 1 < len(lines)]


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
    namespace, slash, name = component.rpartition(" -> ")[2].partition("/")
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


def _facts(diagnosis: str) -> list[str]:
    """Keep the lines that tell what happened: the likeliest cause, its figures, what follows from it.

    Advice, limits, fences and lists of what was looked for are left out.
    """
    kept: list[str] = []
    for line in diagnosis.splitlines()[1:]:
        text = line.strip()
        if text.startswith(("Suffering", "Limit:", "Looked for", "Next:", "Then:", "Not looked")):
            continue
        if text and not _FENCE.match(text):
            kept.append(text)
    return kept[:FACTS_AT_MOST]
