"""The diagnosis of many entries, on few."""

from __future__ import annotations

import pytest

from benchmarks import diagnose


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.setattr(diagnose.tempfile, "gettempdir", lambda: str(tmp_path))


def test_the_cache_that_refuses_is_found_and_every_step_is_timed():
    found = diagnose.measure(10_000)
    assert (found["calls"], found["first"]) == (10_000, "cache_failure")
    assert {"read calls", "nesting", "service graph", "cache_failure"} <= found["steps"].keys()
    assert found["tokens"] < 1200


def test_few_and_many_are_a_row_each(monkeypatch):
    asked = []

    class Ran:
        stdout = '{"calls": 5, "first": "x", "seconds": 1, "cpu": 2, "peak_mb": 3, "tokens": 4, "steps": {"read": 1}}'

    monkeypatch.setattr(diagnose, "folder_of", asked.append)
    monkeypatch.setattr(diagnose.subprocess, "run", lambda command, **_: Ran())
    *_, few, many, slowest = diagnose.lines(1_000_000)
    assert asked == [10_000, 1_000_000]
    assert few == many == "| 5 | x | 1.00 | 2.00 | 3 | 4 |"
    assert slowest.endswith("read 1.00 s")
