"""One meaning, four engines: generated filters select the same entries in SQL, in Python, in celpy and in Google's CEL.

The entries are those of all recordings of the tests and of the example incident, dissected and stored as always: every
protocol and, but for what no capture of ours can fill, every field.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from agreement import Chooser, Data, Generator, disagreements

from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.hub.pipeline import Pipeline, Run
from kubeshark_mcp.hub.queries import EntryBase, Language
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.store.query import Query

INCIDENT = Path(__file__).resolve().parents[2] / "examples" / "incident"
RECORDINGS = Path(__file__).resolve().parents[1] / "recordings"
PARTS = 4
FILTERS = 10_000
ONCE = int(os.environ.get("KUBESHARK_FILTERS", "200000"))
"""Filters of the long run."""
FIRST_SEED = int(os.environ.get("KUBESHARK_SEED", "1000"))
ROWS = 120


def chosen(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Give rows that together fill every field that is filled, and others evenly spread."""
    kept: list[dict[str, object]] = []
    seen: set[str] = set()
    for row in sorted(rows, key=len, reverse=True):
        fresh = {name for name, value in row.items() if value is not None} - seen
        if fresh:
            kept.append(row)
            seen |= fresh
    others = [row for row in rows if row not in kept]
    missing = ROWS - len(kept)
    return kept + others[:: max(1, len(others) // max(1, missing))][: max(0, missing)]


@pytest.fixture(scope="session")
def entries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Data]:
    folder = tmp_path_factory.mktemp("recordings") / "entries"
    captures = [CaptureSource(file, f"{file.parent.name}-{file.stem}") for file in sorted(RECORDINGS.glob("*/*.pcap"))]
    captures += [CaptureSource(INCIDENT / f"{node}.pcap", node) for node in ("node-a", "node-b")]
    Pipeline(Run(captures, [INCIDENT / "resources.json"]), folder).dissect()
    base = EntryBase(folder, Language(load_protocols()))
    everything = base.source.page(Query(), 100_000).rows
    rows = chosen(everything)
    numbers = [row["_id"] for row in rows]
    with base.source.database.cursor() as connection:
        connection.execute(
            "CREATE TABLE sample AS SELECT list_position(?, _id) - 1 AS _row, * FROM entries WHERE _id IN "
            "(SELECT unnest(?::BIGINT[]))",
            [numbers, numbers],
        )
        yield Data(base.language.catalogue, rows, connection, base.source.columns)
    base.close()


def run(data: Data, seed: int, count: int, celpy_each: int) -> None:
    generator = Generator(data, Chooser(seed))
    before = dict(data.engines)
    for _ in range(0, count, 250):
        found = disagreements(data, list(generator.filters(250, 4)), 16, celpy_each)
        assert found == [], "\n\n".join(found[:5])
    ran = {name: data.engines[name] - before[name] for name in before}
    assert ran["filters"] >= count
    assert ran["google"] > count * 0.8
    assert ran["celpy"] > count * 0.6 / celpy_each
    assert ran["hits"] > count * 0.3


def test_the_entries_are_of_all_protocols_and_fill_nearly_every_field(entries: Data):
    assert {row["protocol"] for row in entries.rows} >= {
        "http",
        "dns",
        "redis",
        "kafka",
        "icmp",
        "tcp_conn",
        "udp_flow",
    }
    assert len({row["protocol"] for row in entries.rows}) >= 20
    assert entries.present is not None
    filled = {name for row in entries.rows for name, value in row.items() if value is not None}
    assert len(filled & set(entries.catalogue.names())) > 0.85 * len(entries.catalogue)


@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_filters_select_the_same_entries_in_every_engine(entries: Data, part: int):
    run(entries, part, FILTERS // PARTS, 4)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_two_hundred_thousand_filters_select_the_same_entries_in_every_engine(entries: Data):
    for seed in range(FIRST_SEED, FIRST_SEED + ONCE // 1000):
        run(entries, seed, 1000, 4)
