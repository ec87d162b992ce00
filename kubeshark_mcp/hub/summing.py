"""Entries that sum up connections of several pieces of a share: the pieces keep theirs, and one process sums up all.

Connections are summed up in the order in which a process that reads all of a capture sees them end: in the order of its
blocks; within each, and of what is open at its end, by transport and number. So sums are the same to the last bit.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from types import TracebackType

from kubeshark_mcp.dissect.base import ConnectionProtocol
from kubeshark_mcp.dissect.discovery import fields_by_protocol, load_protocols
from kubeshark_mcp.hub.connection_entries import ConnectionEntries
from kubeshark_mcp.hub.identities import Answers, load_identities
from kubeshark_mcp.hub.places import Places
from kubeshark_mcp.hub.reading import few_collections
from kubeshark_mcp.hub.runs import Outcome, Run, Tell
from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import ConnectionStats
from kubeshark_mcp.store.files import TEMPORARY, store_errors
from kubeshark_mcp.store.memory import give_back
from kubeshark_mcp.store.writer import EntryWriter
from kubeshark_mcp.stream.keys import TRANSPORTS

AT_ONCE = 1024
"""Connections that are written, read and summed up at once."""
LAST_BLOCK = 1 << 62
"""Stands for the end of a capture."""

Ended = tuple[int, int, int, int, ConnectionStats]
"""A connection that ended. What it is ordered by: capture, block of packets, transport, number; none is twice."""


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

    def add(self, capture: int, block: int, connections: Sequence[ConnectionStats]) -> None:
        """Take connections that ended in a block of packets of a capture, by transport and number."""
        ended = [
            (capture, block, TRANSPORTS.index(one.connection.transport), one.connection.number, one)
            for one in connections
        ]
        with store_errors(self.path, "write"):
            pickle.dump(ended, self._file, pickle.HIGHEST_PROTOCOL)


def read_back(path: Path) -> Iterator[Ended]:
    """Give what a piece kept, in order; the file is written by this program a moment ago and by nobody else."""
    with store_errors(path, "read"), path.open("rb") as file:
        while True:
            try:
                yield from pickle.load(file)
            except EOFError:
                return


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
        self._sums = ConnectionEntries(summing, self._take)
        self._made = 0

    def make(self, tell: Tell) -> int:
        ended: Iterable[Ended] = merge(*map(read_back, self._kept), key=lambda one: one[:4])
        for number, (*_, stats) in enumerate(ended):
            if number % AT_ONCE == 0:
                tell(Outcome())
            self._sums.add([stats])
        self._sums.finish()
        self._writer.close()
        give_back()
        return self._made

    def _take(self, entries: list[Entry]) -> None:
        self._writer.add(entries, self._places)
        self._made += len(entries)
