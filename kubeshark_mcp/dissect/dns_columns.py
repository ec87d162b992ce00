"""DNS over UDP as columns: conversations in which each question gets one answer, as nearly all do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from kubeshark_mcp.dissect.dns_messages import Messages, Values
from kubeshark_mcp.dissect.exchange_columns import Batch, ExchangeColumns, Told
from kubeshark_mcp.dissect.remembered import Spread, some
from kubeshark_mcp.dissect.wire_dns_records import HEADER_LENGTH
from kubeshark_mcp.model.entry_columns import Coded, Column, EntryColumns, Numbers
from kubeshark_mcp.model.stream import Direction

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kubeshark_mcp.dissect.base import Settings, Taken
    from kubeshark_mcp.dissect.exchanges import Bounds
    from kubeshark_mcp.model.datagrams import DatagramBlock
    from kubeshark_mcp.model.entry_columns import ConnectionColumns

_FLAGS = frozenset({"dns", "dns_request", "dns_response", "dns_authoritative", "dns_truncated"})


class DnsColumns(ExchangeColumns):
    """Reads conversations without zone transfers, multicast, answers that nobody asked for, and cut messages."""

    shortest: ClassVar[int] = HEADER_LENGTH

    def __init__(self, settings: Settings, bounds: Bounds, is_multicast: Callable[[str], bool]) -> None:
        super().__init__(bounds)
        self._limit = settings.body_limit
        self._is_multicast = is_multicast
        self._readings = Messages()

    def feed(self, block: DatagramBlock, offered: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> Taken:
        """Take what is usual; see ColumnReader. Who asks many at once gets answers of many."""
        return super().feed(block, offered & ~(fresh & self._multicast(block.connections)), fresh)

    def _multicast(self, connections: ConnectionColumns) -> NDArray[np.bool_]:
        texts = np.array([self._is_multicast(text) for text in connections.addresses], bool)
        return np.asarray(texts[connections.client_address] | texts[connections.server_address])

    def read(self, batch: Batch, rows: NDArray[np.intp]) -> Told:
        """See ExchangeColumns."""
        both, messages, count = batch.all, self._readings, len(batch.all)
        read = messages.codes_of(both.data.tobytes(), both.start[rows], both.length[rows])
        said = messages.responses(read)
        usual, certain, asks, answers = np.zeros((4, count), bool)
        usual[rows] = messages.plain(read) & (said == (both.direction[rows] == Direction.SERVER))
        certain[rows] = messages.certain(read)
        asks[rows], answers[rows] = ~said, said
        number, key, codes = np.zeros(count, np.int64), np.zeros(count, np.int32), np.full(count, -1, np.int32)
        number[rows], key[rows], codes[rows] = batch.words(rows, 0), messages.keys.codes[read], read
        return Told(usual, certain, asks, answers, number, key, codes, np.zeros(count, bool))

    def entries(self, batch: Batch, told: Told, asked: NDArray[np.intp], answered: NDArray[np.intp]) -> EntryColumns:
        """See ExchangeColumns."""
        messages, seen, data = self._readings, answered >= 0, batch.all.data.tobytes()
        query, answer = told.codes[asked], np.where(seen, told.codes[answered], -1).astype(np.int32)
        asking, replying = batch.all.length[asked], np.where(seen, batch.all.length[answered], 0)
        connections, of = batch.asked_by(asked)
        fields: dict[str, Column | None] = {
            "dns_id": Numbers(told.number[asked]),
            "dns_request_length": Numbers(asking),
            "dns_total_size": Numbers(asking + replying),
            "dns_response_length": some(replying, seen),
        }
        for name, values in messages.fields.items():
            fields[name] = _column(values, query, answer, flag=name in _FLAGS)
        texts = messages.texts
        return EntryColumns(
            "dns",
            connections,
            of,
            batch.spans(asked),
            batch.spans(answered),
            {name: column for name, column in fields.items() if column is not None},
            _coded(texts["summary"], texts["summary"].codes[query]),
            _coded(texts["status"], _said(texts["status"], answer)) if seen.any() else None,
            seen & messages.failed(answer) if seen.any() else None,
            _malformed(texts["malformed"], query, answer),
            batch.bodies(data, asked, self._limit),
            batch.bodies(data, answered, self._limit),
        )


def _said(values: Values, answer: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give the codes of what answers say, -1 where there is none."""
    return np.where(answer >= 0, values.codes[answer], -1)


def _column(values: Values, query: NDArray[np.int32], answer: NDArray[np.int32], *, flag: bool) -> Column | None:
    """Give a field: what the answer says of it goes before what the query says. None where neither does."""
    said = _said(values, answer)
    codes = np.where(said >= 0, said, values.codes[query])
    seen = codes >= 0
    if not seen.any():
        return None
    if not flag:
        return _coded(values, codes)
    table = np.array(values.distinct, bool)
    return Numbers(table[codes], None if seen.all() else seen)


def _coded(values: Values, codes: NDArray[np.int32]) -> Coded:
    """Give coded values with no others than are used."""
    said = Spread(values.distinct, codes)
    return Coded(said.distinct, said.codes)


def _malformed(values: Values, query: NDArray[np.int32], answer: NDArray[np.int32]) -> Coded | None:
    codes = np.where(values.codes[query] >= 0, values.codes[query], _said(values, answer))
    return _coded(values, codes) if (codes >= 0).any() else None
