"""Cutting and joining blocks of datagrams: what a reader of columns keeps from one block to the next."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.model.datagrams import DatagramBlock
from kubeshark_mcp.model.entry_columns import ConnectionColumns

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kubeshark_mcp.model.stream import Connection

_SPARSE = 4
"""Where the bytes between the first and the last datagram are so many times theirs, they are copied one by one."""
_COLUMNS = tuple(field.name for field in fields(ConnectionColumns) if field.name not in ("transport", "addresses"))
_ADDRESSES = ("client_address", "server_address")
_PARTS = ("connection", "direction", "start", "length", "missing", "packet", "time_ns")


def compact(block: DatagramBlock, rows: NDArray[np.intp]) -> DatagramBlock:
    """Give these datagrams as a block that owns its bytes, with no other connections than theirs."""
    parts = {name: getattr(block, name)[rows] for name in _PARTS}
    used = np.zeros(len(block.connections), bool)
    used[parts["connection"]] = True
    chosen = np.flatnonzero(used)
    parts["connection"] = (np.cumsum(used) - 1)[parts["connection"]].astype(np.int32)
    data, parts["start"] = _bytes_of(block.data, parts["start"], parts["length"])
    objects, places = block.objects, chosen.tolist()
    return DatagramBlock(
        connections=chosen_connections(block.connections, chosen),
        objects=lambda asked: objects([places[place] for place in asked]),
        data=data,
        before=block.before[chosen],
        **parts,
    )


def detached(block: DatagramBlock) -> DatagramBlock:
    """Give a block whose connections no longer ask the stream room for their objects.

    Nor does it hold on to the block it was cut from: what waits is held over many blocks, each cut from the last.
    """
    connections = block.connections
    made: list[Connection] = []

    def objects(places: list[int]) -> list[Connection]:
        if not made:
            made.extend(connections.connections())
        return [made[place] for place in places]

    return _changed(block, objects=objects)


def concatenated(first: DatagramBlock, second: DatagramBlock) -> DatagramBlock:
    """Give the datagrams of both, those of `first` in front. A connection of both is described as `second` does."""
    numbers = second.connections.number
    order = np.argsort(numbers, kind="stable")
    place = np.minimum(np.searchsorted(numbers, first.connections.number, sorter=order), max(len(numbers) - 1, 0))
    known = order[place] if len(numbers) else np.zeros(len(first.connections), np.intp)
    shared = numbers[known] == first.connections.number if len(numbers) else np.zeros(len(first.connections), bool)
    alone = np.flatnonzero(~shared)
    places = np.where(shared, known, len(numbers) + np.cumsum(~shared) - 1).astype(np.int32)
    parts = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in _PARTS}
    parts["connection"] = np.concatenate([places[first.connection], second.connection])
    parts["start"] = np.concatenate([first.start + len(second.data), second.start])
    return DatagramBlock(
        connections=_joined(second.connections, chosen_connections(first.connections, alone)),
        objects=_objects_of(second, first, alone.tolist()),
        data=np.concatenate([second.data, first.data]),
        before=np.concatenate([second.before, first.before[alone]]),
        **parts,
    )


def chosen_connections(columns: ConnectionColumns, chosen: NDArray[np.intp]) -> ConnectionColumns:
    """Give some connections, with no other addresses than theirs."""
    parts = {name: getattr(columns, name)[chosen] for name in _COLUMNS}
    used = np.zeros(len(columns.addresses), bool)
    for name in _ADDRESSES:
        used[parts[name]] = True
    codes = (np.cumsum(used) - 1).astype(np.int32)
    for name in _ADDRESSES:
        parts[name] = codes[parts[name]]
    addresses = [columns.addresses[code] for code in np.flatnonzero(used).tolist()]
    return ConnectionColumns(transport=columns.transport, addresses=addresses, **parts)


def _joined(first: ConnectionColumns, second: ConnectionColumns) -> ConnectionColumns:
    texts = {text: code for code, text in enumerate(dict.fromkeys([*first.addresses, *second.addresses]))}
    parts: dict[str, NDArray[Any]] = {}
    for name in _COLUMNS:
        ours, theirs = getattr(first, name), getattr(second, name)
        if name in _ADDRESSES:
            codes = (np.array([texts[text] for text in each.addresses], np.int32) for each in (first, second))
            ours, theirs = (code[part] for code, part in zip(codes, (ours, theirs), strict=True))
        parts[name] = np.concatenate([ours, theirs])
    return ConnectionColumns(transport=first.transport, addresses=list(texts), **parts)


def _objects_of(
    front: DatagramBlock, rest: DatagramBlock, places: list[int]
) -> Callable[[list[int]], list[Connection]]:
    """Ask one block for the objects of its connections, and another for those of the further ones."""
    count = len(front.connections)

    def objects(asked: list[int]) -> list[Connection]:
        ours = iter(front.objects([place for place in asked if place < count]))
        theirs = iter(rest.objects([places[place - count] for place in asked if place >= count]))
        return [next(ours) if place < count else next(theirs) for place in asked]

    return objects


def _bytes_of(
    data: NDArray[np.uint8], start: NDArray[np.int64], length: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Copy the bytes of datagrams; give them and where each begins in them."""
    if not len(start):
        return np.zeros(0, np.uint8), start
    low, high = int(start.min()), int((start + length).max())
    if high - low <= _SPARSE * int(length.sum()):
        return data[low:high].copy(), start - low
    view = memoryview(data)  # type: ignore[arg-type]  # an array is a buffer, as bytes are
    cuts = zip(start.tolist(), (start + length).tolist(), strict=True)
    copied = np.frombuffer(b"".join([view[begin:end] for begin, end in cuts]), np.uint8)
    return copied, np.cumsum(length) - length


def _changed(block: DatagramBlock, **changes: Any) -> DatagramBlock:
    return DatagramBlock(**{field.name: getattr(block, field.name) for field in fields(block)} | changes)
