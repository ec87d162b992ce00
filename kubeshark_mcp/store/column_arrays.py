"""Columns of `EntryColumns` made into Arrow arrays: what `arrays.array_of` makes of their rows, without the rows.

The bytes come from the wire: text that is no UTF-8 is repaired, and nothing raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kubeshark_mcp.model.entry_columns import Coded, Column, Lists, Numbers, Slices
from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.store.arrays import array_of, coded_array
from kubeshark_mcp.store.hashing import Hashes, list_hashes, number_hashes, value_hash, value_hashes

Int64 = NDArray[np.int64]

_WHOLE = frozenset({FieldType.INT, FieldType.TIMESTAMP})
_ADDRESSABLE = 2**31 - 1
"""Bytes of one Arrow array of texts, at most."""


def column_array(column: Column, kind: FieldType, order: Int64 | None = None) -> pa.Array:
    """Make an array of a KFL type. order: rows to take, None for all as they come."""
    if isinstance(column, Lists):
        if kind is FieldType.STRING_LIST:
            return _lists(column) if order is None else _lists(column).take(pa.array(order))
        rows = _list_rows(column)
        return array_of(rows if order is None else [rows[row] for row in order.tolist()], kind)
    return _MAKERS[type(column)](column, kind, order)


def column_hashes(column: Column, order: Int64 | None = None) -> Hashes:
    """Give the `value_hash` of each row."""
    if isinstance(column, Numbers) and column.values.dtype.kind in "bi":
        hashes = number_hashes(column.values)
        if column.seen is not None:
            hashes = np.where(column.seen, hashes, np.uint64(value_hash(None)))
    elif isinstance(column, Coded):
        # The last one is what a code of -1 leads to.
        hashes = value_hashes([*column.values, None])[column.codes]
    elif isinstance(column, Lists):
        hashes = list_hashes(column.lengths, column_hashes(column.items))
    else:
        hashes = value_hashes(text_rows(column) if isinstance(column, Slices) else column.rows())
    return hashes if order is None else hashes[order]


def text_rows(column: Slices) -> list[Any]:
    """Give the rows of bytes or text; what should be UTF-8 and is not is repaired."""
    places = zip(column.starts.tolist(), column.lengths.tolist(), strict=True)
    found = [None if length < 0 else column.data[start : start + length] for start, length in places]
    return [None if one is None else one.decode("utf-8", "replace") for one in found] if column.text else found


def without_empty(column: Slices) -> Slices:
    """Give the same with nothing where nothing is in it."""
    return Slices(column.data, column.starts, np.where(column.lengths > 0, column.lengths, -1), column.text)


def _numbers(column: Numbers, kind: FieldType, order: Int64 | None) -> pa.Array:
    values, seen = column.values, column.seen
    code = values.dtype.kind
    if order is not None:
        values, seen = values[order], None if seen is None else seen[order]
    if kind in _WHOLE and code in "bi":
        made = values.astype(np.int64, copy=False)
    elif kind in _WHOLE and code == "u":
        made = np.minimum(values, np.uint64(2**63 - 1)).astype(np.int64)
    elif kind is FieldType.BOOL and code in "biu":
        made = values.astype(np.bool_, copy=False)
    elif kind is FieldType.DOUBLE and code in "biuf":
        made = values.astype(np.float64, copy=False)
    else:
        return array_of(Numbers(values, seen).rows(), kind)
    return pa.array(made, mask=None if seen is None or seen.all() else ~seen)


def _coded(column: Coded, kind: FieldType, order: Int64 | None) -> pa.Array:
    return coded_array(column.codes if order is None else column.codes[order], column.values, kind)


def _slices(column: Slices, kind: FieldType, order: Int64 | None) -> pa.Array:
    if order is not None:
        column = Slices(column.data, column.starts[order], column.lengths[order], column.text)
    if kind is FieldType.STRING or kind is FieldType.BYTES:
        made = _binary(column, pa.string() if kind is FieldType.STRING else pa.binary())
        if made is not None:
            return made if kind is FieldType.BYTES else made.dictionary_encode()
    return array_of(text_rows(column), kind)


def _binary(column: Slices, kind: pa.DataType) -> pa.Array | None:
    """Make an array of texts or bytes from buffers; None where that cannot be: too many bytes, or no UTF-8."""
    starts = np.clip(column.starts, 0, len(column.data))
    sizes = np.clip(column.lengths, 0, len(column.data) - starts)
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    if offsets[-1] > _ADDRESSABLE:
        return None
    absent = column.lengths < 0
    valid = pa.py_buffer(np.packbits(~absent, bitorder="little")) if absent.any() else None
    buffers = [valid, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(_gathered(column.data, starts, sizes))]
    made = pa.Array.from_buffers(kind, len(sizes), buffers)
    if kind == pa.string():
        try:
            made.validate(full=True)
        except pa.ArrowInvalid:
            return None
    return made


def _gathered(data: bytes, starts: Int64, sizes: Int64) -> bytes:
    """Put pieces of data one behind the other."""
    if not len(starts):
        return b""
    ends = starts + sizes
    if bool((starts[1:] == ends[:-1]).all()):
        return data[starts[0] : ends[-1]]
    return b"".join([data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)])


def _lists(column: Lists) -> pa.Array:
    items = column_array(column.items, FieldType.STRING).cast(pa.string())
    offsets = np.zeros(len(column.lengths) + 1, np.int32)
    np.cumsum(np.maximum(column.lengths, 0), out=offsets[1:])
    absent = column.lengths < 0
    starts = pa.array(offsets, mask=np.append(absent, False)) if absent.any() else pa.array(offsets)
    return pa.ListArray.from_arrays(starts, items)


def _list_rows(column: Lists) -> list[Any]:
    items = text_rows(column.items) if isinstance(column.items, Slices) else column.items.rows()
    ends = np.cumsum(np.maximum(column.lengths, 0)).tolist()
    return [
        None if length < 0 else items[end - length : end]
        for length, end in zip(column.lengths.tolist(), ends, strict=True)
    ]


_MAKERS: Mapping[type[Column], Callable[[Any, FieldType, Int64 | None], pa.Array]] = {
    Numbers: _numbers,
    Coded: _coded,
    Slices: _slices,
}
