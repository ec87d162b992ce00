"""Rows by id, or made of what was found."""

from __future__ import annotations

from kubeshark_mcp.store.database import Database
from kubeshark_mcp.store.rows import RowReader


def test_rows_are_the_same_read_by_id_or_made_of_what_was_found(write, make):
    lookup = make.http(make.connection(9, transport="udp"), protocol="dns", fields={"dns": True})
    database = Database([write([make.http(make.connection(), code=404, response_body=b"x"), lookup])])
    reader = RowReader(database)
    names = reader.light(("path", "status_code", "no such column", "path"))
    assert names == ["path", "status_code"]
    assert [reader.light(("request.headers",)), reader.light(("_response_body",))] == [None, None]
    keys = sorted(database.query("SELECT timestamp, _id, protocol, path, status_code FROM entries"), key=lambda k: k[2])
    rows = [{"_id": keys[0][1]}, {"_id": keys[1][1], "path": "/orders", "status_code": 404}]
    assert reader.of(keys, names, names) == rows
    assert reader.of([key[:3] for key in keys], None, names) == rows
    assert reader.fetch(keys, None)[1]["request.headers"] == {"host": "shop"}
