"""Connections made into entries as they end, so that a run never holds more than a few of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kubeshark_mcp.dissect.base import ConnectionProtocol
from kubeshark_mcp.dissect.stats_columns import joined
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import EntryColumns
from kubeshark_mcp.model.stats_columns import StatsColumns

HELD = 8_000
"""Connections that wait for the end of the run, when more is known of the names of their ends; beyond it all that wait
become entries, and others wait until they are as many.
"""


class ConnectionEntries:
    """Takes connections in any number; `emit` gets the entries, some at once, `emit_columns` those that are columns."""

    def __init__(
        self,
        protocols: Iterable[ConnectionProtocol],
        emit: Callable[[list[Entry]], None],
        emit_columns: Callable[[EntryColumns], None] | None = None,
    ) -> None:
        """Begin. emit_columns: None where these are wanted as objects."""
        self._collectors = [protocol.collect() for protocol in protocols]
        self._emit, self._emit_columns = emit, emit_columns
        self._held: dict[str, list[StatsColumns]] = {}
        self._count = 0

    def add_columns(self, connections: StatsColumns) -> None:
        """Take connections that have ended."""
        self._held.setdefault(connections.transport, []).append(connections)
        self._count += len(connections)
        if self._count >= HELD:
            self._spill()

    def finish(self) -> None:
        """Make the entries of all that is left."""
        self._spill()
        for collector in self._collectors:
            while len(made := collector.finish_columns()):
                self._give(made)

    def _spill(self) -> None:
        for parts in self._held.values():
            connections = joined(parts)
            for collector in self._collectors:
                self._give(collector.add_columns(connections))
        self._held.clear()
        self._count = 0

    def _give(self, made: list[Entry] | EntryColumns) -> None:
        if isinstance(made, list):
            self._emit(made)
        elif self._emit_columns is None:
            self._emit(list(made.entries()))
        else:
            self._emit_columns(made)
