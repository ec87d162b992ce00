"""Builds incidents: records each, writes its truth with the counts that the pods' logs give, and verifies it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from evals.lab.incident import Claim, Incident
from evals.lab.logs import Logs
from evals.lab.plan import Plan
from evals.lab.record import SUFFIX, Window, record
from evals.lab.truth import Evidence, Expected, Fact, Truth, Witness, dump_truth

CEILING = 1_500_000
"""Bytes of all captures of an incident that is kept in the repository."""

Rows = int | tuple[int, int | None] | Callable[[Logs], int]


def build(incident: Incident, out: Path) -> Truth:
    """Record an incident into `out/<name>`, which is replaced as a whole when all went well."""
    fresh = out / f".{incident.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        lab, window, before = record(incident, fresh)
        truth = tell(incident, lab.plan, window, before)
        dump_truth(truth, fresh / "truth.yaml")
        shutil.rmtree(out / incident.name, ignore_errors=True)
        fresh.rename(out / incident.name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return truth


def capture_bytes(folder: Path) -> int:
    """Add up the sizes of an incident's captures."""
    return sum(path.stat().st_size for path in folder.rglob(f"*{SUFFIX}"))


def tell(incident: Incident, plan: Plan, window: Window, before: Window | None) -> Truth:
    """Write down what is true of a recording."""
    onset = None
    if incident.cause is not None:
        if incident.onset is not None:
            onset = datetime.fromtimestamp(incident.onset(window.logs).first, UTC)
        else:
            onset = window.fault or window.start
    told: Mapping[str, object] = {
        "name": incident.name,
        "title": incident.title,
        "size": incident.size,
        "healthy": incident.healthy,
        "window": (window.start, window.end),
        "onset": onset,
        "onset_tolerance_seconds": incident.onset_tolerance,
        "cause": incident.cause,
        "accept": incident.accept,
        "also": incident.also,
        "chain": incident.chain,
        "facts": tuple(_fact(fact, plan) for fact in incident.facts),
        "evidence": tuple(_evidence(claim, plan, window, before) for claim in incident.claims),
        "must_not_claim": incident.must_not_claim,
        "notes": incident.notes,
    }
    return Truth.model_validate({name: value for name, value in told.items() if value is not None})


def _fact(fact: Fact, plan: Plan) -> Fact:
    said = {"says": plan.fill(fact.says), "match": tuple(plan.fill(text) for text in fact.match)}
    return Fact.model_validate({**fact.model_dump(exclude_unset=True), **{k: v for k, v in said.items() if v}})


def _evidence(claim: Claim, plan: Plan, window: Window, before: Window | None) -> Evidence:
    expect = expected(claim.rows, window.logs, claim.slack)
    told: dict[str, object] = {"kfl": plan.fill(claim.kfl), "expect": expect, "meaning": claim.meaning}
    if before is not None and claim.baseline is not None:
        told["baseline"] = expected(claim.baseline, before.logs, claim.slack)
    if claim.tshark is not None:
        packets = expect if claim.tshark.packets is None else expected(claim.tshark.packets, window.logs, 0)
        told["tshark"] = Witness(node=claim.tshark.node, filter=plan.fill(claim.tshark.filter), packets=packets)
    return Evidence.model_validate(told)


def expected(rows: Rows, logs: Logs, slack: int) -> Expected:
    """Say how many rows there must be: as given, or as the logs count."""
    if callable(rows):
        count = rows(logs)
        return Expected(min=max(0, count - slack), max=count + slack, logged=True)
    if isinstance(rows, int):
        return Expected(min=max(0, rows - slack), max=rows + slack)
    least, most = rows
    return Expected(min=least) if most is None else Expected(min=least, max=most)
