"""Entries that sum up connections of several pieces of a share: the pieces keep theirs, and one process sums up all.

Connections are summed up in the order in which a process that reads all of a capture sees them end: in the order of its
blocks; within each, and of what is open at its end, by transport and number. So sums are the same to the last bit.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.dissect.base import ConnectionProtocol
from kubeshark_mcp.dissect.discovery import fields_by_protocol, load_protocols
from kubeshark_mcp.dissect.stats_columns import joined
from kubeshark_mcp.hub.connection_entries import ConnectionEntries
from kubeshark_mcp.hub.identities import Answers, load_identities
from kubeshark_mcp.hub.places import Places
from kubeshark_mcp.hub.reading import few_collections
from kubeshark_mcp.hub.runs import Outcome, Run, Tell
from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import EntryColumns
from kubeshark_mcp.model.stats_columns import StatsColumns
from kubeshark_mcp.store.files import TEMPORARY, store_errors
from kubeshark_mcp.store.memory import give_back
from kubeshark_mcp.store.writer import EntryWriter
from kubeshark_mcp.stream.keys import TRANSPORTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE = 4096
"""Connections that are summed up at once: as many as a stream engine gives at once."""
LAST_BLOCK = 1 << 62
"""Stands for the end of a capture."""

_COLUMNS = ("state", "packets", "bytes", "payload", "first_packet", "last_packet", "first_ns", "last_ns")

Moment = tuple[int, int, int]
"""When connections ended, and which: capture, block of packets, transport."""
Ended = tuple[Moment, StatsColumns]
"""Connections that ended, by number; of one moment there may be several, one behind the other."""


def sums_up(protocol: ConnectionProtocol) -> bool:
    """Tell whether entries of a protocol sum up connections: it has a collector of its own for them."""
    return type(protocol).collect is not ConnectionProtocol.collect


class EndedConnections:
    """Keeps the connections that one piece saw end in a file of its own, in order; a context manager."""

    def __init__(self, folder: Path, task: int) -> None:
        self.path = folder / f".connections-{task}{TEMPORARY}"
        with store_errors(folder, "write"):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")

    def __enter__(self) -> EndedConnections:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with store_errors(self.path, "write"):
            self._file.close()

    def add(self, capture: int, block: int, connections: StatsColumns) -> None:
        """Take connections that ended in a block of packets of a capture, by transport and number."""
        if not len(connections):
            return
        moment = capture, block, TRANSPORTS.index(connections.transport)
        with store_errors(self.path, "write"):
            pickle.dump((moment, connections), self._file, pickle.HIGHEST_PROTOCOL)


def read_back(path: Path) -> Iterator[Ended]:
    """Give what a piece kept, in order; the file is written by this program a moment ago and by nobody else."""
    with store_errors(path, "read"), path.open("rb") as file:
        while True:
            try:
                yield pickle.load(file)
            except EOFError:
                return


def in_order(pieces: Sequence[Iterator[Ended]]) -> Iterator[StatsColumns]:
    """Put what the pieces kept in order: by moment, then by number; so many at once as one process would give."""
    heads = {place: head for place, piece in enumerate(pieces) if (head := next(piece, None)) is not None}
    while heads:
        moment = min(head[0] for head in heads.values())
        waiting: list[StatsColumns] = []
        while now := {place: ended for place, (when, ended) in heads.items() if when == moment}:
            # The next of a piece may follow on its last one here, so that others have to wait there.
            horizon = min(int(ended.connections.number[-1]) for ended in now.values())
            for place, ended in now.items():
                cut = int(np.searchsorted(ended.connections.number, horizon, side="right"))
                waiting.append(_taken(ended, np.arange(cut)))
                heads[place] = moment, _taken(ended, np.arange(cut, len(ended)))
                if cut == len(ended):
                    heads = _advanced(heads, place, pieces[place])
            if sum(map(len, waiting)) >= AT_ONCE:
                *whole, rest = _cut(_by_number(waiting))
                yield from whole
                waiting = [rest]
        yield from (part for part in _cut(_by_number(waiting)) if len(part))


def _advanced(heads: dict[int, Ended], place: int, piece: Iterator[Ended]) -> dict[int, Ended]:
    following = next(piece, None)
    others = {other: head for other, head in heads.items() if other != place}
    return others if following is None else {**others, place: following}


def _by_number(parts: Sequence[StatsColumns]) -> StatsColumns:
    whole = joined(parts)
    return _taken(whole, np.argsort(whole.connections.number, kind="stable"))


def _cut(whole: StatsColumns) -> list[StatsColumns]:
    bounds = [*range(0, len(whole), AT_ONCE), len(whole)]
    return [_taken(whole, np.arange(first, last)) for first, last in pairwise(bounds)]


def _taken(stats: StatsColumns, rows: NDArray[np.int64]) -> StatsColumns:
    """Give some rows."""
    columns = {name: getattr(stats, name)[rows] for name in _COLUMNS}
    return replace(
        stats,
        connections=stats.connections.taken(rows),
        **columns,
        metrics={name: column.taken(rows) for name, column in stats.metrics.items()},
        l7=None if stats.l7 is None else stats.l7.taken(rows),
        unclaimed={place: stats.unclaimed[row] for place, row in enumerate(rows.tolist()) if row in stats.unclaimed},
    )


@dataclass(frozen=True, slots=True)
class Summing:
    """Sums up the connections of all pieces of a share, a piece of work for a `Crew`; gives how many entries that made.

    task: number of the files that it writes. kept: files of the pieces, which are removed.
    """

    run: Run
    folder: Path
    task: int
    kept: tuple[Path, ...]
    names: Answers

    def __call__(self, tell: Tell) -> int:
        """Do it; the files are complete when this returns."""
        with few_collections():
            made = _Sums(self).make(tell)
        for path in self.kept:
            with store_errors(path, "remove"):
                path.unlink(missing_ok=True)
        return made


class _Sums:
    """Sums at work."""

    def __init__(self, piece: Summing) -> None:
        self._kept = piece.kept
        protocols = load_protocols()
        summing = [found for found in protocols if isinstance(found, ConnectionProtocol) and sums_up(found)]
        identities = load_identities(piece.run.resources)
        for time_ns, name, address in piece.names:
            identities.names.add(name, address, time_ns)
        self._places = Places(piece.run.sources, identities)
        self._writer = EntryWriter(
            piece.folder, fields=fields_by_protocol(protocols), common=COMMON_FIELDS, task=str(piece.task)
        )
        self._sums = ConnectionEntries(summing, self._take, self._take_columns)
        self._made = 0

    def make(self, tell: Tell) -> int:
        for ended in in_order([read_back(path) for path in self._kept]):
            tell(Outcome())
            self._sums.add_columns(ended)
        self._sums.finish()
        self._writer.close()
        give_back()
        return self._made

    def _take(self, entries: list[Entry]) -> None:
        self._writer.add(entries, self._places)
        self._made += len(entries)

    def _take_columns(self, columns: EntryColumns) -> None:
        self._writer.add_columns(columns, self._places)
        self._made += len(columns)
