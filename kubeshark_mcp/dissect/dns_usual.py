"""Many usual DNS messages worded at the same time: what `read_message` takes from each of them, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kubeshark_mcp.dissect.dns_lockstep import Records, Walk
from kubeshark_mcp.dissect.wire_dns import ALIAS_LIMIT, RCODES
from kubeshark_mcp.dissect.wire_dns_records import TYPES, Unreadable, edns_text, ipv6_text, record_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

_A, _CNAME, _SOA, _MX, _AAAA, _SRV, _OPT = 1, 5, 6, 15, 28, 33, 41
_TRANSFERS = (251, 252)
_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


@dataclass(frozen=True, slots=True)
class Told:
    """What messages have as a value: those at `rows` have values[codes] in order, or `values` without codes."""

    rows: NDArray[np.intp]
    values: Sequence[Any]
    codes: NDArray[np.intp] | None = None


@dataclass(frozen=True, slots=True)
class Usual:
    """What n messages say that are usual.

    rows: int of n, which of those given they are. fields, texts, keys, traits: as `Messages` has them; `rows` in them
    are positions among all that were given. letters: of what they say in words, names asked for aside.
    """

    rows: NDArray[np.intp]
    fields: dict[str, Told]
    texts: dict[str, Told]
    keys: Told
    traits: Told
    letters: int


def read_usual(rests: Sequence[bytes]) -> Usual:
    """Read those messages (at least a header each, without their ids) in which nothing is unusual."""
    words = _Words(Walk(rests))
    rows = words.rows
    asks, answers = rows[~words.response], rows[words.response]
    kinds, codes = np.unique(words.kinds, return_inverse=True)
    types = [TYPES[kind] for kind in kinds.tolist()]
    names = words.names
    asked = [names[place] for place in np.flatnonzero(~words.response).tolist()]
    fields = {
        "dns": _all(asks, True),
        "dns_questions": Told(asks, [(name,) for name in asked]),
        "dns_question_types": Told(asks, [(kind,) for kind in types], codes[~words.response]),
        "dns_opcode": _all(asks, "QUERY"),
        "dns_request": _all(asks, True),
        "dns_truncated": _all(rows, False),
        "dns_response": _all(answers, True),
        "dns_authoritative": Told(answers, [False, True], (words.flags[words.response] >> 10 & 1).astype(np.intp)),
        "dns_rcode": Told(answers, list(RCODES.values())[:16], words.flags[words.response] & 15),
        **{name: Told(answers, values) for name, values in words.lists().items()},
    }
    each = [types[code] for code in codes.tolist()]
    texts = {
        "summary": Told(rows, [f"{kind} {name}" for kind, name in zip(each, names, strict=True)]),
        "status": Told(rows, ["", *list(RCODES.values())[:16]], np.where(words.response, (words.flags & 15) + 1, 0)),
    }
    keys = [((name.lower(), kind),) for kind, name in zip(each, names, strict=True)]
    traits = [(bool(code & 4), True, bool(code & 2), bool(code & 1)) for code in range(8)]
    trait = words.response * 4 + (words.flags & 15 > 0) * 2 + ~np.isin(words.kinds, _TRANSFERS)
    return Usual(rows, fields, texts, Told(rows, keys), Told(rows, traits, trait), words.letters)


def _all(rows: NDArray[np.intp], value: object) -> Told:
    return Told(rows, [value], np.zeros(len(rows), np.intp))


class _Words:
    """The texts of a walk.

    rows: which messages are usual. names, kinds, flags, response: of these, what is asked for and what the header says.
    """

    def __init__(self, walk: Walk) -> None:
        rows = np.flatnonzero(walk.good)
        records = walk.records
        holding = np.flatnonzero(records.first), np.flatnonzero(records.second)
        places = [walk.question[rows], records.owner, records.first[holding[0]], records.second[holding[1]]]
        messages = [rows, records.message, *(records.message[held] for held in holding)]
        names = walk.texts(np.concatenate(messages), np.concatenate(places))
        cuts = list(accumulate(map(len, places), initial=0))
        asked, owners, first, second = (names[start:stop] for start, stop in pairwise(cuts))
        held = [""] * len(records.message), [""] * len(records.message)
        for texts, at, found in zip(held, holding, (first, second), strict=True):
            for place, text in zip(at.tolist(), found, strict=True):
                texts[place] = text
        data = _data_texts(walk, records, *held)
        unread = [place for place, text in enumerate(data) if text is None]
        walk.good[records.message[unread]] = False
        good = walk.good[rows]
        self.rows = rows[good]
        self.names = asked if good.all() else [name for name, fits in zip(asked, good.tolist(), strict=True) if fits]
        self.kinds, self.flags = walk.asked[self.rows], walk.flags[self.rows]
        self.response = self.flags >= 0x8000
        kept = np.flatnonzero((walk.good & (walk.flags >= 0x8000))[records.message])
        self._records, self._owners = records.taken(kept), _chosen(owners, kept)
        self._data = [text or "" for text in _chosen(data, kept)]
        self._messages = self.rows[self.response]
        self.letters = 0

    def lists(self) -> dict[str, list[tuple[str, ...]]]:
        """Give the fields of responses that are lists."""
        records, data = self._records, self._data
        types = {kind: TYPES[kind] for kind in np.unique(records.kind).tolist()}
        mnemonics = [types[kind] for kind in records.kind.tolist()]
        shown = np.where(records.kind == _OPT, 0, records.ttl).tolist()
        answer, authority, additional = (np.flatnonzero(records.section == number) for number in range(3))

        def lines(chosen: NDArray[np.intp]) -> list[tuple[str, ...]]:
            places = chosen.tolist()
            found = [f"{self._owners[at]} {shown[at]} {mnemonics[at]} {data[at]}" for at in places]
            return self._by_message(found, chosen)

        lists = {
            "dns_answers": self._by_message(_chosen(data, answer), answer),
            "dns_answer_types": self._by_message(_chosen(mnemonics, answer), answer, counted=False),
            "dns_addresses": self._addresses(shown),
            "dns_authorities": lines(authority),
            "dns_additionals": lines(additional),
        }
        return lists

    def _addresses(self, shown: list[int]) -> list[tuple[str, ...]]:
        """Give `NAME TTL ADDRESS` of addresses, following aliases back; see `address_lines`."""
        records, data = self._records, self._data
        kind, section = records.kind, records.section
        rows = np.flatnonzero(((kind == _A) | (kind == _AAAA)) & (section != 1))
        aliases = np.flatnonzero((kind == _CNAME) & (section == 0))
        owners: dict[int, dict[str, str]] = {}
        for at, message in zip(aliases.tolist(), records.message[aliases].tolist(), strict=True):
            owners.setdefault(message, {})[data[at].lower()] = self._owners[at]
        heads = _chosen(self._owners, rows)
        if owners:
            for place in np.flatnonzero(np.isin(records.message[rows], np.fromiter(owners, np.int64))).tolist():
                heads[place] = _head(heads[place], owners[int(records.message[rows[place]])])
        found = [f"{head} {shown[at]} {data[at]}" for head, at in zip(heads, rows.tolist(), strict=True)]
        return self._by_message(found, rows)

    def _by_message(self, texts: list[str], chosen: NDArray[np.intp], *, counted: bool = True) -> list[tuple[str, ...]]:
        """Part texts of these records by the responses that they are of."""
        if counted:
            self.letters += sum(map(len, texts))
        message = self._records.message[chosen]
        starts, stops = (np.searchsorted(message, self._messages, side).tolist() for side in _SIDES)
        return [tuple(texts[start:stop]) for start, stop in zip(starts, stops, strict=True)]


def _head(name: str, owners: dict[str, str]) -> str:
    """Follow aliases back."""
    steps = 0
    while (owner := owners.get(name.lower())) is not None and steps < ALIAS_LIMIT:
        name, steps = owner, steps + 1
    return name


def _chosen(values: Sequence[Any], chosen: NDArray[np.intp]) -> list[Any]:
    return [values[at] for at in chosen.tolist()]


def _data_texts(walk: Walk, records: Records, first: list[str], second: list[str]) -> list[str | None]:
    """Word the data of records, None where they cannot be. first, second: the names in them."""
    texts: list[str | None] = list(first)
    octets = np.frombuffer(walk.data, np.uint8)
    makers = {_A: _addresses, _AAAA: _long_addresses}
    for kind in np.unique(records.kind).tolist():
        places = np.flatnonzero(records.kind == kind)
        if kind in makers:
            made: Iterable[str | None] = makers[kind](octets, records.start[places])
        elif kind in (_MX, _SRV, _SOA):
            made = _numbered(octets, records, places, first, second)
        elif kind == _OPT or not first[places[0]]:
            made = _others(walk.data, records.taken(places))
        else:
            continue
        for place, text in zip(places.tolist(), made, strict=True):
            texts[place] = text
    return texts


def _addresses(octets: NDArray[np.uint8], start: NDArray[np.int64]) -> Iterable[str]:
    parts = (octets[start + place].tolist() for place in range(4))
    return [f"{one}.{two}.{three}.{four}" for one, two, three, four in zip(*parts, strict=True)]


def _long_addresses(octets: NDArray[np.uint8], start: NDArray[np.int64]) -> Iterable[str]:
    """Write addresses of IPv6: those without two groups of zero in a row are as easy as can be (RFC 5952)."""
    packed = octets[start[:, None] + np.arange(16)]
    groups = packed[:, ::2].astype(np.int64) << 8 | packed[:, 1::2]
    texts = ["%x:%x:%x:%x:%x:%x:%x:%x" % tuple(each) for each in groups.tolist()]  # noqa: UP031 - the fastest way
    zero = groups == 0
    for place in np.flatnonzero((zero[:, 1:] & zero[:, :-1]).any(axis=1)).tolist():
        texts[place] = ipv6_text(packed[place].tobytes())
    return texts


def _numbered(
    octets: NDArray[np.uint8], records: Records, places: NDArray[np.intp], first: list[str], second: list[str]
) -> Iterable[str]:
    """Write numbers before a name, or of a start of authority behind two. All records are of one kind."""
    kind = records.kind[places[0]]
    if kind == _SOA:
        start, count, size = records.stop[places] - 20, 5, 4
    else:
        start, count, size = records.start[places], 1 if kind == _MX else 3, 2
    bytes_of = octets[start[:, None] + np.arange(count * size)].reshape(len(places), count, size).astype(np.int64)
    numbers = (bytes_of << (8 * np.arange(size)[::-1])).sum(axis=2).tolist()
    if kind == _SOA:
        return [
            f"{first[at]} {second[at]} {serial} {refresh} {retry} {expire} {least}"
            for at, (serial, refresh, retry, expire, least) in zip(places.tolist(), numbers, strict=True)
        ]
    return [" ".join(map(str, each)) + f" {first[at]}" for at, each in zip(places.tolist(), numbers, strict=True)]


def _others(data: bytes, records: Records) -> Iterable[str | None]:
    """Word data without names in them, each distinct one once."""
    known: dict[tuple[int, int, int, bytes], str | None] = {}
    columns = (records.kind, records.size, records.ttl, records.start, records.stop)
    for kind, size, ttl, start, stop in zip(*(column.tolist() for column in columns), strict=True):
        part = data[start:stop]
        key = (kind, size, ttl, part) if kind == _OPT else (kind, 0, 0, part)
        if key not in known:
            known[key] = _other(kind, part, size, ttl)
        yield known[key]


def _other(kind: int, part: bytes, size: int, ttl: int) -> str | None:
    try:
        if kind == _OPT:
            return edns_text(part, 0, len(part), size, ttl)
        return record_text(kind, TYPES[kind], part, 0, len(part), {})
    except Unreadable:
        return None
