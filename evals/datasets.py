"""The captures that cases run on: recorded incidents, the project's example, and two mixtures of all protocols."""

from __future__ import annotations

from pathlib import Path

from evals.desk import DataSet
from evals.lab.record import SUFFIX
from evals.suites import INCIDENTS

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT / "tests" / "recordings"
EXAMPLE = ROOT / "examples" / "incident"
MIXTURES = ("tiber", "ebro")
"""Two incidents with unlike faults; each mixture has one, so that questions about workloads and nodes have answers."""


def incident(name: str, folder: Path = INCIDENTS) -> DataSet:
    """Give the captures of a recorded incident, or of the example that the project ships with."""
    return DataSet.of_folder(EXAMPLE if name == "example" else folder / name)


def mixtures() -> tuple[DataSet, DataSet]:
    """Every second recording of each protocol with one incident, and the others with another.

    A filter that is right by accident of the first is caught by the second: no packet is in both.
    """
    first, second = (_mixture(half, name) for half, name in enumerate(MIXTURES))
    return first, second


def _mixture(half: int, name: str) -> DataSet:
    captures: list[tuple[str, Path]] = []
    for folder in sorted(path for path in RECORDINGS.iterdir() if path.is_dir()):
        for path in sorted(folder.glob("*.pcap"))[half::2]:
            captures.append((f"{folder.name}-{path.stem}".replace("_", "-"), path))
    around = DataSet.of_folder(INCIDENTS / name)
    assert all(path.name.endswith(SUFFIX) for _, path in around.captures)
    return DataSet(f"mixture-{'ab'[half]}", (*captures, *around.captures), around.objects)
