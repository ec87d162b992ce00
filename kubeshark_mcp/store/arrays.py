"""Python values made into Arrow arrays of KFL types.

Values come from dissectors that read hostile bytes, so an array is built fast when all values fit, and value by value
(repairing or dropping what does not fit) when one does not; nothing raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kubeshark_mcp.model.field import FieldType

_STRING_MAP = pa.map_(pa.string(), pa.string())
_CODED_STRING = pa.dictionary(pa.int32(), pa.string())
_LONGEST_TEXT = 128 * 1024
"""Characters that are kept of a text where texts do not fit as they are."""
_MOST_TILED = 1 << 24
"""Characters of a map that is written many times, at most, in all."""
_NUMBERS = {pa.int32(): np.int32, pa.int64(): np.int64, pa.float64(): np.float64}

ARROW_TYPES: Mapping[FieldType, pa.DataType] = {
    FieldType.STRING: pa.string(),
    FieldType.INT: pa.int64(),
    FieldType.DOUBLE: pa.float64(),
    FieldType.BOOL: pa.bool_(),
    FieldType.BYTES: pa.binary(),
    FieldType.TIMESTAMP: pa.int64(),
    FieldType.STRING_LIST: pa.list_(pa.string()),
    FieldType.STRING_MAP: _STRING_MAP,
}
"""How each KFL type is stored; timestamps are Unix nanoseconds UTC."""


def schema_of(types: Mapping[str, FieldType]) -> pa.Schema:
    """Give the Arrow schema of these columns; strings are dictionary-coded while in memory."""
    return pa.schema([(name, _memory_type(kind)) for name, kind in types.items()])


def _memory_type(kind: FieldType) -> pa.DataType:
    return _CODED_STRING if kind is FieldType.STRING else ARROW_TYPES[kind]


def array_of(values: Sequence[Any], kind: FieldType) -> pa.Array:
    """Make an array of a KFL type from Python values, None where there is none."""
    array = _attempt(values, kind)
    if array is None:
        array = _attempt([_repaired(value, _REPAIRS[kind]) for value in values], kind)
    return pa.nulls(len(values), _memory_type(kind)) if array is None else array


def _attempt(values: Sequence[Any], kind: FieldType) -> pa.Array | None:
    try:
        array = _map_array(values) if kind is FieldType.STRING_MAP else pa.array(values, _memory_type(kind))
    except (pa.ArrowException, TypeError, ValueError, OverflowError, AttributeError):
        return None
    return array if isinstance(array, pa.Array) else None  # More than 2 GiB of text comes as several arrays.


def coded_array(codes: NDArray[Any], values: Sequence[Any], kind: FieldType) -> pa.Array:
    """Make an array with values[codes[i]] at i, nothing where that is negative: few values spread over many rows."""
    if kind is FieldType.STRING_MAP and len(values) > 1 and all(value == values[0] for value in values):
        values, codes = values[:1], np.minimum(codes, 0)
    small = array_of(values, kind)
    if small.null_count == len(small):
        return pa.nulls(len(codes), _memory_type(kind))
    return taken(small, codes)


def taken(array: pa.Array, codes: NDArray[Any]) -> pa.Array:
    """Give array[codes[i]] at i, nothing where that is negative.

    By numpy where that can be: Arrow's own functions take 50 ms to load, for which a dissection has no other use.
    """
    absent = codes < 0
    coded = pa.types.is_dictionary(array.type)
    rows = array.indices if coded else array
    values = _values(rows)
    if values is None:
        if array.type == _STRING_MAP and len(array) == 1 and not absent.any() and not array.items.null_count:
            constant = _constant_map(array[0].as_py(), len(codes))
            if constant is not None:
                return constant
        return array.take(pa.array(codes, mask=absent if absent.any() else None))
    if rows.null_count:
        absent |= ~_bits(rows.buffers()[0], rows)[codes]
    made = pa.array(values[codes], mask=absent if absent.any() else None)
    return pa.DictionaryArray.from_arrays(made, array.dictionary, safe=False) if coded else made


def _values(array: pa.Array) -> NDArray[Any] | None:
    """Give the values of an array of numbers or flags, anything where there is none; None for other arrays."""
    if pa.types.is_boolean(array.type):
        return _bits(array.buffers()[1], array)
    dtype = _NUMBERS.get(array.type)
    return None if dtype is None else np.frombuffer(array.buffers()[1], dtype)[array.offset : array.offset + len(array)]


def _bits(buffer: pa.Buffer, array: pa.Array) -> NDArray[np.bool_]:
    bits = np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little")
    return bits[array.offset : array.offset + len(array)].astype(np.bool_)


def codes_of(coded: pa.DictionaryArray) -> NDArray[np.int32]:
    """Give where in the dictionary each value is, -1 where there is none."""
    indices = coded.indices
    codes = np.frombuffer(indices.buffers()[1], np.int32)[indices.offset : indices.offset + len(indices)]
    return np.where(_bits(indices.buffers()[0], indices), codes, np.int32(-1)) if coded.null_count else codes


def _constant_map(pairs: Sequence[tuple[str, str]], length: int) -> pa.Array | None:
    """Make an array that holds one map `length` times; None where it would be too large."""
    keys, items = [key for key, _ in pairs], [item for _, item in pairs]
    if length * sum(map(len, keys + items)) > _MOST_TILED:
        return None
    offsets = pa.array(np.arange(length + 1, dtype=np.int32) * np.int32(len(pairs)))
    return pa.MapArray.from_arrays(offsets, _tiled(keys, length), _tiled(items, length))


def _tiled(texts: Sequence[str], times: int) -> pa.Array:
    """Make an array of texts one behind the other, all of them so many times."""
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(texts) * times + 1, np.int32)
    np.cumsum(np.tile(np.array([len(text) for text in encoded], np.int32), times), out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded) * times)]
    return pa.Array.from_buffers(pa.string(), len(texts) * times, buffers)


def empty_array(length: int, kind: FieldType) -> pa.Array:
    """Make an array without a value."""
    return pa.nulls(length, _memory_type(kind))


def constant_array(value: str, length: int) -> pa.Array:
    """Make a string array that holds one value `length` times."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(length, np.int32)), pa.array([value], pa.string()))


def _map_array(values: Sequence[Any]) -> pa.Array:
    """Make a map array without a Python tuple for each pair."""
    if not any(values):
        empty = np.fromiter([value is not None for value in values], np.bool_, len(values))
        offsets = pa.array(np.zeros(len(values) + 1, np.int32), mask=np.append(~empty, False))
        return pa.MapArray.from_arrays(offsets, pa.array([], pa.string()), pa.array([], pa.string()))
    missing = np.fromiter([value is None for value in values], np.bool_, len(values))
    maps: Sequence[dict[str, str]] = [value or {} for value in values] if missing.any() else values
    lengths = np.zeros(len(maps) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, maps), np.int32, len(maps)), out=lengths[1:])
    keys = pa.array(list(chain.from_iterable(maps)), pa.string())
    items = pa.array(list(chain.from_iterable(map(dict.values, maps))), pa.string())
    starts = pa.array(lengths, mask=np.append(missing, False)) if missing.any() else pa.array(lengths)
    return pa.MapArray.from_arrays(starts, keys, items)


def _repaired(value: Any, repair: Callable[[Any], Any]) -> Any:
    if value is None:
        return None
    try:
        return repair(value)
    except (TypeError, ValueError, OverflowError, AttributeError):
        return None


def _text(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text[:_LONGEST_TEXT].encode("utf-8", "replace").decode()


def _whole(value: Any) -> int:
    return max(-(2**63), min(2**63 - 1, int(value)))


_REPAIRS: Mapping[FieldType, Callable[[Any], Any]] = {
    FieldType.STRING: _text,
    FieldType.INT: _whole,
    FieldType.DOUBLE: float,
    FieldType.BOOL: bool,
    FieldType.BYTES: lambda value: bytes(memoryview(value)),
    FieldType.TIMESTAMP: _whole,
    FieldType.STRING_LIST: lambda value: [_text(item) for item in value],
    FieldType.STRING_MAP: lambda value: {_text(key): _text(item) for key, item in value.items()},
}
