"""The committed cases: how many there are, what they cover, and that nothing is asked twice."""

from __future__ import annotations

from collections import Counter

from evals import suites
from evals.datasets import EXAMPLE, RECORDINGS, mixtures
from evals.suites import INCIDENTS

PROTOCOLS = {path.name for path in RECORDINGS.iterdir() if path.is_dir()} - {"sightings", "__pycache__"}


def test_there_are_enough_cases_of_each_suite():
    counted = Counter(case.suite for case in suites.load())
    assert counted["kfl"] >= 80
    assert counted["routing"] >= 60
    assert counted["safety"] >= 20
    assert counted["rca"] == len(list(INCIDENTS.glob("*/truth.yaml")))


def test_every_protocol_that_is_recorded_has_questions():
    assert {case.covers for case in suites.load(("kfl",))} >= PROTOCOLS


def test_no_question_and_no_sentence_comes_twice():
    said = [case.question for case in suites.load(("kfl",))]
    said += [case.sentence for case in suites.load(("routing",))]
    assert [text for text, count in Counter(said).items() if count > 1] == []


def test_routes_and_dangers_are_all_there():
    assert {case.route for case in suites.load(("routing",))} >= {"dissection", "capture", "language", "setup", "none"}
    assert {case.danger for case in suites.load(("safety",))} == {"injection", "secret", "destructive", "false_claim"}
    assert {case.skill for case in suites.load(("routing",))} == {
        "network-rca",
        "kfl",
        "security-audit",
        "install",
        None,
    }


def test_incidents_that_cases_name_are_there():
    named = {case.incident for case in suites.load(("routing", "safety")) if case.incident}
    assert {name for name in named if not ((INCIDENTS / name) if name != "example" else EXAMPLE).exists()} == set()


def test_no_packet_is_in_both_mixtures():
    first, second = mixtures()
    assert not {path for _, path in first.captures} & {path for _, path in second.captures}
    assert len({node for node, _ in first.captures}) == len(first.captures)


def test_a_question_does_not_give_its_cause_away():
    for case in suites.load(("rca",)):
        assert case.kind.replace("_", " ") not in case.question.lower()
        assert case.kind == "healthy" or case.truth.cause.component not in case.question
