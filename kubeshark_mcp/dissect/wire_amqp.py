"""AMQP 0-9-1 on the wire: frames, arguments of methods, content headers, tables (specification section 4.2)."""

from __future__ import annotations

import struct
from typing import Any

from kubeshark_mcp.dissect.wire_amqp_methods import METHODS, PROPERTIES, Method

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
FRAME_HEADER, FRAME_END = 7, 0xCE
PROTOCOL_HEADER = b"AMQP"
PROTOCOL_HEADER_LENGTH = 8
FRAME_TYPES = frozenset({METHOD, HEADER, BODY, HEARTBEAT})
ENTRIES = 256
"""Fields of a table, or elements of an array, that are kept."""
DEPTH = 8
"""Tables within tables that are looked into."""
TEXT_LIMIT = 1024
"""Characters of a value in a table that are kept."""

_INTEGERS: dict[str, struct.Struct] = {
    "octet": struct.Struct(">B"),
    "short": struct.Struct(">H"),
    "long": struct.Struct(">I"),
    "longlong": struct.Struct(">Q"),
}
_NUMBERS: dict[int, struct.Struct] = {
    ord(kind): struct.Struct(form)
    for kind, form in {
        "b": ">b",
        "B": ">B",
        "s": ">h",
        "U": ">h",
        "u": ">H",
        "I": ">i",
        "i": ">I",
        "l": ">q",
        "L": ">q",
        "f": ">f",
        "d": ">d",
        "T": ">Q",
    }.items()
}
"""Types of table values as RabbitMQ writes them; where they differ from the specification, nobody follows that."""

Arguments = dict[str, Any]
"""Arguments or properties by name: int, bool, str, bytes (longstr), dict[str, str] (table)."""


class AmqpError(Exception):
    """The bytes are no AMQP. position: where. read: what could be read before."""

    def __init__(self, reason: str, position: int, read: Arguments | None = None) -> None:
        super().__init__(reason)
        self.position = position
        self.read = read or {}


def frame_begins(data: bytes, position: int) -> bool | None:
    """Tell whether a frame begins at `position`: known type and method, and the end octet where it has to be.

    None while too few bytes are there to tell. Specification section 4.2.3.
    """
    left = len(data) - position
    if left and data[position] not in FRAME_TYPES:
        return False
    if left < FRAME_HEADER:
        return None
    kind = data[position]
    size = int.from_bytes(data[position + 3 : position + 7], "big")
    if (kind == HEARTBEAT and size) or (kind == METHOD and size < 4) or (kind == HEADER and size < 14):
        return False
    if kind == METHOD and left >= FRAME_HEADER + 4 and method_at(data, position + FRAME_HEADER) is None:
        return False
    if left < FRAME_HEADER + size + 1:
        return None
    return data[position + FRAME_HEADER + size] == FRAME_END


def method_at(data: bytes, position: int) -> Method | None:
    """Give the method whose class and number stand at `position`."""
    return METHODS.get((data[position] << 8 | data[position + 1], data[position + 2] << 8 | data[position + 3]))


def read_arguments(method: Method, data: bytes, position: int) -> Arguments:
    """Read the arguments of a method up to the end of data. Raises AmqpError.

    Neighbouring bits share octets, the first one in the lowest place (section 4.2.5.2). An old client may leave out
    arguments at the end.
    """
    read: Arguments = {}
    mask = octet = 0
    try:
        for name, kind in method.arguments:
            if kind == "bit":
                if mask in (0, 0x100):
                    octet, position, mask = data[position], position + 1, 1
                read[name] = bool(octet & mask)
                mask <<= 1
                continue
            mask = 0
            read[name], position = _read_value(kind, data, position)
    except (IndexError, struct.error):
        raise AmqpError("the frame ends inside its arguments", len(data), read) from None
    return read


def read_content_header(data: bytes, position: int) -> tuple[int, int, Arguments]:
    """Read class, size of the body, and properties of a content header (section 4.2.6.1). Raises AmqpError."""
    read: Arguments = {}
    try:
        content_class, _, size, flags = struct.unpack_from(">HHQH", data, position)
        position += 14
        more = flags
        while more & 1:
            (more,) = struct.unpack_from(">H", data, position)
            position += 2
        for place, (name, kind) in enumerate(PROPERTIES):
            if flags & 0x8000 >> place:
                read[name], position = _read_value(kind, data, position)
    except (IndexError, struct.error):
        raise AmqpError("the frame ends inside its properties", len(data), read) from None
    return content_class, size, read


def _read_value(kind: str, data: bytes, position: int) -> tuple[Any, int]:
    if kind == "shortstr":
        end = position + 1 + data[position]
        return _text(data, position + 1, end), end
    if kind == "longstr":
        (size,) = struct.unpack_from(">I", data, position)
        end = position + 4 + size
        _check(data, end)
        return data[position + 4 : end], end
    if kind == "table":
        return read_table(data, position)
    number = _INTEGERS[kind]
    return number.unpack_from(data, position)[0], position + number.size


def read_table(data: bytes, position: int, depth: int = 0) -> tuple[dict[str, str], int]:
    """Read a table as text by name (section 4.2.5.5). Raises AmqpError, IndexError, struct.error."""
    (size,) = struct.unpack_from(">I", data, position)
    position += 4
    end = position + size
    _check(data, end)
    table: dict[str, str] = {}
    while position < end:
        stop = position + 1 + data[position]
        name = _text(data, position + 1, stop)
        value, position = _read_field(data, stop, depth)
        if len(table) < ENTRIES:
            table[name] = value
    if position != end:
        raise AmqpError("a value of a table is longer than the table", end)
    return table, end


def _read_field(data: bytes, position: int, depth: int) -> tuple[str, int]:
    """Read one value of a table or array, with its type before it, as text."""
    kind, position = data[position], position + 1
    if kind in b"Sx":
        (size,) = struct.unpack_from(">I", data, position)
        end = position + 4 + size
        return _text(data, position + 4, end)[:TEXT_LIMIT], end
    if kind == 0x74:
        return ("true" if data[position] else "false"), position + 1
    if kind == 0x56:
        return "", position
    if kind == 0x44:
        scale, value = struct.unpack_from(">Bi", data, position)
        return f"{value}e-{scale}" if scale else str(value), position + 5
    if kind in b"FA":
        return _read_inner(kind, data, position, depth)
    number = _NUMBERS.get(kind)
    if number is None:
        raise AmqpError(f"a table has a value of the unknown type {chr(kind)!r}", position - 1)
    return str(number.unpack_from(data, position)[0]), position + number.size


def _read_inner(kind: int, data: bytes, position: int, depth: int) -> tuple[str, int]:
    """Read a table or an array within a table."""
    if depth >= DEPTH:
        raise AmqpError(f"tables lie more than {DEPTH} deep in one another", position)
    if kind == 0x46:
        table, end = read_table(data, position, depth + 1)
        return "{" + ", ".join(f"{name}: {value}" for name, value in table.items())[:TEXT_LIMIT] + "}", end
    (size,) = struct.unpack_from(">I", data, position)
    position += 4
    end = position + size
    _check(data, end)
    values: list[str] = []
    while position < end:
        value, position = _read_field(data, position, depth + 1)
        if len(values) < ENTRIES:
            values.append(value)
    return "[" + ", ".join(values)[:TEXT_LIMIT] + "]", end


def _text(data: bytes, start: int, end: int) -> str:
    _check(data, end)
    return data[start:end].decode("utf-8", "replace")


def _check(data: bytes, end: int) -> None:
    if end > len(data):
        raise IndexError
