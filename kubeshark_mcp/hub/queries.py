"""Questions about entries: KFL meets the store."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kubeshark_mcp.dissect.base import Protocol
from kubeshark_mcp.dissect.discovery import all_fields
from kubeshark_mcp.kfl import Catalogue, Program, compile_filter
from kubeshark_mcp.model.field import Field
from kubeshark_mcp.store.evidence import Row
from kubeshark_mcp.store.query import EntrySource, Page, Query


class Language:
    """The KFL fields of the installed protocols, and filters compiled against them."""

    def __init__(self, protocols: Sequence[Protocol]) -> None:
        self.fields: tuple[Field, ...] = all_fields(protocols)
        self.catalogue = Catalogue(self.fields)

    def compile(self, text: str | None, present: frozenset[str] | None = None) -> Program | None:
        """Compile a filter; None for none. present: the columns that the data has, for warnings."""
        if text is None or not text.strip():
            return None
        return compile_filter(text, self.catalogue, present=present, now_ns=time.time_ns())


_NOW = re.compile(r"\bnow\s*\(")


def as_query(program: Program | None, base: Query | None = None) -> Query:
    """Give the store's question for a compiled filter, within the window and order of `base`."""
    base = base or Query()
    if program is None:
        return base
    return replace(
        base,
        sql=program.sql.sql,
        parameters=program.sql.parameters,
        residual=program.residual,
        residual_columns=tuple(sorted(program.residual_columns)) if program.residual else None,
        text=program.text,
        lasting=program.residual is None or _NOW.search(program.text) is None,
        needs=program.needs,
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """A page with the filter it answers."""

    page: Page
    program: Program | None
    query: Query


class EntryBase:
    """The entries of one dissection, open for questions."""

    def __init__(self, folder: Path, language: Language, keep_duplicates: bool = False, remember: bool = True) -> None:
        self.folder = folder
        self.source = EntrySource([folder], language.fields, keep_duplicates, remember)
        self.language = language

    def close(self) -> None:
        """Release files."""
        self.source.close()

    def compile(self, kfl: str | None) -> Program | None:
        """Compile a filter against the columns of this data."""
        return self.language.compile(kfl, self.source.columns)

    def page(
        self, kfl: str | None, base: Query, limit: int, cursor: str | None, columns: Sequence[str] | None = None
    ) -> Answered:
        """Give a page of entries."""
        program = self.compile(kfl)
        query = as_query(program, base)
        return Answered(self.source.page(query, limit, cursor, columns), program, query)

    def page_at_once(
        self, kfl: str | None, base: Query, limit: int, cursor: str | None, columns: Sequence[str]
    ) -> Answered | None:
        """Give a page that takes a moment and reads no file; None for any other."""
        if not self.source.is_held(columns) or (kfl is not None and len(kfl) > _SHORT_FILTER):
            return None
        program = self.compile(kfl)
        query = as_query(program, base)
        if not self.source.takes_a_moment(query):
            return None
        return Answered(self.source.page(query, limit, cursor, columns), program, query)

    def rows(self, kfl: str | None, limit: int | None, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """Give all entries that match in order of time, page by page."""
        query = as_query(self.compile(kfl))
        cursor: str | None = None
        left = limit
        while left is None or left > 0:
            page = self.source.page(query, PAGE if left is None else min(PAGE, left), cursor, columns)
            yield from page.rows
            left = None if left is None else left - len(page.rows)
            cursor = page.cursor
            if cursor is None:
                return


_SHORT_FILTER = 500
"""Characters of a filter that is compiled in a moment."""
PAGE = 5000
"""Entries that are held at once when all are wanted."""


def evidence(row: Row) -> dict[str, list[int]]:
    """Give the packet numbers that an entry rests on: first and last of request and of response."""
    packets: dict[str, list[int]] = {}
    for half in ("request", "response"):
        if (first := row.get(f"_{half}_first")) is not None:
            packets[half] = [first, row[f"_{half}_last"]]
    return packets


def public(row: Row) -> dict[str, Any]:
    """Give an entry with KFL names as keys, its evidence as `packets`, and without internal columns."""
    shown = {name: value for name, value in row.items() if not name.startswith("_")}
    shown["packets"] = evidence(row)
    return shown
