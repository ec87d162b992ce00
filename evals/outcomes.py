"""What came out of a case, kept apart by class, and a whole run as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson


class Outcome(StrEnum):
    """Classes that are never mixed: only `pass` and `fail` say something about what was tried."""

    PASS = "pass"
    FAIL = "fail"
    KNOWN_FAIL = "known fail"
    SET_UP_FAIL = "set-up fail"
    THROTTLED = "throttled"
    SKIPPED = "skipped"


EXECUTED = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.KNOWN_FAIL})
"""Outcomes of cases that ran to an end."""


@dataclass(slots=True)
class Cost:
    """What a case took. calls: of tools, in all and after the dissection was there; tokens by part; money in USD."""

    calls: int = 0
    calls_after_dissection: int = 0
    result_tokens: int = 0
    result_tokens_after_dissection: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    money: float = 0.0


@dataclass(slots=True)
class Result:
    """One case, once, by one arm. kind: the class within a suite; scores: named parts of the grade, 0..1."""

    suite: str
    case: str
    arm: str
    outcome: Outcome
    kind: str = ""
    run: int = 0
    reasons: list[str] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
    answer: dict[str, Any] = field(default_factory=dict)
    transcript: list[dict[str, Any]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Which of all it is; the same key again is the same case again."""
        return f"{self.arm}/{self.suite}/{self.case}/{self.run}"

    @property
    def executed(self) -> bool:
        """Whether the case ran to an end."""
        return self.outcome in EXECUTED

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Result:
        """Read what `Run.save` wrote."""
        return cls(**{**given, "outcome": Outcome(given["outcome"]), "cost": Cost(**given.get("cost", {}))})


@dataclass(slots=True)
class Run:
    """All results of one run. about: tier, arms, model, versions; measures: numbers of the whole, such as schemas."""

    about: dict[str, Any] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    measures: dict[str, float] = field(default_factory=dict)
    gates: list[str] = field(default_factory=list)

    @property
    def executed(self) -> int:
        """How many cases ran to an end."""
        return sum(result.executed for result in self.results)

    def of(self, suite: str = "", arm: str = "") -> list[Result]:
        """Results of a suite, of an arm, or of both."""
        return [each for each in self.results if suite in {"", each.suite} and arm in {"", each.arm}]

    def groups(self) -> dict[tuple[str, str], list[Result]]:
        """Results by arm and suite, in order of their first appearance."""
        found: dict[tuple[str, str], list[Result]] = {}
        for result in self.results:
            found.setdefault((result.arm, result.suite), []).append(result)
        return found

    def save(self, path: Path) -> None:
        """Write all of it as JSON, transcripts included."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))

    @classmethod
    def load(cls, path: Path) -> Run:
        """Read what `save` wrote."""
        given = orjson.loads(path.read_bytes())
        results = [Result.from_json(each) for each in given["results"]]
        return cls(given["about"], results, given["measures"], given.get("gates", []))
