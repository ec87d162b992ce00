"""Real captures: the same streams, the same bytes and the same TCP analysis as tshark finds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.capture import open_capture
from kubeshark_mcp.model.stream import ConnectionStats, Direction, Window
from kubeshark_mcp.stream.engine import StreamEngine

pytestmark = pytest.mark.corpus
CORPUS = Path(os.environ.get("KUBESHARK_CAPTURES") or Path(__file__).resolve().parents[3] / "shared" / "captures")

AGREEMENT = 0.97
ANALYSED = ("tcp_reassembly", "encap", "redis", "websocket")
COUNTS = {
    "tcp.analysis.retransmission": "retransmissions",
    "tcp.analysis.fast_retransmission": "fast_retransmissions",
    "tcp.analysis.out_of_order": "out_of_order",
    "tcp.analysis.duplicate_ack": "dup_acks",
    "tcp.analysis.lost_segment": "missing_segments",
    "tcp.analysis.zero_window": "zero_window_events",
    "tcp.analysis.window_full": "window_full_events",
    "tcp.analysis.keep_alive": "keepalive_count",
}
COLUMNS = ("tcp.stream", "tcp.completeness", "tcp.analysis.initial_rtt", "tcp.analysis.ack_rtt", *COUNTS)
STREAM_EXCEPTIONS = {
    "encap/deepflow__common__decapsulate_erspan1.pcap": "the manifest's truth ends early",
    "encap/zeek__tunnels__gre-aruba-amsdu.pcap": "the manifest counts no stream, tshark numbers one (tcp.stream 0)",
    "http/arkime__socks-http-example.pcap": "tshark gives what SOCKS carries a number of its own",
    "http/arkime__socks-https-example.pcap": "tshark gives what SOCKS carries a number of its own",
}

BYTE_EXCEPTIONS = {
    "suricata__tcp-rst-unacked-stream-02-raw-ips.pcap": "text in a RST is no data (RFC 9293 section 3.5.3)",
}


@cache
def entries() -> list[dict[str, Any]]:
    path = CORPUS / "manifest.json"
    if not path.exists():
        pytest.skip(f"no captures at {CORPUS}; set KUBESHARK_CAPTURES")
    return json.loads(path.read_text())["files"]


def read(path: Path, size: int = 32768) -> tuple[dict[tuple[int, Direction], bytes], set[int], list[ConnectionStats]]:
    """Give the bytes of each TCP stream and direction, the streams with gaps, and all statistics."""
    engine, found, gaps = StreamEngine(), {}, set()
    with open_capture(path) as capture:
        events = [event for block in capture.blocks(size) for event in engine.feed(block)]
    for window in events + engine.finish():
        if not isinstance(window, Window):
            continue
        for piece in window:
            key = (window.connection.number, piece.direction)
            found[key] = found.get(key, b"") + piece.data
            gaps |= {window.connection.number} if piece.gap else set()
    return found, gaps, list(engine.stats())


def tshark(*arguments: str) -> str:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    return subprocess.run(["tshark", *arguments], capture_output=True, text=True, check=False).stdout


def count_streams(stats: list[ConnectionStats]) -> Counter[str]:
    """Count by transport; what several capture points saw of the same ends counts once, as tshark knows no points."""
    connections = [one.connection for one in stats]
    if len({connection.point for connection in connections}) <= 1:
        return Counter(connection.transport for connection in connections)
    ends = {(connection.transport, frozenset({connection.client, connection.server})) for connection in connections}
    return Counter(transport for transport, _ in ends)


def test_every_capture_has_as_many_streams_as_the_manifest_says():
    wrong = {}
    for entry in entries():
        if entry["file"] in STREAM_EXCEPTIONS:
            continue
        _, _, stats = read(CORPUS / entry["file"])
        counted = count_streams(stats)
        if counted["tcp"] != entry["tcp_streams"]:
            wrong[entry["file"]] = f"{counted['tcp']} TCP streams, not {entry['tcp_streams']}"
        # tshark numbers the UDP that carries a tunnel as well; here the innermost packet counts.
        if counted["udp"] != entry["udp_streams"] and entry["protocol"] != "encap":
            wrong[entry["file"]] = f"{counted['udp']} UDP streams, not {entry['udp_streams']}"
    assert wrong == {}


def test_small_blocks_change_nothing_in_any_capture():
    for entry in entries():
        if entry["protocol"] in {"tcp_reassembly", "format", "encap"}:
            assert read(CORPUS / entry["file"], 3) == read(CORPUS / entry["file"]), entry["file"]


def followed(path: Path, number: int) -> tuple[bytes, bytes]:
    """Give what tshark joins of a stream: (first sender's bytes, the other's)."""
    lines = tshark("-q", "-r", str(path), "-z", f"follow,tcp,raw,{number}").splitlines()[6:-1]
    first = "".join(line for line in lines if not line.startswith("\t"))
    other = "".join(line.strip() for line in lines if line.startswith("\t"))
    return bytes.fromhex(first), bytes.fromhex(other)


def test_streams_without_gaps_have_the_bytes_that_tshark_joins():
    compared, wrong = 0, []
    for entry in entries():
        if entry["protocol"] != "tcp_reassembly":
            continue
        path = CORPUS / entry["file"]
        found, gaps, stats = read(path)
        for one in stats:
            number = one.connection.number
            if one.connection.transport != "tcp" or number in gaps or not one.client.payload + one.server.payload:
                continue
            if path.name in BYTE_EXCEPTIONS:
                continue
            ours = {found.get((number, direction), b"") for direction in Direction}
            compared += 1
            if ours != set(followed(path, number)):
                wrong.append(f"{entry['file']} stream {number}")
    assert compared > 10
    assert wrong == []


def reference(path: Path) -> dict[int, dict[str, int]]:
    """Give tshark's analysis of each TCP stream."""
    fields = [part for column in COLUMNS for part in ("-e", column)]
    text = tshark("-2", "-r", str(path), "-Y", "tcp", "-T", "fields", "-E", "occurrence=l", *fields)
    streams: dict[int, dict[str, int]] = {}
    for line in text.splitlines():
        stream, completeness, initial, round_trip, *flags = line.split("\t")
        found = streams.setdefault(int(stream), dict.fromkeys([*COUNTS.values(), "rtt_samples", "packets"], 0))
        found["packets"] += 1
        found["connection_completeness"] = int(completeness or 0)
        found["rtt_samples"] += float(round_trip or 0) > 0
        if initial and float(initial) > 0:
            found["handshake_time_us"] = int(round(float(initial) * 1e9) // 1000)
        for name, flag in zip(COUNTS.values(), flags, strict=True):
            found[name] += bool(flag)
    return streams


def test_the_tcp_analysis_agrees_with_tshark():
    agreed, differing = 0, {}
    for entry in entries():
        if entry["protocol"] not in ANALYSED:
            continue
        _, _, stats = read(CORPUS / entry["file"])
        known = {one.connection.number: one.metrics for one in stats if one.connection.transport == "tcp"}
        for number, expected in reference(CORPUS / entry["file"]).items():
            if expected.pop("packets") == 1:
                del expected["connection_completeness"]  # tshark forgets the first packet that is no SYN
            ours = {name: getattr(known.get(number), name, None) for name in expected}
            if ours == expected:
                agreed += 1
            else:
                differing[entry["file"], number] = {
                    name: (ours[name], value) for name, value in expected.items() if ours[name] != value
                }
    assert agreed / (agreed + len(differing)) >= AGREEMENT, differing
