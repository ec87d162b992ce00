"""Analysis of dissections: facts for detectors, diagnoses, claims checked."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from difflib import get_close_matches

from kubeshark_mcp.analyse.detector import Detector, load_detectors
from kubeshark_mcp.analyse.diagnosis import Diagnosis, diagnose
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.findings import Claim, Finding
from kubeshark_mcp.analyse.findings import Measure as Measured
from kubeshark_mcp.analyse.mechanisms import MEANINGS
from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import contract_analysis as a
from kubeshark_mcp.hub.databases import DatabaseRoom
from kubeshark_mcp.hub.facts import StoredFacts
from kubeshark_mcp.hub.snapshots import SnapshotRoom
from kubeshark_mcp.hub.times import end_to_ns, from_ns, to_ns
from kubeshark_mcp.hub.workspace import Workspace

KEPT = 2
"""Sets of facts that are kept for the next question: about 100 bytes a call."""
_TIMES = (a.Measure.FIRST_AT, a.Measure.LAST_AT)
Window = tuple[datetime | None, datetime | None]
StatsOf = Callable[[c.StatsQuery], c.Stats]


class AnalysisRoom:
    """Answers what traffic means."""

    def __init__(self, workspace: Workspace, databases: DatabaseRoom, snapshots: SnapshotRoom, stats: StatsOf) -> None:
        self._workspace, self._databases, self._snapshots, self._stats = workspace, databases, snapshots, stats
        self._detectors: tuple[Detector, ...] | None = None
        self._kept: OrderedDict[tuple[object, ...], StoredFacts] = OrderedDict()
        self._lock = threading.Lock()

    def facts(self, database: str | None, window: Window) -> tuple[str, StoredFacts]:
        """Give the facts of a database (`SNAPSHOT/DISSECTION`) within a window; facts in use are kept for a while."""
        dissection = self._databases.resolve(database)
        start, end = window
        if start is not None and end is not None and start >= end:
            raise UsageError(f"The window ends ({end.isoformat()}) before it starts ({start.isoformat()}): swap them.")
        folder = self._workspace.dissection(dissection.snapshot, dissection.name)
        limits = (None if start is None else to_ns(start), None if end is None else end_to_ns(end))
        key = (folder, folder.stat().st_mtime_ns, limits)
        with self._lock:
            found = self._kept.pop(key, None) or StoredFacts(
                self._databases.open(folder),
                sorted(self._snapshots.completed(dissection.snapshot).glob("resources*.json")),
                limits,
                dissection.warnings,
            )
            self._kept[key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return f"{dissection.snapshot}/{dissection.name}", found

    def diagnose(self, query: a.DiagnosisQuery) -> a.Diagnosis:
        """Say what is abnormal, the likeliest cause first."""
        database, facts = self.facts(query.database, (query.start, query.end))
        if self._detectors is None:
            self._detectors = load_detectors()
        baseline = None if query.baseline is None else self.facts(query.baseline, (None, None))
        return diagnosis_of((database, facts), self._detectors, query.service, baseline)

    def verify(self, query: a.ClaimQuery) -> a.Verified:
        """Check a claim against the entries."""
        if query.measure in _TIMES and query.at is None:
            raise UsageError(f"A claim about {query.measure.value} needs `at`, a time.")
        if query.measure not in _TIMES and query.value is None:
            raise UsageError(f"A claim about {query.measure.value} needs `value`, a number.")
        if query.measure is a.Measure.SHARE and not query.of:
            raise UsageError("A claim about a share needs `of`: a filter for the whole that it is a share of.")
        asked = c.StatsQuery(kfl=query.kfl, database=query.database, start=query.start, end=query.end)
        found = self._stats(asked)
        whole = self._stats(asked.model_copy(update={"kfl": query.of})) if query.of else None
        number, at = measured(query, found, whole)
        return a.Verified(
            holds=holds(query, number, at),
            found=number,
            found_at=at,
            count=found.total.count,
            of_count=None if whole is None else whole.total.count,
            database=found.database,
            warnings=[*found.warnings, *(whole.warnings if whole else [])],
        )


def measured(query: a.ClaimQuery, found: c.Stats, whole: c.Stats | None) -> tuple[float | None, datetime | None]:
    """Give the number or the time that a claim is about; None where no entry is there to measure."""
    if query.measure in _TIMES:
        return None, found.start if query.measure is a.Measure.FIRST_AT else found.end
    if query.measure is a.Measure.COUNT:
        return float(found.total.count), None
    if query.measure is a.Measure.SHARE:
        total = whole.total.count if whole else 0
        return (found.total.count / total if total else None), None
    number = getattr(found.total, query.measure.value)
    return (None if number is None else float(number)), None


def holds(query: a.ClaimQuery, number: float | None, at: datetime | None) -> bool:
    """Tell whether what was found stands to what is claimed as it is claimed."""
    if query.measure in _TIMES:
        if at is None or query.at is None:
            return False
        difference, slack = (at - query.at).total_seconds(), max(query.tolerance, 0.001)
    elif number is None or query.value is None:
        return False
    else:
        difference, slack = number - query.value, abs(query.value) * query.tolerance + 1e-9
    if query.relation is a.Relation.EQUAL:
        return abs(difference) <= slack
    return difference >= -slack if query.relation is a.Relation.AT_LEAST else difference <= slack


def workload_named(name: str, facts: Facts) -> str:
    """Give the label of the workload that a user means: `namespace/name`, or a name that only one has."""
    known = set(facts.calls.client.values) | set(facts.calls.server.values)
    known |= set(facts.connections.client.values) | set(facts.connections.server.values)
    if name in known:
        return name
    short = sorted(label for label in known if label.rpartition("/")[2] == name)
    if len(short) == 1:
        return short[0]
    if short:
        raise UsageError(f"{name!r} may be {', '.join(short)}: give the namespace too.")
    near = get_close_matches(name, [*known, *(label.rpartition("/")[2] for label in known)], n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise NotFoundError(f"No traffic of a workload {name!r} was captured.{hint}")


def diagnosis_of(
    asked: tuple[str, Facts],
    detectors: Sequence[Detector],
    service: str | None = None,
    baseline: tuple[str, Facts] | None = None,
) -> a.Diagnosis:
    """Diagnose facts, given with the name of their database. service: as a user names it."""
    database, facts = asked
    named = None if service is None else workload_named(service, facts)
    found = diagnose(facts, detectors, named, None if baseline is None else baseline[1])
    return as_answer(found, database, facts, named, None if baseline is None else baseline[0])


def as_answer(found: Diagnosis, database: str, facts: Facts, service: str | None, baseline: str | None) -> a.Diagnosis:
    """Give a diagnosis in the contract's shape."""
    coverage = found.coverage
    names = {end for link in found.graph.links for end in (link.client, link.server)}
    empty = coverage.end_ns == 0
    return a.Diagnosis(
        database=database,
        coverage=a.CoverageRow(
            start=None if empty else from_ns(coverage.start_ns),
            end=None if empty else from_ns(coverage.end_ns),
            calls=len(facts.calls),
            connections=len(facts.connections),
            workloads=len(names),
            nodes=sorted(coverage.nodes),
            missing_nodes=list(coverage.missing_nodes),
            named_share=coverage.named_share,
            limits=list(found.limits),
        ),
        findings=[
            finding_row(one.finding, database, one.rank, list(one.chain), [place + 1 for place in one.explains])
            for one in found.ranked
        ],
        suffering=[
            a.SufferingRow(workload=one.workload, calls=one.calls, failed=one.failed) for one in found.suffering
        ],
        normal=list(found.normal),
        unasked=list(found.unasked),
        broken=list(found.broken),
        service=service,
        baseline=baseline,
    )


def finding_row(finding: Finding, database: str, rank: float, chain: list[str], explains: list[int]) -> a.FindingRow:
    """Give a finding in the contract's shape."""
    magnitude = finding.magnitude
    return a.FindingRow(
        mechanism=finding.mechanism.value,
        meaning=MEANINGS[finding.mechanism],
        component=str(finding.component),
        kind=finding.component.kind.value,
        title=finding.title,
        confidence=finding.confidence.value,
        rank=rank,
        score=round(finding.score, 4),
        detector=finding.detector,
        onset=None if finding.onset_ns is None else from_ns(finding.onset_ns),
        end=None if finding.end_ns is None else from_ns(finding.end_ns),
        before=None if magnitude is None else magnitude.before,
        after=None if magnitude is None else magnitude.after,
        unit="" if magnitude is None else magnitude.unit,
        chain=chain,
        affected=[f"{edge.client} -> {edge.server}" for edge in finding.affected],
        explains=explains,
        evidence=handles(database, finding.entries),
        claims=[claim_row(claim) for claim in finding.claims],
        refuted_by=finding.refuted_by,
        symptom=finding.symptom,
        facts=dict(finding.facts),
    )


def handles(database: str, entries: Iterable[int]) -> list[str]:
    """Give the handles of entries: `SNAPSHOT/DISSECTION#ENTRY`."""
    return [f"{database}#{int(entry)}" for entry in entries]


def claim_row(claim: Claim) -> a.ClaimRow:
    """Give a claim in the contract's shape; times become Unix milliseconds.

    A claim ends before its end; a question of the contract ends with it, so it gets the last nanosecond before that,
    in whole microseconds.
    """
    timely = claim.measure in (Measured.FIRST_AT, Measured.LAST_AT)
    return a.ClaimRow(
        kfl=claim.kfl,
        measure=a.Measure(claim.measure.value),
        value=claim.value / 1e6 if timely else claim.value,
        meaning=claim.meaning,
        of=claim.of,
        start=None if claim.start_ns is None else from_ns(claim.start_ns),
        end=None if claim.end_ns is None else from_ns(claim.end_ns - 1),
    )
