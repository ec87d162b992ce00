"""Distinct DNS messages and what entries take from them, as columns: each is read once, however often it comes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress, count
from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.dissect.dns_usual import Told, Usual, read_usual
from kubeshark_mcp.dissect.remembered import Codes
from kubeshark_mcp.dissect.wire_dns import Reading, is_certain, is_header, read_message
from kubeshark_mcp.dissect.wire_dns_records import HEADER_LENGTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

MESSAGES = 16_384
"""Distinct messages that are remembered. They are forgotten all at once, so that a flood of names costs no more."""
MESSAGE_BYTES = 8 << 20
"""Bytes of them and of what they say in words, likewise: compressed names can make a hundred times as much of it."""

MANY = 128
"""New messages that are worth being read at the same time."""
AT_ONCE = 8192
"""New messages that are read at the same time, at most."""

_TRANSFERS = frozenset({"AXFR", "IXFR"})
_LISTS = ("dns_answers", "dns_addresses", "dns_authorities", "dns_additionals", "dns_updates")
_FIRST_CAPACITY = 1024


class Values:
    """The distinct values of one field, and which of them each message has."""

    def __init__(self) -> None:
        self.distinct: list[Any] = []
        self.codes = np.full(_FIRST_CAPACITY, -1, np.int32)
        """Of each message, position in `distinct`; -1 where it has no value."""
        self._offers: dict[Any, int] = {None: 0}
        """Which offer of a value was the first, counting all that were ever made."""
        self._code_of = np.full(1, -1, np.int32)
        """Of each offer that was the first of its value, position in `distinct`."""

    def reserve(self, count: int) -> None:
        """Make room for so many messages."""
        while count > len(self.codes):
            self.codes = np.concatenate([self.codes, np.full(len(self.codes), -1, np.int32)])

    def put(self, places: NDArray[np.intp], values: Sequence[Any]) -> None:
        """Take the values of these messages, None where there is none."""
        self.codes[places] = self._codes_of(values)

    def put_told(self, place: int, told: Told) -> None:
        """Take values of messages that are counted from `place` on."""
        codes = self._codes_of(told.values)
        self.codes[told.rows + place] = codes if told.codes is None else codes[told.codes]

    def _codes_of(self, values: Sequence[Any]) -> NDArray[np.int32]:
        first = len(self._code_of)
        offers = np.fromiter(map(self._offers.setdefault, values, count(first)), np.int64, len(values))
        new = offers == np.arange(first, first + len(values))
        self._code_of = np.concatenate([self._code_of, (len(self.distinct) + np.cumsum(new) - 1).astype(np.int32)])
        self.distinct += compress(values, new.tolist())
        return np.asarray(self._code_of[offers])


class Messages:
    """Gives messages codes: those that differ in nothing but their id have the same.

    Codes hold until the next call of `codes_of`. fields: values of KFL fields; those of queries and their own alone of
    responses, as `Reading` has them. keys: of the questions, for pairing; texts: `summary`, `status`, `malformed`.
    """

    FIELDS = (
        "dns_questions", "dns_question_types", "dns_answers", "dns_answer_types", "dns_addresses", "dns_authorities",
        "dns_additionals", "dns_updates", "dns_request", "dns_response", "dns_rcode", "dns_opcode",
        "dns_authoritative", "dns_truncated", "dns",
    )  # fmt: skip

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._codes = Codes()
        self._bytes = 0
        self.fields = {name: Values() for name in self.FIELDS}
        self.texts = {name: Values() for name in ("summary", "status", "malformed")}
        self.keys = Values()
        self._traits = Values()

    def codes_of(self, data: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int32]:
        """Give the codes of messages of at least a header's length: where they begin in `data`, and their lengths."""
        if len(self._codes) > MESSAGES or self._bytes > MESSAGE_BYTES:
            self._forget()
        cuts = zip((starts + 2).tolist(), (starts + lengths).tolist(), strict=True)
        rests = [data[start:stop] for start, stop in cuts]
        codes = np.fromiter(map(self._codes.__getitem__, rests), np.int32, len(rests))
        if self._codes.new:
            self._learn(self._codes.new)
            self._codes.new = []
        return codes

    def responses(self, codes: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Tell which messages are responses."""
        return self._having(codes, 0)

    def certain(self, codes: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Tell which messages are DNS without doubt."""
        return self._having(codes, 1)

    def failed(self, codes: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Tell which responses tell of a failure."""
        return self._having(codes, 2)

    def plain(self, codes: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Tell which messages ask for something that is answered by one message, or are such an answer."""
        return self._having(codes, 3)

    def _having(self, codes: NDArray[np.int32], trait: int) -> NDArray[np.bool_]:
        table = np.array([*(traits[trait] for traits in self._traits.distinct), False])  # the last for those of no code
        return np.asarray(table[self._traits.codes[codes]])

    def _learn(self, rests: Sequence[bytes]) -> None:
        """Read new messages: the usual ones of them, where there are many, at the same time."""
        place = len(self._codes) - len(rests)
        for column in self._columns():
            column.reserve(len(self._codes))
        self._bytes += sum(map(len, rests))
        left = np.ones(len(rests), bool)
        for first in range(0, len(rests) - MANY + 1, AT_ONCE):
            usual = read_usual(rests[first : first + AT_ONCE])
            self._take(place + first, usual)
            left[usual.rows + first] = False
        if left.any():
            self._read(place, np.flatnonzero(left), rests)

    def _columns(self) -> Iterable[Values]:
        return (*self.fields.values(), *self.texts.values(), self.keys, self._traits)

    def _take(self, place: int, usual: Usual) -> None:
        self._bytes += usual.letters
        for name, told in usual.fields.items():
            self.fields[name].put_told(place, told)
        for name, told in usual.texts.items():
            self.texts[name].put_told(place, told)
        self.keys.put_told(place, usual.keys)
        self._traits.put_told(place, usual.traits)

    def _read(self, place: int, rows: NDArray[np.intp], rests: Sequence[bytes]) -> None:
        """Read messages one by one."""
        chosen = [rests[row] for row in rows.tolist()]
        readings = [read_message(b"\0\0" + rest) for rest in chosen]
        self._bytes += sum(map(_size_of, readings))
        values = [reading.own if reading.message.response else reading.common | reading.own for reading in readings]
        places = rows + place
        for name, column in self.fields.items():
            column.put(places, [own.get(name) for own in values])
        self.texts["summary"].put(places, [reading.summary for reading in readings])
        self.texts["status"].put(places, [reading.status for reading in readings])
        self.texts["malformed"].put(places, [reading.message.malformed or None for reading in readings])
        self.keys.put(places, [reading.key for reading in readings])
        self._traits.put(places, list(_traits_of(chosen, readings)))


def _size_of(reading: Reading) -> int:
    """Count the letters of what a message says, names asked for aside: each is in its bytes."""
    own = reading.own
    return sum([len(text) for name in _LISTS for text in own.get(name, ())])


def _traits_of(rests: Iterable[bytes], readings: Iterable[Reading]) -> Iterable[tuple[bool, bool, bool, bool]]:
    """Give what has to be known of a message before it is paired: see the methods of Messages, in their order."""
    for rest, reading in zip(rests, readings, strict=True):
        message, key = reading.message, reading.key
        header = b"\0\0" + rest[: HEADER_LENGTH - 2]
        certain = is_header(header, 65535) and is_certain(message)
        yield message.response, certain, message.rcode != 0, bool(key) and key[0][1] not in _TRANSFERS
