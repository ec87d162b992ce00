"""Claims with the numbers that the facts confirm: what a title says is counted the way anybody can count it."""

from __future__ import annotations

from typing import cast

import numpy as np

from kubeshark_mcp.analyse.columns import Int64
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both
from kubeshark_mcp.analyse.findings import Claim, Measure
from kubeshark_mcp.analyse.statistics import quantile

Window = tuple[int | None, int | None]
ALL: Window = (None, None)


def counted(facts: Facts, kfl: str, meaning: str, window: Window = ALL) -> Claim:
    """Claim how many entries a filter selects."""
    return Claim(kfl, Measure.COUNT, facts.count(kfl, *window), meaning, "", *window)


def shared(facts: Facts, kfl: str, of: str, meaning: str, window: Window = ALL) -> Claim:
    """Claim which share of the entries of `of` a narrower filter selects; 0 of none."""
    whole, part = facts.counts([(of, *window), (kfl, *window)])
    return Claim(kfl, Measure.SHARE, part / whole if whole else 0.0, meaning, of, *window)


def counted_and_shared(facts: Facts, kfl: str, of: str, what: str, window: Window = ALL) -> tuple[Claim, Claim]:
    """Claim how many entries a filter selects at all, and which share of those of `of` in a part of the window."""
    number, whole, part = facts.counts([(kfl, *ALL), (of, *window), (kfl, *window)])
    return (
        Claim(kfl, Measure.COUNT, number, what, "", *ALL),
        Claim(kfl, Measure.SHARE, part / whole if whole else 0.0, f"share of {what}", of, *window),
    )


def timed(facts: Facts, kfl: str, measure: Measure, meaning: str, window: Window = ALL) -> Claim:
    """Claim how long the answered entries of a filter take: P50_US, P95_US or MAX_US, in microseconds."""
    calls = facts.calls
    ids = cast(Int64, facts.columns(both(kfl, "answered"), ["id"])["id"])
    chosen = np.isin(calls.id, ids) & calls.answered
    if window[0] is not None:
        chosen &= calls.start_ns >= window[0]
    if window[1] is not None:
        chosen &= calls.start_ns < window[1]
    values = calls.elapsed_us[chosen]
    share = {Measure.P50_US: 0.5, Measure.P95_US: 0.95, Measure.MAX_US: 1.0}[measure]
    return Claim(kfl, measure, quantile(values, share), meaning, "", *window)
