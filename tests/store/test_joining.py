"""join_rows: the statements by which sightings become calls; what comes of them is tested in test_sightings.py."""

from __future__ import annotations

from kubeshark_mcp.store.files import JOINED, MAP_FILE
from kubeshark_mcp.store.joining import join_rows

TOLERANCE = 10**10


def nothing(connection, time_ns):
    return {}


def test_what_repeats_is_written_anew_beside_the_rows_and_nothing_temporary_stays(write, make):
    entries = [make.http(make.connection(capture=capture, number=number)) for number in (0, 1) for capture in (0, 1)]
    folder = write([*entries, make.http(make.connection(7))], nothing)
    assert join_rows(folder, TOLERANCE) == ({"http": 3}, 2, 4)
    assert sorted(path.name for path in folder.iterdir()) == ["http-0-000.parquet", JOINED]
    assert (folder / JOINED / MAP_FILE).is_file()


def test_nothing_is_written_where_nothing_repeats(write, make):
    folder = write([make.http(make.connection(number)) for number in range(3)], nothing)
    assert join_rows(folder, TOLERANCE) == ({"http": 3}, 0, 0)
    assert [path.name for path in folder.iterdir()] == ["http-0-000.parquet"]


def test_what_is_further_apart_than_the_tolerance_stays_apart(write, make):
    entries = [make.http(make.connection(capture=capture), at_ms=capture * 11_000) for capture in (0, 1)]
    folder = write(entries, nothing)
    assert join_rows(folder, TOLERANCE) == ({"http": 2}, 0, 0)
