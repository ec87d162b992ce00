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

from kubeshark_mcp.model.field import FieldType

_STRING_MAP = pa.map_(pa.string(), pa.string())
_CODED_STRING = pa.dictionary(pa.int32(), pa.string())
_LONGEST_TEXT = 128 * 1024
"""Characters that are kept of a text where texts do not fit as they are."""

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


def coded_array(codes: np.ndarray[Any, Any], values: Sequence[Any], kind: FieldType) -> pa.Array:
    """Make an array with values[codes[i]] at i, nothing where that is negative: few values spread over many rows."""
    small = array_of(values, kind)
    if small.null_count == len(small):
        return pa.nulls(len(codes), _memory_type(kind))
    absent = codes < 0
    return small.take(pa.array(codes, mask=absent if absent.any() else None))


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
