"""What a detector says: a finding, whom it blames, and claims about the data that anybody can check."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from kubeshark_mcp.analyse.mechanisms import Mechanism


class Kind(StrEnum):
    """What a component is."""

    WORKLOAD = "workload"
    POD = "pod"
    EDGE = "edge"
    NODE = "node"
    EXTERNAL = "external"
    NAME = "name"


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """Who or what is to blame.

    name: `namespace/workload`, `namespace/pod`, a node's name, an address or DNS name outside the cluster, or a DNS
    name that does not resolve. peer: the other end, for edges (name -> peer, from client to server).
    """

    kind: Kind
    name: str
    peer: str = ""

    def __str__(self) -> str:
        """Write it as answers do."""
        return f"{self.name} -> {self.peer}" if self.peer else self.name


class Confidence(StrEnum):
    """How sure a finding is. Low ones are hints: they never head an answer."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def weight(self) -> float:
        """Give a number for ranking, 0 to 1."""
        return {"high": 1.0, "medium": 0.6, "low": 0.2}[self.value]


class Measure(StrEnum):
    """What a claim says of the entries that a filter selects."""

    COUNT = "count"
    SHARE = "share"
    FIRST_AT = "first_at"
    LAST_AT = "last_at"
    P50_US = "p50_us"
    P95_US = "p95_us"
    MAX_US = "max_us"


@dataclass(frozen=True, slots=True)
class Claim:
    """A checkable statement: the entries that `kfl` selects have this `measure` of `value`.

    COUNT: number of entries. SHARE: entries of `kfl` divided by those of `of` (0..1). FIRST_AT, LAST_AT: Unix ns UTC.
    P50_US, P95_US, MAX_US: microseconds over answered entries. start_ns, end_ns: a window, None for all; start
    included, end excluded. meaning: what it shows, as a clause ("503 answers to checkout").
    """

    kfl: str
    measure: Measure
    value: float
    meaning: str
    of: str = ""
    start_ns: int | None = None
    end_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Magnitude:
    """How much something changed. unit: what the numbers are ("share failed", "ms p95", "calls/s")."""

    before: float | None
    after: float
    unit: str


@dataclass(frozen=True, slots=True)
class Edge:
    """Calls from a client workload to a server workload, by the labels of `facts.Calls`; protocol "" for any."""

    client: str
    server: str
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One abnormal thing.

    title: one sentence with the numbers, no captured text beyond names. onset_ns: when it began, Unix ns UTC, None
    where it was so from the first packet on. end_ns: when it was over, None where it lasts to the end. affected: edges
    on which it is seen. entries: ids of a few typical entries, the first one first. claims: its own numbers, checkable.
    refuted_by: what one would see if it were wrong, with the call that shows it where there is one.
    score: how strong the effect is, 0 to 1 (share of the component's calls that suffer, or a like figure).
    symptom: it may well be the echo of another fault further down; causes come first where both are seen.
    facts: details for programs ("replica": "orders-…", "limit": 5).
    """

    detector: str
    mechanism: Mechanism
    component: Component
    title: str
    confidence: Confidence
    score: float
    onset_ns: int | None = None
    end_ns: int | None = None
    magnitude: Magnitude | None = None
    affected: tuple[Edge, ...] = ()
    entries: tuple[int, ...] = ()
    claims: tuple[Claim, ...] = ()
    refuted_by: str = ""
    symptom: bool = False
    facts: dict[str, str | int | float] = field(default_factory=dict)
