"""The recorded incident says what its clients say: tshark counts the packets, the clients' logs count the calls."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

INCIDENT = Path(os.environ.get("INCIDENT", Path(__file__).resolve().parents[2] / "examples" / "incident"))
TRUTH = json.loads((INCIDENT / "truth" / "truth.json").read_text())
OBJECTS = json.loads((INCIDENT / "resources.json").read_text())["items"]

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def calls(name: str, protocol: str = "http") -> list[dict[str, Any]]:
    """The calls that one client logged."""
    rows = [json.loads(line) for line in (INCIDENT / "truth" / f"{name}.jsonl").read_text().splitlines()]
    return [row for row in rows if row["protocol"] == protocol]


def packets(node: str, query: str, *fields: str) -> list[tuple[str, ...]]:
    """The fields of the packets that a display filter of tshark finds."""
    command = ["tshark", "-n", "-r", str(INCIDENT / f"{node}.pcap"), "-Y", query, "-T", "fields"]
    for field in fields or ("frame.number",):
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [item for item in OBJECTS if item["kind"] == kind]


def cluster_ip(name: str) -> str:
    return next(item["spec"]["clusterIP"] for item in of_kind("Service") if item["metadata"]["name"] == name)


def pods(app: str) -> dict[str, str]:
    """Address to node of the pods of an app."""
    found = [item for item in of_kind("Pod") if item["metadata"]["labels"]["app"] == app]
    return {item["status"]["podIP"]: item["spec"]["nodeName"] for item in found}


def test_the_recording_is_small_and_whole():
    sizes = {name: (INCIDENT / name).stat().st_size for name in ("node-a.pcap", "node-b.pcap")}
    assert all(size > 100_000 for size in sizes.values())
    assert sum(sizes.values()) <= 3_000_000


def test_six_workloads_in_three_namespaces_and_each_service_has_its_endpoints():
    running = of_kind("Pod")
    assert len({item["metadata"]["labels"]["app"] for item in running}) >= 6
    assert len({item["metadata"]["namespace"] for item in running}) >= 3
    nodes = {item["metadata"]["name"]: item["status"]["addresses"][0]["address"] for item in of_kind("Node")}
    assert {item["spec"]["nodeName"]: item["status"]["hostIP"] for item in running} == nodes
    by_uid = {item["metadata"]["uid"]: item["status"]["podIP"] for item in running}
    for found in of_kind("EndpointSlice"):
        service = found["metadata"]["labels"]["kubernetes.io/service-name"]
        assert {end["addresses"][0] for end in found["endpoints"]} == set(pods(found["metadata"]["labels"]["app"]))
        assert all(by_uid[end["targetRef"]["uid"]] == end["addresses"][0] for end in found["endpoints"]), service


@needs_tshark
@pytest.mark.real
def test_the_gateways_calls_are_seen_once_to_the_service_and_once_to_the_pod():
    (pod, node), *others = pods("storefront").items()
    assert others == []
    assert node == "node-a"
    expected = Counter((str(row["client_port"]), row["method"], row["url"]) for row in calls("gateway"))
    for place, address in (("node-b", cluster_ip("storefront")), ("node-a", pod)):
        seen = packets(
            place, f"http.request && ip.dst == {address} && http.user_agent contains gateway",
            "tcp.srcport", "http.request.method", "http.request.full_uri",
        )  # fmt: skip
        assert Counter(seen) == expected


@needs_tshark
@pytest.mark.real
def test_a_call_between_pods_of_one_node_is_seen_twice_on_its_bridge():
    to_orders = [row for row in calls("storefront") if row["server"].startswith(cluster_ip("orders"))]
    (pod, node), *_ = pods("orders").items()
    assert node == "node-a"
    fields = ("ip.src", "tcp.srcport", "tcp.seq_raw", "http.request.method", "http.request.uri")
    mine = "http.request && http.x_forwarded_for"
    to_service = packets("node-a", f"{mine} && ip.dst == {cluster_ip('orders')}", *fields)
    to_pod = packets("node-a", f"{mine} && ip.dst == {pod}", *fields)
    assert len(to_service) == len(to_orders) > 50
    assert Counter(to_service) == Counter(to_pod)


@needs_tshark
@pytest.mark.real
def test_payments_is_called_through_the_service_and_lands_on_both_nodes():
    expected = len(calls("orders"))
    assert len(packets("node-a", f"http.request && ip.dst == {cluster_ip('payments')}")) == expected
    landed = [len(packets(node, f"http.request && ip.dst == {pod}")) for pod, node in pods("payments").items()]
    probes = sum(row["server"] in pods("payments") for name in ("node-a", "node-b") for row in calls(f"prober-{name}"))
    assert sum(landed) == expected + probes


@needs_tshark
@pytest.mark.real
def test_redis_at_its_pod_has_the_commands_and_refusals_of_the_clients_logs():
    logged = [row for name in ("orders", "reporter", "exporter") for row in calls(name, "redis")]
    assert len(logged) == TRUTH["calls"]["redis"]
    refused = Counter(row["client"] for row in logged if row["status"] == "error")
    seen = packets("node-b", "tcp.srcport == 6379 && resp.error", "ip.dst", "resp.error")
    found: Counter[str] = Counter()
    for client, errors in seen:
        assert set(errors.split(",")) == {"OOM command not allowed when used memory > 'maxmemory'."}
        found[client] += len(errors.split(","))
    assert found == refused
    assert set(refused) == set(pods("orders")) | set(pods("reporter"))


@needs_tshark
@pytest.mark.real
def test_dns_at_its_pod_has_the_questions_that_the_server_logged():
    (pod, _), *_ = pods("dns").items()
    expected = Counter((row["name"], str(row["rcode"])) for row in calls("dns_server", "dns"))
    seen = packets("node-b", f"dns.flags.response == 1 && ip.src == {pod}", "dns.qry.name", "dns.flags.rcode")
    assert Counter(seen) == expected
    assert sum(count for (_, code), count in expected.items() if code == "3") > 10


@needs_tshark
@pytest.mark.real
def test_the_evidence_of_the_solution_is_in_the_packets():
    for item in TRUTH["evidence"]:
        assert len(packets(item["file"].removesuffix(".pcap"), item["tshark"])) == item["packets"] > 0, item["what"]


def test_customers_see_the_failure_only_after_the_onset_and_the_distractors_before_and_after():
    (first,) = {min(row["t"] for row in calls(name, "redis") if row["status"] == "error") for name in ("reporter",)}
    before = Counter(row["status"] for row in calls("gateway") if row["end"] < first - 0.5)
    after = Counter(row["status"] for row in calls("gateway") if row["t"] > first)
    assert before[502] == 0
    assert after[502] > 20
    for harmless in (200, 401, 404):
        assert before[harmless] > 0
        assert after[harmless] > 0
    reports = [row for row in calls("gateway") if "reports" in row["url"]]
    assert {row["status"] for row in reports} == {200}
    assert all(row["end"] - row["t"] > 1 for row in reports)
