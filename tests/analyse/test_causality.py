from __future__ import annotations

from dataclasses import replace

from kubeshark_mcp.analyse.causality import rank_findings
from kubeshark_mcp.analyse.facts import Coverage, Pod
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind
from kubeshark_mcp.analyse.graph import Graph, Link
from kubeshark_mcp.analyse.mechanisms import Mechanism

S = 10**9
COVERAGE = Coverage(0, 60 * S, {"node-a": (0, 60 * S)}, (), True, 1.0)
GRAPH = Graph(
    tuple(
        Link(client, server, "http")
        for client, server in (
            ("gate", "shop"),
            ("shop", "orders"),
            ("orders", "redis"),
            ("orders", "postgres"),
            ("report", "postgres"),
        )
    )
)


def finding(mechanism: Mechanism, name: str, onset: float | None = 20, **more: object) -> Finding:
    made = Finding(
        "test", mechanism, Component(Kind.WORKLOAD, name), f"{mechanism} at {name}", Confidence.HIGH, 0.5,
        onset_ns=None if onset is None else round(onset * S),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def names(ranked: list) -> list[str]:
    return [one.finding.component.name for one in ranked]


def test_the_deepest_fault_that_explains_the_others_comes_first() -> None:
    found = rank_findings(
        [
            finding(Mechanism.ERROR_BURST, "shop", 20.4),
            finding(Mechanism.ERROR_BURST, "orders", 20.2),
            finding(Mechanism.CACHE_FAILURE, "redis", 20),
        ],
        GRAPH, COVERAGE, (),
    )  # fmt: skip
    assert names(found)[0] == "redis"
    assert found[0].explains == (1, 2)
    assert found[0].chain == ("redis", "orders", "shop")


def test_an_effect_does_not_come_before_its_cause() -> None:
    late, early = finding(Mechanism.LATENCY_SHIFT, "redis", 50), finding(Mechanism.ERROR_BURST, "shop", 10)
    found = rank_findings([late, early], GRAPH, COVERAGE, ())
    assert names(found) == ["shop", "redis"]
    assert all(one.explains == () for one in found)


def test_what_is_specific_goes_before_what_is_generic_at_one_place() -> None:
    found = rank_findings(
        [finding(Mechanism.LATENCY_SHIFT, "postgres"), finding(Mechanism.LOCK_CONTENTION, "postgres")],
        GRAPH,
        COVERAGE,
        (),
    )
    assert [one.finding.mechanism for one in found] == [Mechanism.LOCK_CONTENTION, Mechanism.LATENCY_SHIFT]
    assert found[0].explains == (1,)


def test_load_runs_down_the_graph_and_plain_errors_do_not() -> None:
    slow = finding(Mechanism.LATENCY_SHIFT, "postgres", 21)
    load = rank_findings([slow, finding(Mechanism.FAN_OUT_GROWTH, "orders", 20)], GRAPH, COVERAGE, ())
    assert (names(load), load[0].explains) == (["orders", "postgres"], (1,))
    errors = rank_findings([slow, finding(Mechanism.ERROR_BURST, "orders", 20)], GRAPH, COVERAGE, ())
    assert names(errors) == ["postgres", "orders"]


def test_a_node_explains_what_its_pods_suffer() -> None:
    pods = (Pod("s/redis-0", "redis", "node-b", "10.0.0.9", {}, 0),)
    node = finding(Mechanism.PACKET_LOSS, "node-b", component=Component(Kind.NODE, "node-b"))
    found = rank_findings([finding(Mechanism.LATENCY_SHIFT, "redis", 21), node], GRAPH, COVERAGE, pods)
    assert (names(found)[0], found[0].explains) == ("node-b", (1,))


def test_low_confidence_never_comes_first_and_conduct_causes_no_failures() -> None:
    hint = finding(Mechanism.CACHE_FAILURE, "redis", 1, confidence=Confidence.LOW, score=1.0)
    scan = finding(Mechanism.PORT_SCAN, "report", 1)
    error = finding(Mechanism.ERROR_BURST, "postgres", 20, score=0.9)
    found = rank_findings([hint, scan, error], GRAPH, COVERAGE, ())
    assert names(found)[-1] == "redis"
    assert next(one for one in found if one.finding is scan).explains == ()


def test_a_symptom_gives_way_to_what_is_none() -> None:
    found = rank_findings(
        [
            finding(Mechanism.ERROR_BURST, "shop", 20, symptom=True, score=1.0),
            finding(Mechanism.SLOW_EXTERNAL, "orders", 21),
        ],
        GRAPH, COVERAGE, (),
    )  # fmt: skip
    assert names(found) == ["orders", "shop"]


def test_a_name_that_does_not_resolve_leads_to_the_clients_that_ask_for_it() -> None:
    name = finding(
        Mechanism.DNS_NAME_MISSING, "db.data.svc", component=Component(Kind.NAME, "db.data.svc"),
        affected=(Edge("orders", "dns", "dns"),),
    )  # fmt: skip
    found = rank_findings([finding(Mechanism.ERROR_BURST, "shop", 21), name], GRAPH, COVERAGE, ())
    assert found[0].finding is name
    assert found[0].chain == ("db.data.svc", "orders", "shop")


def test_errors_as_such_give_way_to_a_fault_with_a_name_that_explains_them() -> None:
    found = rank_findings(
        [
            finding(Mechanism.ERROR_BURST, "orders", 20, score=1.0),
            finding(Mechanism.OVERSIZED_PAYLOAD, "redis", 20, score=0.6, confidence=Confidence.MEDIUM),
        ],
        GRAPH, COVERAGE, (),
    )  # fmt: skip
    assert names(found) == ["redis", "orders"]


def test_a_lock_is_felt_at_the_store_and_by_all_who_call_its_other_clients() -> None:
    lock = finding(Mechanism.LOCK_CONTENTION, "report", 20, affected=(Edge("orders", "postgres"),))
    slow = [finding(Mechanism.LATENCY_SHIFT, name, 20.3, symptom=True) for name in ("postgres", "orders", "gate")]
    found = rank_findings([*slow, lock], GRAPH, COVERAGE, ())
    assert names(found)[0] == "report"
    assert found[0].explains == (1, 2, 3)
