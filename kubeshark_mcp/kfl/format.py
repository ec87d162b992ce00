"""`"%s took %d us".format([path, elapsed_time])`. Source: the string extension of CEL, "Format"."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from kubeshark_mcp.kfl.diagnostics import EvaluationError, quoted
from kubeshark_mcp.kfl.times import duration_text, timestamp_text
from kubeshark_mcp.kfl.values import CelType, Duration, Timestamp, Uint, checked_length, key_value, type_name

_CLAUSE = re.compile(
    r"%(?:(?P<percent>%)|(?:\.(?P<precision>[0-9]{1,3}))?(?P<verb>[sdfebxXo])|(?P<bad>.?.?.?))", re.DOTALL
)
_DEFAULT_PRECISION = 6


def format_text(template: str, arguments: list[Any]) -> str:
    """Put the arguments in the places of the template. Raises EvaluationError for a clause that does not fit."""
    parts: list[str] = []
    used = position = length = 0
    for match in _CLAUSE.finditer(template):
        parts.append(template[position : match.start()])
        position = match.end()
        if match["percent"]:
            parts.append("%")
        elif not match["verb"]:
            raise EvaluationError(f"{quoted(match.group())} is not a formatting clause: use %s %d %f %e %b %o %x %X")
        elif used >= len(arguments):
            raise EvaluationError(f"format: index {used} out of range, {len(arguments)} arguments given")
        else:
            precision = int(match["precision"]) if match["precision"] else _DEFAULT_PRECISION
            parts.append(_VERBS[match["verb"]](arguments[used], precision))
            used += 1
        length += len(parts[-1])
        checked_length(length)
    parts.append(template[position:])
    return "".join(parts)


def _refuse(verb: str, takes: str, value: Any) -> EvaluationError:
    return EvaluationError(f"%{verb} takes {takes}, it was given {type_name(value)}")


def _special(value: float) -> str | None:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return None


def _plain_double(value: float) -> str:
    special = _special(value)
    if special is not None:
        return special
    text = repr(value)
    if "e" in text:
        text = f"{value:.340f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:.0f}"
    return text.removesuffix(".0")


def _as_text(value: Any, _precision: int = 0) -> str:
    if value is None:
        return "null"
    write = _TEXTS.get(type(value))
    if write is None:
        raise _refuse("s", "any value but a message", value)
    return write(value)


def _list_text(items: list[Any]) -> str:
    return _bounded(f"[{', '.join(_as_text(item) for item in items)}]")


def _bounded(text: str) -> str:
    checked_length(len(text))
    return text


def _map_text(entries: dict[Any, Any]) -> str:
    pairs = sorted((_as_text(key_value(key)), _as_text(value)) for key, value in entries.items())
    return _bounded(f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}")


_TEXTS: dict[type, Callable[[Any], str]] = {
    str: lambda value: value,
    bool: lambda value: "true" if value else "false",
    int: str,
    Uint: lambda value: str(int(value)),
    float: _plain_double,
    bytes: lambda value: value.decode("utf-8", "replace"),
    Timestamp: lambda value: timestamp_text(value.ns),
    Duration: lambda value: duration_text(value.ns),
    CelType: lambda value: value.name,
    list: _list_text,
    dict: _map_text,
}


def _decimal(value: Any, _precision: int) -> str:
    if type(value) in {int, Uint}:
        return str(int(value))
    if type(value) is float and (special := _special(value)) is not None:
        return special
    raise _refuse("d", "integers", value)


def _double(verb: str, value: Any, precision: int) -> str:
    if type(value) not in {int, Uint, float}:
        raise _refuse(verb, "numbers", value)
    number = float(value)
    return _special(number) or f"{number:.{precision}{verb}}"


def _binary(value: Any, _precision: int) -> str:
    if type(value) not in {int, Uint, bool}:
        raise _refuse("b", "integers and bools", value)
    return f"{int(value):b}"


def _octal(value: Any, _precision: int) -> str:
    if type(value) not in {int, Uint}:
        raise _refuse("o", "integers", value)
    return f"{int(value):o}"


def _hexadecimal(value: Any, _precision: int) -> str:
    if type(value) in {int, Uint}:
        return f"{int(value):x}"
    if type(value) is str:
        return str(value.encode().hex())
    if type(value) is bytes:
        return str(value.hex())
    raise _refuse("x", "integers, strings and bytes", value)


_VERBS: dict[str, Callable[[Any, int], str]] = {
    "s": _as_text,
    "d": _decimal,
    "f": lambda value, precision: _double("f", value, precision),
    "e": lambda value, precision: _double("e", value, precision),
    "b": _binary,
    "o": _octal,
    "x": _hexadecimal,
    "X": lambda value, precision: _hexadecimal(value, precision).upper(),
}
