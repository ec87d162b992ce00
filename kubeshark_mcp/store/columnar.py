"""Whole columns of the entries that SQL selects, for analysis: numpy arrays, texts as codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kubeshark_mcp.store.coded import Coded, Growing, Part, in_order
from kubeshark_mcp.store.database import Database

Loaded = NDArray[Any] | Coded | list[Any]
"""Numbers and flags as arrays, texts coded, lists and maps (as dicts) as Python values."""
_NUMBERS = (
    (pa.types.is_boolean, False, np.bool_),
    (pa.types.is_integer, 0, np.int64),
    (pa.types.is_floating, 0.0, np.float64),
)
BATCH = 100_000
"""Rows that are held as text at once; what stays of them are codes."""


def load(
    database: Database, relation: str, columns: Mapping[str, str], where: str, parameters: Sequence[Any] = ()
) -> dict[str, Loaded]:
    """Read SQL expressions by name over the rows of a relation that match, in order of time.

    Rows come as they lie and are ordered afterwards, as numbers: to sort the texts would need many times the memory.
    """
    if not columns:
        return {}
    wanted = ", ".join(f'{expression} AS "{name}"' for name, expression in columns.items())
    sql = f"SELECT {wanted}, timestamp AS _at, _id AS _number FROM {relation} WHERE {where}"  # noqa: S608
    with database.cursor() as cursor:
        reader = cursor.sql(sql, params=list(parameters)).to_arrow_reader(BATCH)
        parts = {name: _Column(reader.schema.field(name).type) for name in (*columns, "_at", "_number")}
        for batch in reader:
            for name, part in parts.items():
                part.add(batch.column(name))
    order = in_order(parts.pop("_at").numbers(), parts.pop("_number").numbers())
    # One after the other, so that only one column lies there twice.
    return {name: parts.pop(name).loaded(order) for name in columns}


class _Column:
    """A column that grows by batches."""

    def __init__(self, kind: pa.DataType) -> None:
        texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
        self._texts = Growing() if texts else None
        self._number = next(((missing, dtype) for test, missing, dtype in _NUMBERS if test(kind)), None)
        self._map = pa.types.is_map(kind)
        self._arrays: list[NDArray[Any]] = []
        self._objects: list[Any] = []

    def add(self, column: pa.Array) -> None:
        """Take a batch."""
        if self._texts is not None:
            texts = pc.fill_null(column.cast(pa.string()), "").dictionary_encode()
            self._texts.add(Part(texts.indices.to_numpy(zero_copy_only=False), texts.dictionary.to_pylist()))
        elif self._number is not None:
            missing, dtype = self._number
            self._arrays.append(pc.fill_null(column, missing).to_numpy(zero_copy_only=False).astype(dtype))
        elif self._map:
            self._objects += [dict(value or ()) for value in column.to_pylist()]
        else:
            self._objects += column.to_pylist()

    def numbers(self) -> NDArray[Any]:
        """Give all numbers in the order of arrival; the batches are let go."""
        dtype = self._number[1] if self._number else np.int64
        arrays, self._arrays = self._arrays, []
        return np.concatenate(arrays) if arrays else np.zeros(0, dtype)

    def loaded(self, order: NDArray[np.int64] | None = None) -> Loaded:
        """Give the column, in another order where one is given."""
        if self._texts is not None:
            return self._texts.whole(order)
        if self._number is not None:
            return self.numbers() if order is None else self.numbers()[order]
        return self._objects if order is None else [self._objects[row] for row in order.tolist()]
