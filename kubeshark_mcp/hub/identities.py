"""The identities of one run: Kubernetes objects, names inside captures, and DNS answers as they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from kubeshark_mcp.hub.sources import read_resources
from kubeshark_mcp.identity.kubernetes import from_kubernetes
from kubeshark_mcp.identity.names import from_dns
from kubeshark_mcp.identity.table import IdentityTable
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import Coded, EntryColumns

DNS = "dns"
Answers = list[tuple[int, str, str]]
"""When an address was told (Unix nanoseconds UTC; 0 for a name that holds for all time), its name, and the address."""


def load_identities(resources: Iterable[Path]) -> IdentityTable:
    """Give the table of what these Kubernetes objects files say."""
    return IdentityTable(from_kubernetes(read_resources(path)) for path in resources)


def learn(table: IdentityTable, entries: Iterable[Entry], known_ports: Collection[int] = ()) -> None:
    """Take the DNS answers among entries. known_ports: those whose answers the table has already."""
    for entry in entries:
        if entry.protocol == DNS and (lines := entry.fields.get("dns_addresses")):
            connection = entry.connection
            if not (connection.client.port in known_ports or connection.server.port in known_ports):
                table.add_answers(lines, entry.start_ns)


def answers_of(entries: Iterable[Entry]) -> Answers:
    """Give what DNS answers among entries tell."""
    return [
        (entry.start_ns, name, address)
        for entry in entries
        if entry.protocol == DNS
        for name, address in from_dns(entry.fields.get("dns_addresses", ()))
    ]


def learn_columns(table: IdentityTable, columns: EntryColumns, known_ports: Collection[int] = ()) -> None:
    """Take the DNS answers among entries in columns, as `learn` does."""
    table.names.add_all(_told_in(columns, known_ports))


def answers_in(columns: EntryColumns) -> Answers:
    """Give what DNS answers among entries in columns tell, as `answers_of` does."""
    return [(time_ns, name, address) for time_ns, names in _told_in(columns) for name, address in names]


def _told_in(
    columns: EntryColumns, known_ports: Collection[int] = ()
) -> Iterator[tuple[int, tuple[tuple[str, str], ...]]]:
    """Give the time of each answer and what it tells, those of connections with known ports left out."""
    lines = columns.fields.get("dns_addresses") if columns.protocol == DNS else None
    if lines is None:
        return
    wanted = np.ones(len(columns), bool)
    if known_ports:
        ends, known = columns.connections, sorted(known_ports)
        wanted = ~(np.isin(ends.client_port, known) | np.isin(ends.server_port, known))[columns.connection]
    asked, answered = columns.request, columns.response
    start = np.where(asked.seen, asked.start_ns, answered.start_ns)
    start = np.where(answered.seen, np.minimum(start, answered.start_ns), start)
    if isinstance(lines, Coded):
        names = [_names_of(tuple(value)) for value in lines.values]
        rows = np.flatnonzero(wanted & (lines.codes >= 0) & np.array([*map(bool, names), False])[lines.codes])
        yield from zip(start[rows].tolist(), map(names.__getitem__, lines.codes[rows].tolist()), strict=True)
        return
    for time_ns, value, want in zip(start.tolist(), lines.rows(), wanted.tolist(), strict=True):
        if want and value:
            yield time_ns, _names_of(tuple(value))


@lru_cache(maxsize=8192)
def _names_of(lines: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple(from_dns(lines))
