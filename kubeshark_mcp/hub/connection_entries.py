"""Connections made into entries as they end, so that a run never holds more than a few of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kubeshark_mcp.dissect.base import ConnectionProtocol
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import ConnectionStats

HELD = 8_000
"""Connections that wait for the end of the run, when more is known of the names of their ends; about 1.5 KB each."""
AT_ONCE = 1024
"""Connections that become entries at once, and wait for it once more have ended than are held."""


class ConnectionEntries:
    """Takes connections in any number; `emit` gets the entries, some at once."""

    def __init__(self, protocols: Iterable[ConnectionProtocol], emit: Callable[[list[Entry]], None]) -> None:
        self._collectors = [protocol.collect() for protocol in protocols]
        self._emit = emit
        self._held: list[ConnectionStats] = []
        self._spilling = False

    def add(self, connections: Iterable[ConnectionStats]) -> None:
        """Take connections that have ended."""
        for connection in connections:
            self._held.append(connection)
            if len(self._held) >= (AT_ONCE if self._spilling else HELD):
                self._spilling = True
                self._spill()

    def finish(self) -> None:
        """Make the entries of all that is left."""
        self._spill()
        for collector in self._collectors:
            while entries := collector.finish():
                self._emit(entries)

    def _spill(self) -> None:
        for start in range(0, len(self._held), AT_ONCE):
            part = self._held[start : start + AT_ONCE]
            for collector in self._collectors:
                self._emit(collector.add(part))
        self._held.clear()
