"""String functions: CEL's own, and its string extension. Positions and lengths count code points.

Source: Common Expression Language specification, "List of Standard Definitions"; its string extension.
"""

from __future__ import annotations

from typing import Any

from kubeshark_mcp.kfl.diagnostics import EvaluationError
from kubeshark_mcp.kfl.format import format_text
from kubeshark_mcp.kfl.overloads import Overload, Overloads
from kubeshark_mcp.kfl.regex import matches
from kubeshark_mcp.kfl.types import BOOL, INT, STRING, list_of
from kubeshark_mcp.kfl.values import checked_length, no_overload

_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code + 32: code for code in range(ord("A"), ord("Z") + 1)}
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Characters of Unicode's White_Space property."""
_QUOTED = str.maketrans(
    {
        "\a": r"\a",
        "\b": r"\b",
        "\f": r"\f",
        "\n": r"\n",
        "\r": r"\r",
        "\t": r"\t",
        "\v": r"\v",
        "\\": r"\\",
        '"': r"\"",
    }
)


def _checked_index(index: int, text: str) -> None:
    if not 0 <= index <= len(text):
        raise EvaluationError(f"index out of range: {index}")


def _char_at(text: str, index: int) -> str:
    _checked_index(index, text)
    return text[index : index + 1]


def _index_of(text: str, part: str, offset: int = 0) -> int:
    _checked_index(offset, text)
    return text.find(part, offset)


def _last_index_of(text: str, part: str) -> int:
    return text.rfind(part)


def _last_index_of_from(text: str, part: str, offset: int) -> int:
    _checked_index(offset, text)
    return text.rfind(part, 0, offset + len(part))


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    limit = max(limit, -1) if limit <= len(text) else -1
    if len(new) > len(old):
        count = text.count(old) if limit < 0 else min(limit, text.count(old))
        checked_length(len(text) + count * (len(new) - len(old)))
    return text.replace(old, new, limit)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if limit < 0 or limit > len(text):
        return text.split(separator) if separator else list(text)
    if separator:
        return text.split(separator, limit - 1)
    parts = list(text[: limit - 1])
    return [*parts, text[limit - 1 :]] if limit <= len(text) else parts


def _join(items: list[Any], separator: str = "") -> str:
    total = 0
    for item in items:
        if type(item) is not str:
            raise no_overload("join", items, separator)
        total += len(item) + len(separator)
    checked_length(total)
    return separator.join(items)


def _substring(text: str, first: int, last: int | None = None) -> str:
    _checked_index(first, text)
    if last is None:
        return text[first:]
    _checked_index(last, text)
    if first > last:
        raise EvaluationError(f"invalid substring range: {first} to {last}")
    return text[first:last]


def quote(text: str) -> str:
    """Put a text in double quotes with its special characters escaped."""
    return f'"{text.translate(_QUOTED)}"'


STRING_METHODS: dict[str, Overloads] = {
    "contains": {(str, str): Overload(BOOL, lambda text, part: part in text)},
    "startsWith": {(str, str): Overload(BOOL, str.startswith)},
    "endsWith": {(str, str): Overload(BOOL, str.endswith)},
    "matches": {(str, str): Overload(BOOL, matches)},
    "charAt": {(str, int): Overload(STRING, _char_at)},
    "indexOf": {(str, str): Overload(INT, _index_of), (str, str, int): Overload(INT, _index_of)},
    "lastIndexOf": {(str, str): Overload(INT, _last_index_of), (str, str, int): Overload(INT, _last_index_of_from)},
    "lowerAscii": {(str,): Overload(STRING, lambda text: text.translate(_LOWER))},
    "upperAscii": {(str,): Overload(STRING, lambda text: text.translate(_UPPER))},
    "replace": {(str, str, str): Overload(STRING, _replace), (str, str, str, int): Overload(STRING, _replace)},
    "split": {
        (str, str): Overload(list_of(STRING), _split),
        (str, str, int): Overload(list_of(STRING), _split),
    },
    "join": {(list,): Overload(STRING, _join), (list, str): Overload(STRING, _join)},
    "substring": {(str, int): Overload(STRING, _substring), (str, int, int): Overload(STRING, _substring)},
    "trim": {(str,): Overload(STRING, lambda text: text.strip(WHITE_SPACE))},
    "reverse": {(str,): Overload(STRING, lambda text: text[::-1])},
    "format": {(str, list): Overload(STRING, format_text)},
}
STRING_FUNCTIONS: dict[str, Overloads] = {
    "matches": STRING_METHODS["matches"],
    "strings.quote": {(str,): Overload(STRING, quote)},
}
