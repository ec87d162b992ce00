"""Mutations of real captures through capture, stream and dissect: no exception, no hang, no growth of memory.

`python -m tests.corpus.mutations [--count 100000] [--seed 1] [--seconds 600]` prints what it found and exits 1 for any.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kubeshark_mcp.capture.reader import open_capture
from kubeshark_mcp.dissect.base import ConnectionProtocol, Settings
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.errors import CaptureError
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.stream.engine import StreamEngine
from tests.corpus.harness import Case, cases

MOST_BYTES = 40_000
"""Of each capture its beginning only, so that many mutations fit into the time."""
HANG_SECONDS = 2.0
GROWTH_MB = 200
_LENGTHS = (bytes(4), b"\xff" * 4, b"\1\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\x80", b"\xff\xff\0\0", b"\0\0\xff\xff")


@dataclass(slots=True)
class Report:
    """What a run found. faults: one text each. slowest: CPU seconds of the slowest mutation, and which it was."""

    runs: int = 0
    packets: int = 0
    entries: int = 0
    refused: int = 0
    warned: int = 0
    slowest: tuple[float, str] = (0.0, "")
    growth_mb: float = 0.0
    cpu: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        seconds, which = self.slowest
        lines = [
            f"{self.runs} mutations in {self.cpu:.0f} s of CPU: {self.packets} packets, {self.entries} entries,"
            f" {self.refused} refused, {self.warned} with warnings",
            f"slowest {seconds:.2f} s ({which}); memory grew by {self.growth_mb:.0f} MB; {len(self.faults)} faults",
            *self.faults,
        ]
        return "\n".join(lines)


def mutated(content: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Flip bits, overwrite lengths, cut, remove, repeat, or splice in a part of another capture."""
    data = bytearray(content)
    kind, at = chance.randrange(7), chance.randrange(len(data))
    if kind == 0:
        for _ in range(chance.choice([1, 5, 50, 500])):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == 1:
        # Leave the headers of the file and of its packets alone, so that the damage lies in what they carry.
        for _ in range(chance.choice([1, 10])):
            data[chance.randrange(min(24, len(data) - 1), len(data))] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
    elif kind == 2:
        del data[at:]
    elif kind == 3:
        del data[at : at + chance.randrange(1, 400)]
    elif kind == 4:
        data[at:at] = data[at : at + chance.randrange(1, 400)] * chance.choice([1, 2, 20])
    elif kind == 5:
        data[at : at + 4] = chance.choice(_LENGTHS)
    else:
        other = chance.choice(others)
        start = chance.randrange(len(other))
        data[at : at + chance.randrange(400)] = other[start : start + chance.randrange(1, 2000)]
    return bytes(data)


class Machine:
    """The engine up to entries, with the protocols loaded once."""

    def __init__(self) -> None:
        self.protocols = load_protocols()
        self.readers = [one for one in self.protocols if not isinstance(one, ConnectionProtocol)]
        self.connections = [one for one in self.protocols if isinstance(one, ConnectionProtocol)]

    def run(self, path: Path, report: Report) -> list[str]:
        """Dissect one file; give the faults that protocols reported."""
        entries: list[Entry] = []
        engine = DissectionEngine(self.readers, Settings(), entries.append)
        streams = StreamEngine(columns=True)
        with open_capture(path) as capture:
            for block in capture.blocks():
                report.packets += len(block)
                for event in streams.feed(block):
                    engine.feed(event)
        for event in streams.finish():
            engine.feed(event)
        engine.finish()
        stats = [engine.described(one) for one in streams.stats()]
        for protocol in self.connections:
            entries += protocol.entries(stats)
        report.entries += len(entries)
        report.warned += bool(capture.warnings)
        return list(map(str, engine.warnings))


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError when this takes more CPU time; a loop without end must not end the run."""

    def ring(number: int, frame: object) -> None:
        raise TimeoutError(f"more than {seconds} s of CPU")

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def beginnings(chosen: Iterable[Case]) -> list[tuple[str, bytes]]:
    """Give the name and the beginning of each capture."""
    return [(case.file, case.path.read_bytes()[:MOST_BYTES]) for case in chosen]


def run(
    count: int,
    seed: int,
    folder: Path,
    most_seconds: float = float("inf"),
    files: Sequence[tuple[str, bytes]] | None = None,
) -> Report:
    """Mutate captures, of the corpus by default; each mutation depends on the seed and its number alone."""
    machine, report = Machine(), Report()
    files = beginnings(cases()) if files is None else files
    others = [content for _, content in files]
    path, began, settled = folder / "mutant", time.process_time(), 0.0
    for number in range(count):
        if time.process_time() - began > most_seconds:
            break
        chance = random.Random(f"{seed}/{number}")
        name, content = chance.choice(files)
        path.write_bytes(mutated(content, others, chance))
        label, start = f"{name}, seed {seed}, number {number}", time.process_time()
        try:
            with limited(5 * HANG_SECONDS):
                report.faults += [f"{label}: {fault}" for fault in machine.run(path, report)]
        except CaptureError:
            report.refused += 1
        except Exception:  # noqa: BLE001 - whatever comes out is what is looked for
            report.faults.append(f"{label}: {traceback.format_exc(limit=-4)}")
        report.slowest = max(report.slowest, (time.process_time() - start, label))
        report.runs += 1
        if number == min(count // 4, 500):
            settled = peak_mb()
    report.growth_mb = peak_mb() - settled
    report.cpu = time.process_time() - began
    if report.slowest[0] > HANG_SECONDS:
        report.faults.append(f"too slow: {report.slowest}")
    if report.growth_mb > GROWTH_MB:
        report.faults.append(f"memory grew by {report.growth_mb:.0f} MB")
    return report


def peak_mb() -> float:
    """Give the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: list[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Dissect mutated captures.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        report = run(options.count, options.seed, Path(folder), options.seconds)
    sys.stdout.write(f"{report}\n")
    return 1 if report.faults else 0


if __name__ == "__main__":
    os.nice(10)
    sys.exit(main(sys.argv[1:]))
