"""Running whole commands against each other: CPU and wall seconds, alternating, median and range."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. ok: exit codes that count as done; stdin, a file to feed."""

    label: str
    arguments: Sequence[str]
    ok: tuple[int, ...] = (0,)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """One run. cpu, wall: seconds. peak_mb: largest resident size in megabytes (10^6 bytes)."""

    cpu: float
    wall: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Measured:
    """All runs of one command."""

    label: str
    samples: tuple[Sample, ...]

    @property
    def cpu(self) -> float:
        """Give the median CPU seconds."""
        return statistics.median(sample.cpu for sample in self.samples)

    @property
    def wall(self) -> float:
        """Give the median wall seconds."""
        return statistics.median(sample.wall for sample in self.samples)

    @property
    def peak_mb(self) -> float:
        """Give the largest peak."""
        return max(sample.peak_mb for sample in self.samples)

    def spread(self) -> str:
        """Give the range of CPU seconds as text."""
        values = [sample.cpu for sample in self.samples]
        return f"{min(values):.2f}..{max(values):.2f}"


_RUNNER = """
import os, sys, time
started = time.perf_counter()
process = os.spawnvp(os.P_NOWAIT, sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(process, 0)
told = time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss
os.write(int(sys.argv[1]), " ".join(map(str, (os.waitstatus_to_exitcode(status), *told))).encode())
"""
"""Runs a command from a process that is small: what a process held before it became the command counts to its peak."""


def run(command: Command) -> Sample:
    """Run a command once with its output thrown away; a failing one ends the benchmark, for its time says nothing."""
    told, telling = os.pipe()
    with os.fdopen(told, "rb") as answer:
        with os.fdopen(telling, "wb"):
            process = subprocess.run(
                [sys.executable, "-S", "-E", "-c", _RUNNER, str(telling), *command.arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, **command.environment},
                pass_fds=(telling,),
                check=False,
            )
        code, wall, cpu, peak = answer.read().split() or (b"127", b"0", b"0", b"0")
    if int(code) not in command.ok:
        errors = process.stderr.decode(errors="replace")
        raise RuntimeError(f"{command.label} ended with {int(code)}: {errors[-500:]}")
    return Sample(float(cpu), float(wall), int(peak) * 1024 / 1e6)


def compare(commands: Sequence[Command], rounds: int) -> list[Measured]:
    """Run the commands in turn, `rounds` times each, so that a slow moment of the machine hits all of them alike."""
    samples: list[list[Sample]] = [[] for _ in commands]
    for _ in range(rounds):
        for collected, command in zip(samples, commands, strict=True):
            collected.append(run(command))
    return [Measured(c.label, tuple(s)) for c, s in zip(commands, samples, strict=True)]
