"""Rebuilds incidents elsewhere, several at a time, then proves each: a bar while it goes on, a table when it is done.

Recordings cannot meet: each runs in a process of its own, whose number is in the names of all its namespaces, and
every interface lives in one of these. They only share the processors. So all are recorded first and proved afterwards,
because proofs would take the processors from recordings under way.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from evals.lab.build import CEILING, capture_bytes
from evals.lab.verify import Proof, verify_all

BAR = 24
"""Characters of the progress bar."""

PATIENCE_SECONDS = 600
"""After which a recording of a small incident has gone wrong for good."""

Command = Callable[[str], Sequence[str]]
Prove = Callable[[Iterable[Path]], Awaitable[list[Proof]]]


@dataclass
class Rebuilt:
    """One incident of a rebuild. seconds: of its recording; reason: why it does not count, empty when all holds."""

    name: str
    seconds: float = 0.0
    bytes: int = 0
    packets: int = 0
    checks: int = 0
    reason: str = ""

    @property
    def holds(self) -> bool:
        """Whether it was recorded and everything that its truth says is so."""
        return not self.reason


class Bar:
    """A line that is drawn over itself on a terminal; elsewhere a line for each incident that is through."""

    def __init__(self, total: int, doing: str, to: TextIO) -> None:
        self.total, self.doing, self._to, self._done = total, doing, to, 0
        self._begun = time.monotonic()

    def step(self, said: str) -> None:
        """Tell that one more is through."""
        self._done += 1
        full = BAR * self._done // max(1, self.total)
        line = (
            f"{self.doing} [{'#' * full}{'.' * (BAR - full)}] {self._done}/{self.total} "
            f"{time.monotonic() - self._begun:4.0f} s  {said}"
        )
        if self._to.isatty():
            self._to.write(f"\r\x1b[K{line}" + ("\n" if self._done == self.total else ""))
        else:
            self._to.write(line + "\n")
        self._to.flush()


def rebuild(
    names: Sequence[str], out: Path, jobs: int, to: TextIO, command: Command | None = None, prove: Prove = verify_all
) -> list[Rebuilt]:
    """Record the incidents of these names into `out`, `jobs` at a time, and prove them; in the order of names.

    command: the words that record one incident into `out`; what a recording says goes to `out/logs/NAME.txt`.
    """
    (out / "logs").mkdir(parents=True, exist_ok=True)
    found = {name: Rebuilt(name) for name in names}
    _record_all(found, out, jobs, to, command or (lambda name: recorder(name, out)))
    asyncio.run(_prove_all([each for each in found.values() if each.holds], out, jobs, to, prove))
    return list(found.values())


def recorder(name: str, out: Path) -> tuple[str, ...]:
    """Give the command that records one incident and leaves the proof to later."""
    return (sys.executable, "-m", "evals.lab", "build", name, "--out", str(out), "--unproved")


def _record_all(found: dict[str, Rebuilt], out: Path, jobs: int, to: TextIO, command: Command) -> None:
    bar, waiting = Bar(len(found), "recorded", to), list(found)
    running: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < max(1, jobs):
                name = waiting.pop(0)
                running[name] = (_start(command(name), out / "logs" / f"{name}.txt"), time.monotonic())
            for name, (process, begun) in list(running.items()):
                if _ended(process, time.monotonic() - begun):
                    del running[name]
                    _judge(found[name], process, time.monotonic() - begun, out)
                    bar.step(f"{name} {found[name].reason}".rstrip())
            time.sleep(0.05)
    finally:
        for process, _ in running.values():  # interrupted: each tidies up its own namespaces
            process.terminate()
        for process, _ in running.values():
            process.wait(30)


def _start(words: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    at_once = {**os.environ, "PYTHONUNBUFFERED": "1"}  # else its last words would stand before what it said earlier
    with log.open("wb") as output:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=at_once)


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    if process.poll() is None and seconds > PATIENCE_SECONDS:
        process.terminate()
    return process.poll() is not None


def _judge(one: Rebuilt, process: subprocess.Popen[bytes], seconds: float, out: Path) -> None:
    one.seconds = seconds
    if process.returncode:
        said = (out / "logs" / f"{one.name}.txt").read_text(errors="replace").strip()
        one.reason = f"not recorded: {said.splitlines()[-1] if said else f'ended with {process.returncode}'}"
        return
    one.bytes = capture_bytes(out / one.name)
    if one.bytes > CEILING:
        one.reason = f"captures of {one.bytes} bytes are over the ceiling of {CEILING}"


async def _prove_all(those: Sequence[Rebuilt], out: Path, jobs: int, to: TextIO, prove: Prove) -> None:
    bar, turns = Bar(len(those), "proved  ", to), asyncio.Semaphore(max(1, jobs))

    async def one(each: Rebuilt) -> None:
        async with turns:
            (proof,) = await prove([out / each.name])
        _take(each, proof)
        bar.step(f"{each.name} {each.reason}".rstrip())

    await asyncio.gather(*(one(each) for each in those))


def _take(each: Rebuilt, proof: Proof) -> None:
    each.packets, each.checks = proof.packets, len(proof.checks)
    if not proof.holds:
        each.reason = "; ".join(proof.lines()) or "nothing was checked"


def table(rebuilt: Sequence[Rebuilt], seconds: float) -> str:
    """Write the summary: a line for each incident, those that fail told apart, and the whole time."""
    width = max((len(each.name) for each in rebuilt), default=4)
    lines = [f"{'case':{width}}  seconds     MB  packets  verified"]
    lines += [
        f"{each.name:{width}}  {each.seconds:7.0f}  {each.bytes / 1e6:5.2f}  {each.packets:7d}  "
        + (f"yes, {each.checks} checks" if each.holds else f"NO: {each.reason}")
        for each in rebuilt
    ]
    good = sum(each.holds for each in rebuilt)
    return "\n".join([*lines, f"{good} of {len(rebuilt)} recorded and verified in {seconds / 60:.1f} minutes"])
