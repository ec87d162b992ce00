"""Conversions between CEL types: int(), uint(), double(), string(), bool(), bytes(), type(), dyn().

Source: Common Expression Language specification, "Type conversions"; number texts as in its Go implementation.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from kubeshark_mcp.kfl.diagnostics import EvaluationError, quoted
from kubeshark_mcp.kfl.overloads import EVERY_TYPE, Overload, Overloads
from kubeshark_mcp.kfl.times import (
    duration_text,
    parse_duration,
    parse_timestamp,
    timestamp_text,
)
from kubeshark_mcp.kfl.types import BOOL, BYTES, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP, TYPE, UINT
from kubeshark_mcp.kfl.values import (
    SECOND,
    TYPE_NAMES,
    TYPE_VALUES,
    CelType,
    Duration,
    Timestamp,
    Uint,
    checked_int,
    checked_length,
    checked_timestamp,
    checked_uint,
)

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}\Z", re.ASCII)
_UNSIGNED = re.compile(r"[0-9]{1,40}\Z", re.ASCII)
_DOUBLE = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?\Z", re.ASCII)
_SPECIAL = re.compile(r"[+-]?(?:inf|infinity|nan)\Z", re.IGNORECASE | re.ASCII)
_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


def double_text(value: float) -> str:
    """Write a double with the fewest digits that read back the same; from a million on, and below 0.0001, as 1e+06."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    place = len(digits) + exponent - 1
    if value == 0 or -4 <= place < 6:
        return repr(value).removesuffix(".0")
    mantissa = "".join(map(str, digits))
    fraction = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' if sign else ''}{mantissa[0]}{fraction}e{'-' if place < 0 else '+'}{abs(place):02d}"


def _whole(value: float) -> int:
    if math.isnan(value) or math.isinf(value):
        raise EvaluationError(f"{value} has no integer: the range is 64 bits")
    return int(value)


def _double_to_int(value: float) -> int:
    if not -(2.0**63) < value < 2.0**63:
        raise EvaluationError(f"{value} is out of range of int")
    return _whole(value)


def _text_to_int(text: str) -> int:
    if not _INTEGER.match(text):
        raise EvaluationError(f"{quoted(text)} is not a whole number")
    return checked_int(int(text))


def _text_to_uint(text: str) -> Uint:
    if not _UNSIGNED.match(text):
        raise EvaluationError(f"{quoted(text)} is not an unsigned whole number")
    return checked_uint(int(text))


def _text_to_double(text: str) -> float:
    if len(text) <= 1000 and (_DOUBLE.match(text) or _SPECIAL.match(text)):
        return float(text)
    raise EvaluationError(f"{quoted(text)} is not a number")


def _text_to_bool(text: str) -> bool:
    if text not in _BOOLEANS:
        raise EvaluationError(f"{quoted(text)} is not a boolean: write `true` or `false`")
    return _BOOLEANS[text]


def _encode(text: str) -> bytes:
    checked_length(len(text))
    return text.encode()


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise EvaluationError(f"the bytes are not UTF-8 text: byte {error.start}") from None


def _same(value: Any) -> Any:
    return value


CONVERSIONS: dict[str, Overloads] = {
    "int": {
        (int,): Overload(INT, _same),
        (Uint,): Overload(INT, lambda value: checked_int(int(value))),
        (float,): Overload(INT, _double_to_int),
        (str,): Overload(INT, _text_to_int),
        (Timestamp,): Overload(INT, lambda value: value.ns // SECOND),
    },
    "uint": {
        (Uint,): Overload(UINT, _same),
        (int,): Overload(UINT, checked_uint),
        (float,): Overload(UINT, lambda value: checked_uint(-1 if value < 0 else _whole(value))),
        (str,): Overload(UINT, _text_to_uint),
    },
    "double": {
        (float,): Overload(DOUBLE, _same),
        (int,): Overload(DOUBLE, float),
        (Uint,): Overload(DOUBLE, float),
        (str,): Overload(DOUBLE, _text_to_double),
    },
    "string": {
        (str,): Overload(STRING, _same),
        (int,): Overload(STRING, str),
        (Uint,): Overload(STRING, lambda value: str(int(value))),
        (float,): Overload(STRING, double_text),
        (bool,): Overload(STRING, lambda value: "true" if value else "false"),
        (bytes,): Overload(STRING, _decode),
        (Timestamp,): Overload(STRING, lambda value: timestamp_text(value.ns)),
        (Duration,): Overload(STRING, lambda value: duration_text(value.ns)),
    },
    "bool": {(bool,): Overload(BOOL, _same), (str,): Overload(BOOL, _text_to_bool)},
    "bytes": {(bytes,): Overload(BYTES, _same), (str,): Overload(BYTES, _encode)},
    "timestamp": {
        (Timestamp,): Overload(TIMESTAMP, _same),
        (int,): Overload(TIMESTAMP, lambda value: checked_timestamp(value * SECOND)),
        (str,): Overload(TIMESTAMP, parse_timestamp),
    },
    "duration": {(Duration,): Overload(DURATION, _same), (str,): Overload(DURATION, parse_duration)},
    "type": {(kind,): Overload(TYPE, lambda value: TYPE_VALUES[TYPE_NAMES[type(value)]]) for kind in EVERY_TYPE},
    "dyn": {(kind,): Overload(DYN, _same) for kind in EVERY_TYPE},
}

TYPE_CONSTANTS: dict[str, CelType] = dict(TYPE_VALUES)
"""Names that stand for types (`int`, `google.protobuf.Timestamp`) in `type(x) == int`."""
