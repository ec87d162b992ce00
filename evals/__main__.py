"""`python -m evals`: run the cases, report, and say by the exit code whether the gates hold."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from evals import suites
from evals.outcomes import Outcome, Result, Run
from evals.report.junit import write_junit
from evals.report.page import write_page
from evals.report.summary import compare, gates
from evals.report.text import cut, markdown
from evals.runner import budget
from evals.runner.offline import Offline, run_offline
from evals.runner.skills import SKILLS

FAILED, USAGE = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run a tier, or compare two runs."""
    given = _parser().parse_args(arguments)
    if given.compare:
        return _compare(*given.compare)
    if given.model and not os.environ.get("ANTHROPIC_API_KEY"):
        print("--model needs ANTHROPIC_API_KEY in the environment.", file=sys.stderr)
        return USAGE
    try:
        cases = suites.load(tuple(given.suite or suites.SUITES), given.cases, given.incidents)
    except suites.CaseError as wrong:
        run = Run({"tier": "offline"}, [Result("schema", "all", "reference", Outcome.FAIL, reasons=[str(wrong)])])
        return _finish(run, given)
    if given.only:
        cases = [case for case in cases if any(name in f"{case.suite}/{case.name}" for name in given.only)]
    if given.model:
        from evals.model.tier import run_model

        return _finish(asyncio.run(run_model(cases, given)), given)
    baseline = budget.read_baseline(given.baseline)
    run = asyncio.run(
        run_offline(Offline(cases, baseline, given.parallel, given.incidents, given.skills, _tell(given.quiet)))
    )
    if given.update_baseline:
        budget.write_baseline(run.results, int(run.measures.get("schema tokens", 0)), given.baseline)
    return _finish(run, given)


def _tell(quiet: bool) -> Callable[[Result], None]:
    def told(result: Result) -> None:
        if not quiet and result.outcome is not Outcome.PASS:
            reason = cut(result.reasons[0]) if result.reasons else ""
            print(f"{result.outcome.value}: {result.suite}/{result.case} ({result.arm}) {reason}", flush=True)

    return told


def _finish(run: Run, given: argparse.Namespace) -> int:
    before = Run.load(given.before) if given.before else None
    run.gates = gates(run, before)
    against = compare(before, run) if before else None
    folder: Path = given.out
    folder.mkdir(parents=True, exist_ok=True)
    run.save(folder / "evals.json")
    (folder / "evals.md").write_text(markdown(run, against))
    write_junit(run, folder / "evals.xml")
    write_page(run, folder / "evals.html", budget.read_baseline(given.baseline))
    print(markdown(run, against, details=False))
    print(f"Reports: {folder}/evals.md, .json, .xml, .html")
    return FAILED if run.gates else 0


def _compare(first: Path, second: Path) -> int:
    before, after = Run.load(first), Run.load(second)
    against = compare(before, after)
    after.gates = gates(after, before)
    print(markdown(after, against, details=False))
    return FAILED if against.is_worse or not after.executed else 0


def _price(text: str) -> tuple[float, float]:
    asked, answered = text.split(",")
    return float(asked), float(answered)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    add = parser.add_argument
    add("--suite", action="append", choices=suites.SUITES, help="only this suite; repeatable")
    add("--only", action="append", help="only cases whose SUITE/NAME contains this; repeatable")
    add("--out", type=Path, default=Path("evals-report"), help="folder for the reports")
    add("--parallel", type=int, default=2, help="servers, or conversations, at a time")
    add("--quiet", action="store_true", help="no line for each case that does not pass")
    add("--before", type=Path, help="evals.json of an earlier run to hold this one against")
    add("--compare", type=Path, nargs=2, metavar=("A", "B"), help="compare two runs and end")
    add("--baseline", type=Path, default=budget.BASELINE, help="committed numbers")
    add("--update-baseline", action="store_true", help="commit what was measured as the new numbers")
    add("--cases", type=Path, default=suites.CASES, help="folder of cases")
    add("--incidents", type=Path, default=suites.INCIDENTS, help="folder of recorded incidents")
    add("--skills", type=Path, default=SKILLS, help="folder of skills")
    model = parser.add_argument_group("with a model (ANTHROPIC_API_KEY)")
    add = model.add_argument
    add("--model", nargs="?", const="claude-sonnet-5-5", help="let this model answer")
    add("--arm", action="append", choices=("skills", "tools", "shell"), help="only this arm; repeatable")
    add("--runs", type=int, default=3, help="how often each case is asked")
    add("--temperature", type=float, help="for models that take one; else as the API has it")
    add("--price", type=_price, help="USD for a million tokens in and out: 3,15; unknown models count as dear")
    add("--judge", help="model that judges the wording too, and is compared with the rules")
    add("--steps", type=int, default=30, help="turns a case may take")
    add("--tokens", type=int, default=400_000, help="tokens a case may take, in and out")
    add("--money", type=float, default=20.0, help="USD that the whole run may take")
    add("--resume", action="store_true", help="keep what --out has and ask only what is missing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
