"""The last piece of a dissection: sightings of one call are joined. See `store.sightings`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubeshark_mcp.store.sightings import JoinStats, join_sightings

APART_ENTRIES = 100_000
"""Entries from which on they are joined in a process of its own, unless others made them.

What a process keeps of dissecting so many and what joining them takes would be more than 300 MB.
"""


@dataclass(frozen=True, slots=True)
class Joining:
    """Joins the entries of a folder, a piece of work for a `Crew`; the folder is complete when it is done.

    repeats: what `may_repeat` says of it, where it was asked.
    """

    folder: Path
    repeats: bool | None = None

    def __call__(self, tell: Callable[[None], None]) -> JoinStats:
        """Do it; gives what was joined."""
        return join_sightings(self.folder, watch=lambda: tell(None), repeats=self.repeats)
