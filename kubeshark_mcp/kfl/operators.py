"""Arithmetic of CEL: checked 64-bit integers, IEEE doubles, text, lists, times.

Source: Common Expression Language specification, "List of Standard Definitions".
"""

from __future__ import annotations

import math
from typing import Any

from kubeshark_mcp.kfl.diagnostics import EvaluationError
from kubeshark_mcp.kfl.overloads import Overload, Overloads
from kubeshark_mcp.kfl.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    list_of,
)
from kubeshark_mcp.kfl.values import (
    Duration,
    Timestamp,
    Uint,
    checked_duration,
    checked_int,
    checked_length,
    checked_timestamp,
    checked_uint,
)


def _concatenate(left: Any, right: Any) -> Any:
    checked_length(len(left) + len(right))
    return left + right


def _quotient(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationError("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationError("modulus by zero")
    checked_int(_quotient(left, right))
    return left - right * _quotient(left, right)


def _unsigned_remainder(left: int, right: int) -> Uint:
    if right == 0:
        raise EvaluationError("modulus by zero")
    return Uint(int(left) % int(right))


def _divide_doubles(left: float, right: float) -> float:
    if right != 0.0:
        return left / right
    if left == 0.0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


OPERATORS: dict[str, Overloads] = {
    "+": {
        (int, int): Overload(INT, lambda a, b: checked_int(a + b)),
        (Uint, Uint): Overload(UINT, lambda a, b: checked_uint(int(a) + int(b))),
        (float, float): Overload(DOUBLE, lambda a, b: a + b),
        (str, str): Overload(STRING, _concatenate),
        (bytes, bytes): Overload(BYTES, _concatenate),
        (list, list): Overload(list_of(DYN), _concatenate),
        (Timestamp, Duration): Overload(TIMESTAMP, lambda a, b: checked_timestamp(a.ns + b.ns)),
        (Duration, Timestamp): Overload(TIMESTAMP, lambda a, b: checked_timestamp(a.ns + b.ns)),
        (Duration, Duration): Overload(DURATION, lambda a, b: checked_duration(a.ns + b.ns)),
    },
    "-": {
        (int, int): Overload(INT, lambda a, b: checked_int(a - b)),
        (Uint, Uint): Overload(UINT, lambda a, b: checked_uint(int(a) - int(b))),
        (float, float): Overload(DOUBLE, lambda a, b: a - b),
        (Timestamp, Timestamp): Overload(DURATION, lambda a, b: checked_duration(a.ns - b.ns)),
        (Timestamp, Duration): Overload(TIMESTAMP, lambda a, b: checked_timestamp(a.ns - b.ns)),
        (Duration, Duration): Overload(DURATION, lambda a, b: checked_duration(a.ns - b.ns)),
    },
    "*": {
        (int, int): Overload(INT, lambda a, b: checked_int(a * b)),
        (Uint, Uint): Overload(UINT, lambda a, b: checked_uint(int(a) * int(b))),
        (float, float): Overload(DOUBLE, lambda a, b: a * b),
    },
    "/": {
        (int, int): Overload(INT, lambda a, b: checked_int(_quotient(a, b))),
        (Uint, Uint): Overload(UINT, lambda a, b: Uint(_quotient(int(a), int(b)))),
        (float, float): Overload(DOUBLE, _divide_doubles),
    },
    "%": {
        (int, int): Overload(INT, _remainder),
        (Uint, Uint): Overload(UINT, _unsigned_remainder),
    },
    "-_": {
        (int,): Overload(INT, lambda a: checked_int(-a)),
        (float,): Overload(DOUBLE, lambda a: -a),
        (Duration,): Overload(DURATION, lambda a: checked_duration(-a.ns)),
    },
    "!_": {(bool,): Overload(BOOL, lambda a: not a)},
}
