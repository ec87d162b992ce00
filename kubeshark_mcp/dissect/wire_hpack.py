"""Header compression of HTTP/2 (HPACK, RFC 7541), read by a bystander who may have missed the beginning.

A dynamic table is counted from its newest entry, so what a capture holds of it can be referred to with certainty even
when older entries are missing; a reference to one of those is marked as unknown and nothing is put in its place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from kubeshark_mcp.dissect.http_head import text
from kubeshark_mcp.dissect.wire_hpack_tables import END_OF_STRING, STATIC_TABLE, huffman_codes

UNKNOWN = "?"
"""Stands for a name or value that only an unknown table entry holds."""

DEFAULT_TABLE_SIZE = 4096
"""Octets of a dynamic table until an update says otherwise (RFC 9113 section 6.5.2)."""
TABLE_LIMIT = 256 * 1024
"""Octets of a dynamic table that are kept, whatever size the peers agreed on."""
LEARNED_SIZE = 64 * 1024
"""Octets of a dynamic table of unknown size, once a field has referred to what does not fit the usual one."""
LIST_LIMIT = 256 * 1024
"""Octets of names and values of one header section that are kept; a bomb stops there."""

_STATIC_SIZE = len(STATIC_TABLE)
_OVERHEAD = 32
_STRINGS, _STRING_BYTES = 4096, 256
_BLOCKS, _BLOCK_BYTES = 256, 1024
_INTEGER_LIMIT = 1 << 32
_UNKNOWN_PAIR = (UNKNOWN, UNKNOWN)
_LINE = (":method", ":path", ":status")
_ENDS_WITHIN = "it ends within a field"


class HeaderError(Exception):
    """Bytes that are no header block; never leaves this module."""


class HuffmanStrings(dict[bytes, str]):
    """Huffman-coded strings by their bytes (RFC 7541 section 5.2), remembered because connections repeat them.

    Belongs to one run; its size is bounded. A string that breaks the code raises HeaderError.
    """

    def __init__(self) -> None:
        super().__init__()
        self._begin = _HuffmanStates(huffman_codes()).at(1)

    def __missing__(self, data: bytes) -> str:
        state, parts = self._begin, []
        for octet in data:
            state, part = state[octet]
            parts.append(part)
        if not state.padded:
            raise HeaderError("a Huffman-coded string is not padded with ones")
        found = text(b"".join(parts))
        if len(data) <= _STRING_BYTES:
            if len(self) >= _STRINGS:
                self.clear()
            self[data] = found
        return found


class _HuffmanStates:
    """The states of a decoder. A state is the bits read since the last symbol, with a 1 before them: at most 256."""

    def __init__(self, symbols: dict[int, int]) -> None:
        self.symbols = symbols
        self._states: dict[int, _HuffmanState] = {}

    def at(self, bits: int) -> _HuffmanState:
        """Give a state, which is made when it is first needed."""
        found = self._states.get(bits)
        if found is None:
            found = self._states[bits] = _HuffmanState(self, bits)
        return found


class _HuffmanState(dict[int, tuple["_HuffmanState", bytes]]):
    """What an octet does to a half-read code: octet -> (next state, decoded octets). Found when first needed.

    padded: a string may end here, because only ones follow the last symbol (RFC 7541 section 5.2).
    """

    def __init__(self, states: _HuffmanStates, bits: int) -> None:
        super().__init__()
        self._states, self._bits = states, bits
        self.padded = not bits & (bits + 1) and bits <= 0xFF

    def __missing__(self, octet: int) -> tuple[_HuffmanState, bytes]:
        bits, symbols, found = self._bits, self._states.symbols, bytearray()
        for bit in range(7, -1, -1):
            bits = bits << 1 | octet >> bit & 1
            symbol = symbols.get(bits)
            if symbol is not None:
                if symbol == END_OF_STRING:
                    raise HeaderError("a Huffman-coded string holds the end-of-string symbol")
                found.append(symbol)
                bits = 1
        step = self[octet] = (self._states.at(bits), bytes(found))
        return step


@dataclass(slots=True, eq=False)
class HeaderSection:
    """What one header block says. Shared by entries: not to be changed.

    headers: by lower-case name, pseudo-header fields included, repeated ones joined (`; ` for cookie, else `, `); what
    nobody can know is `?`. set_cookies: values of set-cookie, one by one. size: octets of all names and values.
    unknown: fields with a name or value that is unknown. cut: more fields than are kept. error: why it cannot be read
    further, with the position in the block, or empty.
    """

    headers: dict[str, str]
    size: int = 0
    unknown: int = 0
    cut: bool = False
    error: str = ""
    set_cookies: Sequence[str] = ()
    _regular: dict[str, str] | None = None

    @property
    def regular(self) -> dict[str, str]:
        """Give the header fields without those of the request line and the status: `:method`, `:path`, `:status`."""
        if self._regular is None:
            found = self.headers.copy()
            for name in _LINE:
                found.pop(name, None)
            self._regular = found
        return self._regular


class HeaderDecoder:
    """Decodes the header blocks of one direction of a connection, in order.

    certain: the table is known from its beginning, so that a reference behind its end is an error of the sender.
    """

    __slots__ = ("_broken_off", "_evicted", "_limit", "_seen", "_size", "_strings", "_table", "certain")

    def __init__(self, strings: HuffmanStrings, *, certain: bool) -> None:
        self._strings = strings
        self._table: deque[tuple[str, str]] = deque()
        self._size, self._limit = 0, DEFAULT_TABLE_SIZE
        self._seen: dict[bytes, HeaderSection] = {}
        self._broken_off = self._evicted = False
        self.certain = certain

    def forget(self) -> None:
        """Hear that header blocks may be missing: older entries of the table cannot be counted any more."""
        self._clear()
        self.certain = False

    def broken_off(self) -> None:
        """Hear that the end of the next block is missing: behind it, nothing in the table can be counted."""
        self.certain = False
        self._broken_off = True

    def decode(self, block: bytes) -> HeaderSection:
        """Give what a whole header block says; one that cannot be read is told as far as it could."""
        if self._broken_off:
            return self._decode_beginning(block)
        found = self._seen.get(block)
        if found is not None:
            return found
        before = self._seen
        pairs, error = self._pairs(block)
        found = _section(pairs)
        found.error = error
        if error:
            self.forget()
        elif self._seen is before and len(block) <= _BLOCK_BYTES:
            if len(before) >= _BLOCKS:
                before.clear()
            before[block] = found
        return found

    def _decode_beginning(self, block: bytes) -> HeaderSection:
        self._broken_off = False
        pairs, error = self._pairs(block)
        found = _section(pairs)
        found.error = error
        self.forget()
        return found

    def _pairs(self, block: bytes) -> tuple[list[tuple[str, str]], str]:
        pairs: list[tuple[str, str]] = []
        position, end = 0, len(block)
        table = self._table
        try:
            while position < end:
                index = block[position] - 0x80
                if 0 < index < _STATIC_SIZE:
                    pairs.append(STATIC_TABLE[index])
                    position += 1
                elif _STATIC_SIZE <= index < 0x7F and index - _STATIC_SIZE < len(table):
                    pairs.append(table[index - _STATIC_SIZE])
                    position += 1
                else:
                    position = self._field(block, position, pairs)
        except HeaderError as broken:
            return pairs, f"{broken}, at offset {position}"
        except IndexError:
            return pairs, f"{_ENDS_WITHIN}, at offset {position}"
        return pairs, ""

    def _field(self, block: bytes, position: int, pairs: list[tuple[str, str]]) -> int:
        """Read any representation of a field (RFC 7541 section 6); give the position behind it."""
        first = block[position]
        if first & 0x80:
            index, position = _prefixed(block, position, 0x7F)
            pairs.append(self._at(index))
        elif first & 0xE0 == 0x20:
            size, position = _prefixed(block, position, 0x1F)
            self._resize(size, at_start=not pairs)
        else:
            pair, position = self._literal(block, position, 0x3F if first & 0x40 else 0x0F)
            pairs.append(pair)
        return position

    def _at(self, index: int) -> tuple[str, str]:
        if 0 < index < _STATIC_SIZE:
            return STATIC_TABLE[index]
        if 0 <= index - _STATIC_SIZE < len(self._table):
            return self._table[index - _STATIC_SIZE]
        if not index:
            raise HeaderError("a field has the index 0")
        if self.certain:
            raise HeaderError(f"a field refers to entry {index} of a header table of {self._length} entries")
        if self._evicted:
            self._limit = max(self._limit, LEARNED_SIZE)
        return _UNKNOWN_PAIR

    @property
    def _length(self) -> int:
        return _STATIC_SIZE - 1 + len(self._table)

    def _literal(self, block: bytes, position: int, mask: int) -> tuple[tuple[str, str], int]:
        """Read a literal field (RFC 7541 section 6.2); mask: 0x3F where it also enters the table."""
        index = block[position] & mask
        position += 1
        if index == mask:
            index, position = _integer(block, position, mask)
        if index:
            name = STATIC_TABLE[index][0] if index < _STATIC_SIZE else self._at(index)[0]
        else:
            name, position = self._string(block, position)
            name = name.lower()
        value, position = self._string(block, position)
        pair = (name, value)
        if mask == 0x3F:
            self._insert(pair)
        return pair, position

    def _string(self, block: bytes, position: int) -> tuple[str, int]:
        first = block[position]
        length, position = first & 0x7F, position + 1
        if length == 0x7F:
            length, position = _integer(block, position, 0x7F)
        end = position + length
        if end > len(block):
            raise HeaderError(f"a string of {length} octets reaches over its end")
        data = block[position:end]
        return (self._strings[data] if first & 0x80 else text(data)), end

    def _insert(self, pair: tuple[str, str]) -> None:
        """Put a field into the table; one that is larger than the table empties it (RFC 7541 section 4.4)."""
        if self._seen:
            self._seen = {}
        size = _entry_size(pair)
        if size > self._limit:
            self._clear()
            return
        self._table.appendleft(pair)
        self._size += size
        self._evict(self._limit)

    def _resize(self, size: int, *, at_start: bool) -> None:
        """Take a size update; it comes before the fields of a block (RFC 7541 section 4.2)."""
        if not at_start:
            raise HeaderError("a size update stands behind a field")
        if size > TABLE_LIMIT:
            size = TABLE_LIMIT
            self.certain = False
        self._seen = {}
        self._limit = size
        self._evict(size)

    def _evict(self, limit: int) -> None:
        while self._size > limit and self._table:
            self._size -= _entry_size(self._table.pop())
            self._evicted = True

    def _clear(self) -> None:
        self._table.clear()
        self._size, self._evicted = 0, False
        self._seen = {}


def _entry_size(pair: tuple[str, str]) -> int:
    name, value = pair
    octets = len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
    return len(name) + octets + _OVERHEAD


def _prefixed(block: bytes, position: int, mask: int) -> tuple[int, int]:
    """Read an integer that begins in the low bits of an octet (RFC 7541 section 5.1)."""
    value = block[position] & mask
    return (value, position + 1) if value < mask else _integer(block, position + 1, mask)


def _integer(block: bytes, position: int, value: int) -> tuple[int, int]:
    shift = 0
    while True:
        octet = block[position]
        position += 1
        value += (octet & 0x7F) << shift
        if value >= _INTEGER_LIMIT or shift > 28:
            raise HeaderError("an integer is too large")
        if octet < 0x80:
            return value, position
        shift += 7


def _section(pairs: list[tuple[str, str]]) -> HeaderSection:
    headers = dict(pairs)
    size = sum([len(name) + len(value) for name, value in pairs])
    if len(headers) == len(pairs) and size <= LIST_LIMIT and UNKNOWN not in headers:
        return HeaderSection(headers, size, set_cookies=(headers["set-cookie"],) if "set-cookie" in headers else ())
    return _long_section(pairs, size)


def _long_section(pairs: list[tuple[str, str]], size: int) -> HeaderSection:
    """Join repeated fields (RFC 9110 section 5.2; cookies by RFC 9113 section 8.2.3) up to the limit."""
    found = HeaderSection({}, size)
    values: dict[str, list[str]] = {}
    kept = 0
    for name, value in pairs:
        found.unknown += name == UNKNOWN
        kept += len(name) + len(value) + 2
        if kept > LIST_LIMIT:
            found.cut = True
            continue
        values.setdefault(name, []).append(value)
    found.headers = {name: ("; " if name == "cookie" else ", ").join(those) for name, those in values.items()}
    found.set_cookies = values.get("set-cookie", ())
    return found
