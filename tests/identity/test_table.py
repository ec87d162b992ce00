from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.identity.selection import WorkloadFilter
from kubeshark_mcp.identity.table import EXTERNAL, UNRESOLVED, IdentityTable, Objects, ServicePort, key_of
from kubeshark_mcp.model.workload import FOREVER_NS, Identity, Tenure, Workload

OLD = Workload("web-1", "shop", "pod", {"app": "web"}, {"note": "old"}, "node-a", "Deployment/web")
NEW = Workload("web-2", "shop", "pod", {"app": "web"}, {}, "node-b", "Deployment/web")
WEB = Workload("web", "shop", "service", {"kind": "front"})
ADMIN = Workload("admin", "shop", "service")
NODE = Workload("node-a", "", "node", {"zone": "1"})
AGENT = Workload("agent-x", "kube-system", "pod", {}, {}, "node-a", "DaemonSet/agent")


def table() -> IdentityTable:
    return IdentityTable(
        [
            Objects(
                tenures=(
                    Tenure("10.1.0.1", NEW, 200),
                    Tenure("10.1.0.1", OLD, 100, 150),
                    Tenure("10.96.0.1", WEB, 50),
                    Tenure("203.0.113.1", WEB, 50, source=EXTERNAL),
                    Tenure("192.168.0.1", NODE),
                ),
                ports=(
                    ServicePort("10.1.0.1", 8080, WEB, behind=True, since_ns=100),
                    ServicePort("203.0.113.1", 443, WEB),
                    ServicePort("192.168.0.1", 30080, WEB),
                    ServicePort("192.168.0.1", 6443, ADMIN, behind=True),
                ),
                host_ports=((9100, Tenure("192.168.0.1", AGENT, 10)),),
            )
        ]
    )


def test_a_pod_is_known_while_it_has_its_address_and_with_its_service():
    assert table().resolve("10.1.0.1", 8080, 120) == Identity(
        pod="web-1",
        pod_namespace="shop",
        service="web",
        service_namespace="shop",
        name="web-1",
        namespace="shop",
        node="node-a",
        labels={"app": "web"},
        annotations={"note": "old"},
        status="resolved",
    )


def test_an_address_that_changed_hands_is_told_by_time():
    known = table()
    pods = [known.resolve("10.1.0.1", 8080, moment).pod for moment in (99, 100, 149, 150, 199, 200, FOREVER_NS - 1)]
    assert pods == ["", "web-1", "web-1", "", "", "web-2", "web-2"]
    assert known.resolve("10.1.0.1", 8080, 99) == UNRESOLVED


def test_a_client_port_of_a_pod_has_the_one_service_that_the_pod_serves():
    known = table()
    assert known.resolve("10.1.0.1", 51234, 120).service == "web"
    known.add(Objects(ports=(ServicePort("10.1.0.1", 9090, ADMIN, behind=True),)))
    assert known.resolve("10.1.0.1", 51234, 120).service == ""
    assert known.resolve("10.1.0.1", 9090, 120).service == "admin"


def test_a_cluster_address_is_its_service_on_every_port():
    assert table().resolve("10.96.0.1", 80, 60) == Identity(
        service="web",
        service_namespace="shop",
        name="web",
        namespace="shop",
        labels={"kind": "front"},
        status="resolved",
    )


def test_an_external_address_is_a_service_on_its_own_ports_only():
    assert table().resolve("203.0.113.1", 443, 60).service == "web"
    assert table().resolve("203.0.113.1", 80, 60) == UNRESOLVED


def test_the_address_of_a_node_is_shared_by_port():
    known = table()
    assert known.resolve("192.168.0.1", 9100, 60).pod == "agent-x"
    assert known.resolve("192.168.0.1", 30080, 60).service == "web"
    assert known.resolve("192.168.0.1", 6443, 60).service == "admin"
    assert known.resolve("192.168.0.1", 51234, 60) == Identity(node="node-a", labels={"zone": "1"}, status="resolved")
    assert (known.node_address("node-a"), known.node_address("gone")) == ("192.168.0.1", "")


def test_an_external_address_has_the_name_that_was_answered_before_or_first():
    known = table()
    assert known.resolve("198.51.100.7", 443, 499) == UNRESOLVED
    known.add_answers(["pay.example.com 30 198.51.100.7"], 500)
    known.add_names([("198.51.100.8", "mail.example.com")])
    assert known.resolve("198.51.100.7", 443, 499) == Identity(dns="pay.example.com", status="dns")
    assert known.resolve("198.51.100.7", 443, 500) == Identity(dns="pay.example.com", status="dns")
    assert known.resolve("198.51.100.8", 25, 1) == Identity(dns="mail.example.com", status="dns")


def test_a_name_that_is_learned_later_is_not_hidden_by_the_cache():
    known = table()
    assert known.resolve("10.96.0.1", 80, 60).dns == ""
    known.add_answers(["web.shop.svc.cluster.local 5 10.96.0.1"], 55)
    assert known.resolve("10.96.0.1", 80, 60).dns == "web.shop.svc.cluster.local"
    assert known.resolve("10.96.0.1", 80, 60).status == "resolved"


def test_tenures_are_listed_by_address_and_time():
    listed = [(t.address, t.workload.name, t.since_ns) for t in table().tenures()]
    assert listed == [
        ("10.1.0.1", "web-1", 100),
        ("10.1.0.1", "web-2", 200),
        ("10.96.0.1", "web", 50),
        ("192.168.0.1", "node-a", 0),
        ("192.168.0.1", "agent-x", 10),
        ("203.0.113.1", "web", 50),
    ]
    assert [t.workload.name for t in table().tenures(WorkloadFilter(address="192.168.0.1"))] == ["node-a", "agent-x"]
    assert table().tenures(WorkloadFilter(address="10.9.9.9")) == []


def test_workloads_are_listed_with_their_addresses():
    listed = [(w.kind, w.namespace, w.name, [t.address for t in held]) for w, held in table().workloads()]
    assert listed == [
        ("node", "", "node-a", ["192.168.0.1"]),
        ("pod", "kube-system", "agent-x", ["192.168.0.1"]),
        ("service", "shop", "web", ["10.96.0.1", "203.0.113.1"]),
        ("pod", "shop", "web-1", ["10.1.0.1"]),
        ("pod", "shop", "web-2", ["10.1.0.1"]),
    ]
    chosen = WorkloadFilter(kind="pod", named=lambda name: name.startswith("web"), time_ns=120)
    assert [workload.name for workload, _ in table().workloads(chosen)] == ["web-1"]


INTERVALS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), max_size=5)


@given(INTERVALS, st.lists(st.integers(0, 45), max_size=20))
def test_the_cache_never_changes_an_answer(intervals: list[tuple[int, int]], moments: list[int]):
    tenures = tuple(
        Tenure("10.1.0.1", Workload(f"pod-{number}", "a", "pod"), since, since + length)
        for number, (since, length) in enumerate(intervals)
    )
    cached = IdentityTable([Objects(tenures)])
    for moment in moments + moments:
        fresh = IdentityTable([Objects(tenures)]).resolve("10.1.0.1", 1, moment)
        assert cached.resolve("10.1.0.1", 1, moment) == fresh
        assert (fresh.status == "resolved") == any(t.since_ns <= moment < t.until_ns for t in tenures)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from([0, 80, 443, 6443, 8080, 9100, 30080]),
            st.integers(0, 300),
        ),
        max_size=80,
    )
)
def test_many_are_resolved_as_one_by_one(asked: list[tuple[int, int, int]]) -> None:
    known = table()
    for name, address, time_ns in (("a", "10.1.0.1", 120), ("b", "10.1.0.1", 210), ("c", "8.8.8.8", 0)):
        known.names.add(name, address, time_ns)
    for name, time_ns in (("d", 100), ("e", 200)):
        known.names.add(name, "1.1.1.1", time_ns)
    addresses = ["10.1.0.1", "10.96.0.1", "192.168.0.1", "8.8.8.8", "1.1.1.1", "9.9.9.9"]
    codes, ports, times = (np.array([one[part] for one in asked], np.int64) for part in range(3))
    found, which = known.resolve_many(addresses, codes.astype(np.int32), ports, times)
    assert [found[one] for one in which.tolist()] == [known.resolve(addresses[c], port, ns) for c, port, ns in asked]
    assert len({key_of(identity) for identity in found}) == len(found)
