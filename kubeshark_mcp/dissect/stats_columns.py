"""Statistics of connections that come as objects, or in parts, made into columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.model.entry_columns import Coded, ConnectionColumns, Numbers
from kubeshark_mcp.model.stats_columns import STATES, StatsColumns
from kubeshark_mcp.model.stream import ConnectionStats, TcpMetrics, Traffic

Int64 = NDArray[np.int64]

_CONNECTION_PARTS = ("number", "client_port", "server_port", "capture", "point", "client_sequence", "server_sequence")
_COUNTED = ("state", "packets", "bytes", "payload", "first_packet", "last_packet", "first_ns", "last_ns")
_METRICS = tuple(metric.name for metric in fields(TcpMetrics))


def columns_of(stats: Sequence[ConnectionStats]) -> list[StatsColumns]:
    """Make columns of statistics: one batch for each transport, in which they keep their order."""
    by_transport: dict[str, list[ConnectionStats]] = {}
    for one in stats:
        by_transport.setdefault(one.connection.transport, []).append(one)
    return [_columns(some) for some in by_transport.values()]


def joined(parts: Sequence[StatsColumns]) -> StatsColumns:
    """Put statistics of one transport one behind the other."""
    if len(parts) == 1:
        return parts[0]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COUNTED}
    codes = _Codes()
    l7 = np.concatenate([codes.of(part.l7, len(part)) for part in parts])
    starts = np.cumsum([0, *map(len, parts)]).tolist()
    unclaimed = {
        start + row: found for start, part in zip(starts, parts, strict=False) for row, found in part.unclaimed.items()
    }
    names = [name for name in _METRICS if any(name in part.metrics for part in parts)]
    return StatsColumns(
        _connections([part.connections for part in parts]),
        **columns,
        metrics={name: _numbers(name, parts) for name in names},
        l7=Coded(list(codes.known), l7),
        unclaimed=unclaimed,
    )


class _Codes:
    """Protocols found on connections, each combination once."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, ...], int] = {}

    def add(self, found: Iterable[str]) -> int:
        return self.known.setdefault(tuple(found), len(self.known))

    def of(self, column: Coded | None, count: int) -> NDArray[np.int32]:
        if column is None:
            return np.full(count, self.add(()), np.int32)
        codes = np.array([*map(self.add, column.values), self.add(())], np.int32)
        return codes[column.codes]  # that of -1 is the last one


def _connections(parts: Sequence[ConnectionColumns]) -> ConnectionColumns:
    known: dict[str, int] = {}
    codes = [np.array([known.setdefault(text, len(known)) for text in part.addresses], np.int32) for part in parts]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _CONNECTION_PARTS
    }
    for side in ("client_address", "server_address"):
        columns[side] = np.concatenate([own[getattr(part, side)] for own, part in zip(codes, parts, strict=True)])
    columns["from_start"] = np.concatenate([part.from_start for part in parts])
    return ConnectionColumns(parts[0].transport, list(known), **columns)


def _numbers(name: str, parts: Sequence[StatsColumns]) -> Numbers:
    columns = [part.metrics.get(name) for part in parts]
    values = [
        np.zeros(len(part), np.int64) if column is None else column.values
        for column, part in zip(columns, parts, strict=True)
    ]
    if all(column is not None and column.seen is None for column in columns):
        return Numbers(np.concatenate(values))
    seen = [
        np.full(len(part), column is not None) if column is None or column.seen is None else column.seen
        for column, part in zip(columns, parts, strict=True)
    ]
    return Numbers(np.concatenate(values), np.concatenate(seen))


def _columns(stats: Sequence[ConnectionStats]) -> StatsColumns:
    def each(value: Callable[[ConnectionStats], int]) -> Int64:
        return np.array([value(one) for one in stats], np.int64)

    def sides(value: Callable[[Traffic], int]) -> Int64:
        return np.array([(value(one.client), value(one.server)) for one in stats], np.int64)

    codes = _Codes()
    l7 = np.array([codes.add(one.l7) for one in stats], np.int32)
    return StatsColumns(
        ConnectionColumns.of([one.connection for one in stats], np.array),
        np.array([STATES.index(one.state) for one in stats], np.uint8),
        sides(lambda side: side.packets),
        sides(lambda side: side.bytes),
        sides(lambda side: side.payload),
        each(lambda one: one.first_packet),
        each(lambda one: one.last_packet),
        each(lambda one: one.first_ns),
        each(lambda one: one.last_ns),
        _metrics([one.metrics for one in stats]),
        Coded(list(codes.known), l7),
        {row: one.unclaimed for row, one in enumerate(stats) if one.unclaimed is not None},
    )


def _metrics(metrics: Sequence[TcpMetrics | None]) -> dict[str, Numbers]:
    if not any(metrics):
        return {}
    columns = {}
    for name in _METRICS:
        values = [None if one is None else getattr(one, name) for one in metrics]
        seen = np.array([value is not None for value in values], np.bool_)
        kind = np.float64 if name == "retransmission_rate" else np.int64
        columns[name] = Numbers(np.array([value or 0 for value in values], kind), None if seen.all() else seen)
    return columns
