"""The tier with a model: asks every case of every arm n times, in parallel, resumable, within the money."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from evals import datasets
from evals.desk import DataSet, Desk, opened
from evals.model.arms import ARMS
from evals.model.ask import Asked, ask_case
from evals.model.judge import agreement
from evals.model.limits import Meter, MoneySpentError, Purse
from evals.outcomes import Outcome, Result, Run
from evals.runner.skills import read_skills
from evals.suites import Case, KflCase

SHELL_SUITES = frozenset({"rca"})
"""What a shell can be asked too: a filter of KFL or a route means nothing to it."""


def client_of(parallel: int) -> Any:
    """Make the API's client. It waits and tries again by itself, as long as the API says, when a rate limit is met."""
    import anthropic

    return anthropic.AsyncAnthropic(max_retries=6, timeout=180.0)


async def run_model(cases: Sequence[Case], given: argparse.Namespace, client: Any = None) -> Run:
    """Ask everything that is not yet answered; what was answered is on disk after each case."""
    arms = tuple(given.arm or ARMS)
    run = Run({"tier": "model", "model": given.model, "temperature": given.temperature, "arms": ", ".join(arms)})
    journal: Path = given.out / "evals.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    run.results = read_journal(journal) if given.resume else []
    if not given.resume:
        journal.unlink(missing_ok=True)
    done = {result.key for result in run.results}
    asked = Asked(client or client_of(given.parallel), given.temperature, read_skills(given.skills), given.judge)
    purse = Purse(given.money, sum(result.cost.money for result in run.results))
    turns = asyncio.Semaphore(given.parallel)

    async def one(case: Case, arm: str, number: int) -> None:
        async with turns:
            result = await _answered(asked, case, arm, number, _meter(given, purse))
        run.results.append(result)
        with journal.open("ab") as lines:
            lines.write(orjson.dumps(asdict(result)) + b"\n")

    begun = time.monotonic()
    todo = [
        (case, arm, number)
        for number in range(given.runs)
        for case in cases
        for arm in arms
        if (arm != "shell" or case.suite in SHELL_SUITES) and f"{arm}/{case.suite}/{case.name}/{number}" not in done
    ]
    async with AsyncExitStack() as servers:
        if any(isinstance(case, KflCase) for case, _, _ in todo):
            asked.mixtures = [await _dissected(servers, data) for data in datasets.mixtures()]
        await asyncio.gather(*(one(*each) for each in todo))
    run.measures = {"seconds": round(time.monotonic() - begun, 1), "USD": round(purse.spent, 4)}
    if given.judge and (share := agreement(run.results)) is not None:
        run.measures["judge agrees with rules"] = share
    return run


async def _dissected(servers: AsyncExitStack, data: DataSet) -> Desk:
    """Open a mixture for the whole run: all filters are counted on it."""
    desk = await servers.enter_async_context(opened(data))
    await desk.dissect()
    return desk


def _meter(given: argparse.Namespace, purse: Purse) -> Meter:
    return Meter(given.model, purse, given.steps, given.tokens, prices=given.price)


def read_journal(path: Path) -> list[Result]:
    """Read what an earlier run answered. What was not answered for want of a server, time or money is asked again."""
    if not path.exists():
        return []
    results = []
    for line in path.read_bytes().splitlines():
        try:
            results.append(Result.from_json(orjson.loads(line)))
        except (orjson.JSONDecodeError, TypeError, ValueError):
            continue  # a line that a killed process left half
    return [each for each in results if each.executed]


async def _answered(asked: Asked, case: Case, arm: str, number: int, meter: Meter) -> Result:
    """Ask a case and sort out what kept it from being answered."""
    import anthropic

    begun = time.monotonic()
    try:
        result = await ask_case(asked, case, arm, meter)
    except MoneySpentError as spent:
        result = Result(case.suite, case.name, arm, Outcome.SKIPPED, reasons=[str(spent)])
    except anthropic.APIStatusError as refused:
        throttled = refused.status_code in {429, 529}
        outcome = Outcome.THROTTLED if throttled else Outcome.SET_UP_FAIL
        result = Result(case.suite, case.name, arm, outcome, reasons=[f"{refused.status_code}: {refused.message}"])
    except anthropic.APIError as broken:
        result = Result(case.suite, case.name, arm, Outcome.SET_UP_FAIL, reasons=[str(broken)])
    result.run = number
    result.cost = meter.cost
    result.cost.seconds = round(time.monotonic() - begun, 2)
    return result
