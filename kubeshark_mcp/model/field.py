"""KFL fields: what a protocol declares, and what the store, the type checker and the documentation derive from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class FieldType(Enum):
    """The type of a KFL field; the values are the names that the reference page prints."""

    STRING = "string"
    INT = "int"
    DOUBLE = "double"
    BOOL = "bool"
    BYTES = "bytes"
    TIMESTAMP = "timestamp"
    STRING_LIST = "[]string"
    STRING_MAP = "map[string]string"

    @property
    def default(self) -> Any:
        """Give the value that an entry without this field has in a filter.

        Timestamps are Unix nanoseconds UTC, so their default is 0.
        """
        return _DEFAULTS[self]


_DEFAULTS: dict[FieldType, Any] = {
    FieldType.STRING: "",
    FieldType.INT: 0,
    FieldType.DOUBLE: 0.0,
    FieldType.BOOL: False,
    FieldType.BYTES: b"",
    FieldType.TIMESTAMP: 0,
    FieldType.STRING_LIST: (),
    FieldType.STRING_MAP: {},
}


@dataclass(frozen=True, slots=True)
class Field:
    """One KFL field.

    name: as written in a filter (`status_code`, `request.headers`); also the column's name in Parquet.
    meaning: one line, with the unit where there is one.
    example: a filter that uses the field and compiles.
    group: the heading in the reference page.
    aliases: words that people type when they mean this field; used in suggestions only, never accepted.
    default: what an entry without the field has, where that is not its type's default (`grpc_status` is -1).
    """

    name: str
    type: FieldType
    meaning: str
    example: str
    group: str = ""
    aliases: tuple[str, ...] = ()
    default: Any = None

    @property
    def missing_value(self) -> Any:
        """Give the value that a filter sees on an entry without this field."""
        return self.type.default if self.default is None else self.default
