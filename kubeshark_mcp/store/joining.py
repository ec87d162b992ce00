"""Joins what repeats in a dissection, by statements of a database; `sightings` says what comes of it, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from kubeshark_mcp.store.files import JOINED, MAP_FILE, store_errors
from kubeshark_mcp.store.grouping import group_part, split_rows
from kubeshark_mcp.store.merging import add_calls, merge_identities, prepare_calls
from kubeshark_mcp.store.rewriting import rewrite
from kubeshark_mcp.store.workshop import Workshop


def join_rows(
    folder: Path, tolerance_ns: int, watch: Callable[[], None] | None = None
) -> tuple[Mapping[str, int], int, int]:
    """Join what repeats in a folder of written entries into its folder `joined`, if anything does.

    Gives rows by protocol, each call once; joined calls; and rows that were joined. watch: see `Workshop`.
    """
    shop = Workshop(folder, watch)
    try:
        return _joined(shop, tolerance_ns)
    finally:
        shop.close()


def _joined(shop: Workshop, tolerance_ns: int) -> tuple[Mapping[str, int], int, int]:
    parts = split_rows(shop)
    if not parts:
        return _counts(shop, {}), 0, 0
    prepare_calls(shop)
    calls = sightings = 0
    for part in range(parts):
        if group_part(shop, part, parts, tolerance_ns):
            found = add_calls(shop, part)
            calls, sightings = calls + found[0], sightings + found[1]
    for table in ("rows", "members"):
        shop.run(f"DROP TABLE IF EXISTS {table}")
    if not calls:
        return _counts(shop, {}), 0, 0
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
    return _counts(shop, rewritten), calls, sightings


def _counts(shop: Workshop, rewritten: Mapping[str, int]) -> dict[str, int]:
    others = {
        protocol: int(shop.run(f"SELECT count(*) FROM {shop.raw(protocol)}")[0][0])  # noqa: S608
        for protocol in shop.files
        if protocol not in rewritten
    }
    return dict(sorted({**others, **rewritten}.items()))
