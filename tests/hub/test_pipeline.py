"""The whole engine on recordings: the client's own log says how many calls there were, and where they went."""

from __future__ import annotations

import json
import re
import struct
from collections import Counter
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.errors import CaptureError, StoreError
from kubeshark_mcp.hub.jobs import CancelledJobError
from kubeshark_mcp.hub.offline import Offline
from kubeshark_mcp.hub.pipeline import Outcome, Pipeline, Run
from kubeshark_mcp.hub.queries import EntryBase, Language
from kubeshark_mcp.hub.runs import Share
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.hub.surveying import Surveying

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


INCIDENT = RECORDED.parents[2] / "examples" / "incident"
SETS = {
    "sightings": ([CaptureSource(RECORDED / f"{name}.pcap", name) for name in ("node-a", "node-b")], RECORDED),
    "incident": ([CaptureSource(INCIDENT / f"{name}.pcap", name) for name in ("node-a", "node-b")], INCIDENT),
    "names": (
        [
            CaptureSource(RECORDED.parent / f"{name}.pcap", name[-3:])
            for name in ("dns/udp", "dns/tcp", "http/large_body")
        ],
        None,
    ),
}


def made(folder: Path, captures: str, workers: int) -> tuple[Outcome, dict[str, bytes], list[dict[str, Any]]]:
    """Dissect with so many processes: what came of it, the files of the entries, and the entries after the join."""
    sources, resources = SETS[captures]
    run = Run(sources, [resources / "resources.json"] if resources else [], workers=workers, share_bytes=1)
    outcome = Pipeline(run, folder).dissect()
    base = EntryBase(folder, Language(load_protocols()))
    rows = sorted(base.rows(None, None), key=lambda row: row["_id"])
    base.close()
    return outcome, {path.name: path.read_bytes() for path in folder.glob("*.parquet")}, rows


@pytest.mark.parametrize("captures", SETS)
def test_any_number_of_processes_makes_the_same(tmp_path, captures):
    count = len(SETS[captures][0])
    alone, *others = (made(tmp_path / str(workers), captures, workers) for workers in range(1, count + 1))
    assert others == [alone] * (count - 1)
    assert {name.split("-")[1] for name in alone[1]} == {str(number) for number in range(count)}


@pytest.mark.parametrize("captures", ["sightings"])
def test_shares_make_the_same_entries_as_one_process_that_reads_all(tmp_path, captures):
    def told(rows: list[dict[str, Any]]) -> list[str]:
        for row in rows:
            row["_id"] = row["id"] = 0
            row["_sightings"] = re.sub(r'"id":\d+', "", row.get("_sightings") or "")
        return sorted(repr(sorted(row.items())) for row in rows)

    sources, resources = SETS[captures]
    whole = Run(sources, [resources / "resources.json"] if resources else [])
    outcome = Pipeline(whole, tmp_path / "whole").dissect()
    base = EntryBase(tmp_path / "whole", Language(load_protocols()))
    rows = list(base.rows(None, None))
    base.close()
    shared = made(tmp_path / "shared", captures, 1)
    assert shared[0] == outcome
    assert told(shared[2]) == told(rows)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_name_that_another_capture_tells_is_known(tmp_path, workers):
    answer, use = tmp_path / "answer.pcap", tmp_path / "use.pcap"
    answer.write_bytes((RECORDED.parent / "dns" / "udp.pcap").read_bytes())
    names = Surveying(Run([CaptureSource(answer, "a")], []), Share(0, 0, 1, 0))(lambda outcome: None).names
    time_ns, name, address = next(one for one in names if ":" not in one[2])
    use.write_bytes(capture_of(connection(time_ns + 10**9, address)))
    run = Run([CaptureSource(use, "b"), CaptureSource(answer, "a")], [], workers=workers, share_bytes=1)
    Pipeline(run, tmp_path / "entries").dissect()
    base = EntryBase(tmp_path / "entries", Language(load_protocols()))
    assert [row["dst.dns"] for row in base.rows(f'dst.ip == "{address}" && tcp_conn', None)] == [name]
    base.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_given_up_says_why_and_leaves_no_process(tmp_path, workers):
    sources, _ = SETS["sightings"]

    def give_up(fraction: float, outcome: Outcome) -> None:
        raise CancelledJobError("cancelled")

    with pytest.raises(CancelledJobError):
        Pipeline(Run(sources, [], workers=workers, share_bytes=1), tmp_path / "entries", give_up).dissect()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_capture_among_several_processes_is_a_warning(tmp_path, workers):
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"this is no capture at all, though it is long enough")
    good = CaptureSource(RECORDED / "node-a.pcap", "node-a")
    run = Run([CaptureSource(bad, "bad"), good], [], workers=workers, share_bytes=1)
    outcome = Pipeline(run, tmp_path / "both").dissect()
    assert outcome.protocol_counts["http"] == sum(logged("http").values())
    assert any("bad.pcap" in warning for warning in outcome.warnings)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_folder_that_cannot_be_written_is_the_same_sentence_from_any_process(tmp_path, workers):
    sources, _ = SETS["sightings"]
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file"):
        Pipeline(Run(sources, [], workers=workers, share_bytes=1), tmp_path / "file").dissect()


def connection(time_ns: int, address: str) -> list[tuple[int, bytes]]:
    """Give the SYN and SYN-ACK of a connection to an address."""
    client, server = ip_address("10.1.2.3").packed, ip_address(address).packed
    ends = [(client, server, 40000, 443, 1, 0, 0x02), (server, client, 443, 40000, 9, 2, 0x12)]
    packets = []
    for number, (source, target, port, to, sequence, acknowledgment, flags) in enumerate(ends):
        tcp = struct.pack("!HHIIBBHHH", port, to, sequence, acknowledgment, 0x50, flags, 64240, 0, 0)
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, number, 0x4000, 64, 6, 0) + source + target
        packets.append((time_ns + number * 1000_000, b"\0" * 12 + b"\x08\0" + ip + tcp))
    return packets


def capture_of(packets: list[tuple[int, bytes]]) -> bytes:
    records = [
        struct.pack("<IIII", time_ns // 10**9, time_ns % 10**9 // 1000, len(data), len(data)) + data
        for time_ns, data in packets
    ]
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(records)
