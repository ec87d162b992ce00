"""A place to rework what was just written."""

from __future__ import annotations

import pytest

from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.store.database import Database
from kubeshark_mcp.store.workshop import Workshop


def test_it_shows_the_files_and_cleans_up(write, make):
    folder = write([make.http(make.connection())])
    shop = Workshop(folder)
    assert shop.run(f"SELECT count(*) FROM {shop.raw('http')}") == [(1,)]
    assert "status_code" in shop.columns["http"]
    assert {"http", "path", "_id"} <= shop.filled("http")
    assert "dst.pod.name" not in shop.filled("http")
    shop.close()
    assert [path.name for path in folder.iterdir()] == ["http-0-000.parquet"]


def test_what_it_writes_names_the_columns_that_are_filled(write, make, tmp_path):
    shop = Workshop(write([make.http(make.connection())]))
    target = tmp_path / "other"
    target.mkdir()
    shop.write("SELECT 7 AS _id, 9 AS timestamp, 'x' AS protocol, NULL AS empty", target / "x-0-000.parquet", ["_id"])
    shop.close()
    assert Database([target]).columns == {"_id"}


def test_a_failing_statement_is_a_sentence(write, make):
    shop = Workshop(write([make.http(make.connection())]))
    with pytest.raises(StoreError, match=r"The entries in '.*' cannot be joined \(.*nope.*\): free some disk space"):
        shop.run("SELECT nope")
    shop.close()


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / ".workshop").write_text("a file in the way")
    with pytest.raises(StoreError, match="Cannot write"):
        Workshop(tmp_path)
