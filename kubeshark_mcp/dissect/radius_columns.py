"""RADIUS as columns: requests that are answered in time by one answer, or never, even if they are sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kubeshark_mcp.dissect.exchange_columns import Batch, ExchangeColumns, Told
from kubeshark_mcp.dissect.exchanges import repeats
from kubeshark_mcp.dissect.remembered import Remembered, Spread, flag, preferred, some
from kubeshark_mcp.dissect.wire_radius import HEADER_LENGTH, LONGEST, NAMED, Known, Packet, parse_packet
from kubeshark_mcp.dissect.wire_radius_dictionary import ANSWERS, ATTRIBUTES, CODES, REFUSALS, SECRET
from kubeshark_mcp.model.entry_columns import Coded, Column, EntryColumns, Numbers, Slices
from kubeshark_mcp.model.stream import Direction

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kubeshark_mcp.dissect.base import Settings
    from kubeshark_mcp.dissect.exchanges import Bounds, Exchanges, Pairs

_STEPS = 64
"""Attributes of a packet in which secrets are looked for, before packets are told apart; all are when it is read."""
_EAP = 79
_EAP_SHOWN = 5
"""Bytes of an EAP packet that are read: its code and type, of which the identifier between them is not."""

_CODES, _ANSWERS, _SECRETS = np.zeros((3, 256), bool)
_CODES[list(CODES)] = True
_ANSWERS[list(ANSWERS)] = True
_SECRETS[[kind for kind, (_, how) in ATTRIBUTES.items() if how == SECRET]] = True


class Reading:
    """What a packet says, whichever its identifier, its authenticator and its secrets are."""

    __slots__ = ("named", "packet", "summary")

    def __init__(self, packet: Packet) -> None:
        self.packet = packet
        self.named = packet.named()
        self.summary = packet.summary


class RadiusColumns(ExchangeColumns):
    """Reads whole packets of known codes; a request that is answered by the wrong code is unusual."""

    shortest: ClassVar[int] = HEADER_LENGTH

    def __init__(self, settings: Settings, bounds: Bounds) -> None:
        super().__init__(bounds)
        self._limit = settings.body_limit
        self._known: Known = {}
        self._readings: Remembered[Reading] = Remembered(self._read)

    def _read(self, data: bytes) -> Reading:
        return Reading(parse_packet(data, self._known))

    def read(self, batch: Batch, rows: NDArray[np.intp]) -> Told:
        """See ExchangeColumns."""
        both, count = batch.all, len(batch.all)
        kinds, claimed = batch.octets(rows, 0), batch.words(rows, 2)
        usual, certain, asks, answers = np.zeros((4, count), bool)
        usual[rows] = _CODES[kinds] & (claimed == both.length[rows]) & (claimed <= LONGEST)
        asks[rows], answers[rows] = ~_ANSWERS[kinds], _ANSWERS[kinds]
        number = np.zeros(count, np.int64)
        number[rows] = batch.octets(rows, 1)
        codes = np.full(count, -1, np.int32)
        read = rows[usual[rows]]
        codes[read] = self._readings.codes_of(_keys(batch, read))
        said = Spread(self._readings.readings, codes[read])
        usual[read] = said.array(lambda reading: not reading.packet.malformed, bool)
        expected = answers[read] == (both.direction[read] == Direction.SERVER)
        certain[read] = expected & said.array(lambda reading: _is_certain(reading.packet), bool)
        return Told(usual, certain, asks, answers, number, np.zeros(count, np.int32), codes, np.zeros(count, bool))

    def strange(
        self, batch: Batch, told: Told, rows: NDArray[np.intp], messages: Exchanges, pairs: Pairs
    ) -> list[NDArray[np.intp]]:
        """Find answers of the wrong code, and requests for which those before of their number are given up.

        Of requests that are sent again, only the last may be answered before all others are.
        """
        both = (Spread(self._readings.readings, told.codes[rows]) for rows in (pairs.answered, pairs.asked))
        answer, request = (said.array(lambda reading: reading.packet.code, np.int64) for said in both)
        wrong = pairs.answered[~_FITTING[answer, request]]
        previous = repeats(messages)
        again = np.flatnonzero(previous >= 0)
        first, second = rows[previous[again]], rows[again]
        told.again[second] = True
        other = second[(_headers(batch, first) != _headers(batch, second)).any(axis=1)]
        waits = np.zeros(len(told.again), bool)
        waits[pairs.waiting] = True
        return [wrong, other, second[waits[second] & ~waits[first]]]

    def forget(self) -> None:
        """See ExchangeColumns."""
        self._readings.trim()

    def entries(self, batch: Batch, told: Told, asked: NDArray[np.intp], answered: NDArray[np.intp]) -> EntryColumns:
        """See ExchangeColumns."""
        readings, pairs, count = self._readings.readings, answered >= 0, len(asked)
        ask = Spread(readings, told.codes[asked])
        reply = Spread(readings, np.where(pairs, told.codes[answered], -1).astype(np.int32))
        connections, of = batch.asked_by(asked)
        data = _blanked(batch, readings, told.codes)
        asking, replying = batch.all.length[asked], np.where(pairs, batch.all.length[answered], 0)
        status = reply.column(lambda reading: reading.packet.name)
        fields: dict[str, Column | None] = {
            "radius": Numbers(np.ones(count, bool)),
            "radius_code": Numbers(ask.array(lambda reading: reading.packet.code, np.int64)),
            "radius_code_name": ask.column(lambda reading: reading.packet.name),
            "radius_identifier": Numbers(told.number[asked]),
            "radius_request": Numbers(np.ones(count, bool)),
            "radius_request_authenticator": _authenticators(batch, asked),
            "radius_request_length": Numbers(asking),
            "radius_total_size": Numbers(asking + replying),
            "radius_message_authenticator": ask.column(lambda reading: reading.packet.signed),
            "radius_request_attributes": ask.column(lambda reading: reading.packet.attributes),
            "radius_retransmission": flag(told.again[asked]),
            "radius_result": status,
            "radius_response": flag(pairs),
            "radius_response_length": some(replying, pairs),
            "radius_response_message_authenticator": reply.column(lambda reading: reading.packet.signed),
            "radius_response_attributes": reply.column(lambda reading: reading.packet.attributes),
        }
        for name in (*NAMED.values(), "radius_nas", "radius_eap"):
            fields[name] = _said(name, ask, reply)
        return EntryColumns(
            "radius",
            connections,
            of,
            batch.spans(asked),
            batch.spans(answered),
            {name: column for name, column in fields.items() if column is not None},
            ask.column(lambda reading: reading.summary),
            status,
            reply.array(lambda reading: reading.packet.code in REFUSALS, bool),
            None,
            batch.bodies(data, asked, self._limit),
            batch.bodies(data, answered, self._limit),
        )


_FITTING = np.zeros((256, 256), bool)
for _answer, _requests in ANSWERS.items():
    _FITTING[_answer, list(_requests)] = True


def _is_certain(packet: Packet) -> bool:
    """Tell whether attributes fill the packet, and there are any: what `Radius.probe` is sure of."""
    return bool(packet.numbers) and 0 not in packet.numbers


def _said(name: str, ask: Spread[Reading], reply: Spread[Reading]) -> Coded | None:
    """Give what the request says, else what the answer does."""
    value: Callable[[Reading], Any] = lambda reading: reading.named.get(name)  # noqa: E731 - used twice, here alone
    return preferred(ask.column(value), reply.column(value))


def _headers(batch: Batch, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Give what requests that are sent again have in common: code, identifier, length and authenticator."""
    return np.asarray(batch.all.data[batch.all.start[rows][:, None] + np.arange(HEADER_LENGTH)])


def _authenticators(batch: Batch, rows: NDArray[np.intp]) -> Slices:
    """Give the authenticators in hexadecimal digits."""
    octets = batch.all.data[batch.all.start[rows][:, None] + np.arange(4, HEADER_LENGTH)]
    digits = 2 * octets.shape[1]
    starts = np.arange(len(rows), dtype=np.int64) * digits
    return Slices(octets.tobytes().hex().encode(), starts, np.full(len(rows), digits, np.int64), text=True)


def _keys(batch: Batch, rows: NDArray[np.intp]) -> list[bytes]:
    """Give the packets with zeros where their reading does not depend on them: identifiers, authenticators, secrets."""
    data, starts = batch.all.data.copy(), batch.all.start[rows]
    stops = starts + batch.all.length[rows]
    data[starts + 1] = 0
    data[starts[:, None] + np.arange(4, HEADER_LENGTH)] = 0
    at = starts + HEADER_LENGTH
    for _ in range(_STEPS):
        inside = at + 2 <= stops
        at, stops = at[inside], stops[inside]
        if not len(at):
            break
        lengths = data[at + 1].astype(np.int64)
        whole = (lengths >= 2) & (at + lengths <= stops)
        at, stops, lengths = at[whole], stops[whole], lengths[whole]
        kinds = data[at]
        secret = _SECRETS[kinds]
        skipped = np.where(kinds[secret] == _EAP, np.minimum(lengths[secret], 2 + _EAP_SHOWN), 2)
        _fill(data, at[secret] + skipped, lengths[secret] - skipped)
        eap = at[(kinds == _EAP) & (lengths >= 4)]
        data[eap + 3] = 0
        at = at + lengths
    view, ends = data.tobytes(), (starts + batch.all.length[rows]).tolist()
    return [view[start:stop] for start, stop in zip(starts.tolist(), ends, strict=True)]


def _blanked(batch: Batch, readings: list[Reading], codes: NDArray[np.int32]) -> bytes:
    """Give the bytes of all packets with zeros where secrets are."""
    said = Spread(readings, codes)
    counts = said.array(lambda reading: len(reading.packet.secrets), np.int64)
    if not counts.any():
        return batch.all.data.tobytes()
    ranges = np.array([one for reading in said.distinct for one in reading.packet.secrets], np.int64).reshape(-1, 2)
    sizes = np.array([len(reading.packet.secrets) for reading in said.distinct], np.int64)
    firsts = (np.cumsum(sizes) - sizes)[said.codes]
    chosen = ranges[_running(firsts, counts)]
    starts = np.repeat(batch.all.start, counts)
    data = batch.all.data.copy()
    _fill(data, starts + chosen[:, 0], chosen[:, 1] - chosen[:, 0])
    return data.tobytes()


def _fill(data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> None:
    """Set ranges of bytes to zero."""
    data[_running(starts, lengths)] = 0


def _running(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the positions in ranges, one range behind the other."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(starts - ends + lengths, lengths)
