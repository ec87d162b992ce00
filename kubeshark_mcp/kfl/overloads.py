"""What a function is to the checker and to the interpreter: its overloads by argument types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kubeshark_mcp.kfl.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    TYPE,
    UINT,
    Type,
    list_of,
    map_of,
)
from kubeshark_mcp.kfl.values import CelType, Duration, Timestamp, Uint


@dataclass(frozen=True, slots=True)
class Overload:
    """The result type, and the Python function that takes the values (see values.py) and gives one or raises."""

    result: Type
    function: Callable[..., Any]


Overloads = Mapping[tuple[type, ...], Overload]
"""Python types of the arguments (the target first) -> overload."""

CEL_TYPES: dict[type, Type] = {
    type(None): NULL,
    bool: BOOL,
    int: INT,
    Uint: UINT,
    float: DOUBLE,
    str: STRING,
    bytes: BYTES,
    list: list_of(DYN),
    dict: map_of(DYN, DYN),
    Timestamp: TIMESTAMP,
    Duration: DURATION,
    CelType: TYPE,
}
PYTHON_TYPES: dict[str, type] = {cel.name: python for python, cel in CEL_TYPES.items()}
EVERY_TYPE = tuple(CEL_TYPES)


def of_value(value: Any) -> Type:
    """Give the type of a constant."""
    if type(value) is list and value and all(type(item) is str for item in value):
        return list_of(STRING)
    if type(value) is dict and all(type(key) is str and type(item) is str for key, item in value.items()):
        return map_of(STRING, STRING)
    return CEL_TYPES[type(value)]
