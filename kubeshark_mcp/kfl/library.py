"""All functions of KFL in one place: operators, global functions and member functions, by name."""

from __future__ import annotations

from typing import Any

from kubeshark_mcp.kfl.conversions import CONVERSIONS
from kubeshark_mcp.kfl.operators import OPERATORS
from kubeshark_mcp.kfl.overloads import EVERY_TYPE, Overload, Overloads
from kubeshark_mcp.kfl.strings import STRING_FUNCTIONS, STRING_METHODS
from kubeshark_mcp.kfl.times import TIME_METHODS
from kubeshark_mcp.kfl.types import DYN, INT
from kubeshark_mcp.kfl.values import map_key

_SIZE: Overloads = {(kind,): Overload(INT, len) for kind in (str, bytes, list, dict)}


def _map_get(entries: dict[Any, Any], key: Any, default: Any = "") -> Any:
    return entries.get(map_key(key), default)


_KEYS = (str, bool, *(kind for kind in EVERY_TYPE if kind.__name__ in {"int", "Uint"}))

METHODS: dict[str, Overloads] = {"size": _SIZE, **STRING_METHODS, **TIME_METHODS}
"""Member functions: `target.name(…)`; the target is the first argument type."""

FUNCTIONS: dict[str, Overloads] = {
    "size": _SIZE,
    **CONVERSIONS,
    **STRING_FUNCTIONS,
    "map_get": {(dict, key): Overload(DYN, _map_get) for key in _KEYS}
    | {(dict, key, default): Overload(DYN, _map_get) for key in _KEYS for default in EVERY_TYPE},
}
"""Global functions: `name(…)`. `now()` is not here: the compiler puts its value in."""

__all__ = ["FUNCTIONS", "METHODS", "OPERATORS"]
