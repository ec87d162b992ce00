"""Columns as detectors read them: numpy arrays, texts as codes, and groups of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Whole = NDArray[Any]
"""Whole numbers that are as narrow as they can be: row numbers, counts, codes. Calculate with them as int64."""
Mask = NDArray[np.bool_]
T = TypeVar("T", bound="Table")
TABLE = 1 << 20
"""Values up to which a table numbers them; above, and where rows are few, they are sorted."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of texts: `values[codes[row]]`. codes: int8, int16 or int32, one a row; values: each text once.

    Values are in no order. Codes are as narrow as they can be: make them int64 before calculating with them.
    """

    codes: Whole
    values: tuple[str, ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """Make a column from a text for each row."""
        numbers: dict[str, int] = {}
        codes = np.fromiter((numbers.setdefault(text, len(numbers)) for text in texts), np.int32, len(texts))
        return cls(codes, tuple(numbers))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> str:
        return self.values[int(self.codes[row])]

    def taken(self, rows: Mask | Int64) -> Texts:
        """Give the column of some rows."""
        return Texts(self.codes[rows], self.values)

    def equal(self, *texts: str) -> Mask:
        """Tell which rows have one of these texts."""
        wanted = set(texts)
        return self.matching([value in wanted for value in self.values])

    def matching(self, accepted: Sequence[bool]) -> Mask:
        """Tell which rows have a value that is accepted, given an answer for each of `values`."""
        found: Mask = np.asarray(accepted, np.bool_)[self.codes] if len(self.values) else np.zeros(0, np.bool_)
        return found

    def decoded(self) -> list[str]:
        """Give the text of each row."""
        return [self.values[code] for code in self.codes]

    def counts(self) -> dict[str, int]:
        """Count the rows of each text that occurs, commonest first."""
        numbers = np.bincount(self.codes, minlength=len(self.values))
        order = np.argsort(-numbers, kind="stable")
        return {self.values[code]: int(numbers[code]) for code in order if numbers[code]}


@dataclass(frozen=True)
class Table:
    """Columns of one length; subclasses are frozen dataclasses whose fields are arrays or Texts."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def taken(self: T, rows: Mask | Int64) -> T:
        """Give some rows: a mask, or row numbers."""
        changes: dict[str, Any] = {}
        for column in fields(self):
            value = getattr(self, column.name)
            changes[column.name] = value.taken(rows) if isinstance(value, Texts) else value[rows]
        return replace(self, **changes)


def groups(*columns: Texts | Int64) -> Iterator[tuple[tuple[Any, ...], Int64]]:
    """Give each combination of values with its row numbers (ascending), in order of first appearance of the key.

    A key has a text for each Texts and an int for each number column. One sort, whatever the number of groups.
    """
    if not columns or not len(columns[0]):
        return
    combined = _combined(columns)
    order = np.argsort(combined.astype(np.uint16) if combined.max() < 1 << 16 else combined, kind="stable")
    starts = np.flatnonzero(np.diff(combined[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        first = rows[0]
        yield tuple(column[first] if isinstance(column, Texts) else int(column[first]) for column in columns), rows


def _combined(columns: Sequence[Texts | Int64]) -> Int64:
    """Give each combination of values a number from 0 on, in the order of their columns; small numbers sort fast."""
    combined = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        part = column.codes if isinstance(column, Texts) else np.unique(column, return_inverse=True)[1]
        size = len(column.values) if isinstance(column, Texts) else int(part.max()) + 1
        combined = _dense(combined * size + part)
    return combined


def _dense(numbers: Int64) -> Int64:
    """Give distinct values numbers from 0 on, in their order."""
    most = int(numbers.max()) + 1
    if most > TABLE and most > 4 * len(numbers):
        found: Int64 = np.unique(numbers, return_inverse=True)[1]
        return found
    places = np.zeros(most, np.int64)
    places[numbers] = 1
    ranks: Int64 = (np.cumsum(places) - 1)[numbers]
    return ranks
