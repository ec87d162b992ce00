"""Running whole commands against each other: CPU and wall seconds, alternating, median and range."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
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


def run(command: Command) -> Sample:
    """Run a command once with its output thrown away; a failing one ends the benchmark, for its time says nothing."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command.arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **command.environment},
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode not in command.ok:
        raise RuntimeError(f"{command.label} ended with {process.returncode}: {errors.decode(errors='replace')[-500:]}")
    return Sample(usage.ru_utime + usage.ru_stime, wall, _peak_mb(usage))


def _peak_mb(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss * 1024 / 1e6


def compare(commands: Sequence[Command], rounds: int) -> list[Measured]:
    """Run the commands in turn, `rounds` times each, so that a slow moment of the machine hits all of them alike."""
    samples: list[list[Sample]] = [[] for _ in commands]
    for _ in range(rounds):
        for collected, command in zip(samples, commands, strict=True):
            collected.append(run(command))
    return [Measured(c.label, tuple(s)) for c, s in zip(commands, samples, strict=True)]
