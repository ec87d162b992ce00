"""Larger sizes: the same incident among neighbours."""

from __future__ import annotations

import pytest

from evals.lab.discovery import find
from evals.lab.plan import make_plan
from evals.lab.surroundings import lasting, surrounded


def test_small_is_the_incident_itself():
    incident = find("tiber")
    assert surrounded(incident, "small") is incident


@pytest.mark.parametrize(("size", "least"), [("medium", 40), ("large", 55)])
def test_larger_ones_keep_the_incident_and_its_addresses_and_add_neighbours_on_three_nodes(size, least):
    incident = find("tiber")
    larger = surrounded(incident, size)
    before, after = make_plan(incident), make_plan(larger)
    assert len(after.nodes) == 3
    assert len(larger.workloads) >= least
    assert after.all_pods[: len(before.all_pods)] == before.all_pods
    assert (larger.cause, larger.claims, larger.size) == (incident.cause, incident.claims, size)
    assert larger.fault_at / larger.seconds == pytest.approx(incident.fault_at / incident.seconds)


def test_the_length_can_be_given():
    assert surrounded(find("tiber"), "medium", 12).seconds == 12


def test_the_fault_comes_at_the_same_share_of_another_length():
    shorter = lasting(find("yonne"), 48)
    assert (shorter.seconds, shorter.fault_at) == (48, pytest.approx(16))


def test_what_is_large_by_itself_gets_no_other_neighbours():
    with pytest.raises(ValueError, match="weser is medium by itself"):
        surrounded(find("weser"), "large")


@pytest.mark.parametrize(("name", "least"), [("weser", 40), ("yonne", 60)])
def test_the_larger_incidents_have_the_workloads_of_their_size(name, least):
    assert len(find(name).workloads) >= least
