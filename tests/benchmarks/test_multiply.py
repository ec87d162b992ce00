"""Copies of a recording have addresses and times of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.multiply import multiply
from kubeshark_mcp.hub.offline import Offline

RECORDED = Path(__file__).resolve().parents[1] / "recordings" / "mongodb" / "commands.pcap"


def test_each_copy_holds_the_conversations_of_the_recording(tmp_path: Path):
    out = tmp_path / "many.pcap"
    packets = multiply([RECORDED], out, 150)
    counts = []
    for number, path in enumerate((RECORDED, out)):
        scratch = tmp_path / str(number)
        scratch.mkdir()
        offline = Offline([str(path)], [], [], scratch)
        counts.append(offline.dissect(lambda fraction: None).protocol_counts)
    once, many = counts
    copies = many["mongodb"] // once["mongodb"]
    assert packets >= 150
    assert copies >= 2
    assert {name: many[name] for name in ("mongodb", "tcp_conn")} == {
        name: copies * once[name] for name in ("mongodb", "tcp_conn")
    }


def test_what_is_no_ethernet_capture_is_refused(tmp_path: Path):
    other = tmp_path / "x.pcap"
    other.write_bytes(b"no capture" * 10)
    with pytest.raises(SystemExit, match="no microsecond pcap of Ethernet"):
        multiply([other], tmp_path / "out.pcap", 1)
