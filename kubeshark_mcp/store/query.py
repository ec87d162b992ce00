"""Questions to entries: pages, single entries, bodies, counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sys import getsizeof
from typing import Any

from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.model.field import Field
from kubeshark_mcp.store.columns import LAYER_4, quoted
from kubeshark_mcp.store.database import Database
from kubeshark_mcp.store.evidence import Row
from kubeshark_mcp.store.hashing import stable_hash
from kubeshark_mcp.store.paging import Position, read_cursor, write_cursor
from kubeshark_mcp.store.remembering import Remembered, bytes_of
from kubeshark_mcp.store.resident import Resident
from kubeshark_mcp.store.rows import RowReader
from kubeshark_mcp.store.statistics import MEASURED, FieldProfile, Selection, Statistics, measure, profile

BLOCK = 2000
"""Rows that are held at once while a residual predicate is evaluated."""
EXAMINED = 100_000
"""Rows that a residual predicate looks at, at most, for one answer."""
REMEMBERED_BYTES = 8 << 20
"""What the pages that are kept of one source may take, roughly."""
_TOTALS = 128
_LARGEST_REMEMBERED = 1000
_LAST_PARTS = (64, 8)


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries.

    sql, parameters: a condition over quoted column names with a `?` for each parameter.
    residual: what SQL cannot say, asked for each row that is left; it needs `residual_columns` (None: all columns), and
        `text` identifies it. text: the filter in words; a page can be followed by the next one of the same text even
        where it means another condition by then (`now()`). lasting: whether `residual` is the same whenever it is made.
    start_ns, end_ns: time window, both ends included. newest_first: order by time.
    layer_4: whether connections and flows belong to the answer; None: in statistics only where the condition names one
        of their columns or protocols, elsewhere always. needs: sets of columns; a row that lacks all of one of them is
        known not to match, so the files of protocols that do are not looked at.
    """

    sql: str = "true"
    parameters: tuple[Any, ...] = ()
    residual: Callable[[Mapping[str, Any]], bool] | None = None
    residual_columns: tuple[str, ...] | None = None
    text: str = ""
    lasting: bool = True
    start_ns: int | None = None
    end_ns: int | None = None
    newest_first: bool = False
    layer_4: bool | None = None
    needs: tuple[frozenset[str], ...] = ()

    def where(self) -> tuple[str, list[Any]]:
        """Give the condition with its time window, and its parameters."""
        parts, parameters = [f"({self.sql})"], list(self.parameters)
        if self.start_ns is not None:
            parts.append("timestamp >= ?")
            parameters.append(self.start_ns)
        if self.end_ns is not None:
            parts.append("timestamp <= ?")
            parameters.append(self.end_ns)
        return " AND ".join(parts), parameters


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order of time.

    total: rows that match in all; only those found so far where `exact` is false: a residual predicate had EXAMINED
    rows to look at. cursor: for the next page, None on the last. shared: whether its values are held in memory anyway.
    """

    rows: list[Row]
    total: int
    exact: bool = True
    cursor: str | None = None
    shared: bool = False


class EntrySource:
    """Entries of finished dissections; safe to use from several threads."""

    def __init__(
        self,
        folders: Sequence[Path],
        fields: Sequence[Field] = (),
        keep_duplicates: bool = False,
        remember: bool = True,
    ) -> None:
        """Open folders; a condition may name `fields`; `keep_duplicates` shows each sighting of a call apart.

        remember: keep pages and totals for those who ask again, and a small dissection in memory, which is sound
        because the files never change.
        """
        self.database = Database(folders, {field.name: field.type for field in fields}, keep_duplicates)
        self._rows = RowReader(self.database)
        self._memory = Resident(self.database) if remember else None
        self._totals: Remembered[int] = Remembered(_TOTALS if remember else 0, lambda _: 1)
        self._pages: Remembered[Page] = Remembered(REMEMBERED_BYTES if remember else 0, _weight)
        self._bounds: tuple[Any, ...] | None = None

    @property
    def columns(self) -> frozenset[str]:
        """Give the columns that have a value in some row; all others are null in every row."""
        return self.database.columns

    def close(self) -> None:
        """Release memory and files."""
        self.database.close()

    def interrupt(self) -> None:
        """Stop what other threads are asking just now; their calls raise StoreError."""
        self.database.interrupt()

    def page(
        self,
        query: Query,
        limit: int = 100,
        cursor: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> Page:
        """Give the next `limit` entries that match, with the total; `columns` None: all but bodies."""
        if limit < 1:
            raise UsageError(f"The limit {limit} is not a positive number.")
        after = None if cursor is None else read_cursor(cursor, self._asked(query))
        query = self._without_idle_bounds(query)
        if limit > _LARGEST_REMEMBERED or not query.lasting:
            return self._page(query, limit, after, columns)
        key = self._fingerprint(query), limit, after, None if columns is None else tuple(columns)
        page = self._pages.get(key, lambda: self._page(query, limit, after, columns))
        return replace(page, rows=[dict(row) for row in page.rows])

    def is_held(self, columns: Sequence[str]) -> bool:
        """Tell whether these columns are in memory, so that rows of them are made without a look at a file."""
        memory, names = self._memory, self._rows.light(columns)
        return memory is not None and memory.ready and names is not None and memory.has(names)

    def takes_a_moment(self, query: Query) -> bool:
        """Tell whether a page of this takes a millisecond or two: a plain condition over what is held."""
        return query.residual is None and "regexp" not in query.sql and self._held(query, query.sql) is not None

    def _page(self, query: Query, limit: int, after: Position | None, columns: Sequence[str] | None) -> Page:
        if query.residual is not None:
            return self._residual_page(query, limit, after, columns)
        if self._memory is not None and self._memory.ask() and (relation := self._held(query, query.sql)) is not None:
            return self._page_from(self._memory, relation, query, limit, after, columns)
        names = None if columns is None else self._rows.light(columns)
        keys = self._keys(query, after, limit + 1, names or ())
        last = keys[limit - 1] if len(keys) > limit else None
        rows = self._rows.of(keys[:limit], names, columns)
        total = len(rows) if after is None and last is None else self.count(query)
        return Page(rows, total, True, self._cursor(query, last))

    def _page_from(
        self,
        memory: Resident,
        relation: str,
        query: Query,
        limit: int,
        after: Position | None,
        columns: Sequence[str] | None,
    ) -> Page:
        found = memory.page(memory.find(relation, *query.where()), limit, after, query.newest_first)
        keys = memory.keys(found.places)
        names = None if columns is None else self._rows.light(columns)
        shared = names is not None and memory.has(names)
        if names is not None and shared:
            rows = self._rows.with_evidence(memory.rows(found.places, names), keys, columns)
        else:
            rows = self._rows.fetch(keys, columns)
        return Page(rows, found.total, True, self._cursor(query, keys[-1] if found.more else None), shared)

    def _cursor(self, query: Query, last: Sequence[Any] | None) -> str | None:
        """Give the cursor of a page whose last row has this time and id; None where no page follows."""
        return None if last is None else write_cursor(Position(last[0], last[1]), self._asked(query))

    def get(self, number: int) -> Row:
        """Give one entry in full, without bodies; a sighting that was joined away gives the call it belongs to."""
        return self._rows.fetch([self._key(number)], None)[0]

    def bodies(self, number: int) -> tuple[bytes, bytes]:
        """Give request and response body of one entry as captured."""
        _, number, protocol = self._key(number)
        sql = f"SELECT _request_body, _response_body FROM {self.database.raw(protocol)} WHERE _id = ?"  # noqa: S608
        ((request, response),) = self.database.query(sql, [number])
        return bytes(request or b""), bytes(response or b"")

    def count(self, query: Query) -> int:
        """Count the entries that match; a residual predicate is not asked."""
        where, parameters = query.where()
        sql = f"SELECT count(*) FROM {self._relation(query)} WHERE {where}"  # noqa: S608
        return self._totals.get(self._fingerprint(query), lambda: int(self.database.query(sql, parameters)[0][0]))

    def clause_counts(self, clauses: Sequence[tuple[str, tuple[Any, ...]]], query: Query | None = None) -> list[int]:
        """Count the rows left after each clause and all before it, within the window of `query`."""
        if not clauses:
            return []
        window, last_parameters = (query or Query()).where()
        counters, parameters = [], []
        for number in range(1, len(clauses) + 1):
            counters.append(f"count(*) FILTER (WHERE {' AND '.join(f'({sql})' for sql, _ in clauses[:number])})")
            parameters += [value for _, values in clauses[:number] for value in values]
        relation = self._relation(None if query is None else replace(query, needs=()), *counters)
        sql = f"SELECT {', '.join(counters)} FROM {relation} WHERE {window}"  # noqa: S608
        return list(self.database.query(sql, [*parameters, *last_parameters])[0])

    def bounds(self) -> tuple[int, int] | None:
        """Give the times of the first and the last entry (Unix ns UTC), None without entries."""
        if self._bounds is None:
            relation = self.database.narrow()
            self._bounds = self.database.query(f"SELECT min(timestamp), max(timestamp) FROM {relation}")[0]  # noqa: S608
        first, last = self._bounds
        return None if first is None else (first, last)

    def protocol_counts(self) -> dict[str, int]:
        """Count entries by protocol."""
        rows = self.database.query("SELECT protocol, count(*) FROM entries GROUP BY protocol ORDER BY protocol")
        return dict(rows)

    def node_bounds(self) -> list[tuple[str, int, int]]:
        """Give the times of the first and the last entry of each capturing node (name, Unix ns UTC, Unix ns UTC)."""
        if "node_name" not in self.columns:
            return [] if (bounds := self.bounds()) is None else [("", *bounds)]
        rows = self.database.query(
            "SELECT coalesce(node_name, ''), min(timestamp), max(timestamp) FROM entries GROUP BY 1 ORDER BY 1"
        )
        return [(name, first, last) for name, first, last in rows]

    def stats(self, query: Query | None = None, group: str | None = None, limit: int = 20) -> Statistics:
        """Count and measure entries, in all and by the values of a column (`_endpoint`: by kind of call).

        Connections and flows are not mixed with calls, see Query.layer_4.
        """
        selection, exact = self._selection(query or Query(), MEASURED, quoted(group or "protocol"))
        return replace(measure(self.database, selection, group, limit), exact=exact)

    def field_profile(self, names: Sequence[str], query: Query | None = None) -> list[FieldProfile]:
        """Tell for each field how often it is filled and what its commonest values are."""
        asked = replace(query or Query(), layer_4=query is None or query.layer_4 is not False)
        selection, _ = self._selection(asked, *map(quoted, names))
        return [profile(self.database, selection, name) for name in names]

    def _selection(self, query: Query, *texts: str) -> tuple[Selection, bool]:
        """Give the rows that statistics are about, and whether a residual predicate saw all of them.

        texts: SQL that names the columns which the rows are to have.
        """
        layer_4 = self.includes_layer_4(query)
        both = query.start_ns is not None and query.end_ns is not None
        window = (query.end_ns or 0) - (query.start_ns or 0) if both else None
        relation = self._relation(replace(query, layer_4=layer_4), *texts)
        if query.residual is None:
            where, parameters = query.where()
            return Selection(relation, where, parameters, window), True
        found, exact = self.matching_ids(replace(query, layer_4=layer_4))
        return Selection(relation, "_id IN (SELECT unnest(?::BIGINT[]))", [found], window), exact

    def matching_ids(self, query: Query) -> tuple[list[int], bool]:
        """Give the ids a residual predicate accepts, and whether all rows were looked at."""
        found: list[int] = []
        examined = 0
        for block, rows in self._blocks(query, None, query.residual_columns):
            found += [key[1] for key, row in zip(block, rows, strict=True) if _accepts(query, row)]
            examined += len(block)
            if examined >= EXAMINED:
                return found, False
        return found, True

    def includes_layer_4(self, query: Query) -> bool:
        """Tell whether statistics of this query are about connections and flows as well."""
        if query.layer_4 is not None:
            return query.layer_4
        of_calls = {name for p, names in self.database.columns_of.items() if p not in LAYER_4 for name in names}
        of_layer_4 = {name for p, names in self.database.columns_of.items() if p in LAYER_4 for name in names}
        named = any(quoted(name) in query.sql for name in of_layer_4 - of_calls)
        return named or any(value in LAYER_4 for value in query.parameters if isinstance(value, str))

    def _relation(self, query: Query | None, *texts: str) -> str:
        named = (query.sql, *texts) if query is not None else texts
        if (held := self._held(query, *named)) is not None:
            return held
        layer_4 = query is None or query.layer_4 is not False
        protocols = None if query is None else self.database.protocols_with(query.needs)
        return self.database.narrow(*named, layer_4=layer_4, protocols=protocols)

    def _held(self, query: Query | None, *texts: str) -> str | None:
        """Give the relation in memory, where there is one that has the columns which these texts name."""
        if self._memory is None or not self._memory.ready:
            return None
        return self._memory.relation(texts, query is None or query.layer_4 is not False)

    def _asked(self, query: Query) -> int:
        """Identify what was asked, for cursors; relative times mean another window, and condition, a page later."""
        condition = (query.text,) if query.text else (query.sql, query.parameters)
        return stable_hash(self.database.fingerprint, *condition, query.newest_first, query.layer_4)

    def _fingerprint(self, query: Query) -> int:
        """Identify what is looked for, for answers that are kept."""
        return stable_hash(
            self._asked(query), query.sql, query.parameters, query.residual is None, query.start_ns, query.end_ns
        )

    def _without_idle_bounds(self, query: Query) -> Query:
        """Leave out the ends of a window that are outside of the data: each is a column to read."""
        if (query.start_ns is None and query.end_ns is None) or (bounds := self.bounds()) is None:
            return query
        first, last = bounds
        start = None if query.start_ns is None or query.start_ns <= first else query.start_ns
        end = None if query.end_ns is None or query.end_ns >= last else query.end_ns
        return replace(query, start_ns=start, end_ns=end)

    def _keys_sql(self, query: Query, after: Position | None, columns: Sequence[str] = ()) -> tuple[str, list[Any]]:
        where, parameters = query.where()
        order, sign = ("DESC", "<") if query.newest_first else ("ASC", ">")
        if after is not None:
            where += f" AND timestamp {sign}= ? AND (timestamp {sign} ? OR _id {sign} ?)"
            parameters += [after.timestamp, after.timestamp, after.id]
        wanted = ", ".join(["timestamp", "_id", "protocol", *map(quoted, columns)])
        relation = self._relation(query, wanted)
        return (
            f"SELECT {wanted} FROM {relation} WHERE {where} "  # noqa: S608
            f"ORDER BY timestamp {order}, _id {order}",
            parameters,
        )

    def _keys(
        self, query: Query, after: Position | None, limit: int, columns: Sequence[str] = ()
    ) -> list[tuple[Any, ...]]:
        """Find entries: their times, ids and protocols, and what some columns have.

        Files are in order of time, so the newest entries would be found last: their last part is tried first.
        """
        for first, last in filter(None, [self.bounds() if query.newest_first else None]):
            end = min(last, query.end_ns or last, after.timestamp if after else last)
            for part in _LAST_PARTS:
                start = max(end - (last - first) // part, query.start_ns or 0)
                sql, parameters = self._keys_sql(replace(query, start_ns=start), after, columns)
                if len(found := self.database.query(f"{sql} LIMIT {limit:d}", parameters)) == limit:
                    return found
        sql, parameters = self._keys_sql(query, after, columns)
        return self.database.query(f"{sql} LIMIT {limit:d}", parameters)

    def _key(self, number: int) -> tuple[int, int, str]:
        """Find an entry, or the one that stands for it."""
        sql = f"SELECT timestamp, _id, protocol FROM {self._relation(None)} WHERE _id = ?"  # noqa: S608
        keys = self.database.query(sql, [number])
        if not keys and self.database.joined:
            stands_for = "SELECT max(_joined_into) FROM sightings WHERE _id = ?"
            ((target,),) = self.database.query(stands_for, [number])
            keys = self.database.query(sql, [target])
        if not keys:
            raise NotFoundError(f"There is no entry {number} here: take an id from a list of calls of this dissection.")
        return keys[0][0], keys[0][1], keys[0][2]

    def _blocks(
        self, query: Query, after: Position | None, columns: Sequence[str] | None
    ) -> Iterator[tuple[list[tuple[Any, ...]], list[Row]]]:
        sql, parameters = self._keys_sql(query, after)
        for block in self.database.stream(sql, parameters, BLOCK):
            yield block, self._rows.fetch(block, columns)

    def _residual_page(self, query: Query, limit: int, after: Position | None, columns: Sequence[str] | None) -> Page:
        """Fill a page by looking at rows in order; goes on for the total as far as EXAMINED allows."""
        chosen: list[tuple[Any, ...]] = []
        matched = examined = 0
        last: tuple[Any, ...] | None = None
        exact = True
        for block, rows in self._blocks(query, after, query.residual_columns):
            accepted = [key for key, row in zip(block, rows, strict=True) if _accepts(query, row)]
            chosen += accepted[: max(0, limit - len(chosen))]
            matched += len(accepted)
            examined += len(block)
            last = block[-1]
            if examined >= EXAMINED:
                exact = False
                break
        more = matched > len(chosen)
        end = chosen[-1] if more else None if exact else last
        total, fingerprint = matched, self._fingerprint(query)
        if query.lasting and after is None and exact:
            self._totals.keep(fingerprint, matched)
        elif query.lasting and (known := self._totals.known(fingerprint)) is not None:
            total, exact = known, True
        return Page(self._rows.fetch(chosen, columns), total, exact, self._cursor(query, end))


def _weight(page: Page) -> int:
    """Estimate what a page takes that is kept."""
    return sum(map(getsizeof, page.rows)) if page.shared else bytes_of(page.rows)


def _accepts(query: Query, row: Row) -> bool:
    return query.residual is None or query.residual(row)
