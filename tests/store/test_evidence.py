"""Wide rows by id, and the sightings behind a call."""

from __future__ import annotations

import json
from dataclasses import replace

from kubeshark_mcp.model.stream import Endpoint
from kubeshark_mcp.store.database import Database
from kubeshark_mcp.store.evidence import fetch
from kubeshark_mcp.store.query import EntrySource, Query
from kubeshark_mcp.store.sightings import join_sightings


def twice(make, number, **changes):
    """One call at two capture points of one node."""
    first = make.http(make.connection(number), at_ms=number, **changes)
    second = make.http(make.connection(number, point=1, server=Endpoint("10.244.0.9", 8080)), at_ms=number, **changes)
    return [first, second]


def test_rows_are_fetched_by_id_with_the_columns_asked_for(write, make):
    database = Database([write([make.http(make.connection(n), at_ms=n) for n in range(9)])])
    rows = fetch(database, database.view("http"), ["_id", "path"], [2, 5])
    assert sorted(rows, key=lambda row: row["_id"]) == [{"_id": 2, "path": "/orders"}, {"_id": 5, "path": "/orders"}]
    assert fetch(database, database.view("http"), ["_id"], []) == []


def test_maps_come_back_as_they_were_written(write, make):
    odd = {"": "", "a\x00b": 'quote " and \\\\', "ünï": "\u2028\U0001f600", "1": "{}"}
    fields = ({"request.headers": odd}, {"request.headers": {}}, {})
    entries = [make.http(make.connection(n), at_ms=n, fields=own) for n, own in enumerate(fields)]
    database = Database([write(entries)])
    rows = fetch(database, database.view("http"), ["_id", "request.headers"], [1, 2, 3])
    assert [row.get("request.headers") for row in sorted(rows, key=lambda row: row["_id"])] == [odd, {}, None]


def test_sightings_are_looked_up_only_when_they_are_asked_for(write, make):
    folder = write([*twice(make, 1), make.http(make.connection(7), at_ms=9)])
    join_sightings(folder)
    source = EntrySource([folder])
    assert ["_sightings" in row for row in source.page(Query(), columns=("path",)).rows] == [False, False]
    assert ["_sightings" in row for row in source.page(Query(), columns=("_sightings",)).rows] == [True, False]
    assert ["_sightings" in row for row in source.page(Query()).rows] == [True, False]
    assert [len(json.loads(row["_sightings"])) for row in source.page(Query()).rows if "_sightings" in row] == [2]


def test_a_sighting_tells_only_what_was_seen(write, make):
    folder = write([replace(entry, response=None) for entry in twice(make, 1)], lambda connection, time_ns: {})
    join_sightings(folder)
    [row] = EntrySource([folder]).page(Query()).rows
    assert [set(sighting) for sighting in json.loads(row["_sightings"])] == [
        {"id", "point", "server", "packets", "time"}
    ] * 2
    assert json.loads(row["_sightings"])[0]["packets"] == {"request": [1, 1]}


def test_an_empty_page_has_no_evidence(write, make):
    folder = write(twice(make, 1))
    join_sightings(folder)
    assert EntrySource([folder], keep_duplicates=True).page(Query("path = ?", ("/none",))).rows == []
    assert EntrySource([folder]).page(Query("path = ?", ("/none",))).rows == []
