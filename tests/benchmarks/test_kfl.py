from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks import kfl


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("kfl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kfl, "CHUNK", 2_000)
        patch.setattr(kfl, "SAMPLE", 20)
        patch.setattr(kfl, "folder_of", lambda entries: folder / "entries")
        patch.setattr(kfl, "first_use", lambda: (1.0, 2.0))
        kfl.write(folder / "entries", 2_000)
        return list(kfl.lines(2_000, 2))


def test_every_filter_has_a_line_with_matches_and_ratios(table: list[str]):
    rows = [line.split(" | ") for line in table if line.startswith("| ") and "---" not in line][1:]
    assert [row[0].removeprefix("| ") for row in rows] == list(kfl.FILTERS)
    assert all(len(row) == 11 for row in rows)
    assert sum(int(row[1].replace(",", "")) > 0 for row in rows) >= 9


def test_the_goals_are_said_beside_what_was_measured(table: list[str]):
    assert "2,000 entries" in table[0]
    assert any(line.startswith("parse and check:") for line in table)
    assert any("page of 100 " in line and "page again " in line for line in table)
    assert "first use of celpy: its import 1 ms, its grammar and the first filter 2 ms" in table
    assert table[-1].startswith("goals: page p50 <= 25 ms")


def test_the_same_entries_are_made_each_time():
    first, second = (kfl._entry(random.Random(1), 7, kfl._connection(3)) for _ in range(2))
    assert first == second
