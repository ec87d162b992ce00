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
SMALL = 1 << 16
LARGEST = 1 << 62


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


def groups(*columns: Texts | Whole) -> Iterator[tuple[tuple[Any, ...], Whole]]:
    """Give each combination of values with its row numbers (ascending), in order of first appearance of the key.

    A key has a text for each Texts and an int for each number column. One sort, whatever the number of groups.
    """
    if not columns or not len(columns[0]):
        return
    combined = combinations(*columns)
    order = np.argsort(combined, kind="stable").astype(np.int32)
    combined = combined[order]
    starts = np.flatnonzero(combined[1:] != combined[:-1]) + 1
    del combined
    for rows in np.split(order, starts):
        first = rows[0]
        yield tuple(column[first] if isinstance(column, Texts) else int(column[first]) for column in columns), rows


def combinations(*columns: Texts | Whole) -> Whole:
    """Give each combination of values a number from 0 on, in the order of their columns; few are numbered densely.

    Up to 65,536 are uint16, which are sorted in a fraction of the time.
    """
    combined: Whole = np.zeros(len(columns[0]), np.uint16)
    size = 1
    for column in columns:
        part = column.codes if isinstance(column, Texts) else _dense(column)
        many = len(column.values) if isinstance(column, Texts) else int(part.max(initial=0)) + 1
        if size * many > LARGEST:
            combined = _dense(combined)
            size = int(combined.max(initial=0)) + 1
        dtype = _type_for(size * many)
        combined = part.astype(dtype) if size == 1 else combined.astype(dtype) * dtype(many) + part.astype(dtype)
        size *= many
        if size > SMALL and len(combined) > 1024:
            combined = _dense(combined)
            size = int(combined.max(initial=0)) + 1
    return combined.astype(np.uint16) if size <= SMALL else combined


def _type_for(size: int) -> type[np.integer[Any]]:
    return np.uint16 if size <= SMALL else np.int32 if size < 1 << 31 else np.int64


def distinct(numbers: Whole) -> tuple[Int64, Whole]:
    """Give the distinct values, ascending, and the place of each number among them (int32)."""
    ranks = _dense(numbers)
    found = np.zeros(int(ranks.max(initial=-1)) + 1, np.int64)
    found[ranks] = numbers
    return found, ranks


def _dense(numbers: Whole) -> Whole:
    """Give distinct values numbers from 0 on, in their order."""
    if not len(numbers):
        return np.zeros(0, np.int32)
    least = int(numbers.min())
    most = int(numbers.max()) - least + 1
    if most > TABLE and most > 4 * len(numbers):
        return np.unique(numbers, return_inverse=True)[1].astype(np.int32)
    places = np.zeros(most, np.int32)
    shifted = np.subtract(numbers, least, dtype=np.int64) if least else numbers
    places[shifted] = 1
    ranks: Whole = (np.cumsum(places, dtype=np.int32) - 1)[shifted]
    return ranks
