"""Captures that explain themselves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kubeshark_mcp.capture.annotate import NotedPacket, annotated_pcapng
from kubeshark_mcp.capture.reader import open_capture

PACKETS = [
    NotedPacket(1_700_000_000_123_456_789, 60, bytes(range(14)) + b"odd", 0, ("request of s/d#7", "käse")),
    NotedPacket(1_700_000_001_000_000_000, 14, bytes(14), 1),
]
INTERFACES = [(1, "node-a"), (1, "node-b")]
NAMES = [("10.0.0.7", "redis-0.data"), ("fd00::1", "web.shop")]


def test_our_reader_gets_packets_times_interfaces_and_names_back(tmp_path: Path):
    path = tmp_path / "cut.pcapng"
    path.write_bytes(annotated_pcapng(PACKETS, INTERFACES, NAMES, ["2 entries"], "kubeshark-mcp"))
    with open_capture(path) as capture:
        (records,) = list(capture.records())
        assert records.time_ns.tolist() == [packet.time_ns for packet in PACKETS]
        assert records.original.tolist() == [60, 14]
        assert records.point.tolist() == [0, 1]
        first = int(records.offset[0])
        assert bytes(records.data[first : first + 17]) == PACKETS[0].data
        assert [point.name for point in capture.interfaces] == ["node-a", "node-b"]
        assert sorted(capture.names) == sorted(NAMES)
        assert not capture.warnings


def test_tshark_shows_comments(tmp_path: Path):
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    path = tmp_path / "cut.pcapng"
    path.write_bytes(annotated_pcapng(PACKETS, INTERFACES, NAMES, ["2 entries"]))
    done = subprocess.run(
        ["tshark", "-r", path, "-T", "fields", "-e", "frame.comment"], capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["request of s/d#7,käse", ""]


def test_nothing_to_say_makes_a_file_without_options():
    assert len(annotated_pcapng([], [])) == 28
