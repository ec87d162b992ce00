"""What nearly all Redis messages are, read without detours; whatever else comes is for `wire_resp`."""

from __future__ import annotations

from collections.abc import Iterator

from kubeshark_mcp.dissect.wire_resp import ARGUMENTS_KEPT, HELD, REPLY_TYPES, Command, RespError, bulk_end, scan

COUNTS = {b"*%d" % count: count for count in range(1, 65)}
"""First lines of usual commands -> number of their words."""
_SIZES = {size: b"$%d" % size for size in range(1024)}
"""Length of a short bulk string -> its first line."""


def _flat_array_end(data: bytes, stop: int) -> int:
    """Give where an array of short bulk strings, in which no line ends, ends; 0 where data begins with something else.

    stop: where the first line ends. One split finds all parts, so that nothing is done for each of them in Python.
    """
    digits = data[1:stop]
    if not digits.isdigit() or len(digits) > 5:
        return 0
    tokens = data.split(b"\r\n", 2 * int(digits) + 1)
    sizes, values = tokens[1:-1:2], tokens[2:-1:2]
    if len(values) != int(digits) or not fit(sizes, values):
        return 0
    return len(data) - len(tokens[-1])


def fit(sizes: list[bytes], strings: list[bytes]) -> bool:
    """Tell whether each string has the size that its first line says; nearly all are short."""
    return sizes == list(map(_SIZES.get, map(len, strings))) or sizes == [b"$%d" % len(found) for found in strings]


def usual_reply(data: bytes, start: int) -> tuple[str, int]:
    """Read a reply that most commands have, whole and no error; give its type and its end, which is 0 for others."""
    kind, stop = data[start], data.find(b"\r\n", start)
    if stop < 0:
        return "", 0
    if kind in {0x2B, 0x3A}:
        return REPLY_TYPES[kind], stop + 2
    if kind == 0x24:
        if data[start + 1 : stop] == b"-1":
            return "null", stop + 2
        return "bulk string", bulk_end(data, start, stop)
    if kind == 0x2A and data[start + 1 : stop] != b"-1":
        if after := _flat_array_end(data[start : start + HELD] if start else data, stop - start):
            return "array", start + after
        try:
            after, remaining, _ = scan(data, start, 1, 0)
        except RespError:
            return "", 0  # whoever reads it with care says so
        return "array", 0 if remaining else after
    return "", 0


def usual_commands(data: bytes) -> Iterator[tuple[Command, int]]:
    """Read the usual commands at the beginning of some bytes; give each one and the position behind it.

    Those are arrays of bulk strings in which no line ends, so that one split finds all their parts. Whatever else comes
    ends it, and is for `read_command`.
    """
    if len(data) > HELD:
        return
    tokens = data.split(b"\r\n")
    first = position = 0
    while count := COUNTS.get(tokens[first]):
        behind = first + 1 + 2 * count
        sizes, words = tokens[first + 1 : behind : 2], tokens[first + 2 : behind : 2]
        if behind >= len(tokens) or not fit(sizes, words):
            return
        position += sum(map(len, tokens[first:behind])) + 2 * (behind - first)
        yield (words[:ARGUMENTS_KEPT], count - 1), position
        first = behind
