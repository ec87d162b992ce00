"""The sightings recording shows each call of the client's log where it must show; tshark is the referee."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent / "sightings"
TRUTH: dict[str, Any] = json.loads((HERE / "truth.json").read_text())
CLIENT, WEB, REDIS, DNS = "10.244.1.5", "10.96.14.9", "10.96.77.3", "10.96.0.10"
LOCAL_POD, REMOTE_POD = "10.244.1.6", "10.244.2.6"
pytestmark = [pytest.mark.real, pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")]


def calls(protocol: str, *steps: str) -> list[dict[str, Any]]:
    wanted = steps or ("calm", "lossy", "reuse")
    return [call for call in TRUTH["calls"] if call["protocol"] == protocol and call["step"] in wanted]


def seen(name: str, query: str, *fields: str) -> list[tuple[str, ...]]:
    command = ["tshark", "-n", "-r", str(HERE / f"{name}.pcap"), "-o", "tcp.analyze_sequence_numbers:TRUE"]
    command += ["-d", "tcp.port==8000,http", "-Y", query, "-T", "fields"]
    for field in fields or ("frame.number",):
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def test_the_two_nodes_are_small_and_the_third_capture_is_linux_cooked():
    sizes = {name: (HERE / f"{name}.pcap").stat().st_size for name in ("node-a", "node-b", "node-a-any")}
    assert sizes["node-a"] + sizes["node-b"] <= 200_000
    assert sizes["node-a-any"] <= 200_000
    assert (HERE / "node-a-any.pcap").read_bytes()[20:24] == (276).to_bytes(4, "little")


def test_each_http_call_to_the_service_is_on_the_clients_node_and_at_one_pod():
    fields = ("tcp.srcport", "tcp.seq_raw", "tcp.payload")
    # Sets, because what TCP sent again has the same sequence number; and by bytes, because tshark gives up a request
    # whose segment comes late.
    to_service = set(seen("node-a", f"tcp.len > 0 && ip.dst == {WEB}", *fields))
    at_pods = set(seen("node-a", f"tcp.len > 0 && ip.dst == {LOCAL_POD} && tcp.dstport == 8000", *fields))
    at_pods |= set(seen("node-b", f"tcp.len > 0 && ip.dst == {REMOTE_POD} && tcp.dstport == 8000", *fields))
    assert to_service <= at_pods
    methods = tuple(method.encode().hex() for method in ("GET /", "PUT /", "POST /"))
    asked = Counter(port for port, _, payload in to_service if payload.startswith(methods))
    assert asked == Counter(str(call["client_port"]) for call in calls("http") if call["server"] == WEB)


def test_both_pods_of_the_service_were_chosen():
    local = seen("node-a", f"http.request && ip.dst == {LOCAL_POD}", "tcp.srcport")
    remote = seen("node-b", f"http.request && ip.dst == {REMOTE_POD}", "tcp.srcport")
    through_service = {str(call["client_port"]) for call in calls("http") if call["server"] == WEB}
    assert {port for (port,) in local} & through_service
    assert {port for (port,) in remote} & through_service


def test_tcp_really_sent_packets_again_and_the_lost_ones_are_counted():
    assert all(rule["packets"] > 0 for rule in TRUTH["dropped"])
    again = seen("node-a", f"tcp.analysis.retransmission && ip.src == {CLIENT} && ip.dst == {WEB}")
    (lost,) = [rule["packets"] for rule in TRUTH["dropped"] if rule["port"] == "dpt:8000"]
    assert len(again) >= lost


def test_identical_requests_in_a_row_are_calls_of_their_own():
    asked = Counter((call["client_port"], call["method"], call["url"]) for call in calls("http", "calm"))
    assert max(asked.values()) > 1
    assert sum(call["status"] == 503 for call in calls("http")) > 1


def test_three_connections_used_the_same_port():
    syn = "tcp.flags.syn == 1 && tcp.flags.ack == 0"
    opened = seen("node-a", f"{syn} && tcp.srcport == 45000 && ip.dst == {WEB}", "tcp.seq_raw")
    assert len(set(opened)) == 3
    assert len(calls("http", "reuse")) == 3


def test_redis_commands_and_dns_questions_are_those_of_the_log():
    to_redis = f"tcp.len > 0 && tcp.dstport == 6379 && ip.src == {CLIENT}"
    segments = {
        row[:2]: bytes.fromhex(row[2]) for row in seen("node-b", to_redis, "tcp.srcport", "tcp.seq_raw", "tcp.payload")
    }
    found = sum(len(re.findall(rb"\*\d+\r\n\$", payload)) for payload in segments.values())
    assert found == len(calls("redis"))
    asked = seen("node-a", f"dns.flags.response == 0 && ip.dst == {DNS}", "dns.id", "dns.qry.name")
    mine = Counter((f"0x{call['id']:04x}", call["name"]) for call in calls("dns"))
    assert not mine - Counter(asked)


def test_any_shows_the_same_packets_at_several_interfaces():
    logged = [call for call in calls("http", "calm") if call["server"] == WEB]
    interfaces: dict[tuple[str, ...], set[str]] = {}
    # tshark takes the later sightings for retransmissions and does not dissect them: go by their bytes.
    sent = "(tcp.dstport == 80 || tcp.dstport == 8000) && tcp.len > 0"
    for *packet, interface in seen("node-a-any", sent, "tcp.srcport", "tcp.seq_raw", "sll.ifindex"):
        interfaces.setdefault(tuple(packet), set()).add(interface)
    # Requests with a body take two segments here.
    assert len(interfaces) == sum(1 + (call["method"] != "GET") for call in calls("http", "calm"))
    assert {port for port, _ in interfaces} >= {str(call["client_port"]) for call in logged}
    assert all(len(places) >= 3 for places in interfaces.values())
