"""Grades by rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.answers import Claimed, Findings, component_of, grade, same_component, states
from evals.lab.truth import Cause, Fact, load_truth

INCIDENTS = Path(__file__).resolve().parents[2] / "evals" / "incidents"


@pytest.fixture
def truth():
    return load_truth(INCIDENTS / "aller" / "truth.yaml")


def findings(component="data/pantry", mechanism="cache_failure", **given):
    facts = ["pantry answers SET with READONLY", "so menu asks the database books for everything"]
    return Findings(
        **{
            "healthy": False,
            "cause": Claimed(component=component, mechanism=mechanism),
            "facts": facts,
            "evidence": ["1"],
            **given,
        }
    )


def test_the_right_component_and_mechanism_with_all_facts_is_found(truth):
    given = grade(findings(), truth)
    assert (given.found, given.facts, given.reasons) == (True, 1.0, [])
    assert not given.passed  # until its evidence is looked up
    given.evidence = True
    assert given.passed


def test_component_and_mechanism_are_told_apart(truth):
    given = grade(findings(mechanism="rate_limited"), truth)
    assert (given.component, given.mechanism) == (True, False)
    given = grade(findings(component="bakery/orders"), truth)
    assert (given.component, given.mechanism) == (False, True)
    assert given.reasons == ["claimed bakery/orders - cache_failure; it is data/pantry - cache_failure"]


def test_a_fault_between_two_may_be_laid_at_either_end(truth):
    for component in ("data/pantry -> data/larder", "data/larder -> data/pantry"):
        assert grade(findings(component), truth).found
    assert not grade(findings("data/larder -> data/attic"), truth).component


def test_independent_faults_may_come_in_any_order_and_all_must_be_claimed(truth):
    second = (
        Cause(component="city/door", mechanism="tls_failure"),
        Cause(component="city/porch", mechanism="tls_failure"),
    )
    both = truth.model_copy(update={"also": second})
    pantry, porch = (
        Claimed(component="data/pantry", mechanism="cache_failure"),
        Claimed(component="city/porch", mechanism="tls_failure"),
    )
    assert grade(findings(others=[porch]), both).found
    assert grade(findings("city/porch", "tls_failure", others=[pantry]), both).found
    alone = grade(findings(), both)
    assert (alone.found, alone.reasons) == (False, ["a cause is missing: city/door - tls_failure"])
    assert grade(findings("city/porch", "tls_failure"), both).reasons == [
        "a cause is missing: data/pantry - cache_failure"
    ]


def test_what_must_not_be_claimed_fails_also_as_a_second_cause(truth):
    books = Claimed(component="data/books", mechanism="latency_shift")
    given = grade(findings(others=[books]), truth)
    assert given.found
    assert given.forbidden == [
        "must not claim data/books - latency_shift: "
        "Each of its statements takes as long as before; there are more of them."
    ]
    assert grade(findings("bakery/menu", "error_burst"), truth).forbidden
    assert not grade(findings("bakery/menu", "pool_exhaustion"), truth).forbidden


def test_facts_that_are_not_stated_are_named(truth):
    given = grade(findings(facts=["pantry is READONLY"]), truth)
    assert given.facts == 0.5
    assert given.reasons == [
        "fact not stated: So menu asks the database for everything, and calls wait for its one connection."
    ]


def test_no_answer_and_no_claim_are_no_finding(truth):
    assert grade(None, truth).reasons == ["no answer was submitted"]
    assert not grade(Findings(healthy=True), truth).found


def test_a_healthy_control_passes_without_any_claim_only():
    truth = load_truth(INCIDENTS / "havel" / "truth.yaml")
    assert grade(Findings(healthy=True), truth).passed
    assert not grade(Findings(healthy=False), truth).passed
    claimed = grade(findings("museum/tickets", "latency_shift"), truth)
    assert claimed.forbidden == ["claimed museum/tickets - latency_shift where all is well"]


@pytest.mark.parametrize(
    ("stated", "truth", "same"),
    [
        ("data/pantry", "data/pantry", True),
        ("Service data/Pantry", "data/pantry", True),
        ("pantry.data.svc.cluster.local", "data/pantry", True),
        ("grain/quotes-067569d7f-l58dr", "grain/quotes", True),
        ("node-b", "node-b", True),
        ("codes.example.net.", "codes.example.net", True),
        ("pantry", "data/pantry", False),
        ("data/pantry2", "data/pantry", False),
        ("other/pantry", "data/pantry", False),
    ],
)
def test_components_are_compared_as_people_write_them(stated, truth, same):
    assert same_component(stated, truth) is same


def test_a_statefulset_s_pod_keeps_its_number():
    assert component_of("data/redis-0") == "data/redis-0"


def test_numbers_of_facts_have_a_tolerance():
    fact = Fact(says="five times", number=5, tolerance=0.5)
    assert states("asked 5.2 times", fact)
    assert not states("asked 6 times", fact)
    assert states("asked 1,005 times", Fact(says="many", number=1005))
