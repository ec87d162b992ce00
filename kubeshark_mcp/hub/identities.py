"""The identities of one run: Kubernetes objects, names inside captures, and DNS answers as they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.hub.sources import read_resources
from kubeshark_mcp.identity.addresses import canonical
from kubeshark_mcp.identity.kubernetes import from_kubernetes
from kubeshark_mcp.identity.names import NameTable, from_dns
from kubeshark_mcp.identity.table import IdentityTable
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import Coded, Column, EntryColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

DNS = "dns"
Answers = list[tuple[int, str, str]]
"""When an address was told (Unix nanoseconds UTC; 0 for a name that holds for all time), its name, and the address."""

REPEATED = 4
"""So often the same has to be answered, on an average, that it is worth looking for repetitions."""


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
    lines = _lines_of(columns)
    if lines is None:
        return
    wanted = _wanted(columns, known_ports)
    if isinstance(lines, Coded) and len(columns) >= REPEATED * len(lines.values):
        _learn_changes(table.names, columns, lines, wanted)
    else:
        table.names.add_all(_told_in(columns, lines, wanted))


def _learn_changes(table: NameTable, columns: EntryColumns, lines: Coded, wanted: NDArray[np.bool_]) -> None:
    """Take answers of which many say the same: those that only repeat the last one about an address are passed over."""
    names: dict[str, int] = {}
    addresses: dict[str, int] = {}
    told = [_names_of(tuple(value)) for value in lines.values]
    what = np.array([names.setdefault(name, len(names)) for each in told for name, _ in each], np.intp)
    where = np.array(
        [addresses.setdefault(canonical(one), len(addresses)) for each in told for _, one in each], np.intp
    )
    sizes = np.array([*map(len, told), 0])
    codes = lines.codes[wanted]
    counts = sizes[codes]
    starts = np.cumsum(sizes) - sizes
    pairs = np.arange(counts.sum()) + np.repeat(starts[codes] - np.cumsum(counts) + counts, counts)
    times = np.repeat(_begin(columns)[wanted], counts)
    if not table.has_room(len(pairs)):
        table.add_all(_told_in(columns, lines, wanted))
        return
    texts, places = list(names), list(addresses)
    left = _changing(table, places, where[pairs], what[pairs], times)
    chosen = zip(times[left].tolist(), what[pairs[left]].tolist(), where[pairs[left]].tolist(), strict=True)
    table.add_all((time_ns, ((texts[name], places[address]),)) for time_ns, name, address in chosen)


def _changing(
    table: NameTable,
    addresses: Sequence[str],
    where: NDArray[np.intp],
    what: NDArray[np.intp],
    times: NDArray[np.int64],
) -> NDArray[np.intp]:
    """Give which answers may change something, in order.

    One does not that says of an address what the one before it said, where all of that address come in order of time
    and behind what the table knows of it.
    """
    order = np.argsort(where, kind="stable")
    same = np.diff(where[order]) == 0
    later = np.diff(times[order]) >= 0
    careful = np.zeros(len(addresses), bool)
    careful[where[order[1:][same & ~later]]] = True
    firsts = order[np.flatnonzero(np.concatenate([np.ones(min(1, len(order)), bool), ~same]))]
    for first, place in zip(times[firsts].tolist(), where[firsts].tolist(), strict=True):
        latest = table.latest(addresses[place])
        careful[place] |= latest is not None and latest > first
    repeated = np.zeros(len(where), bool)
    repeated[order[1:][same & (np.diff(what[order]) == 0)]] = True
    return np.flatnonzero(~repeated | careful[where])


def answers_in(columns: EntryColumns) -> Answers:
    """Give what DNS answers among entries in columns tell, as `answers_of` does."""
    lines = _lines_of(columns)
    told = () if lines is None else _told_in(columns, lines, _wanted(columns))
    return [(time_ns, name, address) for time_ns, names in told for name, address in names]


def _lines_of(columns: EntryColumns) -> Column | None:
    return columns.fields.get("dns_addresses") if columns.protocol == DNS else None


def _wanted(columns: EntryColumns, known_ports: Collection[int] = ()) -> NDArray[np.bool_]:
    """Tell which entries are to teach names; those of connections with known ports are not."""
    if not known_ports:
        return np.ones(len(columns), bool)
    ends, known = columns.connections, sorted(known_ports)
    return np.asarray(~(np.isin(ends.client_port, known) | np.isin(ends.server_port, known))[columns.connection])


def _begin(columns: EntryColumns) -> NDArray[np.int64]:
    """Give when entries began."""
    asked, answered = columns.request, columns.response
    start = np.where(asked.seen, asked.start_ns, answered.start_ns)
    return np.where(answered.seen, np.minimum(start, answered.start_ns), start)


def _told_in(
    columns: EntryColumns, lines: Column, wanted: NDArray[np.bool_]
) -> Iterator[tuple[int, tuple[tuple[str, str], ...]]]:
    """Give the time of each answer and what it tells."""
    start = _begin(columns)
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
