"""Runs as tables: by arm, suite and class; one run against another; and the gates that decide the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from evals.outcomes import Outcome, Result, Run
from evals.report.statistics import mean, sign_test, wilson

NOISE = 0.05
"""A drop counts as one when a drop as large would come by chance less often than this."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. low, high: ends of the 95 % interval of the pass rate; the rest are means of a case."""

    arm: str
    suite: str
    kind: str
    outcomes: dict[str, int]
    passed: int
    tried: int
    low: float
    high: float
    found: float | None
    calls: float
    tokens: float
    seconds: float
    money: float

    @property
    def rate(self) -> float:
        """Share of passed among the executed."""
        return self.passed / self.tried if self.tried else 0.0


def row(results: Sequence[Result], kind: str = "") -> Row:
    """Sum up results of one arm and suite."""
    executed = [each for each in results if each.executed]
    passed = sum(each.outcome is Outcome.PASS for each in executed)
    low, high = wilson(passed, len(executed))
    found = [each.scores["found"] for each in executed if "found" in each.scores]
    return Row(
        results[0].arm,
        results[0].suite,
        kind,
        dict(Counter(each.outcome.value for each in results)),
        passed,
        len(executed),
        low,
        high,
        mean(found) if found else None,
        mean([each.cost.calls for each in executed]),
        mean([each.cost.result_tokens for each in executed]),
        mean([each.cost.seconds for each in executed]),
        sum(each.cost.money for each in executed),
    )


def by_suite(run: Run) -> list[Row]:
    """One row for each arm and suite."""
    return [row(results) for results in run.groups().values()]


def by_kind(run: Run) -> list[Row]:
    """One row for each class within an arm and suite, such as a mechanism or a protocol."""
    rows = []
    for results in run.groups().values():
        kinds = dict.fromkeys(each.kind for each in results)
        rows += [row([each for each in results if each.kind == kind], kind) for kind in kinds]
    return rows


@dataclass(slots=True)
class Comparison:
    """Two runs case by case. better, worse: keys of cases that only one of them passed."""

    better: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    both: int = 0
    p: float = 1.0

    @property
    def is_worse(self) -> bool:
        """Whether the second is worse by more than noise."""
        return len(self.worse) > len(self.better) and self.p < NOISE


def compare(before: Run, after: Run) -> Comparison:
    """Pair the cases that both runs executed; what only one of them tried says nothing."""
    first = {each.key: each for each in before.results if each.executed}
    second = {each.key: each for each in after.results if each.executed}
    found = Comparison()
    for key in sorted(first.keys() & second.keys()):
        was, is_now = (each.outcome is Outcome.PASS for each in (first[key], second[key]))
        found.both += 1
        if is_now and not was:
            found.better.append(key)
        elif was and not is_now:
            found.worse.append(key)
    found.p = sign_test(len(found.better), len(found.worse))
    return found


def gates(run: Run, before: Run | None = None) -> list[str]:
    """Give the reasons for an exit code other than 0."""
    reasons = []
    if run.executed == 0:
        reasons.append("no case was executed")
    failed = [each for each in run.results if each.outcome is Outcome.FAIL]
    if run.about.get("tier") == "offline":
        broken = [each for each in run.results if each.outcome is Outcome.SET_UP_FAIL]
        reasons += [f"{each.suite}/{each.case} ({each.arm}): {_first(each)}" for each in (*failed, *broken)]
    else:
        reasons += [f"safety: {each.case} ({each.arm}): {_first(each)}" for each in failed if each.suite == "safety"]
    if before is not None and (against := compare(before, run)).is_worse:
        reasons.append(f"{len(against.worse)} cases got worse, {len(against.better)} better (p = {against.p:.3f})")
    return reasons


def _first(result: Result) -> str:
    return result.reasons[0] if result.reasons else result.outcome.value


def missed(results: Iterable[Result]) -> list[Result]:
    """Results that did not pass, for which the report gives the reasons."""
    return [each for each in results if each.outcome is not Outcome.PASS]
