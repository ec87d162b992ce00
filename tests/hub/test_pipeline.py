"""The whole engine on recordings: the client's own log says how many calls there were, and where they went."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.errors import CaptureError
from kubeshark_mcp.hub.offline import Offline
from kubeshark_mcp.hub.pipeline import Outcome, Pipeline, Run, few_collections
from kubeshark_mcp.hub.sources import CaptureSource

RECORDED = Path(__file__).resolve().parents[1] / "recordings" / "sightings"
TRUTH: list[dict[str, Any]] = json.loads((RECORDED / "truth.json").read_text())["calls"]


def entries(scratch: Path, names: list[str], kfl: str, keep_duplicates: bool = False) -> list[dict[str, Any]]:
    offline = Offline([str(RECORDED / f"{name}.pcap") for name in names], [], [], scratch)
    offline.dissect(lambda fraction: None)
    return list(offline.entries(kfl, None, keep_duplicates))


def logged(protocol: str, *steps: str) -> Counter[int]:
    """Count calls by the client's port."""
    return Counter(
        call["client_port"] for call in TRUTH if call["protocol"] == protocol and (not steps or call["step"] in steps)
    )


@pytest.mark.parametrize("protocol", ["http", "redis"])
def test_calls_seen_on_two_nodes_with_loss_retries_and_port_reuse_are_counted_once(tmp_path, protocol):
    found = entries(tmp_path, ["node-a", "node-b"], protocol)
    assert Counter(row["src.port"] for row in found) == logged(protocol)
    assert {row["dst.service.name"] for row in found} == {"web" if protocol == "http" else "redis"}
    assert all(row["dst.pod.name"] and row["answered"] for row in found)


@pytest.mark.parametrize(
    "recording", ["radius/access", "radius/accounting", "icmp/echoes", "icmp/traced", "diameter/daemon", "dns/udp"]
)
def test_messages_without_tcp_that_two_nodes_saw_are_counted_once(tmp_path, recording):
    path = RECORDED.parent / f"{recording}.pcap"
    one, both = (
        Pipeline(Run([CaptureSource(path, node) for node in nodes], []), tmp_path / str(len(nodes))).dissect()
        for nodes in (["node-a"], ["node-a", "node-b"])
    )
    flows = {"tcp_flow", "udp_flow"}
    counts = [{name: n for name, n in made.protocol_counts.items() if name not in flows} for made in (one, both)]
    assert counts[0] == counts[1]
    assert both.packets_processed == 2 * one.packets_processed


def test_the_order_of_the_captures_changes_nothing(tmp_path):
    one, other = (
        entries(tmp_path / str(number), names, "http")
        for number, names in enumerate((["node-a", "node-b"], ["node-b", "node-a"]))
        if (tmp_path / str(number)).mkdir() is None
    )

    def told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return [(r["timestamp"], r["elapsed_time"], r["src.port"], r["dst.pod.name"], r["sightings"]) for r in rows]

    assert told(one) == told(other)


def test_one_capture_of_any_interface_shows_each_call_once_too(tmp_path):
    found = entries(tmp_path, ["node-a-any"], "http || redis")
    assert Counter(row["src.port"] for row in found) == logged("http", "calm") + logged("redis", "calm")
    assert min(row["sightings"] for row in found) >= 3


def test_one_node_alone_gives_every_call_that_it_saw(tmp_path):
    found = entries(tmp_path, ["node-a"], "http")
    assert Counter(row["src.port"] for row in found) == logged("http")


def test_a_run_tells_how_far_it_is_and_what_came_of_it(tmp_path):
    told: list[tuple[float, Outcome]] = []
    source = CaptureSource(RECORDED / "node-a.pcap", "node-a")
    outcome = Pipeline(Run([source], []), tmp_path / "entries", lambda *progress: told.append(progress)).dissect()
    assert told[-1][0] <= 1.0
    assert outcome.pcap_files == 1
    assert outcome.pcap_bytes == source.path.stat().st_size
    assert outcome.entries_created == sum(outcome.protocol_counts.values())
    assert outcome.warnings == []


def test_without_bytes_only_connections_are_counted(tmp_path):
    source = CaptureSource(RECORDED / "node-a.pcap", "node-a")
    outcome = Pipeline(Run([source], [], layer4_only=True), tmp_path / "entries").dissect()
    assert set(outcome.protocol_counts) <= {"tcp_conn", "udp_conn", "tcp_flow", "udp_flow"}


def test_one_bad_capture_among_several_is_a_warning_and_alone_an_error(tmp_path):
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"this is no capture at all, though it is long enough")
    good = CaptureSource(RECORDED / "node-a.pcap", "node-a")
    outcome = Pipeline(Run([CaptureSource(bad, "bad"), good], []), tmp_path / "both").dissect()
    assert outcome.protocol_counts["http"] == sum(logged("http").values())
    assert any("bad.pcap" in warning for warning in outcome.warnings)
    with pytest.raises(CaptureError, match=r"bad\.pcap"):
        Pipeline(Run([CaptureSource(bad, "bad")], []), tmp_path / "alone").dissect()


def test_the_collector_is_as_it_was_afterwards():
    import gc

    before = gc.get_threshold()
    with few_collections():
        assert gc.get_threshold() != before
    assert gc.get_threshold() == before
