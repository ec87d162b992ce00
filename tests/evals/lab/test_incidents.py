"""Every incident that is declared: complete, neutral, and planned without contradictions."""

from __future__ import annotations

import re

import pytest

from evals.lab.build import expected
from evals.lab.discovery import find, names
from evals.lab.incident import Incident
from evals.lab.plan import make_plan
from evals.lab.truth import MECHANISMS

TELLING = {word for mechanism in MECHANISMS for word in mechanism.split("_")} - {
    "name", "data", "port", "one", "hole", "broker", "response", "resolver", "consumer", "external", "out", "growth",
    "connection", "large", "packet", "pool", "lock", "dns", "grpc", "tls", "tcp", "search", "cache", "access",
}  # fmt: skip
"""Words of mechanisms that would give an answer away; words that any cluster uses are left out."""

TELLING_TOO = {"cache", "pool", "lock", "fault", "broken", "bug", "chaos", "incident", "inject", "attack", "fail"}

EVERY = pytest.mark.parametrize("incident", [find(name) for name in names()], ids=lambda incident: incident.name)


def visible(incident: Incident) -> str:
    """What a capture, an object or a file would show of the incident's own words."""
    words = [incident.name]
    for workload in incident.workloads:
        words += [workload.namespace, workload.app, str(workload.settings), workload.image]
    for host in incident.hosts:
        words += [host.name, str(host.routes)]
    return " ".join(words)


@EVERY
def test_no_name_says_what_is_wrong(incident):
    shown = [incident.name, *(host.name for host in incident.hosts)]
    shown += [part for workload in incident.workloads for part in (workload.app, workload.namespace)]
    parts = {part for name in shown for part in re.split(r"[^a-z]+", name.lower())}
    assert parts & (TELLING | TELLING_TOO) == set()


@EVERY
def test_no_text_of_the_programs_says_what_is_wrong(incident):
    text = visible(incident).lower()
    assert [mechanism for mechanism in MECHANISMS if mechanism in text or mechanism.replace("_", " ") in text] == []


@EVERY
def test_a_small_one_has_about_a_dozen_workloads_on_two_or_three_nodes(incident):
    plan = make_plan(incident)
    assert incident.size != "small" or 9 <= len(incident.workloads) <= 16
    assert len(plan.nodes) in {2, 3}
    addresses = [pod.address for pod in plan.all_pods] + [service.address for service in plan.services.values()]
    assert len(addresses) == len(set(addresses))
    assert "kube-dns" in {service.name for service in plan.services.values()}


@EVERY
def test_its_truth_names_what_exists(incident):
    known = {workload.name for workload in incident.workloads} | {host.name for host in incident.hosts}
    known |= {node.name for node in make_plan(incident).nodes}
    named = {wrong.component for wrong in incident.must_not_claim} | set(incident.chain)
    named |= {cause.component for cause in (incident.cause, *incident.accept, *incident.also) if cause}
    assert named - known == set()


@EVERY
def test_all_words_of_its_claims_are_known(incident):
    plan = make_plan(incident)
    claims = incident.claims
    texts = [claim.kfl for claim in claims] + [claim.tshark.filter for claim in claims if claim.tshark]
    texts += [text for fact in incident.facts for text in (fact.says, *fact.match)]
    assert [plan.fill(text) for text in texts if re.search(r"\$[a-z]", plan.fill(text))] == []


@EVERY
def test_a_fault_has_a_cause_and_a_healthy_case_has_none(incident):
    assert incident.healthy or (incident.fault is not None and incident.cause.component in incident.chain)
    assert incident.mechanism in {None, *MECHANISMS}


@EVERY
def test_harmless_noise_is_there(incident):
    mixes = [workload.settings["mix"] for workload in incident.workloads if workload.program == "load"]
    calls = [each for mix in mixes for each in mix]
    assert any(not each["headers"] and each["method"] == "POST" for each in calls), "calls without a token: 401"
    assert incident.hosts, "a host outside: NXDOMAIN by search domains"
    assert any(workload.app == "exporter" for workload in incident.workloads), "a connection that is probed"


def test_numbers_and_ranges_are_what_is_expected():
    assert [str(expected(rows, None, 0)) for rows in (4, (2, None), (2, 3), lambda _: 7)] == [
        "4",
        "at least 2",
        "2 to 3",
        "7",
    ]
