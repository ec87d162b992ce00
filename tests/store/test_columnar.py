"""Whole columns of the entries that SQL selects."""

from __future__ import annotations

import numpy as np

from kubeshark_mcp.store.coded import Coded
from kubeshark_mcp.store.columnar import load
from kubeshark_mcp.store.database import Database


def test_without_columns_nothing_is_read(tmp_path):
    database = Database([tmp_path])
    assert load(database, "entries", {}, "true") == {}
    database.close()


def test_values_arrive_as_arrays_codes_and_python_values(tmp_path):
    database = Database([tmp_path])
    relation = "(SELECT 1 AS timestamp, 1 AS _id UNION ALL SELECT 2, 2)"
    wanted = {
        "number": "_id + ?", "text": "CASE WHEN _id = 1 THEN 'a' END", "flag": "_id = 1", "share": "_id / 4.0::DOUBLE",
        "items": "[1, _id]", "map": "MAP {'k': _id}",
    }  # fmt: skip
    found = load(database, relation, wanted, "_id > ?", (5, 0))
    text = found["text"]
    assert isinstance(text, Coded)
    assert [text.values[code] for code in text.codes] == ["a", ""]
    assert [np.asarray(found[name]).tolist() for name in ("number", "flag", "share")] == [
        [6, 7],
        [True, False],
        [0.25, 0.5],
    ]
    assert (found["items"], found["map"]) == ([[1, 1], [1, 2]], [{"k": 1}, {"k": 2}])
    database.close()
