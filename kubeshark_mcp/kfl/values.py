"""CEL values at run time, with CEL's equality, order and limits.

int is a Python int within 64 bits, uint is `Uint`, double is float, and string, bytes, bool, null are Python's own;
list is list, map is dict (its boolean keys wrapped, because Python takes True and 1 for the same key).
Source: Common Expression Language specification, "Values" and "Equality and ordering".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kubeshark_mcp.kfl.diagnostics import EvaluationError

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1
UINT_MAX = 2**64 - 1
SECOND = 1_000_000_000
TIMESTAMP_MIN = -62_135_596_800 * SECOND
TIMESTAMP_MAX = 253_402_300_800 * SECOND - 1
LONGEST = 16 * 1024 * 1024
"""No string, bytes or list that an expression builds may be longer than this."""
MOST_ITEMS = 1_000_000
"""No comparison looks at more items, and no result holds more."""


class Uint(int):
    """An unsigned 64-bit integer (CEL uint)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{int(self)}u"


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A point in time: Unix nanoseconds UTC, from year 1 to year 9999."""

    ns: int


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in nanoseconds, 64 bits."""

    ns: int


@dataclass(frozen=True, slots=True)
class CelType:
    """The value of `type(x)`, by its CEL name (`int`, `google.protobuf.Timestamp`)."""

    name: str


@dataclass(frozen=True, slots=True)
class BoolKey:
    """A boolean map key."""

    value: bool


TYPE_NAMES: dict[type, str] = {
    type(None): "null_type",
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    dict: "map",
    Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration",
    CelType: "type",
}
TYPE_VALUES: dict[str, CelType] = {name: CelType(name) for name in TYPE_NAMES.values()}
NUMERIC = frozenset({int, Uint, float})
_ORDERED = frozenset({bool, str, bytes, Timestamp, Duration})


def type_name(value: Any) -> str:
    """Give the CEL name of a value's type."""
    return TYPE_NAMES[type(value)]


def no_overload(operation: str, *values: Any) -> EvaluationError:
    """Build the error for an operation that does not exist on these types."""
    names = ", ".join(type_name(value) for value in values)
    return EvaluationError(f"no such overload: {operation} on ({names})")


def checked_int(value: int) -> int:
    """Give the value if it is a 64-bit int."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise EvaluationError("integer overflow: the result does not fit 64 bits")


def checked_uint(value: int) -> Uint:
    """Give the value as uint if it is one."""
    if 0 <= value <= UINT_MAX:
        return Uint(value)
    raise EvaluationError("unsigned integer overflow: the result does not fit 64 bits")


def checked_timestamp(ns: int) -> Timestamp:
    """Give the timestamp if it is between year 1 and year 9999."""
    if TIMESTAMP_MIN <= ns <= TIMESTAMP_MAX:
        return Timestamp(ns)
    raise EvaluationError("timestamp out of range: it must be between year 1 and year 9999")


def checked_duration(ns: int) -> Duration:
    """Give the duration if its nanoseconds fit 64 bits."""
    if INT_MIN <= ns <= INT_MAX:
        return Duration(ns)
    raise EvaluationError("duration out of range: it must be within 292 years")


def checked_length(length: int) -> None:
    """Refuse to build a value of more than `LONGEST` characters, bytes or items."""
    if length > LONGEST:
        raise EvaluationError(f"result too large: more than {LONGEST} characters or items")


def _compare_numbers(left: Any, right: Any) -> int | None:
    """Order numbers of any kind as CEL does: an int and a double meet as doubles; None with NaN."""
    if isinstance(left, float) or isinstance(right, float):
        left, right = float(left), float(right)
        if math.isnan(left) or math.isnan(right):
            return None
    return int(left > right) - int(left < right)


def equals(left: Any, right: Any) -> bool:
    """Say whether two values are equal; values of different kinds are not, numbers of different kinds may be."""
    kind, other = type(left), type(right)
    if kind is not other:
        return kind in NUMERIC and other in NUMERIC and _compare_numbers(left, right) == 0
    if kind is list or kind is dict:
        return _same_contents(left, right)
    return bool(left == right)


def _same_contents(left: Any, right: Any) -> bool:
    """Compare lists or maps without recursion; `MOST_ITEMS` bounds values that hold one item many times over."""
    waiting = [(left, right)]
    steps = 0
    while waiting:
        one, two = waiting.pop()
        if type(one) is not type(two) or type(one) not in {list, dict}:
            if not equals(one, two):
                return False
            continue
        if len(one) != len(two):
            return False
        steps += len(one)
        if steps > MOST_ITEMS:
            raise EvaluationError(f"too many items to compare: more than {MOST_ITEMS}")
        if type(one) is list:
            waiting.extend(zip(one, two, strict=True))
        elif any(key not in two for key in one):
            return False
        else:
            waiting.extend((one[key], two[key]) for key in one)
    return True


def size_of(value: Any, most: int) -> int:
    """Count items, characters and bytes in all of a value; stops soon after `most`."""
    waiting = [value]
    size = 0
    while waiting and size <= most:
        found = waiting.pop()
        size += 1
        if type(found) is list:
            waiting.extend(found[: most + 1])
        elif type(found) is dict:
            waiting.extend(found.keys())
            waiting.extend(found.values())
        elif type(found) in {str, bytes}:
            size += len(found)
    return size


def compare(operator: str, left: Any, right: Any) -> int | None:
    """Order two values: negative, 0, positive, or None with NaN. Raises where no order exists."""
    kind, other = type(left), type(right)
    if kind in NUMERIC and other in NUMERIC:
        return _compare_numbers(left, right)
    if kind is other and kind in _ORDERED:
        return int(left > right) - int(left < right)
    raise no_overload(operator, left, right)


def map_key(key: Any) -> Any:
    """Turn a value into the key under which a map holds it. Raises where it can't be a key."""
    kind = type(key)
    if kind is bool:
        return BoolKey(key)
    if kind is str or kind in NUMERIC:
        return key
    raise EvaluationError(f"unsupported key type: {type_name(key)}")


def key_value(key: Any) -> Any:
    """Turn a map's key back into the value."""
    return key.value if type(key) is BoolKey else key


def from_python(value: Any) -> Any:
    """Turn what a caller binds into a CEL value. Tuples become lists; ints beyond 64 bits are refused."""
    kind = type(value)
    if kind is int:
        return checked_int(value)
    if kind in {list, tuple}:
        return [from_python(item) for item in value]
    if kind is dict:
        return {map_key(from_python(key)): from_python(item) for key, item in value.items()}
    if kind in TYPE_NAMES:
        return value
    return _from_stranger(value)


def _from_stranger(value: Any) -> Any:
    from datetime import datetime, timedelta

    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise EvaluationError(f"the time {value.isoformat()} has no time zone: bind a datetime that has one")
        whole = value.replace(microsecond=0).timestamp()
        return checked_timestamp(int(whole) * SECOND + value.microsecond * 1000)
    if isinstance(value, timedelta):
        return checked_duration((value.days * 86_400 + value.seconds) * SECOND + value.microseconds * 1000)
    bases: tuple[Callable[[Any], Any], ...] = (bool, int, float, str, bytes)
    for base in bases:
        if isinstance(base, type) and isinstance(value, base):
            return from_python(base(value))
    raise EvaluationError(f"a {type(value).__name__} is not a CEL value: bind numbers, text, bytes, lists, maps, times")


def to_python(value: Any) -> Any:
    """Turn a CEL value into what a caller gets: maps have plain keys again. Raises when it is too large to copy."""
    if type(value) in {list, dict} and size_of(value, LONGEST) > LONGEST:
        raise EvaluationError("result too large")
    return _to_python(value)


def _to_python(value: Any) -> Any:
    if type(value) is list:
        return [_to_python(item) for item in value]
    if type(value) is dict:
        return {key_value(key): _to_python(item) for key, item in value.items()}
    return value
