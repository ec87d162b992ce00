from __future__ import annotations

from pathlib import Path

import pytest

from kubeshark_mcp.analyse.facts import Facts, Service
from kubeshark_mcp.analyse.filters import both, edge_filter, either, one_of, pod_filter, pods_of, side_filter, text
from kubeshark_mcp.analyse.findings import Edge
from tests.analyse.building import BuiltFacts, Call

INCIDENT = Path(__file__).resolve().parents[2] / "examples" / "incident"


def story() -> BuiltFacts:
    calls = [Call(n, "shop/web", "shop/orders", server_pod="shop/orders-1") for n in range(5)]
    calls += [Call(n, "shop/orders", "data/redis", protocol="redis", status="OK") for n in range(3)]
    calls += [Call(n, "shop/orders", "rates.example.net", outside=True) for n in range(2)]
    return BuiltFacts([*calls, Call(9, "10.0.0.9", "shop/web", client_address="10.0.0.9")])


def assert_filters_select_the_rows_of_labels(facts: Facts) -> None:
    calls = facts.calls
    for side, column in (("src", calls.client), ("dst", calls.server)):
        for label, number in column.counts().items():
            kfl = both("!conn && !flow", side_filter(facts, side, label))
            assert (label, facts.count(kfl)) == (label, number)


def test_a_side_selects_exactly_the_calls_with_that_label() -> None:
    assert_filters_select_the_rows_of_labels(story())


def test_an_edge_selects_its_protocol_alone() -> None:
    facts = story()
    assert edge_filter(facts, Edge("shop/orders", "data/redis", "redis")) == (
        'protocol == "redis" && src.service.name == "orders" && src.service.namespace == "shop"'
        ' && dst.service.name == "redis" && dst.service.namespace == "data"'
    )
    assert facts.count(edge_filter(facts, Edge("shop/orders", "data/redis", "http"))) == 0
    assert facts.count(edge_filter(facts, Edge("", "shop/orders"))) == 5


def test_what_is_outside_is_selected_by_name_or_address() -> None:
    facts = story()
    assert side_filter(facts, "dst", "rates.example.net") == 'dst.dns == "rates.example.net"'
    assert side_filter(facts, "src", "10.0.0.9") == 'src.ip == "10.0.0.9"'
    assert side_filter(facts, "src", "fd00::9") == 'src.ip == "fd00::9"'


def test_a_known_service_is_selected_as_one_even_before_it_is_called() -> None:
    facts = BuiltFacts([Call(0, "s/a", "s/b")], services=[Service("s/idle", "10.96.0.3")])
    assert side_filter(facts, "dst", "s/idle") == 'dst.service.name == "idle" && dst.service.namespace == "s"'


def test_a_workload_without_a_service_is_selected_by_its_pods() -> None:
    bare = {"src.service.name": "", "src.service.namespace": ""}
    facts = BuiltFacts([Call(n, "batch/job", "s/b", client_pod=f"batch/job-{n % 2}", kfl=bare) for n in range(4)])
    assert pods_of(facts, "batch/job") == ["job-0", "job-1"]
    assert side_filter(facts, "src", "batch/job") == (
        'src.pod.namespace == "batch" && src.pod.name in ["job-0", "job-1"]'
    )
    assert facts.count(side_filter(facts, "src", "batch/job")) == 4


def test_a_workload_without_service_and_pods_is_selected_by_name() -> None:
    bare = {"src.service.name": "", "src.service.namespace": ""}
    facts = BuiltFacts([Call(0, "batch/job", "s/b", kfl=bare)])
    assert side_filter(facts, "src", "batch/job") == 'src.name == "job" && src.namespace == "batch"'


def test_parts_are_joined_and_quoted() -> None:
    assert both("", "a", either("b", "c")) == "a && (b || c)"
    assert both('x == "a || (b"', "(a || b) && c", "c[a || b]") == 'x == "a || (b" && (a || b) && c && c[a || b]'
    assert both("(a) || (b)", r'x == "\\\\" || y') == r'((a) || (b)) && (x == "\\\\" || y)'
    assert text('say "x"\\') == '"say \\"x\\"\\\\"'
    assert one_of("status", ["500"]) == 'status == "500"'
    assert pod_filter("dst", "s/p-1") == 'dst.pod.name == "p-1" && dst.pod.namespace == "s"'


def test_there_are_two_sides_only() -> None:
    with pytest.raises(ValueError, match="'src' or 'dst', not 'left'"):
        side_filter(story(), "left", "s/a")


def test_labels_of_a_recorded_incident_select_the_same_rows(tmp_path: Path) -> None:
    from kubeshark_mcp.dissect.discovery import load_protocols
    from kubeshark_mcp.hub.facts import StoredFacts
    from kubeshark_mcp.hub.pipeline import Pipeline, Run
    from kubeshark_mcp.hub.queries import EntryBase, Language
    from kubeshark_mcp.hub.sources import CaptureSource

    resources = [INCIDENT / "resources.json"]
    sources = [CaptureSource(INCIDENT / f"node-{name}.pcap", f"node-{name}") for name in "ab"]
    Pipeline(Run(sources, resources), tmp_path).dissect()
    base = EntryBase(tmp_path, Language(load_protocols()))
    try:
        assert_filters_select_the_rows_of_labels(StoredFacts(base, resources))
    finally:
        base.close()
