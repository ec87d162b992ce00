"""Services that stand for the workload behind them."""

from __future__ import annotations

import json

from evals.aliases import names_in, names_of, workload_of
from evals.answers import Claimed, Findings, grade, same_component
from evals.lab.truth import load_truth
from evals.suites import INCIDENTS


def pod(name, app, owner="", **labels):
    owners = [{"kind": "ReplicaSet", "name": owner}] if owner else []
    told = {"namespace": "kube-system", "name": name, "labels": {"app": app, **labels}, "ownerReferences": owners}
    return {"kind": "Pod", "metadata": told}


def service(name, **selector):
    return {"kind": "Service", "metadata": {"namespace": "kube-system", "name": name}, "spec": {"selector": selector}}


RESOLVER = pod("resolver-5c9f-abcde", "dns", "resolver-5c9f", **{"pod-template-hash": "5c9f"})


def test_a_service_stands_for_the_one_workload_that_it_selects():
    second = pod("resolver-5c9f-fghij", "dns", "resolver-5c9f", **{"pod-template-hash": "5c9f"})
    assert names_in([RESOLVER, second, service("kube-dns", app="dns")]) == {
        "kube-system/kube-dns": "kube-system/resolver"
    }


def test_a_service_of_two_workloads_of_none_or_without_a_selector_stands_for_nothing():
    other = pod("cache-0", "dns", "cache")
    services = [service("both", app="dns"), service("none", app="web"), service("outside")]
    assert names_in([RESOLVER, other, *services]) == {}


def test_a_pod_that_nobody_made_is_its_own_workload():
    assert [workload_of(each) for each in (RESOLVER, pod("lonely", "dns"), pod("db-0", "db", "db"))] == [
        "resolver",
        "lonely",
        "db",
    ]


def test_names_are_read_from_the_objects_of_a_folder(tmp_path):
    assert names_of(tmp_path) == {}
    (tmp_path / "resources.json").write_text(json.dumps({"items": [RESOLVER, service("kube-dns", app="dns")]}))
    assert names_of(tmp_path) == {"kube-system/kube-dns": "kube-system/resolver"}


def test_an_answer_may_name_the_service_or_the_workload_in_either_direction(tmp_path):
    names = {"kube-system/kube-dns": "kube-system/dns"}
    assert same_component("service kube-system/kube-dns", "kube-system/dns", names)
    assert same_component("kube-system/dns", "kube-system/kube-dns", names)
    assert not same_component("kube-system/kube-dns", "kube-system/dns")
    assert not same_component("kube-system/kube-proxy", "kube-system/dns", names)


def test_a_forbidden_component_stays_forbidden_under_its_other_name():

    truth = load_truth(INCIDENTS / "tiber" / "truth.yaml")
    findings = Findings(healthy=False, cause=Claimed(component="data/store", mechanism="packet_loss"))
    assert not grade(findings, truth).forbidden
    assert grade(findings, truth, {"data/store": "data/records"}).forbidden
