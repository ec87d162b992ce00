"""Entries that come as objects, as the columns of a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.store.arrays import array_of
from kubeshark_mcp.store.halves import Half, in_order_of_time
from kubeshark_mcp.store.hashing import Hashes, value_hashes
from kubeshark_mcp.store.place_columns import connections_in
from kubeshark_mcp.store.places import Connections, PlaceOf, ValuesByName

Int64 = NDArray[np.int64]

_ATTRIBUTES = (
    "connection", "request", "response", "fields", "summary", "status", "failed", "malformed", "request_body",
    "response_body",
)  # fmt: skip
_ATTRIBUTES_OF = attrgetter(*_ATTRIBUTES)


class Rows(ABC):
    """The rows of a batch, sorted by time. start: when each begins, in Unix nanoseconds UTC."""

    request: Half
    response: Half
    start: Int64
    connections: Connections

    def __len__(self) -> int:
        return len(self.start)

    @abstractmethod
    def text(self, part: str) -> pa.Array:
        """Give `summary` or `status`, or `malformed`, which is null where it is empty."""

    @abstractmethod
    def failed(self) -> pa.Array:
        """Tell which failed."""

    @abstractmethod
    def bodies(self, part: str) -> pa.Array:
        """Give `request_body` or `response_body`, null where there is none."""

    @abstractmethod
    def field(self, name: str, kind: FieldType) -> pa.Array | None:
        """Give a field of the entries; None where no entry has it."""

    @abstractmethod
    def largest(self, names: Iterable[str]) -> Int64:
        """Give the largest of some fields that are numbers; at least 0."""

    @abstractmethod
    def hashes(self, names: Iterable[str]) -> list[Hashes]:
        """Hash some fields."""

    @abstractmethod
    def summary_hashes(self) -> Hashes:
        """Hash the summaries."""


class EntryRows(Rows):
    """The attributes of entries as lists: each entry is visited once, for entries lie far apart in memory."""

    def __init__(self, entries: Sequence[Entry], wanted: Iterable[str], place_of: PlaceOf) -> None:
        """Take them. wanted: names of the fields that will be asked for."""
        values, width = list(chain.from_iterable(map(_ATTRIBUTES_OF, entries))), len(_ATTRIBUTES)
        self._values: dict[str, Sequence[Any]] = {name: values[at::width] for at, name in enumerate(_ATTRIBUTES)}
        self.request, self.response = (Half.of_spans(self._values[name]) for name in ("request", "response"))
        self.start, order = in_order_of_time(self.request, self.response)
        if order is not None:  # Moving references costs less than moving finished columns.
            taken = itemgetter(*order.tolist())
            self._values = {name: taken(values) for name, values in self._values.items()}
            self.request, self.response = self.request.taken(order), self.response.taken(order)
            self.start = self.start[order]
        self._fields = ValuesByName(self._values["fields"], dict.fromkeys(wanted))
        self.connections = connections_in(self._values["connection"], self.start, place_of)

    def text(self, part: str) -> pa.Array:
        """Give `summary` or `status`, or `malformed`, which is null where it is empty."""
        values = self._values[part]
        return array_of([value or None for value in values] if part == "malformed" else values, FieldType.STRING)

    def failed(self) -> pa.Array:
        """Tell which failed."""
        return array_of(self._values["failed"], FieldType.BOOL)

    def bodies(self, part: str) -> pa.Array:
        """Give `request_body` or `response_body`, null where there is none."""
        values = self._values[part]
        if not any(values):
            return pa.nulls(len(values), pa.binary())
        return array_of([value or None for value in values], FieldType.BYTES)

    def field(self, name: str, kind: FieldType) -> pa.Array | None:
        """Give a field of the entries; None where no entry has it."""
        return array_of(self._fields[name], kind) if name in self._fields.present else None

    def largest(self, names: Iterable[str]) -> Int64:
        """Give the largest of some fields that are numbers; at least 0."""
        numbers = [[value if isinstance(value, int) else 0 for value in self._fields[name]] for name in names]
        largest: Int64 = np.array(numbers, np.int64).max(axis=0)
        return largest

    def hashes(self, names: Iterable[str]) -> list[Hashes]:
        """Hash some fields."""
        return [value_hashes(self._fields[name]) for name in names]

    def summary_hashes(self) -> Hashes:
        """Hash the summaries."""
        return value_hashes(self._values["summary"])
