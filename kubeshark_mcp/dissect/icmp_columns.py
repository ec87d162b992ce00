"""ICMP and ICMPv6 as columns: echoes with their replies, errors, neighbour discovery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kubeshark_mcp.dissect.exchange_columns import Batch, ExchangeColumns, Told
from kubeshark_mcp.dissect.remembered import Remembered, Spread, flag, some
from kubeshark_mcp.dissect.wire_icmp import (
    ECHOES,
    FAILURES,
    HEADER_LENGTH,
    REPLIES,
    REQUESTS,
    Message,
    parse_message,
    summary,
)
from kubeshark_mcp.dissect.wire_icmp_quoted import quoting_lengths
from kubeshark_mcp.model.entry_columns import Coded, Column, EntryColumns, Numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kubeshark_mcp.dissect.base import Settings
    from kubeshark_mcp.dissect.exchanges import Bounds

_ALONE, _ECHO, _OTHER = 0, 1, 2
_NAMES = (
    "icmp_mtu", "icmp_gateway", "icmp_pointer", "icmp_target", "icmp_link_address", "icmp_prefixes", "icmp_groups",
    "icmp_about_src", "icmp_about_dst", "icmp_about_protocol", "icmp_about_src_port", "icmp_about_dst_port",
    "icmp_about_length", "icmp_about_id", "icmp_about_sequence",
)  # fmt: skip
"""Fields of messages that are neither asked for nor answered."""


def _kinds() -> NDArray[np.uint8]:
    """Tell of each type of ICMP and of ICMPv6 how it is read: alone, as one of an echo, or by a dissector."""
    kinds = np.full((2, 256), _ALONE, np.uint8)
    for version, kind in (*REPLIES, *REQUESTS):
        kinds[version // 6, kind] = _ECHO if (version, kind) in ECHOES else _OTHER
    return kinds


_KINDS = _kinds()


class IcmpColumns(ExchangeColumns):
    """Reads echoes that are answered in time by one reply each, and messages that are not answered."""

    shortest: ClassVar[int] = HEADER_LENGTH

    def __init__(self, settings: Settings, bounds: Bounds) -> None:
        super().__init__(bounds)
        self._limit = settings.body_limit
        self._readings: Remembered[tuple[int, Message]] = Remembered(_read)

    def read(self, batch: Batch, rows: NDArray[np.intp]) -> Told:
        """See ExchangeColumns."""
        both, count = batch.all, len(batch.all)
        texts = both.connections.addresses
        six = np.array([":" in text for text in texts], bool)[both.connections.client_address][both.connection[rows]]
        kinds = batch.octets(rows, 0)
        how = _KINDS[six.astype(np.intp), kinds]
        echo = how == _ECHO
        usual, asks, answers = np.zeros((3, count), bool)
        usual[rows] = ~(echo & (batch.octets(rows, 1) != 0)) & (how != _OTHER)
        replies = np.isin(kinds, (0, 129))
        asks[rows], answers[rows] = echo & ~replies, echo & replies
        number, key = np.zeros(count, np.int64), np.zeros(count, np.int32)
        number[rows], key[rows] = batch.words(rows, 4), batch.words(rows, 6)
        codes = np.full(count, -1, np.int32)
        read = np.flatnonzero(usual[rows])
        codes[rows[read]] = self._readings.codes_of(_keys(batch, rows[read], six[read], echo[read]))
        return Told(usual, np.ones(count, bool), asks, answers, number, key, codes, np.zeros(count, bool))

    def itself(self, batch: Batch, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Tell of a host that pings itself; see ExchangeColumns."""
        connections = batch.all.connections
        return np.asarray((connections.client_address == connections.server_address)[batch.all.connection[rows]])

    def forget(self) -> None:
        """See ExchangeColumns."""
        self._readings.trim()

    def entries(self, batch: Batch, told: Told, asked: NDArray[np.intp], answered: NDArray[np.intp]) -> EntryColumns:
        """See ExchangeColumns."""
        both, echo, pairs = batch.all, told.asks[asked], answered >= 0
        connections, of = batch.asked_by(asked)
        said = Spread(self._readings.readings, told.codes[asked])
        data = both.data.tobytes()
        lengths = both.length[asked]
        failed = said.array(lambda reading: (reading[0], reading[1].type) in FAILURES, bool)
        fields: dict[str, Column | None] = {
            "icmp": Numbers(np.ones(len(asked), bool)),
            "icmp_type": said.column(lambda reading: reading[1].name),
            "icmp_type_number": Numbers(said.array(lambda reading: reading[1].type, np.int64)),
            "icmp_version": Numbers(said.array(lambda reading: reading[0], np.int64)),
            "icmp_length": Numbers(lengths),
            "icmp_code": Numbers(said.array(lambda reading: reading[1].code, np.int64)),
            "icmp_reason": said.column(lambda reading: reading[1].reason or None),
            "icmp_error": flag(failed),
            "icmp_request": flag(echo),
            "icmp_response": flag(pairs),
            "icmp_response_length": some(np.where(pairs, both.length[answered], 0), pairs),
            "icmp_id": some(np.where(echo, told.number[asked], 0), echo),
            "icmp_sequence": some(np.where(echo, told.key[asked], 0), echo),
            "icmp_altered": flag(_altered(batch, data, asked, answered, self._limit)),
        }
        fields |= {name: said.column(_field(name)) for name in _NAMES}
        return EntryColumns(
            "icmp",
            connections,
            of,
            batch.spans(asked),
            batch.spans(answered),
            {name: column for name, column in fields.items() if column is not None},
            _summaries(said, told, asked),
            _statuses(self._readings.readings, told, asked, answered),
            failed,
            said.column(lambda reading: reading[1].malformed or None),
            batch.bodies(data, asked, self._limit),
            batch.bodies(data, answered, self._limit),
        )


def _read(key: bytes) -> tuple[int, Message]:
    return key[0], parse_message(key[1:], key[0])


def _field(name: str) -> Callable[[tuple[int, Message]], Any]:
    """Give what reads a field; echoes differ in theirs, which are not read here."""
    return lambda reading: reading[1].fields.get(name)


def _keys(batch: Batch, rows: NDArray[np.intp], six: NDArray[np.bool_], echo: NDArray[np.bool_]) -> list[bytes]:
    """Give of each message the IP version and what its reading depends on: of an echo, the first two bytes."""
    both = batch.all
    keys = [b""] * len(rows)
    shown = np.where(six, 6 << 16, 4 << 16) | batch.words(rows, 0)
    heads: dict[int, bytes] = {}
    for place, head in zip(np.flatnonzero(echo).tolist(), shown[echo].tolist(), strict=True):
        keys[place] = heads.get(head) or heads.setdefault(head, head.to_bytes(3) + bytes(6))
    alone = np.flatnonzero(~echo)
    if len(alone):
        data, starts = both.data.copy(), both.start[rows[alone]]
        lengths = quoting_lengths(data, starts, both.length[rows[alone]], six[alone])
        view = data.tobytes()
        versions = np.where(six[alone], 6, 4).tolist()
        cuts = zip(alone.tolist(), versions, starts.tolist(), (starts + lengths).tolist(), strict=True)
        for place, version, start, stop in cuts:
            keys[place] = _VERSIONS[version] + view[start:stop]
    return keys


_VERSIONS = {4: b"\4", 6: b"\6"}


def _summaries(said: Spread[tuple[int, Message]], told: Told, asked: NDArray[np.intp]) -> Coded:
    """Give what a person reads in one line: of an echo with its own numbers."""
    shared = [summary(message) for _, message in said.distinct]
    echo = np.flatnonzero(told.asks[asked])
    codes = said.codes.copy()
    codes[echo] = len(shared) + np.arange(len(echo), dtype=np.int32)
    names = [message.name for _, message in said.distinct]
    rows = asked[echo]
    parts = zip(said.codes[echo].tolist(), told.number[rows].tolist(), told.key[rows].tolist(), strict=True)
    return Coded(shared + [f"{names[code]} id {number} seq {sequence}" for code, number, sequence in parts], codes)


def _statuses(
    readings: list[tuple[int, Message]], told: Told, asked: NDArray[np.intp], answered: NDArray[np.intp]
) -> Coded:
    """Give the name of the reply, or the reason of a message of its own."""
    speaks = np.where(answered >= 0, told.codes[answered], np.where(told.asks[asked], -1, told.codes[asked]))
    said = Spread(readings, speaks.astype(np.int32))
    texts = [message.reason or (message.name if message.is_reply else "") for _, message in said.distinct]
    return Coded(texts, said.codes)


def _altered(
    batch: Batch, data: bytes, asked: NDArray[np.intp], answered: NDArray[np.intp], limit: int
) -> NDArray[np.bool_]:
    """Tell which replies bring other data back than their requests took along, as far as bodies are kept."""
    both, altered = batch.all, np.zeros(len(asked), bool)
    pairs = np.flatnonzero(answered >= 0)
    first, second = asked[pairs], answered[pairs]
    shorter = np.minimum(np.minimum(both.length[first], both.length[second]), limit) - HEADER_LENGTH
    starts = (both.start[rows] + HEADER_LENGTH for rows in (first, second))
    parts = zip(*(part.tolist() for part in starts), np.maximum(shorter, 0).tolist(), strict=True)
    altered[pairs] = [data[ours : ours + size] != data[theirs : theirs + size] for ours, theirs, size in parts]
    return altered
