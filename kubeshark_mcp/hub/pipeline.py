"""Where the rooms meet: capture -> stream -> dissect -> identity -> store."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from kubeshark_mcp.capture.quality import CaptureQuality, Quality, compare_clocks
from kubeshark_mcp.hub.crew import Crew, crew_size
from kubeshark_mcp.hub.dissecting import Dissected, Dissecting
from kubeshark_mcp.hub.identities import Answers, load_identities
from kubeshark_mcp.hub.joining import APART_ENTRIES, Joining
from kubeshark_mcp.hub.keylogs import read_key_logs
from kubeshark_mcp.hub.runs import (
    Outcome,
    Progress,
    Run,
    Share,
    divided,
    most_pieces,
    shares_of,
)
from kubeshark_mcp.hub.summing import Summing
from kubeshark_mcp.hub.surveying import Surveying, explain_each_other, first_packets
from kubeshark_mcp.store.memory import give_pages_back
from kubeshark_mcp.store.repeats import may_repeat

__all__ = ["Outcome", "Pipeline", "Progress", "Run"]

Found = TypeVar("Found")

READING = 0.9
"""Share of the work that is done when all packets are read; the rest is to join what several places saw."""
SURVEYING = 0.1
"""Share of the work that is done when all packets have been looked at beforehand, where that is done."""


class Pipeline:
    """Dissects the captures of one run into a folder of Parquet files."""

    def __init__(self, run: Run, folder: Path, progress: Progress | None = None) -> None:
        self._run = run
        self._progress = progress
        self._folder = folder
        self._total_bytes = sum(source.path.stat().st_size for source in run.sources if source.path.is_file())
        self._secrets = [*run.settings.secrets, *read_key_logs(run.key_logs)]
        load_identities(run.resources)  # what is wrong with them is said before any work
        whole = shares_of(run.sources, run.share_bytes)
        self._surveys = len(whole) > 1 or any(map(run.divisible, whole))
        size = crew_size(most_pieces(run, whole), run.workers, os.environ)
        # Where there are keys, one connection of TLS explains another that takes up its session again.
        self._shares = divided(run, whole, 1 if self._secrets else size)
        self._size = min(size, len(self._shares))
        self._looked: dict[int, int] = {}
        self._told: dict[int, Outcome] = {}
        self._outcome = Outcome()

    def dissect(self) -> Outcome:
        """Do it all; gives what came of it. The folder is complete when this returns."""
        found = self._entries()
        self._outcome = Outcome().with_counts([one.outcome for one in found])
        give_pages_back()  # the join is the other peak: the two must not add up
        # What was dissected here leaves its traces in the memory of this process.
        many = self._size == 1 and self._outcome.entries_created >= APART_ENTRIES
        repeats = may_repeat(self._folder) if many else None
        with Crew(2 if repeats else 1) as crew:
            [joined] = crew.run([Joining(self._folder, repeats)], self._passed)
        counts = dict(sorted(joined.protocol_counts.items()))
        quality = self._quality(found)
        return replace(
            self._outcome,
            protocol_counts=counts,
            entries_created=sum(counts.values()),
            quality=quality,
            warnings=[*self._outcome.warnings, *quality.sentences()],
        )

    def _entries(self) -> list[Dissected]:
        """Dissect all captures, shares of them at the same time; the largest are begun first."""
        with Crew(self._size) as crew:
            names, pieces = self._surveyed(crew)
            found = crew.run(pieces, self._heard, self._order())
            made = crew.run(self._sums(found, names or []), self._passed)
        summed = Outcome(entries_created=sum(made))
        return [replace(found[0], outcome=found[0].outcome.with_counts([summed])), *found[1:]]

    def _order(self) -> list[int]:
        return sorted(
            range(len(self._shares)), key=lambda number: -self._shares[number].part(self._shares[number].size)
        )

    def _surveyed(self, crew: Crew) -> tuple[Answers | None, list[Dissecting]]:
        """Find what all shares have to know, the names among it; gives the pieces that are to be dissected.

        Shares whose conversations cannot be divided are whole afterwards.
        """
        if not self._surveys:
            return None, [Dissecting(self._run, share, self._folder, self._secrets) for share in self._shares]
        surveys = crew.run([Surveying(self._run, share) for share in self._shares], self._looked_at, self._order())
        names = sorted(answer for survey in surveys for answer in survey.names)
        pieces: list[Dissecting] = []
        for parts in _together(self._shares, surveys):
            own = [survey for _, survey in parts]
            whole = len(own) == 1 or explain_each_other(own)
            firsts = {} if whole else first_packets(own)
            together = frozenset[int]().union(*(survey.together for survey in own))
            for part in [replace(parts[0][0], pieces=1)] if whole else [share for share, _ in parts]:
                share = replace(part, task=len(pieces))
                pieces.append(Dissecting(self._run, share, self._folder, self._secrets, names, firsts, together))
        self._shares = [piece.share for piece in pieces]
        return names, pieces

    def _sums(self, found: Sequence[Dissected], names: Answers) -> list[Summing]:
        """Give what is left to do of shares that were divided: to sum up connections of all pieces."""
        groups = [[one.kept for _, one in parts if one.kept] for parts in _together(self._shares, found)]
        return [
            Summing(self._run, self._folder, task, tuple(kept), names)
            for task, kept in enumerate(filter(None, groups), len(self._shares))
        ]

    def _quality(self, found: Sequence[Dissected]) -> Quality:
        outcome = self._outcome
        payload = outcome.bytes_dissected, outcome.bytes_recognised, outcome.bytes_unknown
        tallies = [tally for one in found for tally in one.tallies]
        captures = [
            _added_up(pieces)
            for parts in _together(self._shares, found)
            for pieces in zip(*(one.qualities for _, one in parts), strict=False)
        ]
        return Quality(tuple(captures), compare_clocks(tallies), *payload)

    def _passed(self, number: int, told: Any) -> None:
        self._tell()

    def _heard(self, number: int, told: Outcome | None) -> None:
        """Take how far a share is. told: None when only time has passed."""
        if told is not None:
            self._told[number] = told
            self._outcome = Outcome().with_counts(list(self._told.values()))
        self._tell()

    def _looked_at(self, number: int, told: Outcome | None) -> None:
        """Take how far a share has been looked at. told: None when only time has passed."""
        if told is not None:
            self._looked[number] = told.pcap_bytes
        self._tell()

    def _tell(self) -> None:
        if self._progress is None:
            return
        total = max(1, self._total_bytes)
        surveying = SURVEYING if self._surveys else 0.0
        looked, read = min(1.0, sum(self._looked.values()) / total), min(1.0, self._outcome.pcap_bytes / total)
        self._progress(surveying * looked + (READING - surveying) * read, self._outcome)


def _together(shares: Sequence[Share], found: Sequence[Found]) -> Iterator[list[tuple[Share, Found]]]:
    """Give the pieces of each share, with what was found in them."""
    for _, parts in groupby(zip(shares, found, strict=True), key=lambda part: part[0].first):
        yield list(parts)


def _added_up(pieces: Sequence[CaptureQuality]) -> CaptureQuality:
    """Add up the counts of the pieces of one capture."""
    first, *others = pieces
    counted = [each.name for each in fields(first) if isinstance(getattr(first, each.name), int)]
    return replace(first, **{name: sum(getattr(one, name) for one in pieces) for name in counted}) if others else first
