"""One call, one entry: sightings of a call at several places become one row that keeps each of them as evidence.

The rows as they were written stay; beside them, in `joined`, the protocols that had something to join are written anew
with one row a call, and `_map.parquet` tells which row stands for each sighting.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kubeshark_mcp.store.files import JOINED, MANIFEST, store_errors, write_manifest
from kubeshark_mcp.store.repeats import may_repeat, row_counts

TOLERANCE_NS = 10 * 10**9
"""How far apart the clocks of two nodes may be."""


@dataclass(frozen=True, slots=True)
class JoinStats:
    """What was joined. protocol_counts: rows by protocol, each call once. calls: joined ones. sightings: their rows."""

    protocol_counts: Mapping[str, int] = field(default_factory=dict)
    calls: int = 0
    sightings: int = 0


def join_sightings(
    folder: Path,
    tolerance_ns: int = TOLERANCE_NS,
    watch: Callable[[], None] | None = None,
    repeats: bool | None = None,
) -> JoinStats:
    """Join the sightings in a folder of written entries and declare it complete: the last step of a dissection.

    May be repeated; always starts from the rows as written. watch: called several times a second from another thread
    while something is joined; what it raises stops the work and is raised here. repeats: what `may_repeat` says of the
    folder, where it was asked already.
    """
    with store_errors(folder, "write"):
        (folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder / JOINED, ignore_errors=True)
    if may_repeat(folder) if repeats is None else repeats:
        from kubeshark_mcp.store.joining import join_rows  # with it comes DuckDB, which takes time and room of its own

        stats = JoinStats(*join_rows(folder, tolerance_ns, watch))
    else:
        stats = JoinStats(row_counts(folder))
    write_manifest(folder, asdict(stats))
    return stats
