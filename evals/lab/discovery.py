"""Finds incidents by their being there: every file of `incidents/` that sets `INCIDENT`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path

from evals.lab.incident import Incident

FOLDER = Path(__file__).resolve().parent / "incidents"
COMMITTED = Path(__file__).resolve().parents[1] / "incidents"
"""Where the recorded incidents are kept."""


def names() -> list[str]:
    """List the names of all incidents, in order."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def find(name: str) -> Incident:
    """Load one incident; ValueError says which there are."""
    if name not in names():
        raise ValueError(f"There is no incident {name!r}. There are: {', '.join(names())}.")
    found = importlib.import_module(f"evals.lab.incidents.{name}").INCIDENT
    if not isinstance(found, Incident) or found.name != name:
        raise ValueError(f"incidents/{name}.py must set INCIDENT with the name {name!r}.")
    return found


def find_all(wanted: Iterable[str] = ()) -> list[Incident]:
    """Load the incidents of these names, or all."""
    return [find(name) for name in (wanted or names())]
