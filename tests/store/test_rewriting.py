"""Files with one row a call."""

from __future__ import annotations

import pytest

from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.store import rewriting, writer
from kubeshark_mcp.store.query import EntrySource, Query
from kubeshark_mcp.store.sightings import JoinStats, join_sightings
from kubeshark_mcp.store.workshop import Workshop


@pytest.fixture
def folder(write, make, monkeypatch):
    """Two captures of 40 calls, the second one late; 20 more calls were seen once."""
    monkeypatch.setattr(writer, "CHUNK", 10)
    calls = [make.http(make.connection(n, capture=c), at_ms=n) for c in (0, 1) for n in range(40)]
    once = [make.http(make.connection(n), at_ms=n) for n in range(40, 60)]
    return write([*calls, *once], batch=10)


def test_a_range_of_ids_goes_into_a_file_and_no_row_is_lost(folder, monkeypatch):
    monkeypatch.setattr(rewriting, "RANGE_ROWS", 30)
    assert join_sightings(folder) == JoinStats({"http": 60}, calls=40, sightings=80)
    names = sorted(path.name for path in (folder / "joined").iterdir())
    assert names == ["_map.parquet", *(f"http-joined-{n:03}.parquet" for n in range(4))]
    rows = EntrySource([folder]).page(Query(), 100).rows
    assert [row["src.port"] for row in rows] == list(range(40000, 40060))
    assert [row["sightings"] for row in rows] == [2] * 40 + [1] * 20


def test_columns_that_were_filled_stay_known(folder):
    before = EntrySource([folder]).columns
    join_sightings(folder)
    assert before - EntrySource([folder]).columns <= {"_request_body", "_response_body"}


def test_a_protocol_without_joined_connections_is_left_as_it_is(write, make):
    calls = [make.http(make.connection(1, capture=c)) for c in (0, 1)]
    lookup = make.http(make.connection(9, transport="udp"), protocol="dns", fields={"dns": True})
    folder = write([*calls, lookup])
    assert join_sightings(folder).protocol_counts == {"dns": 1, "http": 1}
    assert sorted(path.name for path in (folder / "joined").iterdir()) == ["_map.parquet", "http-joined-000.parquet"]


def test_a_full_disk_leaves_nothing_half_done(folder, monkeypatch):
    real = Workshop.run

    def full(self, sql, parameters=()):
        return real(self, sql.replace("joined-000", "none/joined-000") if sql.startswith("COPY") else sql, parameters)

    monkeypatch.setattr(Workshop, "run", full)
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(StoreError, match="cannot be joined"):
        join_sightings(folder)
    assert sorted(path.name for path in folder.iterdir()) == before == ["http-0-000.parquet", "http-0-001.parquet"]
