"""Elements of BER (X.690) as LDAP restricts it: definite lengths, tags of one octet (RFC 4511, section 5.1)."""

from __future__ import annotations

from collections.abc import Iterator

LONG_FORM = 0x80
LENGTH_OCTETS = 4
"""Octets of a length in its long form; what needs more is longer than any capture."""


class BerError(Exception):
    """An element cannot be read. position: of the element in what was looked at."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


def header(data: bytes, position: int, end: int) -> tuple[int, int] | None:
    """Give where the content of the element at `position` begins and ends; None while its length is not whole.

    The end may lie behind `end`. Raises BerError for a tag of several octets and an indefinite or huge length.
    """
    if end - position < 2:
        return None
    if data[position] & 0x1F == 0x1F:
        raise BerError("a tag of several octets", position)
    length, start = data[position + 1], position + 2
    if length >= LONG_FORM:
        octets = length - LONG_FORM
        if not 0 < octets <= LENGTH_OCTETS:
            raise BerError("an indefinite length" if not octets else f"a length of {octets} octets", position)
        if end - start < octets:
            return None
        length, start = int.from_bytes(data[start : start + octets], "big"), start + octets
    return start, start + length


def element(data: bytes, position: int, end: int) -> tuple[int, int, int]:
    """Give tag, beginning and end of the content of the element at `position`, which lies before `end`.

    Raises BerError when it does not.
    """
    if position + 2 <= end and (length := data[position + 1]) < LONG_FORM:  # nearly all are short
        start = position + 2
        stop = start + length
    elif (found := header(data, position, end)) is not None:
        start, stop = found
    else:
        raise BerError("an element is missing" if position >= end else "an element has no length", position)
    if stop > end:
        raise BerError(f"an element of {stop - start} bytes where {max(0, end - start)} are left", position)
    return data[position], start, stop


def elements(data: bytes, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Give tag, beginning and end of each element between `start` and `stop`; raises BerError like `element`."""
    while start < stop:
        found = element(data, start, stop)
        yield found
        start = found[2]


class Reader:
    """Takes the elements of one constructed value in their order; what is optional is asked for by its tag."""

    __slots__ = ("_data", "position", "stop")

    def __init__(self, data: bytes, start: int, stop: int) -> None:
        self._data = data
        self.position = start
        self.stop = stop

    @property
    def tag(self) -> int:
        """Give the tag of the next element; -1 behind the last."""
        return self._data[self.position] if self.position < self.stop else -1

    def take(self, tag: int) -> tuple[int, int]:
        """Give the content of the next element, which has this tag; raises BerError when it has another."""
        found, start, stop = element(self._data, self.position, self.stop)
        if found != tag:
            raise BerError(f"tag 0x{found:02x} where 0x{tag:02x} belongs", self.position)
        self.position = stop
        return start, stop

    def any(self) -> tuple[int, int, int]:
        """Give tag and content of the next element."""
        found = element(self._data, self.position, self.stop)
        self.position = found[2]
        return found

    def integer(self, tag: int = 0x02) -> int:
        """Give the INTEGER or ENUMERATED (by its tag) that comes next, of at most 8 octets."""
        at = self.position
        start, stop = self.take(tag)
        if not 0 < stop - start <= 8:
            raise BerError(f"a number of {stop - start} octets", at)
        return int.from_bytes(self._data[start:stop], "big", signed=True)

    def boolean(self, tag: int = 0x01) -> bool:
        """Give the BOOLEAN that comes next."""
        start, stop = self.take(tag)
        return self._data[start:stop].strip(b"\0") != b""

    def text(self, tag: int = 0x04) -> str:
        """Give the OCTET STRING that comes next as text; octets that are no UTF-8 are written as escapes."""
        start, stop = self.take(tag)
        return self._data[start:stop].decode("utf-8", "backslashreplace")
