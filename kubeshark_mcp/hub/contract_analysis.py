"""The shapes of questions and answers about what traffic means: diagnosis, claims."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from kubeshark_mcp.hub.contract import Shape


class DiagnosisQuery(Shape):
    """What to diagnose. database: `SNAPSHOT/DISSECTION`, `SNAPSHOT` or None for the newest.

    service: `namespace/name`, or a name that is unique; baseline: a database of a healthy time to compare with.
    """

    database: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    service: str | None = None
    baseline: str | None = None


class Measure(StrEnum):
    """What a claim says of the entries that its filter selects."""

    COUNT = "count"
    SHARE = "share"
    FIRST_AT = "first_at"
    LAST_AT = "last_at"
    P50_US = "p50_us"
    P95_US = "p95_us"
    MAX_US = "max_us"


class ClaimRow(Shape):
    """A checkable number. value: a count, a share (0..1), microseconds, or Unix milliseconds for times."""

    kfl: str
    measure: Measure
    value: float
    meaning: str = ""
    of: str = ""
    start: datetime | None = None
    end: datetime | None = None


class FindingRow(Shape):
    """One abnormal thing, ranked.

    rank: causal score, 0..1. chain: from the cause to the outermost workload that suffers. explains: positions (from 1)
    of the findings that follow from this one. evidence: handles `SNAPSHOT/DISSECTION#ENTRY`. before, after: how much it
    changed, in `unit`.
    """

    mechanism: str
    meaning: str
    component: str
    kind: str
    title: str
    confidence: str
    rank: float
    score: float
    detector: str
    onset: datetime | None = None
    end: datetime | None = None
    before: float | None = None
    after: float | None = None
    unit: str = ""
    chain: list[str] = Field(default_factory=list)
    affected: list[str] = Field(default_factory=list)
    explains: list[int] = Field(default_factory=list)
    evidence: list[str] = Field(default_factory=list)
    claims: list[ClaimRow] = Field(default_factory=list)
    refuted_by: str = ""
    symptom: bool = False
    facts: dict[str, str | int | float] = Field(default_factory=dict)


class SufferingRow(Shape):
    """A workload that suffers from the first cause: its calls since the onset, and how many of them failed."""

    workload: str
    calls: int
    failed: int


class CoverageRow(Shape):
    """What an answer rests on. limits: what the data cannot tell, as sentences."""

    start: datetime | None
    end: datetime | None
    calls: int
    connections: int
    workloads: int
    nodes: list[str] = Field(default_factory=list)
    missing_nodes: list[str] = Field(default_factory=list)
    named_share: float = 0.0
    limits: list[str] = Field(default_factory=list)


class Diagnosis(Shape):
    """What is abnormal, the likeliest cause first; findings of low confidence come last.

    normal: what was looked for and not found. unasked: what could not be looked for, and why. broken: detectors that
    failed by a fault of ours.
    """

    database: str
    coverage: CoverageRow
    findings: list[FindingRow] = Field(default_factory=list)
    suffering: list[SufferingRow] = Field(default_factory=list)
    normal: list[str] = Field(default_factory=list)
    unasked: list[str] = Field(default_factory=list)
    broken: list[str] = Field(default_factory=list)
    service: str | None = None
    baseline: str | None = None


class Relation(StrEnum):
    """How the number found must stand to the number claimed."""

    EQUAL = "="
    AT_LEAST = ">="
    AT_MOST = "<="


class ClaimQuery(Shape):
    """A claim to be checked: the entries that `kfl` selects have this measure, `relation` the value.

    value: a count, a share of the entries of `of` (0..1), microseconds; `at` instead for times. tolerance: allowed
    difference for `=`, as a share of the value (times: seconds).
    """

    kfl: str
    measure: Measure = Measure.COUNT
    value: float | None = None
    at: datetime | None = None
    relation: Relation = Relation.EQUAL
    of: str | None = None
    database: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    tolerance: float = 0.0


class Verified(Shape):
    """Whether a claim holds. found: the number (a share, microseconds, a count), found_at for times; None: no entries.

    count: entries that `kfl` selects; of_count: those of `of`.
    """

    holds: bool
    found: float | None
    found_at: datetime | None = None
    count: int = 0
    of_count: int | None = None
    database: str = ""
    warnings: list[str] = Field(default_factory=list)
