"""What faults can change: files that programs read, services, rules; on a cluster that only remembers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from evals.lab.certificates import make_authority
from evals.lab.cluster import pod_name, template_hash
from evals.lab.incident import Host, Incident, dns_server, http_service, redis_server
from evals.lab.objects import kubectl_list
from evals.lab.running import Lab
from evals.lab.truth import Wrong


class Remembering:
    """Stands for Cluster's doings: remembers iptables rules and that services were written anew."""

    def __init__(self, monkeypatch, cluster) -> None:
        self.rules: list[tuple[str, ...]] = []
        self.refreshed = 0
        monkeypatch.setattr(cluster, "iptables", lambda name, *rule: self.rules.append((name, *rule)))
        monkeypatch.setattr(cluster, "refresh_services", self.refresh)

    def refresh(self, leave_out=()) -> None:
        self.refreshed += 1


@pytest.fixture
def lab(tmp_path, monkeypatch):
    incident = Incident(
        name="tiber",
        title="",
        workloads=(
            dns_server("b"),
            http_service("shop", "cart", "ab", {}),
            http_service("shop", "till", "a", {}),
            redis_server("data", "box", "b"),
        ),
        claims=(),
        must_not_claim=(Wrong(component="a/b", why=""),),
        hosts=(Host("codes.example.net", "203.0.113.20", {}),),
    )
    cluster, found = Lab.describe(incident, tmp_path)
    (tmp_path / "settings").mkdir()
    found.remembered = Remembering(monkeypatch, cluster)
    for workload in incident.workloads:
        for pod in found.pods(workload.app):
            found._write_settings(pod.name, workload.settings)
    return found


def settings(lab, name: str) -> dict:
    return json.loads((lab.work / "settings" / f"{name}.json").read_text())


def test_settings_change_for_all_pods_or_for_one_replica(lab):
    first, second = (pod.name for pod in lab.pods("cart"))
    lab.change("cart", latency={"seconds": 1})
    lab.change("cart", replica=1, fail={"status": 500})
    lab.change("cart", latency=None)
    assert "latency" not in settings(lab, first)
    assert "fail" not in settings(lab, first)
    assert settings(lab, second)["fail"] == {"status": 500}
    assert settings(lab, second)["agent"] == "cart/1.4"


def test_a_deleted_service_takes_its_name_along(lab):
    lab.remove_service("cart")
    zone = json.loads((lab.work / "zone.json").read_text())
    assert "cart.shop.svc.cluster.local" not in zone
    assert "till.shop.svc.cluster.local" in zone
    assert [service.name for service in lab.cluster.services] == ["kube-dns", "till", "box"]
    assert lab.remembered.refreshed == 1


def test_a_service_that_points_elsewhere_says_so_in_the_objects(lab):
    lab.point_service("cart", 8090)
    objects = kubectl_list(lab.cluster, datetime(2026, 5, 4, tzinfo=UTC))["items"]
    services = [item for item in objects if item["kind"] == "Service"]
    ports = {item["metadata"]["name"]: item["spec"]["ports"][0]["targetPort"] for item in services}
    assert ports == {"kube-dns": 53, "cart": 8090, "till": 8080, "box": 6379}


def test_a_policy_drops_a_pair_on_the_node_of_the_target(lab):
    lab.drop_between("till", "box")
    till, box = lab.pods("till")[0].address, lab.pods("box")[0].address
    assert lab.remembered.rules == [("node-b", "-I", "FORWARD", "-s", till, "-d", box, "-j", "DROP")]


def test_loss_is_made_on_both_ways_of_an_uplink(lab):
    lab.lose("node-b", 0.05)
    ways = [(rule[0], rule[3], rule[4]) for rule in lab.remembered.rules]
    assert ways == [("node-b", "-i", "eth0"), ("node-b", "-o", "eth0")]


def test_pods_of_a_new_revision_have_other_names_and_the_same_name_each_time():
    assert pod_name("cart", "Deployment", 0, 1) != pod_name("cart", "Deployment", 0)
    assert pod_name("cart", "Deployment", 0, 1).startswith(f"cart-{template_hash('cart', 1)}-")
    assert pod_name("cart", "Deployment", 1, 1) == pod_name("cart", "Deployment", 1, 1)


def test_a_host_gets_another_certificate_and_other_demands(lab):
    make_authority(lab.work)
    lab._write_settings("codes.example.net", {"tls": {"chain": "old.pem", "key": "old.key"}})
    lab.renew("codes.example.net", oldest="TLSv1_3", asks=True)
    work = lab.work
    assert settings(lab, "codes.example.net")["tls"] == {
        "chain": str(work / "codes.example.net.pem"),
        "key": str(work / "codes.example.net.key"),
        "oldest": "TLSv1_3",
        "turn": "1",
        "asks": str(work / "authority.pem"),
    }


def test_a_service_whose_selector_finds_nobody_has_no_endpoints_and_another_selector(lab):
    lab.empty_service("cart")
    objects = kubectl_list(lab.cluster, datetime(2026, 5, 4, tzinfo=UTC))["items"]
    selectors = {each["metadata"]["name"]: each["spec"]["selector"] for each in objects if each["kind"] == "Service"}
    found = {
        each["metadata"]["labels"]["kubernetes.io/service-name"]: len(each["endpoints"])
        for each in objects
        if each["kind"] == "EndpointSlice"
    }
    assert (selectors["cart"], selectors["till"]) == ({"app": "cart-v2"}, {"app": "till"})
    assert found == {"kube-dns": 1, "cart": 0, "till": 1, "box": 1}
    assert lab.remembered.refreshed == 1


def test_frozen_pods_go_on_afterwards(lab, monkeypatch):
    done = []
    monkeypatch.setattr(lab.cluster, "signal", lambda name, word: done.append((name, word)))
    monkeypatch.setattr(lab, "wait", done.append)
    lab.freeze("cart", 1.5, replica=0)
    first = lab.pods("cart")[0].name
    assert done == [(first, "STOP"), 1.5, (first, "CONT"), 0]


def test_a_service_without_an_address_says_so_and_its_name_stands_for_its_pods(lab, tmp_path):
    cart = replace(http_service("shop", "cart", "ab", {}), headless=True)
    incident = replace(lab.incident, workloads=(dns_server("b"), cart))
    cluster, headless = Lab.describe(incident, tmp_path)
    objects = kubectl_list(cluster, datetime(2026, 5, 4, tzinfo=UTC))["items"]
    addresses = {each["metadata"]["name"]: each["spec"]["clusterIP"] for each in objects if each["kind"] == "Service"}
    assert addresses == {"kube-dns": "10.96.0.10", "cart": "None"}
    assert headless.plan.zone(())["cart.shop.svc.cluster.local"] == [pod.address for pod in headless.pods("cart")]
