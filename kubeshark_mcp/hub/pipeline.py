"""Where the rooms meet: capture -> stream -> dissect -> identity -> store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kubeshark_mcp.capture.quality import Quality, compare_clocks
from kubeshark_mcp.hub.crew import Crew, crew_size
from kubeshark_mcp.hub.dissecting import Dissected, Dissecting, Naming
from kubeshark_mcp.hub.identities import Answers, load_identities
from kubeshark_mcp.hub.joining import APART_ENTRIES, Joining
from kubeshark_mcp.hub.keylogs import read_key_logs
from kubeshark_mcp.hub.runs import Outcome, Progress, Run, shares_of
from kubeshark_mcp.store.memory import give_back

__all__ = ["Outcome", "Pipeline", "Progress", "Run"]

READING = 0.9
"""Share of the work that is done when all packets are read; the rest is to join what several places saw."""


class Pipeline:
    """Dissects the captures of one run into a folder of Parquet files."""

    def __init__(self, run: Run, folder: Path, progress: Progress | None = None) -> None:
        self._run = run
        self._progress = progress
        self._folder = folder
        self._total_bytes = sum(source.path.stat().st_size for source in run.sources if source.path.is_file())
        self._secrets = [*run.settings.secrets, *read_key_logs(run.key_logs)]
        load_identities(run.resources)  # what is wrong with them is said before any work
        self._shares = shares_of(run.sources, run.share_bytes)
        self._size = crew_size(len(self._shares), run.workers, os.environ)
        self._told: dict[int, Outcome] = {}
        self._outcome = Outcome()

    def dissect(self) -> Outcome:
        """Do it all; gives what came of it. The folder is complete when this returns."""
        found = self._entries()
        self._outcome = Outcome().with_counts([one.outcome for one in found])
        give_back()  # the join is the other peak: the two must not add up
        # What was dissected here leaves its traces in the memory of this process.
        apart = self._size == 1 and self._outcome.entries_created >= APART_ENTRIES
        with Crew(2 if apart else 1) as crew:
            [joined] = crew.run([Joining(self._folder)], self._passed)
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
        order = sorted(range(len(self._shares)), key=lambda number: -self._shares[number].size)
        with Crew(self._size) as crew:
            names = self._names(crew, order)
            pieces = [Dissecting(self._run, share, self._folder, self._secrets, names) for share in self._shares]
            return crew.run(pieces, self._heard, order)

    def _names(self, crew: Crew, order: Sequence[int]) -> Answers | None:
        if len(self._shares) == 1:
            return None
        pieces = [Naming(self._run, share) for share in self._shares]
        return sorted(answer for answers in crew.run(pieces, self._passed, order) for answer in answers)

    def _quality(self, found: Sequence[Dissected]) -> Quality:
        outcome = self._outcome
        payload = outcome.bytes_dissected, outcome.bytes_recognised, outcome.bytes_unknown
        tallies = [tally for one in found for tally in one.tallies]
        return Quality(tuple(quality for one in found for quality in one.qualities), compare_clocks(tallies), *payload)

    def _passed(self, number: int, told: Any) -> None:
        self._tell()

    def _heard(self, number: int, told: Outcome | None) -> None:
        """Take how far a share is. told: None when only time has passed."""
        if told is not None:
            self._told[number] = told
            self._outcome = Outcome().with_counts(list(self._told.values()))
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(READING * min(1.0, self._outcome.pcap_bytes / max(1, self._total_bytes)), self._outcome)
