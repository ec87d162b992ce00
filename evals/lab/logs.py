"""What the pods logged themselves: every call by the side that made it. The second witness beside the capture."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


class Calls:
    """Some logged calls in order of time; narrowed step by step."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = sorted(rows, key=lambda row: float(row["t"]))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def where(self, **equal: Any) -> Calls:
        """Keep calls whose fields have these values; a missing field is not equal to anything."""
        return Calls(row for row in self.rows if all(row.get(name) == value for name, value in equal.items()))

    def matching(self, **patterns: str) -> Calls:
        """Keep calls whose fields match these regular expressions somewhere."""
        return Calls(
            row for row in self.rows if all(re.search(text, str(row.get(name, ""))) for name, text in patterns.items())
        )

    def that(self, keep: Callable[[Row], bool]) -> Calls:
        """Keep calls for which `keep` is true."""
        return Calls(row for row in self.rows if keep(row))

    def longer_than(self, seconds: float) -> Calls:
        """Keep calls that took longer."""
        return self.that(lambda row: row["end"] - row["t"] > seconds)

    @property
    def first(self) -> float:
        """Unix time of the first; ValueError when there is none."""
        if not self.rows:
            raise ValueError("No such call was logged.")
        return float(self.rows[0]["t"])


class Logs:
    """All logs of a recording, cut to its window. fault: Unix time at which the fault was made, 0 without one."""

    def __init__(self, folder: Path, apps: Mapping[str, str], start: float, end: float, fault: float = 0.0) -> None:
        """Read `<folder>/*.jsonl`. apps: the app of each log's name (a pod's name; `prober-<node>` is `prober`)."""
        self.fault = fault
        self._calls: dict[str, list[Row]] = {}
        for path in sorted(folder.glob("*.jsonl")):
            rows = [{**json.loads(line), "pod": path.stem} for line in path.read_text().splitlines() if line]
            kept = [row for row in rows if start <= row["t"] <= end]
            self._calls.setdefault(apps.get(path.stem, path.stem.partition("-")[0]), []).extend(kept)

    def of(self, app: str, protocol: str = "") -> Calls:
        """Return the calls that the pods of an app made (nginx: that it was asked; dns: that it was asked)."""
        return Calls(row for row in self._calls.get(app, []) if protocol in {"", row["protocol"]})

    def all(self, protocol: str) -> Calls:
        """Return all calls of a protocol that callers logged; those that nginx and dns were asked are left out."""
        rows = (row for app, rows in self._calls.items() if app != "dns" for row in rows)
        return Calls(row for row in rows if row["protocol"] == protocol and "upstream_status" not in row)
