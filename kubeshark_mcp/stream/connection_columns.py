"""Rows of a flow table as columns of connections, where no objects are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.model.entry_columns import ConnectionColumns
from kubeshark_mcp.stream.rows import STATE_KNOWN, STATE_STARTED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.stream.connections import Addresses
    from kubeshark_mcp.stream.table import Rows

_LITTLE = np.uint64(0xFFFF)


def connection_columns(rows: Rows, transport: str, capture: int, addresses: Addresses) -> ConnectionColumns:
    """Describe rows of a table, all of one transport. capture: see Connection."""
    key, swapped = rows["key"], rows["client_side"].astype(bool)
    tail = key[:, 4]
    ports = (tail >> np.uint64(48)).astype(np.int64), (tail >> np.uint64(32) & _LITTLE).astype(np.int64)
    points = np.array(addresses.points, np.int64)[(tail >> np.uint64(8) & np.uint64(0xFFFFFF)).astype(np.intp)]
    texts, (lower, higher) = _texts(key, addresses)
    count = len(key)
    client_sequence, server_sequence, from_start = _beginnings(rows)
    return ConnectionColumns(
        transport,
        texts,
        rows["number"].astype(np.int64),
        np.where(swapped, higher, lower),
        np.where(swapped, ports[1], ports[0]),
        np.where(swapped, lower, higher),
        np.where(swapped, ports[0], ports[1]),
        np.full(count, capture, np.int64),
        points,
        client_sequence,
        server_sequence,
        from_start,
    )


def _beginnings(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Give the TCP sequence numbers of stream offset 0 in both directions, -1 while unknown, and who began with SYN."""
    if "origin" not in rows:
        unknown = np.full(len(rows["number"]), -1, np.int64)
        return unknown, unknown, unknown == 0
    state, origin = rows["state"], rows["origin"].astype(np.int64)
    client, server = (np.where(state & STATE_KNOWN[way] != 0, origin[:, way], -1) for way in (0, 1))
    return client, server, state & STATE_STARTED != 0


def _texts(key: NDArray[np.uint64], addresses: Addresses) -> tuple[list[str], NDArray[np.int32]]:
    """Give distinct addresses as texts, and the codes of those of both ends (2 x n)."""
    high, low = np.concatenate([key[:, 0], key[:, 2]]), np.concatenate([key[:, 1], key[:, 3]])
    lows, codes = np.unique(low, return_inverse=True)
    if high.any():
        highs, upper = np.unique(high, return_inverse=True)
        both, codes = np.unique(upper * len(lows) + codes, return_inverse=True)
        pairs = zip(highs[both // len(lows)].tolist(), lows[both % len(lows)].tolist(), strict=True)
        texts = [addresses.text(*pair) for pair in pairs]
    else:
        texts = [addresses.text(0, each) for each in lows.tolist()]
    return texts, codes.astype(np.int32).reshape(2, -1)
