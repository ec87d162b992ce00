"""Lists, numbers and single entries of a dissection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from kubeshark_mcp.capture.export import read_packets, write_packets
from kubeshark_mcp.dissect.content import decode_body
from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.databases import DatabaseRoom
from kubeshark_mcp.hub.empties import why_empty
from kubeshark_mcp.hub.flows import COLUMNS, collect
from kubeshark_mcp.hub.queries import Answered, EntryBase, as_query, evidence
from kubeshark_mcp.hub.snapshots import SnapshotRoom, captures_in
from kubeshark_mcp.hub.times import end_to_ns, from_ns, to_ns
from kubeshark_mcp.kfl import Program
from kubeshark_mcp.store.evidence import Row
from kubeshark_mcp.store.query import Query

GROUPS = {
    "endpoint": "_endpoint",
    "service": "dst.service.name",
    "node": "node_name",
    "ns": "dst.namespace",
    "worker": "worker",
}
"""Short names of what statistics are grouped by, and their columns; any KFL field serves as well."""
_FEW = 200
"""Rows of a page that is made in a moment."""
EVIDENCE_PACKETS = 2000
"""Packets of one entry that are given as a capture, at most."""
_HANDLE = re.compile(r"(?:(?P<database>[^#]+)#)?(?P<number>\d{1,18})")


class CallRoom:
    """Answers questions about entries."""

    def __init__(self, databases: DatabaseRoom, snapshots: SnapshotRoom, keep_duplicates: bool = False) -> None:
        self._keep_duplicates = keep_duplicates
        self._databases = databases
        self._snapshots = snapshots

    def page(self, query: c.CallQuery) -> c.CallPage:
        """Give a page of entries; an empty one says why."""
        dissection = self._databases.resolve(query.database)
        base = self._databases.base(dissection, self._keep_duplicates or query.keep_duplicates)
        found = base.page(query.kfl, _window_of(query), query.limit, query.cursor, _columns(query))
        empty = None
        if not found.page.rows and not query.cursor:
            empty = why_empty(base, found.program, found.query, dissection.snapshot)
        return self._told(query, dissection, found, empty)

    def page_at_once(self, query: c.CallQuery) -> c.CallPage | None:
        """Give a page that takes a moment and waits for nothing, so that no thread is needed; None for any other."""
        columns = _columns(query)
        if columns is None or query.limit > _FEW:
            return None
        at_hand = self._databases.at_hand(query.database, self._keep_duplicates or query.keep_duplicates)
        if at_hand is None:
            return None
        dissection, base = at_hand
        found = base.page_at_once(query.kfl, _window_of(query), query.limit, query.cursor, columns)
        if found is None or not found.page.rows:
            return None
        return self._told(query, dissection, found)

    def _told(
        self, query: c.CallQuery, dissection: c.Dissection, found: Answered, empty: c.EmptyReason | None = None
    ) -> c.CallPage:
        page, columns = found.page, _columns(query)
        warnings = _warnings(found.program)
        if not page.exact:
            warnings.append(f"at least {page.total} match: the filter was tried on a part of the entries only")
        # Made of what was just read: to check a hundred rows takes as long as to make them.
        return c.CallPage.model_construct(
            rows=[_shown(row) for row in page.rows] if columns is None else _shown_columns(page.rows, columns),
            total=page.total,
            cursor=page.cursor,
            database=f"{dissection.snapshot}/{dissection.name}",
            warnings=warnings,
            empty=empty,
        )

    def one(self, request: c.CallRequest) -> c.CallDetail:
        """Give an entry in full."""
        match = _HANDLE.fullmatch(request.id.strip())
        if match is None:
            raise UsageError(f"{request.id!r} is no id of a call: take one from a list of calls (a number).")
        dissection = self._databases.resolve(match["database"] or request.database)
        base = self._databases.base(dissection)
        try:
            row = base.source.get(int(match["number"]))
        except NotFoundError:
            base = self._databases.base(dissection, keep_duplicates=True)
            row = base.source.get(int(match["number"]))
        bodies, truncated = self._bodies(base, row, request) if request.include_payload else ((b"", b""), False)
        flow, connection = self._layer4(base, row) if request.include_l4 else (None, None)
        return c.CallDetail(
            entry=_shown(row),
            request_body=bodies[0],
            response_body=bodies[1],
            truncated=truncated,
            flow=flow,
            connection=connection,
            pcap=self._packets(dissection, row) if request.include_pcap else None,
        )

    def _bodies(self, base: EntryBase, row: Row, request: c.CallRequest) -> tuple[tuple[bytes, bytes], bool]:
        kept = base.source.bodies(row["_id"])
        sizes = (row.get("request_body_size", len(kept[0])), row.get("response_body_size", len(kept[1])))
        headers = (row.get("request.headers", {}), row.get("response.headers", {}))
        limit = request.max_payload_size
        shown, cut = [], False
        for raw, size, fields in zip(kept, sizes, headers, strict=True):
            decoded = decode_body(fields, raw)
            shown.append(decoded.data[:limit])
            cut = cut or decoded.cut or len(raw) < size or len(decoded.data) > limit
        return (shown[0], shown[1]), cut

    def _layer4(self, base: EntryBase, row: Row) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        number, flow = row.get("conn_id"), row.get("flow_id")
        if number is None or not base.source.columns >= {"conn_id", "flow_id", "conn"}:
            return None, None
        mine = base.source.page(Query('conn AND "conn_id" = ?', (number,)), 1).rows
        siblings = base.source.page(Query('conn AND "flow_id" = ?', (flow,)), 1000, columns=COLUMNS).rows
        flows = collect(siblings)
        connection = _shown(mine[0]) if mine else None
        return (flows[0].as_dict() if flows else None), connection

    def _packets(self, dissection: c.Dissection, row: Row) -> bytes | None:
        folder = self._snapshots.completed(dissection.snapshot)
        captures = captures_in(folder)
        if row.get("_capture") is None or row["_capture"] >= len(captures):
            return None
        numbers = [n for first, last in evidence(row).values() for n in range(first, last + 1)]
        return write_packets(read_packets(captures[row["_capture"]].path, sorted(set(numbers))[:EVIDENCE_PACKETS]))

    def stats(self, query: c.StatsQuery) -> c.Stats:
        """Give numbers over all entries that match, and by group."""
        dissection = self._databases.resolve(query.database)
        base = self._databases.base(dissection)
        program = base.compile(query.kfl)
        asked = as_query(program, _window(query.start, query.end))
        group = None if query.group_by is None else self._group_column(base, query.group_by)
        found = base.source.stats(asked, group, query.limit)
        total = c.StatsRow(**found.total)
        return c.Stats(
            total=total,
            groups=[c.StatsRow(**row) for row in found.groups],
            groups_total=found.groups_total,
            start=None if found.first_ns is None else from_ns(found.first_ns),
            end=None if found.last_ns is None else from_ns(found.last_ns),
            database=f"{dissection.snapshot}/{dissection.name}",
            warnings=[*_warnings(program), *_quality(dissection)],
            empty=None if total.count else why_empty(base, program, asked, dissection.snapshot),
        )

    def _group_column(self, base: EntryBase, name: str) -> str:
        column = GROUPS.get(name, name)
        if column not in {field.name for field in base.language.fields} and column not in GROUPS.values():
            near = base.language.catalogue.suggest(name)
            hint = f"; did you mean {near!r}?" if near else ""
            raise UsageError(f"group_by {name!r} is no field{hint} Short names are {', '.join(GROUPS)} and protocol.")
        return column


def _columns(query: c.CallQuery) -> tuple[str, ...] | None:
    return None if query.columns is None else ("timestamp", *query.columns)


def _window_of(query: c.CallQuery) -> Query:
    return _window(query.start, query.end, query.newest_first)


def _window(start: datetime | None, end: datetime | None, newest_first: bool = False) -> Query:
    if start is not None and end is not None and start >= end:
        raise UsageError(f"The window ends ({end.isoformat()}) before it starts ({start.isoformat()}): swap the two.")
    return Query(
        start_ns=None if start is None else to_ns(start),
        end_ns=None if end is None else end_to_ns(end) - 1,
        newest_first=newest_first,
    )


def _warnings(program: Program | None) -> list[str]:
    return [] if program is None else [str(warning) for warning in program.warnings]


def _quality(dissection: c.Dissection) -> list[str]:
    """Give what was said about the quality of the captures: numbers are only as good as they are."""
    return [warning for warning in dissection.warnings if ": capture quality: " in warning]


def _shown_columns(rows: Sequence[Row], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Give rows of some columns as `_shown` does, which looks at every name of every row."""
    if any(name[0] == "_" for name in columns):
        return [_shown(row) for row in rows]
    return [
        {
            **row,
            "timestamp": from_ns(row["timestamp"]),
            "_packets": {},
            "_summary": row.get("summary", ""),
            "_status": row.get("status", ""),
            "_failed": row.get("failed", ""),
            "_malformed": row.get("malformed", ""),
        }
        for row in rows
    ]


def _shown(row: Row) -> dict[str, Any]:
    """Give a row as the contract has it: KFL fields, and evidence under its internal keys."""
    shown = {name: value for name, value in row.items() if name[0] != "_"}
    shown["timestamp"] = from_ns(row["timestamp"])
    shown["_id"] = row["_id"]
    shown["_packets"] = evidence(row)
    for name in ("summary", "status", "failed", "malformed"):
        shown[f"_{name}"] = row.get(name, "")
    if "_sightings" in row:
        shown["_sightings"] = [
            {**sighting, "time": from_ns(sighting["time"])} for sighting in orjson.loads(row["_sightings"])
        ]
    if "_joined_into" in row:
        shown["_joined_into"] = row["_joined_into"]
    return shown
