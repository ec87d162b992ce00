"""Protocols that travel inside the entries of others: they claim no bytes, they add fields to finished entries."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, Opening, Protocol, Settings
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection


class Enricher(Protocol):
    """A protocol whose messages are bodies of other protocols (GraphQL in HTTP and WebSocket).

    It is found, named and enabled as every protocol is; its fields and its flag stand on the entries that it enriches.
    """

    enriches: ClassVar[frozenset[str]]
    """KFL names of the protocols whose entries it looks at."""

    def probe(self, opening: Opening) -> Confidence:
        """Never claim bytes."""
        return Confidence.NO

    def open(self, context: Context) -> Dissector:
        """Have nothing to read."""
        raise TypeError(f"{self.name} is found in the entries of {', '.join(sorted(self.enriches))}, not in bytes")

    @abstractmethod
    def annotate(self, entry: Entry) -> bool:
        """Add fields to a finished entry that carries this protocol, and say whether it does.

        Asked for every entry of those protocols, so what is something else has to be recognised within a glance.
        """


class Enrichment:
    """Passes entries on, and lets the enrichers of a run look at each one before.

    note: hears which protocol was found on which connection. fault: hears of an enricher that raised.
    """

    def __init__(
        self,
        enrichers: Iterable[Enricher],
        settings: Settings,
        emit: Callable[[Entry], None],
        note: Callable[[Connection, str], None],
        fault: Callable[[str, Connection, Exception], None],
    ) -> None:
        self._emit, self._note, self._fault = emit, note, fault
        self._of: dict[str, tuple[Enricher, ...]] = {}
        for enricher in sorted(enrichers, key=lambda found: found.name):
            if settings.enabled is None or enricher.name in settings.enabled:
                for protocol in enricher.enriches:
                    self._of[protocol] = (*self._of.get(protocol, ()), enricher)

    def emit(self, entry: Entry) -> None:
        """Take a finished entry."""
        for enricher in self._of.get(entry.protocol, ()):
            try:
                if enricher.annotate(entry):
                    entry.fields[enricher.name] = True
                    self._note(entry.connection, enricher.name)
            except Exception as error:  # noqa: BLE001 - a fault of one protocol must not stop the file; it is reported
                self._fault(enricher.name, entry.connection, error)
        self._emit(entry)
