"""Hashes that are alike in every process and version."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

LIST_ITEMS = 16
"""Items of a list that its hash looks at, beside how many there are: lists are as long as a packet makes them."""

_WORD = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15
"""Odd, its bits spread evenly: 2^64 divided by the golden ratio, the step of SplitMix64."""
_LIST = 0xD1B54A32D192ED03
_NOTHING = 0x8CB92BA72F3D8DD7
_LISTS = frozenset({tuple, list, type(None)})


def stable_hash(*parts: object) -> int:
    """Hash the text of parts to 64 bits without sign."""
    return _bytes_hash("\x1f".join(map(str, parts)).encode("utf-8", "replace"))


def mixed(values: Hashes) -> Hashes:
    """Scatter 64-bit values (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def number_hashes(values: NDArray[Any]) -> Hashes:
    """Give the `value_hash` of whole numbers or flags."""
    return mixed(values.astype(np.int64, copy=False).astype(np.uint64) + np.uint64(_STEP))


def list_hashes(lengths: NDArray[np.int64], items: Hashes) -> Hashes:
    """Give the `value_hash` of lists. items: hashes of all their items in order; a list of length -1 is nothing."""
    sizes = np.maximum(lengths, 0)
    return _joined(lengths, np.cumsum(sizes) - sizes, items)


def _joined(lengths: NDArray[np.int64], starts: NDArray[np.int64], items: Hashes) -> Hashes:
    """Give the `value_hash` of lists, of which the first hashes are in `items` from `starts` on."""
    sizes = np.maximum(lengths, 0)
    hashes = mixed(sizes.astype(np.uint64) + np.uint64(_LIST))
    for place in range(min(LIST_ITEMS, int(sizes.max(initial=0)))):
        rows = np.flatnonzero(sizes > place)
        hashes[rows] = mixed(hashes[rows] ^ items[starts[rows] + place])
    return np.where(lengths < 0, np.uint64(_NOTHING), hashes)


def value_hash(value: object) -> int:
    """Hash a value of an entry: a number, text or bytes, a list of such, or nothing."""
    if value is None:
        return _NOTHING
    if isinstance(value, int):
        return _mixed(value + _STEP)
    if isinstance(value, str):
        return _bytes_hash(value.encode("utf-8", "replace"))
    if isinstance(value, bytes):
        return _bytes_hash(value)
    if isinstance(value, list | tuple):
        found = _mixed(len(value) + _LIST)
        for item in value[:LIST_ITEMS]:
            found = _mixed(found ^ value_hash(item))
        return found
    return stable_hash(value + 0.0 if isinstance(value, float) else value)  # -0.0 equals 0.0


def value_hashes(values: Sequence[Any]) -> Hashes:
    """Give the `value_hash` of many values, each distinct one hashed once."""
    kinds = set(map(type, values))
    if kinds <= {str, type(None)}:
        return _text_hashes(values)
    if kinds <= {int, bool}:
        try:
            return number_hashes(np.array(values, np.int64))
        except OverflowError:
            pass  # Beyond 64 bits: one by one.
    if kinds <= _LISTS:
        parts = [() if value is None else value[:LIST_ITEMS] for value in values]
        items = list(chain.from_iterable(parts))
        if set(map(type, items)) <= {str}:
            lengths = np.array([-1 if value is None else len(value) for value in values], np.int64)
            ends = np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)))
            return _joined(lengths, ends - np.clip(lengths, 0, LIST_ITEMS), _text_hashes(items))
    known: dict[object, int] = {}
    found = np.empty(len(values), np.uint64)
    for row, value in enumerate(values):
        key = _key(value)
        try:
            one = known.get(key)
        except TypeError:  # It holds something that cannot be looked up.
            one = value_hash(value)
        if one is None:
            one = known[key] = value_hash(value)
        found[row] = one
    return found


def _key(value: object) -> tuple[object, ...]:
    """Give what only values of one hash have in common: False equals 0.0, in lists as well, and has another one."""
    return (type(value), *(map(_key, value) if isinstance(value, list | tuple) else (value,)))


def _text_hashes(values: Sequence[str | None]) -> Hashes:
    """Give the `value_hash` of texts, each distinct one hashed once."""
    places: dict[str | None, int] = {}
    rows = [places.setdefault(value, len(places)) for value in values]
    texts = [b"" if text is None else text.encode("utf-8", "replace") for text in places]
    digests = b"".join([blake2b(text, digest_size=8).digest() for text in texts])
    hashes = np.frombuffer(digests, "<u8").astype(np.uint64)
    if None in places:
        hashes[places[None]] = _NOTHING
    return hashes[np.array(rows, np.intp)]


def _bytes_hash(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def _mixed(value: int) -> int:
    """Do as `mixed`, for one value."""
    value &= _WORD
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & _WORD
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & _WORD
    return value ^ (value >> 31)
