"""One call, one entry: sightings of a call at several places become one row that keeps each of them as evidence.

The rows as they were written stay; beside them, in `joined`, the protocols that had something to join are written anew
with one row a call, and `_map.parquet` tells which row stands for each sighting.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from kubeshark_mcp.store.columns import CONNECTIONS, FLOWS, HEAVY, quoted
from kubeshark_mcp.store.files import JOINED, MAP_FILE, SUFFIX, store_errors
from kubeshark_mcp.store.flowsums import sum_flows
from kubeshark_mcp.store.grouping import group_sightings
from kubeshark_mcp.store.merging import merge_identities, merged_columns
from kubeshark_mcp.store.workshop import Workshop

TOLERANCE_NS = 10 * 10**9
"""How far apart the clocks of two nodes may be."""


@dataclass(frozen=True, slots=True)
class JoinStats:
    """What was joined. protocol_counts: rows by protocol, each call once. calls: joined ones. sightings: their rows."""

    protocol_counts: Mapping[str, int] = field(default_factory=dict)
    calls: int = 0
    sightings: int = 0


_LEGS = Template("""
CREATE TABLE canonical AS
WITH legs AS (
    SELECT gid, raw._connection AS connection, raw._id = calls._id AS chosen, $conn_id AS conn_id, $flow_id AS flow_id,
        $conn_group_id AS group_id,
        row_number() OVER (PARTITION BY gid ORDER BY distance)
            + CASE raw._server_kind WHEN 'pod' THEN 2000 WHEN 'service' THEN 0 ELSE 1000 END AS depth
    FROM members JOIN calls USING (gid) JOIN every_row ON every_row._id = members._id
    JOIN ($connections) AS raw ON raw._id = members._id WHERE whole),
numbers AS (
    SELECT gid, max(conn_id) FILTER (chosen) AS conn_id, arg_max(flow_id, depth) AS flow_id,
        arg_max(group_id, depth) AS group_id FROM legs GROUP BY gid)
SELECT connection, numbers.* EXCLUDE (gid) FROM legs JOIN numbers USING (gid)
""")
"""The numbers by which a connection seen at several places goes: its row's conn_id, the flow behind the translation."""

_NUMBERS = ("conn_id", "flow_id", "conn_group_id")

_MAP = "SELECT members._id, calls._id AS _joined_into FROM members JOIN calls USING (gid) ORDER BY ALL"

_REWRITTEN = Template("""
SELECT $columns
FROM (SELECT * FROM $raw AS r ANTI JOIN gone ON r._id = gone._id) AS r
LEFT JOIN calls AS c ON c._id = r._id
LEFT JOIN set_of AS s ON s.connection = r._connection
LEFT JOIN identities AS i ON i.set_id = s.set_id
LEFT JOIN canonical AS k ON k.connection = r._connection
""")


def join_sightings(folder: Path, tolerance_ns: int = TOLERANCE_NS) -> JoinStats:
    """Join the sightings in a folder of written entries; may be repeated, always starts from the rows as written."""
    shop = Workshop(folder)
    try:
        old = folder / JOINED
        with store_errors(old, "write"):
            shutil.rmtree(old, ignore_errors=True)
            (shop.temporary / JOINED).mkdir()
        if not group_sightings(shop, tolerance_ns):
            return JoinStats(_counts(shop, {}))
        merge_identities(shop)
        _prepare(shop)
        rewritten = _rewrite(shop)
        ((calls, sightings),) = shop.run("SELECT count(*), sum(sightings)::BIGINT FROM calls")
        return JoinStats(_counts(shop, rewritten), calls, sightings)
    finally:
        shop.close()


def _prepare(shop: Workshop) -> None:
    """Make `gone` (rows that another one stands for) and `canonical` (numbers of joined connections)."""
    found = sorted(CONNECTIONS & shop.files.keys())
    if found:
        names = {name for protocol in found for name in shop.columns[protocol]}
        parts = [f"SELECT * FROM {shop.raw(protocol)}" for protocol in found]  # noqa: S608
        chosen = {name: f"raw.{name}" if name in names else "NULL::BIGINT" for name in _NUMBERS}
        shop.run(_LEGS.substitute(chosen, connections=" UNION ALL BY NAME ".join(parts)))
    else:
        shop.run("CREATE TABLE canonical (connection BIGINT, conn_id BIGINT, flow_id BIGINT, group_id BIGINT)")
    shop.write(_MAP, shop.temporary / JOINED / MAP_FILE)
    shop.run(
        "CREATE TABLE gone AS SELECT members._id FROM members JOIN calls USING (gid) WHERE members._id <> calls._id"
    )
    shop.run("DROP TABLE members")


def _rewrite(shop: Workshop) -> dict[str, int]:
    """Write the protocols that changed, all or none; give their numbers of rows."""
    target = shop.temporary / JOINED
    changed = _changed(shop)
    counts = {}
    for protocol in changed:
        path = target / f"{protocol}-joined-000{SUFFIX}"
        shop.write(_rewritten(shop, protocol), path, shop.filled(protocol) | set(merged_columns(shop)))
        counts[protocol] = _rows_in(shop, path)
    for protocol in sorted(FLOWS & shop.files.keys()):
        path = target / f"{protocol}-joined-000{SUFFIX}"
        if sum_flows(shop, protocol, target, path):
            counts[protocol] = _rows_in(shop, path)
    with store_errors(shop.folder, "write"):
        target.rename(shop.folder / JOINED)
    return counts


def _changed(shop: Workshop) -> list[str]:
    """Give the protocols with joined rows, or with rows on a connection that goes by other numbers now."""
    changed = []
    for protocol in shop.files:
        if protocol not in FLOWS and shop.run(
            f"SELECT 1 FROM {shop.raw(protocol)} SEMI JOIN set_of ON connection = _connection LIMIT 1"  # noqa: S608
        ):
            changed.append(protocol)
    return changed


def _rewritten(shop: Workshop, protocol: str) -> str:
    present = [name for name in shop.columns[protocol] if name not in HEAVY]
    joined = {
        "timestamp": "coalesce(c.timestamp, r.timestamp)",
        "elapsed_time": "coalesce(c.elapsed, r.{0})",
        "first_byte_time": "coalesce(c.first_byte, r.{0})",
        "sightings": "coalesce(c.sightings, r.{0})",
        "conn_id": "coalesce(k.conn_id, r.{0})",
        "flow_id": "coalesce(k.flow_id, r.{0})",
        "conn_group_id": "coalesce(k.group_id, r.{0})",
    }
    merged = set(merged_columns(shop))
    columns = []
    for name in present:
        own = quoted(name)
        if expression := joined.get(name.removeprefix("_")):
            columns.append(f"{expression.format(own)} AS {own}")
        elif name in merged:
            columns.append(f"CASE WHEN i.set_id IS NULL THEN r.{own} ELSE i.{own} END AS {own}")
        else:
            columns.append(f"r.{own}")
    return _REWRITTEN.substitute(columns=", ".join(columns), raw=shop.raw(protocol))


def _rows_in(shop: Workshop, path: Path) -> int:
    text = str(path).replace("'", "''")
    return int(shop.run(f"SELECT count(*) FROM read_parquet('{text}')")[0][0])  # noqa: S608


def _counts(shop: Workshop, rewritten: Mapping[str, int]) -> dict[str, int]:
    others = {
        protocol: int(shop.run(f"SELECT count(*) FROM {shop.raw(protocol)}")[0][0])  # noqa: S608
        for protocol in shop.files
        if protocol not in rewritten
    }
    return dict(sorted({**others, **rewritten}.items()))
