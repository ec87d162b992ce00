"""Hashes alike in every process and version."""

from __future__ import annotations

from kubeshark_mcp.store.hashing import stable_hash, stable_hashes


def test_a_hash_never_changes():
    assert stable_hash("tcp", "10.0.0.1", 40000) == 6021355265358437953
    assert stable_hash("\ud800") == stable_hash("?")


def test_parts_are_kept_apart():
    assert stable_hash("ab", "c") != stable_hash("a", "bc")


def test_rows_are_hashed_as_one_by_one():
    rows = [("tcp", "10.0.0.1", 40000), ("\ud800",), ("a", "bc")]
    assert stable_hashes(rows).tolist() == [stable_hash(*row) for row in rows]
    assert stable_hashes([]).tolist() == []
