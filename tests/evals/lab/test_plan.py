"""Plans: names and addresses, always the same, and the words that filters use for them."""

from __future__ import annotations

import pytest

from evals.lab.incident import Claim, Host, Incident, dns_server, http_service, load, redis_server
from evals.lab.plan import make_plan
from evals.lab.truth import Wrong


def incident(*workloads, **more):
    return Incident(
        name="tiber",
        title="",
        workloads=(dns_server("b"), *workloads),
        claims=(Claim("http", "", 1),),
        must_not_claim=(Wrong(component="x/y", why=""),),
        **more,
    )


SHOP = incident(
    http_service("shop", "cart", "ab", {}),
    redis_server("data", "store-1", "a"),
    load("edge", "walk-in", "b", "cart.shop", []),
    hosts=(Host("codes.example.net", "203.0.113.20", {}),),
)


def test_each_replica_has_a_pod_on_its_node_with_an_address_of_the_nodes_network():
    pods = make_plan(SHOP).pods
    assert {app: [(pod.node, pod.address) for pod in found] for app, found in pods.items()} == {
        "dns": [("node-b", "10.244.2.10")],
        "cart": [("node-a", "10.244.1.10"), ("node-b", "10.244.2.11")],
        "store-1": [("node-a", "10.244.1.11")],
        "walk-in": [("node-b", "10.244.2.12")],
    }
    assert [pod.name for pod in pods["store-1"]] == ["store-1-0"]


def test_a_plan_is_always_the_same():
    assert make_plan(SHOP) == make_plan(SHOP)


def test_dns_knows_services_pods_and_hosts_outside():
    plan = make_plan(SHOP)
    zone = plan.zone(SHOP.hosts)
    assert zone["cart.shop.svc.cluster.local"] == [plan.services["cart"].address]
    assert zone["10-244-1-10.shop.pod.cluster.local"] == ["10.244.1.10"]
    assert zone["codes.example.net"] == ["203.0.113.20"]
    assert zone["kube-dns.kube-system.svc.cluster.local"] == ["10.96.0.10"]


def test_words_stand_for_addresses_and_names():
    plan = make_plan(SHOP)
    name = plan.pods["cart"][1].name
    filled = plan.fill("$cart $cart_1 $cart_1_pod $cart_service $store_1 $codes_example_net $node_a a$")
    assert filled == (
        f"10.244.1.10 10.244.2.11 {name} {plan.services['cart'].address} 10.244.1.11 203.0.113.20 192.168.50.11 a$"
    )


def test_a_third_node_comes_with_its_first_pod():
    assert [node.name for node in make_plan(SHOP).nodes] == ["node-a", "node-b"]
    more = make_plan(incident(http_service("shop", "cart", "c", {})))
    assert [node.name for node in more.nodes] == ["node-a", "node-b", "node-c"]


def test_two_workloads_of_one_name_are_refused():
    twice = incident(http_service("shop", "cart", "a", {}), http_service("other", "cart", "b", {}))
    with pytest.raises(ValueError, match="two workloads 'cart'"):
        make_plan(twice)
