"""One call, one entry: sightings of a call at several places become one row that keeps each of them as evidence.

The rows as they were written stay; beside them, in `joined`, the protocols that had something to join are written anew
with one row a call, and `_map.parquet` tells which row stands for each sighting.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kubeshark_mcp.store.files import JOINED, MANIFEST, MAP_FILE, store_errors, write_manifest
from kubeshark_mcp.store.grouping import group_part, split_rows
from kubeshark_mcp.store.merging import add_calls, merge_identities, prepare_calls
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


def join_sightings(
    folder: Path, tolerance_ns: int = TOLERANCE_NS, watch: Callable[[], None] | None = None
) -> JoinStats:
    """Join the sightings in a folder of written entries and declare it complete: the last step of a dissection.

    May be repeated; always starts from the rows as written. watch: called several times a second from another thread;
    what it raises stops the work and is raised here.
    """
    shop = Workshop(folder, watch)
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
    parts = split_rows(shop)
    if not parts:
        return JoinStats(_counts(shop, {}))
    prepare_calls(shop)
    calls = sightings = 0
    for part in range(parts):
        if group_part(shop, part, parts, tolerance_ns):
            found = add_calls(shop, part)
            calls, sightings = calls + found[0], sightings + found[1]
    for table in ("rows", "members"):
        shop.run(f"DROP TABLE IF EXISTS {table}")
    if not calls:
        return JoinStats(_counts(shop, {}))
    target = shop.temporary / JOINED
    with store_errors(target, "write"):
        target.mkdir()
    merge_identities(shop)
    shop.run("DROP TABLE calls")
    shop.run(f"CREATE VIEW calls AS SELECT * FROM {shop.pieces('calls')}")  # noqa: S608
    shop.write(f"SELECT * FROM {shop.pieces('map')} ORDER BY ALL", target / MAP_FILE)  # noqa: S608
    shop.run(f"CREATE VIEW gone AS SELECT _id FROM {shop.pieces('map')} WHERE _id <> _joined_into")  # noqa: S608
    rewritten = rewrite(shop, target)
    with store_errors(shop.folder, "write"):
        target.rename(shop.folder / JOINED)
    return JoinStats(_counts(shop, rewritten), calls, sightings)


def _counts(shop: Workshop, rewritten: Mapping[str, int]) -> dict[str, int]:
    others = {
        protocol: int(shop.run(f"SELECT count(*) FROM {shop.raw(protocol)}")[0][0])  # noqa: S608
        for protocol in shop.files
        if protocol not in rewritten
    }
    return dict(sorted({**others, **rewritten}.items()))
