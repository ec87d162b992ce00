"""Damaged captures go through all rooms: whatever the bytes are, the engine goes on."""

from __future__ import annotations

import random

import pytest

from tests.corpus.harness import MISSING, cases
from tests.corpus.mutations import beginnings, mutated, run

pytestmark = pytest.mark.corpus


@pytest.mark.skipif(not cases(), reason=MISSING)
def test_mutations_of_the_corpus_raise_nothing_hang_nowhere_and_stay_small(tmp_path):
    report = run(2000, 1, tmp_path)
    assert report.faults == []
    assert report.runs == 2000
    assert report.entries > 2000


@pytest.mark.slow
@pytest.mark.skipif(not cases(), reason=MISSING)
def test_ten_minutes_of_mutations_raise_nothing_hang_nowhere_and_stay_small(tmp_path):
    report = run(100_000, 2, tmp_path, most_seconds=600)
    assert report.faults == []


@pytest.mark.skipif(not cases(), reason=MISSING)
def test_a_mutation_can_be_made_again_and_differs_from_its_capture():
    contents = [content for _, content in beginnings(cases("dns")[:5])]
    made = [[mutated(contents[0], contents, random.Random(f"1/{number}")) for number in range(50)] for _ in range(2)]
    assert made[0] == made[1]
    assert sum(mutant != contents[0] for mutant in made[0]) >= 45
