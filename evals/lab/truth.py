"""What is true of an incident: as `truth.yaml` beside its captures says it, and the words for faults."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

Mechanism = Literal[
    "error_burst",
    "latency_shift",
    "no_response",
    "slow_external",
    "pool_exhaustion",
    "lock_contention",
    "bad_replica",
    "connection_refused",
    "silent_drop",
    "connection_reset",
    "packet_loss",
    "mtu_black_hole",
    "receiver_stall",
    "dns_name_missing",
    "dns_search_storm",
    "dns_resolver_slow",
    "dns_tunnel",
    "retry_amplification",
    "fan_out_growth",
    "cache_failure",
    "authentication_failure",
    "grpc_deadline",
    "tls_failure",
    "broker_consumer_stalled",
    "rollout_regression",
    "port_scan",
    "metadata_access",
    "cleartext_secret",
    "redirect_loop",
    "oversized_payload",
    "rate_limited",
    "noisy_neighbour",
    "stale_data",
]
"""One vocabulary for truths, answers and detectors; `kubeshark_mcp.analyse.mechanisms` says what each word means."""

MECHANISMS: tuple[str, ...] = get_args(Mechanism)
Size = Literal["small", "medium", "large"]


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as broken:
        raise ValueError(f"{text!r} is no regular expression: {broken}. Correct it.") from broken
    return text


Pattern = Annotated[str, AfterValidator(_is_pattern)]
"""A Python regular expression, searched without regard to case."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cause(_Strict):
    """Where and how. component: `namespace/workload`, the name of a node, or the DNS name of a host outside."""

    component: str = Field(min_length=2)
    mechanism: Mechanism


class Wrong(_Strict):
    """A cause that lies near and is wrong. No mechanism: the component must not be named as the cause at all."""

    component: str = Field(min_length=2)
    mechanism: Mechanism | None = None
    why: str


class Fact(_Strict):
    """A sentence that an answer must state in its own words: each pattern has to match it, or the number be in it."""

    says: str
    match: tuple[Pattern, ...] = ()
    number: float | None = None
    tolerance: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _can_be_checked(self) -> Fact:
        if not self.match and self.number is None:
            raise ValueError(f"The fact {self.says!r} has neither `match` nor `number`. Give one to check.")
        return self


class Expected(_Strict):
    """A number of rows, both ends included. exact counts have min == max; logged: the pods' own logs gave it."""

    min: int = Field(ge=0)
    max: int | None = Field(default=None, ge=0)
    logged: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Expected:
        if self.max is not None and self.max < self.min:
            raise ValueError(f"The range {self.min} to {self.max} is empty. Let min be at most max.")
        return self

    def holds(self, count: int) -> bool:
        """Whether a count is within."""
        return self.min <= count and (self.max is None or count <= self.max)

    def __str__(self) -> str:
        if self.min == self.max:
            return str(self.min)
        return f"at least {self.min}" if self.max is None else f"{self.min} to {self.max}"


class Witness(_Strict):
    """What tshark counts in the capture of one node: packets that a display filter selects."""

    node: str
    filter: str
    packets: Expected


class Evidence(_Strict):
    """A KFL filter over the dissected captures, how many rows it must select, and what that means."""

    kfl: str
    expect: Expected
    meaning: str
    baseline: Expected | None = None
    tshark: Witness | None = None


class Truth(_Strict):
    """All of `truth.yaml`. chain: workloads from the cause to where customers feel it; accept: answers as good."""

    name: str
    title: str
    size: Size
    healthy: bool
    window: tuple[AwareDatetime, AwareDatetime]
    onset: AwareDatetime | None = None
    onset_tolerance_seconds: float = Field(default=3.0, gt=0)
    cause: Cause | None = None
    accept: tuple[Cause, ...] = ()
    also: tuple[Cause, ...] = ()
    chain: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    evidence: tuple[Evidence, ...] = Field(min_length=1)
    must_not_claim: tuple[Wrong, ...] = Field(min_length=1)
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _healthy_or_not(self) -> Truth:
        if self.healthy == (self.cause is not None):
            raise ValueError(f"{self.name}: a healthy case has no cause, and every other has one.")
        if self.healthy:
            return self
        if self.onset is None or not self.window[0] <= self.onset <= self.window[1]:
            raise ValueError(f"{self.name}: the onset {self.onset} is not within the window.")
        if not self.chain or not self.facts:
            raise ValueError(f"{self.name}: an incident needs a chain and facts.")
        for wrong in self.must_not_claim:
            for right in (self.cause, *self.accept, *self.also):
                if right and (wrong.component, wrong.mechanism) in {
                    (right.component, right.mechanism),
                    (right.component, None),
                }:
                    raise ValueError(f"{self.name}: {wrong.component} is both a right answer and a wrong one.")
        return self

    @property
    def right(self) -> tuple[Cause, ...]:
        """The causes that count as found, the best first; none for a healthy case."""
        return (*([self.cause] if self.cause else []), *self.accept)


def load_truth(path: Path) -> Truth:
    """Read and check a `truth.yaml`; pydantic's ValidationError says what is wrong."""
    return Truth.model_validate(yaml.safe_load(path.read_text()))


def dump_truth(truth: Truth, path: Path) -> None:
    """Write a `truth.yaml`: times in RFC 3339 with milliseconds, what has its default left out."""
    text = yaml.safe_dump(_plain(truth), sort_keys=False, allow_unicode=True, width=110)
    path.write_text(text)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        kept = {name: getattr(value, name) for name in type(value).model_fields if name in value.model_fields_set}
        return {name: _plain(each) for name, each in kept.items() if each is not None and each != ()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
