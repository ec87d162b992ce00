"""The tier without a model: every truth, reference and skill is tried through the real server, on every push."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals import craft, datasets, suites
from evals.aliases import names_of
from evals.answers import check_evidence, grade
from evals.desk import DataSet, Desk, Reply, SetUpError, opened, schema_tokens
from evals.investigator.rules import investigate
from evals.outcomes import Cost, Outcome, Result, Run
from evals.runner import budget, filters, skills, steps
from evals.runner.truths import check_truth
from evals.suites import Case, KflCase, RcaCase, RoutingCase, SafetyCase

Told = Callable[[Result], None]


@dataclass(slots=True)
class Offline:
    """Settings of a run, and where its results gather. told: called for each result as it comes."""

    cases: Sequence[Case]
    baseline: dict[str, Any] = field(default_factory=dict)
    parallel: int = 2
    incidents: Path = suites.INCIDENTS
    skills: Path = skills.SKILLS
    told: Told = lambda result: None
    run: Run = field(default_factory=lambda: Run({"tier": "offline"}))

    def tell(self, result: Result) -> None:
        """Keep a result."""
        self.run.results.append(result)
        self.told(result)


async def run_offline(given: Offline) -> Run:
    """Try everything, `parallel` servers at a time, the longest first."""
    begun = time.monotonic()
    turns = asyncio.Semaphore(given.parallel)

    async def in_turn(job: Callable[[], Awaitable[None]]) -> None:
        async with turns:
            await job()

    await asyncio.gather(*(in_turn(job) for job in _jobs(given)))
    for result in budget.check_investigator(given.run.results):
        given.tell(result)
    given.run.results.sort(key=lambda each: (suites_order(each.suite), each.arm, each.case))
    given.run.measures["seconds"] = round(time.monotonic() - begun, 1)
    return given.run


def suites_order(suite: str) -> int:
    """RCA first, what is no suite of cases last."""
    return suites.SUITES.index(suite) if suite in suites.SUITES else len(suites.SUITES)


def _jobs(given: Offline) -> list[Callable[[], Awaitable[None]]]:
    asked = [case for case in given.cases if isinstance(case, KflCase)]
    jobs: list[Callable[[], Awaitable[None]]] = []
    if asked:
        jobs.append(lambda: _references(given, asked))
    for name, cases in _by_incident(given.cases).items():
        jobs.append(lambda name=name, cases=cases: _incident(given, name, cases))  # type: ignore[misc]
    jobs += [
        lambda case=case: _made(given, case)  # type: ignore[misc]
        for case in given.cases
        if isinstance(case, SafetyCase) and case.exchanges
    ]
    jobs.append(lambda: _tools_and_skills(given))
    return jobs


def _by_incident(cases: Sequence[Case]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in cases:
        if isinstance(case, RcaCase):
            found.setdefault(case.name, []).insert(0, case)
        elif isinstance(case, RoutingCase | SafetyCase) and case.incident:
            found.setdefault(case.incident, []).append(case)
    return found


async def _references(given: Offline, cases: Sequence[KflCase]) -> None:
    """Run all reference filters on both mixtures; one that selects nothing in either asks for nothing."""
    rows: dict[str, list[int]] = {case.name: [] for case in cases}
    reasons: dict[str, list[str]] = {case.name: [] for case in cases}
    broken = ""
    for data in datasets.mixtures():
        try:
            async with opened(data) as desk:
                await desk.dissect()
                for case in cases:
                    found, wrong = await filters.check_reference(desk, case)
                    rows[case.name].append(found)
                    reasons[case.name] += wrong
        except SetUpError as failure:
            broken = str(failure)
    for case in cases:
        wrong = reasons[case.name]
        if not broken and sum(rows[case.name]) < case.at_least:
            wrong.append(f"selects {rows[case.name]} entries, at least {case.at_least} must be")
        outcome = Outcome.SET_UP_FAIL if broken else Outcome.FAIL if wrong else Outcome.PASS
        scores = {f"rows {number + 1}": float(each) for number, each in enumerate(rows[case.name])}
        told = [broken] if broken else wrong
        given.tell(Result("kfl", case.name, "reference", outcome, case.covers, reasons=told, scores=scores))


async def _incident(given: Offline, name: str, cases: Sequence[Case]) -> None:
    """One server for all that concerns an incident: first the investigator, then its truth, then routes and dangers."""
    try:
        async with opened(datasets.incident(name, given.incidents)) as desk:
            for case in cases:
                if isinstance(case, RcaCase):
                    await _investigator(given, case, desk)
                    given.tell(await check_truth(case, desk))
            if not desk.database:
                await desk.dissect()
            if name == "example":
                paged = await filters.check_pages(desk, "dns")
                outcome = Outcome.FAIL if paged else Outcome.PASS
                given.tell(Result("tools", "pages", "reference", outcome, "paging", reasons=paged))
            for case in cases:
                if isinstance(case, RoutingCase | SafetyCase):
                    await _route_or_danger(given, case, desk)
    except SetUpError as failure:
        for case in cases:
            given.tell(Result(case.suite, case.name, "reference", Outcome.SET_UP_FAIL, reasons=[str(failure)]))


async def _investigator(given: Offline, case: RcaCase, desk: Desk) -> None:
    begun = time.monotonic()
    went = await investigate(desk)
    asked = list(desk.replies)
    cost = cost_of(asked, went.asked_from, time.monotonic() - begun)
    judged = grade(went.findings, case.truth, names_of(case.folder))
    await check_evidence(went.findings, case.truth, desk, judged)
    known = given.baseline.get("investigator", {}).get(case.name)
    result = Result(
        "rca",
        case.name,
        "investigator",
        _measured(judged.passed, judged.found, case, known),
        case.kind,
        reasons=judged.reasons,
        scores=judged.scores(),
        cost=cost,
        answer=went.findings.model_dump(),
        transcript=[reply.as_json() for reply in asked],
    )
    given.tell(result)


def _measured(passed: bool, found: bool, case: RcaCase, known: dict[str, Any] | None) -> Outcome:
    """Judge the investigator: it is measured, so what it never could is known; what it could before, it must still."""
    if passed:
        return Outcome.PASS
    if case.truth.healthy:
        return Outcome.FAIL
    worse = known is not None and (known["passed"] or (known["found"] and not found))
    return Outcome.FAIL if worse else Outcome.KNOWN_FAIL


def cost_of(replies: Sequence[Reply], asked_from: int, seconds: float) -> Cost:
    """Sum up what calls cost, in all and from the one on that followed the dissection."""
    after = replies[asked_from:]
    return Cost(
        calls=len(replies),
        calls_after_dissection=len(after),
        result_tokens=sum(reply.tokens for reply in replies),
        result_tokens_after_dissection=sum(reply.tokens for reply in after),
        seconds=round(seconds, 2),
    )


async def _route_or_danger(given: Offline, case: RoutingCase | SafetyCase, desk: Desk) -> None:
    begun = time.monotonic()
    if isinstance(case, SafetyCase):
        reasons, replies = await steps.withstand(desk, case)
        kind: str = case.danger
    else:
        reasons, replies = await steps.follow(desk, case.steps)
        reasons += _unknown(given, case)
        kind = case.route
    given.tell(
        Result(
            case.suite,
            case.name,
            "reference",
            Outcome.FAIL if reasons else Outcome.PASS,
            kind,
            reasons=reasons,
            cost=cost_of(replies, 0, time.monotonic() - begun),
            transcript=[reply.as_json() for reply in replies],
        )
    )


def _unknown(given: Offline, case: RoutingCase) -> list[str]:
    """Tell of a route over a skill or a tool that is not there."""
    reasons = [f"the tool {tool} does not exist" for tool in case.tools if tool not in skills.tool_names()]
    if case.skill is not None and not (given.skills / case.skill / "SKILL.md").exists():
        reasons.append(f"the skill {case.skill} does not exist")
    return reasons


async def _made(given: Offline, case: SafetyCase) -> None:
    """Try a danger in a capture that the case spells out."""
    with tempfile.TemporaryDirectory(prefix="evals-made-") as folder:
        try:
            async with opened(craft.data_set(case.name, case.exchanges, Path(folder))) as desk:
                await desk.dissect()
                await _route_or_danger(given, case, desk)
        except SetUpError as failure:
            given.tell(Result(case.suite, case.name, "reference", Outcome.SET_UP_FAIL, reasons=[str(failure)]))


async def _tools_and_skills(given: Offline) -> None:
    """Measure what the tools declare, and look whether skills name what is there."""
    nothing = DataSet("nothing", datasets.incident("example").captures)
    try:
        async with opened(nothing) as desk:
            tokens = schema_tokens(await desk.tools())
            given.run.measures["schema tokens"] = tokens
            given.run.measures["tools"] = len(await desk.tools())
            given.tell(budget.check_schema(tokens, given.baseline))
            await _skills(given, desk)
    except SetUpError as failure:
        given.tell(Result("skills", "all", "reference", Outcome.SET_UP_FAIL, reasons=[str(failure)]))


async def _skills(given: Offline, desk: Desk) -> None:
    found = skills.read_skills(given.skills)
    known = skills.tool_names()
    for skill in found.values():
        reasons = [*skill.problems, *skills.wrong_tools(skill, known), *await skills.wrong_filters(skill, desk)]
        outcome = Outcome.FAIL if reasons else Outcome.PASS
        scores = {"tokens": float(skill.tokens)}
        given.tell(Result("skills", skill.name, "reference", outcome, "static", reasons=reasons, scores=scores))
    asked = [case for case in given.cases if isinstance(case, RoutingCase) and case.skill in found]
    if asked:
        right = sum(skills.nearest(case.sentence, found) == case.skill for case in asked)
        given.run.measures["sentences nearest to their skill's description"] = round(right / len(asked), 3)
