"""The types of KFL expressions: CEL's, without messages and enums."""

from __future__ import annotations

from dataclasses import dataclass

from kubeshark_mcp.model.field import FieldType


@dataclass(frozen=True, slots=True)
class Type:
    """A CEL type; list has one parameter, map has two (key, value)."""

    name: str
    parameters: tuple[Type, ...] = ()

    def __str__(self) -> str:
        if self.parameters:
            return f"{self.name}({', '.join(map(str, self.parameters))})"
        return self.name


DYN = Type("dyn")
NULL = Type("null_type")
BOOL = Type("bool")
INT = Type("int")
UINT = Type("uint")
DOUBLE = Type("double")
STRING = Type("string")
BYTES = Type("bytes")
TIMESTAMP = Type("timestamp")
DURATION = Type("duration")
TYPE = Type("type")
NUMBERS = frozenset({INT, UINT, DOUBLE})
ORDERED = frozenset({BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION})


def list_of(element: Type) -> Type:
    """Give the type of a list of `element`."""
    return Type("list", (element,))


def map_of(key: Type, value: Type) -> Type:
    """Give the type of a map from `key` to `value`."""
    return Type("map", (key, value))


FIELD_TYPES: dict[FieldType, Type] = {
    FieldType.STRING: STRING,
    FieldType.INT: INT,
    FieldType.DOUBLE: DOUBLE,
    FieldType.BOOL: BOOL,
    FieldType.BYTES: BYTES,
    FieldType.TIMESTAMP: TIMESTAMP,
    FieldType.STRING_LIST: list_of(STRING),
    FieldType.STRING_MAP: map_of(STRING, STRING),
}


def agree(one: Type, other: Type) -> bool:
    """Say whether a value of one type can be where the other is expected; `dyn` agrees with everything."""
    if DYN in {one, other} or one == other:
        return True
    if one.name != other.name or len(one.parameters) != len(other.parameters):
        return False
    return all(agree(left, right) for left, right in zip(one.parameters, other.parameters, strict=True))


def join(one: Type, other: Type) -> Type:
    """Give the type that holds values of both: the common one, else `dyn`."""
    if one == other:
        return one
    if one.name == other.name and one.parameters and len(one.parameters) == len(other.parameters):
        both = zip(one.parameters, other.parameters, strict=True)
        return Type(one.name, tuple(join(left, right) for left, right in both))
    return DYN
