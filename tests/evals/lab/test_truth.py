"""The schema of truths: what it takes, what it refuses, and that it comes back as it was written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from evals.lab.truth import MECHANISMS, Expected, Fact, Truth, dump_truth, load_truth

START = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)


def told(**changes: Any) -> dict[str, Any]:
    """A truth that is right, with changes."""
    found: dict[str, Any] = {
        "name": "tiber",
        "title": "Something is slow",
        "size": "small",
        "healthy": False,
        "window": (START, START + timedelta(seconds=30)),
        "onset": START + timedelta(seconds=9),
        "cause": {"component": "clinic/rooms", "mechanism": "latency_shift"},
        "chain": ("clinic/rooms", "edge/gateway"),
        "facts": ({"says": "rooms is slow", "match": ("rooms",)},),
        "evidence": ({"kfl": "http", "expect": {"min": 3, "max": 3}, "meaning": "calls"},),
        "must_not_claim": ({"component": "data/records", "why": "It is fast."},),
    }
    return {name: value for name, value in {**found, **changes}.items() if value is not None}


def test_a_truth_comes_back_as_it_was_written(tmp_path):
    truth = Truth.model_validate(told(notes=("made with a proxy",)))
    dump_truth(truth, tmp_path / "truth.yaml")
    assert load_truth(tmp_path / "truth.yaml") == truth


def test_times_are_written_in_rfc_3339(tmp_path):
    dump_truth(Truth.model_validate(told()), tmp_path / "truth.yaml")
    assert "onset: '2026-05-04T10:00:09.000Z'" in (tmp_path / "truth.yaml").read_text()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cause": None}, "a healthy case has no cause"),
        ({"healthy": True}, "a healthy case has no cause"),
        ({"onset": START - timedelta(seconds=1)}, "is not within the window"),
        ({"chain": ()}, "needs a chain and facts"),
        ({"must_not_claim": ()}, "at least 1 item"),
        ({"evidence": ()}, "at least 1 item"),
        ({"must_not_claim": ({"component": "clinic/rooms", "why": "no"},)}, "both a right answer and a wrong one"),
        ({"cause": {"component": "clinic/rooms", "mechanism": "gremlins"}}, "Input should be"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
        ({"facts": ({"says": "it is slow"},)}, "neither `match` nor `number`"),
        ({"facts": ({"says": "it is slow", "match": ("(",)},)}, "is no regular expression"),
        ({"evidence": ({"kfl": "http", "expect": {"min": 3, "max": 2}, "meaning": "x"},)}, "is empty"),
        ({"onset": datetime(2026, 5, 4, 10, 0, 5)}, "timezone"),  # noqa: DTZ001
    ],
)
def test_what_is_wrong_is_refused_with_the_reason(changes, said):
    with pytest.raises(ValidationError, match=said):
        Truth.model_validate(told(**changes))


def test_a_healthy_case_needs_neither_chain_nor_facts():
    truth = Truth.model_validate(told(healthy=True, cause=None, onset=None, chain=None, facts=None))
    assert truth.right == ()


def test_right_answers_are_the_cause_and_what_is_as_good():
    truth = Truth.model_validate(told(accept=({"component": "clinic/visits", "mechanism": "pool_exhaustion"},)))
    assert [cause.component for cause in truth.right] == ["clinic/rooms", "clinic/visits"]


@pytest.mark.parametrize(("count", "holds"), [(2, False), (3, True), (5, True), (6, False)])
def test_a_range_includes_both_ends(count, holds):
    assert Expected(min=3, max=5).holds(count) is holds


def test_a_range_without_an_end_has_none():
    assert Expected(min=3).holds(10**9)
    assert [str(each) for each in (Expected(min=3), Expected(min=3, max=3), Expected(min=3, max=5))] == [
        "at least 3",
        "3",
        "3 to 5",
    ]


def test_a_fact_may_be_a_number():
    assert Fact(says="five of a hundred", number=5, tolerance=1).match == ()


def test_the_words_for_faults_are_those_of_the_detectors():
    mechanisms = pytest.importorskip("kubeshark_mcp.analyse.mechanisms")
    assert sorted(MECHANISMS) == sorted(mechanism.value for mechanism in mechanisms.Mechanism)
