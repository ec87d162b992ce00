"""Files with one row a call, written from the rows as they were and from what was joined.

Wide rows stream past small tables, a range of ids after the other, so that memory does not grow with the capture.
"""

from __future__ import annotations

from pathlib import Path
from string import Template

from kubeshark_mcp.store.columns import FLOWS, HEAVY, INTERNAL, quoted
from kubeshark_mcp.store.files import SUFFIX
from kubeshark_mcp.store.flowsums import sum_flows
from kubeshark_mcp.store.merging import merged_columns
from kubeshark_mcp.store.workshop import Workshop

RANGE_ROWS = 250_000
"""Rows that are read for one file, about."""

_CHANGED: dict[str, str] = {
    "timestamp": "coalesce(c.timestamp, r.{0})",
    "elapsed_time": "coalesce(c.elapsed, r.{0})",
    "first_byte_time": "coalesce(c.first_byte, r.{0})",
    "sightings": "coalesce(c.sightings, r.{0})",
    "conn_id": "coalesce(k._conn_id, r.{0})",
    "flow_id": "coalesce(k._flow_id, r.{0})",
    "conn_group_id": "coalesce(k._group_id, r.{0})",
}

_KNOWN_HERE = Template("""
CREATE OR REPLACE TABLE known_here AS
SELECT here.connection, set_id, identities.* EXCLUDE (set_id), canonical.conn_id AS _conn_id,
    canonical.flow_id AS _flow_id, canonical.group_id AS _group_id
FROM (SELECT DISTINCT _connection AS connection FROM $raw WHERE $range) AS here
LEFT JOIN set_of USING (connection) LEFT JOIN identities USING (set_id) LEFT JOIN canonical USING (connection)
WHERE set_id IS NOT NULL OR canonical.connection IS NOT NULL
""")

_ROWS = Template("""
SELECT $columns FROM (
    SELECT * FROM (SELECT * FROM $raw WHERE $range) AS every
    ANTI JOIN (SELECT _id FROM gone WHERE $range) AS gone_here USING (_id)) AS r
LEFT JOIN (SELECT * FROM calls WHERE $range) AS c ON c._id = r._id
LEFT JOIN known_here AS k ON k.connection = r._connection
""")

_GROUPS = Template("""
SELECT min(stats_min_value::BIGINT) AS first, max(stats_max_value::BIGINT), any_value(row_group_num_rows)
FROM parquet_metadata([$paths]) WHERE path_in_schema = '_id' GROUP BY file_name, row_group_id ORDER BY first
""")


def rewrite(shop: Workshop, target: Path) -> dict[str, int]:
    """Write the protocols that changed into `target`; give their numbers of rows."""
    counts = {}
    for protocol in shop.files:
        if protocol not in FLOWS and _is_changed(shop, protocol):
            _write(shop, protocol, target)
            counts[protocol] = _rows_in(shop, protocol, target)
    for protocol in sorted(FLOWS & shop.files.keys()):
        if sum_flows(shop, protocol, target, target / f"{protocol}-joined-000{SUFFIX}"):
            counts[protocol] = _rows_in(shop, protocol, target)
    return counts


def _is_changed(shop: Workshop, protocol: str) -> bool:
    """Tell whether a protocol has rows on a connection that was seen at several places."""
    sql = f"SELECT 1 FROM {shop.raw(protocol)} SEMI JOIN set_of ON connection = _connection LIMIT 1"  # noqa: S608
    return bool(shop.run(sql))


def _write(shop: Workshop, protocol: str, target: Path) -> None:
    raw = shop.raw(protocol)
    merged = set(merged_columns(shop))
    filled = shop.filled(protocol) | merged
    columns = ", ".join(
        _column(name, merged, filled, kind) for name, kind in shop.columns[protocol].items() if name not in HEAVY
    )
    for number, (first, last) in enumerate(_ranges(shop, protocol)):
        within = f"_id BETWEEN {first:d} AND {last:d}"
        shop.run(_KNOWN_HERE.substitute(raw=raw, range=within))
        path = target / f"{protocol}-joined-{number:03}{SUFFIX}"
        shop.write(_ROWS.substitute(columns=columns, raw=raw, range=within), path, filled)


def _column(name: str, merged: set[str], filled: set[str], kind: str) -> str:
    own = quoted(name)
    if name not in filled and name not in INTERNAL:
        return f"NULL::{kind} AS {own}"
    if expression := _CHANGED.get(name.removeprefix("_")):
        return f"{expression.format(own)} AS {own}"
    if name in merged:
        return f"CASE WHEN k.set_id IS NULL THEN r.{own} ELSE k.{own} END AS {own}"
    return f"r.{own}"


def _ranges(shop: Workshop, protocol: str) -> list[tuple[int, int]]:
    """Give ranges of ids that hold about RANGE_ROWS rows each and all rows together; row groups hold ids in order."""
    groups = shop.run(_GROUPS.substitute(paths=shop.paths(protocol)))
    ranges: list[tuple[int, int]] = []
    held = RANGE_ROWS
    for first, last, rows in groups:
        if held >= RANGE_ROWS:
            ranges.append((first, last))
            held = 0
        ranges[-1] = (ranges[-1][0], max(last, ranges[-1][1]))
        held += rows
    return ranges


def _rows_in(shop: Workshop, protocol: str, target: Path) -> int:
    pattern = str(target / f"{protocol}-joined-*{SUFFIX}").replace("'", "''")
    return int(shop.run(f"SELECT count(*) FROM read_parquet('{pattern}')")[0][0])  # noqa: S608
