"""One call, one entry: sightings of a call at several places become one row that keeps each of them as evidence.

The rows as they were written stay; beside them, in `joined`, the protocols that had something to join are written anew
with one row a call, and `_map.parquet` tells which row stands for each sighting.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import Template

from kubeshark_mcp.store.columns import CONNECTIONS
from kubeshark_mcp.store.files import JOINED, MANIFEST, MAP_FILE, store_errors, write_manifest
from kubeshark_mcp.store.grouping import group_sightings
from kubeshark_mcp.store.merging import merge_identities
from kubeshark_mcp.store.rewriting import rewrite
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
SELECT connection, min(numbers.conn_id) AS conn_id, min(numbers.flow_id) AS flow_id, min(numbers.group_id) AS group_id
FROM legs JOIN numbers USING (gid) GROUP BY connection
""")
"""The numbers by which a connection seen at several places goes: its row's conn_id, the flow behind the translation."""

_NUMBERS = ("conn_id", "flow_id", "conn_group_id")

_MAP = "SELECT members._id, calls._id AS _joined_into FROM members JOIN calls USING (gid) ORDER BY ALL"


def join_sightings(folder: Path, tolerance_ns: int = TOLERANCE_NS) -> JoinStats:
    """Join the sightings in a folder of written entries and declare it complete: the last step of a dissection.

    May be repeated; always starts from the rows as written.
    """
    shop = Workshop(folder)
    try:
        with store_errors(folder, "write"):
            (folder / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(folder / JOINED, ignore_errors=True)
        stats = _joined(shop, tolerance_ns)
    finally:
        shop.close()
    write_manifest(folder, asdict(stats))
    return stats


def _joined(shop: Workshop, tolerance_ns: int) -> JoinStats:
    if not group_sightings(shop, tolerance_ns):
        return JoinStats(_counts(shop, {}))
    target = shop.temporary / JOINED
    with store_errors(target, "write"):
        target.mkdir()
    merge_identities(shop)
    _prepare(shop)
    rewritten = rewrite(shop, target)
    with store_errors(shop.folder, "write"):
        target.rename(shop.folder / JOINED)
    ((calls, sightings),) = shop.run("SELECT count(*), sum(sightings)::BIGINT FROM calls")
    return JoinStats(_counts(shop, rewritten), calls, sightings)


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


def _counts(shop: Workshop, rewritten: Mapping[str, int]) -> dict[str, int]:
    others = {
        protocol: int(shop.run(f"SELECT count(*) FROM {shop.raw(protocol)}")[0][0])  # noqa: S608
        for protocol in shop.files
        if protocol not in rewritten
    }
    return dict(sorted({**others, **rewritten}.items()))
