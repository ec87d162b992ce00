"""BSON documents (bsonspec.org, version 1.1), read for their first elements: enough for a command and its outcome.

Lengths are checked, depth and elements bounded; what is beyond is left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from struct import Struct
from typing import Any

ELEMENTS = 64
"""Elements of one document that are read; commands have their name first and few others."""
DEPTH = 6
"""Levels of documents inside documents that are read."""
TEXT = 4096
"""Bytes of one text that are kept."""
SMALLEST = 5

_Unpack = Callable[[bytes, int], tuple[Any, ...]]
_INT32 = Struct("<i").unpack_from
_DOUBLE, _BOOL, _INT64, _UINT64 = (Struct(form).unpack_from for form in ("<d", "<?", "<q", "<Q"))
_FIXED: dict[int, tuple[int, _Unpack | None]] = {
    0x01: (8, _DOUBLE), 0x06: (0, None), 0x07: (12, None), 0x08: (1, _BOOL), 0x09: (8, _INT64), 0x0A: (0, None),
    0x10: (4, _INT32), 0x11: (8, _UINT64), 0x12: (8, _INT64), 0x13: (16, None), 0x7F: (0, None), 0xFF: (0, None),
}  # fmt: skip
"""Types of a fixed size: bytes, and how they are unpacked (None: their value is not needed)."""
_EMBEDDED = frozenset({0x03, 0x04})
"""A document, an array."""


class BsonError(Exception):
    """These bytes are no document; position: where that shows."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


def document_length(data: bytes, start: int, stop: int) -> int:
    """Give the length of the document at `start`, which must end by `stop` with its zero byte; raises BsonError."""
    if stop - start < SMALLEST:
        raise BsonError("a document is cut off", start)
    (length,) = _INT32(data, start)
    if not SMALLEST <= length <= stop - start:
        raise BsonError(f"a document says it has {length} bytes where {stop - start} are left", start)
    if data[start + length - 1]:
        raise BsonError("a document does not end with a zero byte", start + length - 1)
    return int(length)


@dataclass(frozen=True, slots=True)
class Interest:
    """Which documents inside a document are looked into (None: all); of which only the elements are counted."""

    inside: frozenset[str] | None = None
    counted: frozenset[str] = frozenset()


EVERYTHING = Interest()


def read_document(
    data: bytes, start: int, stop: int, depth: int = DEPTH, interest: Interest = EVERYTHING
) -> dict[str, Any]:
    """Read the document at `start`: names to values; binary data, code and what is not looked into become None.

    Raises BsonError when the bytes are no document.
    """
    return read_elements(data, start, start + document_length(data, start, stop), depth, interest)


def read_elements(
    data: bytes, start: int, stop: int, depth: int, interest: Interest, found: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Read the document data[start:stop], whose length is known to be right; see `read_document`.

    found: takes the elements, for who needs those before an error.
    """
    position, end = start + 4, stop - 1
    found = {} if found is None else found
    while position < end and len(found) < ELEMENTS:
        kind = data[position]
        name_end = data.find(b"\0", position + 1, end)
        if name_end < 0:
            raise BsonError("a name does not end", position + 1)
        name = data[position + 1 : min(name_end, position + 1 + TEXT)].decode("utf-8", "replace")
        if kind in _EMBEDDED:
            value, position = _embedded(name, data, name_end + 1, end, depth, interest)
        else:
            value, position = _value(kind, data, name_end + 1, end)
        if name not in found:
            found[name] = value
    return found


def read_beginning(data: bytes, start: int, stop: int, interest: Interest = EVERYTHING) -> dict[str, Any]:
    """Read the elements of the document at `start` that are whole before `stop`, where the document is not."""
    found: dict[str, Any] = {}
    with suppress(BsonError):
        read_elements(data, start, stop + 1, DEPTH, interest, found)
    return found


def count_elements(data: bytes, start: int, stop: int) -> int:
    """Count the elements of the document or array at `start`; raises BsonError."""
    position, end = start + 4, start + document_length(data, start, stop) - 1
    count = 0
    while position < end:
        kind = data[position]
        name_end = data.find(b"\0", position + 1, end)
        if name_end < 0:
            raise BsonError("a name does not end", position + 1)
        if kind in _EMBEDDED:
            position = name_end + 1 + document_length(data, name_end + 1, end)
        else:
            _, position = _value(kind, data, name_end + 1, end)
        count += 1
    return count


def _embedded(name: str, data: bytes, start: int, stop: int, depth: int, interest: Interest) -> tuple[Any, int]:
    length = document_length(data, start, stop)
    if name in interest.counted:
        return count_elements(data, start, start + length), start + length
    if not depth or (interest.inside is not None and name not in interest.inside):
        return None, start + length
    return read_elements(data, start, start + length, depth - 1, interest), start + length


def _value(kind: int, data: bytes, position: int, end: int) -> tuple[Any, int]:
    fixed = _FIXED.get(kind)
    if fixed is not None:
        size, unpack = fixed
        if position + size > end:
            raise BsonError("a value is cut off", position)
        return (unpack(data, position)[0] if unpack else None), position + size
    reader = _SIZED.get(kind)
    if reader is None:
        raise BsonError(f"an element has the unknown type 0x{kind:02x}", position)
    return reader(data, position, end)


def _sized(data: bytes, position: int, end: int, extra: int = 0) -> int:
    """Give the length before a value and check that the value ends in time."""
    if position + 4 > end:
        raise BsonError("a length is cut off", position)
    (length,) = _INT32(data, position)
    if not 0 <= length <= end - position - 4 - extra:
        raise BsonError(f"a value says it has {length} bytes where {max(0, end - position - 4)} are left", position)
    return int(length)


def _text(data: bytes, position: int, end: int) -> tuple[Any, int]:
    stop = position + 4 + _sized(data, position, end)
    if stop == position + 4 or data[stop - 1]:
        raise BsonError("a text does not end with a zero byte", position)
    return data[position + 4 : min(stop - 1, position + 4 + TEXT)].decode("utf-8", "replace"), stop


def _binary(data: bytes, position: int, end: int) -> tuple[Any, int]:
    return None, position + 5 + _sized(data, position, end, extra=1)


def _regex(data: bytes, position: int, end: int) -> tuple[Any, int]:
    for _ in range(2):
        position = data.find(b"\0", position, end) + 1
        if not position:
            raise BsonError("a regular expression does not end", end)
    return None, position


def _pointer(data: bytes, position: int, end: int) -> tuple[Any, int]:
    after = position + 4 + _sized(data, position, end, extra=12) + 12
    return None, after


def _scoped(data: bytes, position: int, end: int) -> tuple[Any, int]:
    if position + 4 > end:
        raise BsonError("a length is cut off", position)
    (length,) = _INT32(data, position)
    if not 14 <= length <= end - position:
        raise BsonError(f"code with scope says it has {length} bytes", position)
    return None, position + int(length)


_SIZED: dict[int, Callable[[bytes, int, int], tuple[Any, int]]] = {
    0x02: _text, 0x05: _binary, 0x0B: _regex, 0x0C: _pointer, 0x0D: _text,
    0x0E: _text, 0x0F: _scoped,
}  # fmt: skip
"""Types that say their own size."""
