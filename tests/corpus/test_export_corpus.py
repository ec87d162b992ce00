"""Filtered exports are what `tcpdump -r -w` writes, byte for byte: 40 filters, 20 captures, with and without index."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kubeshark_mcp.capture.export import Source, export_packets
from kubeshark_mcp.capture.index import build_index
from tests.corpus.harness import CAPTURES, MISSING, cases

FILTERS = (
    "tcp",
    "udp",
    "icmp or icmp6",
    "ip",
    "ip6",
    "arp",
    "port 53",
    "tcp port 80",
    "udp port 53",
    "portrange 1-1024",
    "tcp portrange 1024-65535",
    "src port 80",
    "dst port 443",
    "src portrange 30000-65535",
    "net 10.0.0.0/8",
    "net 192.168.0.0/16",
    "src net 172.16.0.0/12",
    "dst net 10.0.0.0/8",
    "host 127.0.0.1",
    "host 10.0.0.1 or host 192.168.1.1",
    "not tcp",
    "not port 22",
    "tcp and not port 80",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp[tcpflags] == tcp-ack",
    "tcp[13] & 4 != 0",
    "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
    "udp[10] & 0x80 != 0",
    "ip[6:2] & 0x1fff != 0",
    "ip[8] < 64",
    "ip[2:2] > 576",
    "less 100",
    "greater 1000",
    "len >= 60 and len <= 600",
    "ip proto 132",
    "ip multicast or ip broadcast",
    "tcp and (port 6379 or port 3306 or port 5432)",
    "(tcp or udp) and not (net 10.0.0.0/8 and port 53)",
    "ip6 and tcp",
    "tcp[0:2] + tcp[2:2] > 60000 or udp[4:2] * 2 > 400",
)
WANTED = 20


def chosen() -> list[Path]:
    """Give plain pcap files of one link type that tcpdump reads, the largest of each folder first."""
    found: dict[str, list[Path]] = {}
    for case in cases():
        path = case.path
        if path.read_bytes()[:4] in {b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"}:
            found.setdefault(case.file.partition("/")[0], []).append(path)
    ordered = [sorted(paths, key=lambda path: -path.stat().st_size) for _, paths in sorted(found.items())]
    return [paths[rank] for rank in range(3) for paths in ordered if len(paths) > rank][:WANTED]


pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not cases(), reason=MISSING),
    pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed"),
]


@pytest.mark.parametrize("capture", [pytest.param(p, id=str(p.relative_to(CAPTURES))) for p in chosen()])
def test_an_export_is_what_tcpdump_writes(capture: Path, tmp_path: Path):
    different = []
    index = build_index(capture, tmp_path / "index")
    for text in FILTERS:
        theirs, ours = tmp_path / "theirs.pcap", tmp_path / "ours.pcap"
        command = ["tcpdump", "-r", str(capture), "-w", str(theirs), text]
        nanoseconds = capture.read_bytes()[:1] == b"\x4d"
        command[1:1] = ["--nano"] if nanoseconds else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            continue  # the filter makes no sense on this link type
        for known in (None, index):
            export_packets([Source(capture, index=known)], ours, bpf=text)
            if ours.read_bytes() != theirs.read_bytes():
                different.append((text, known is not None))
    assert different == []


def test_there_are_as_many_captures_and_filters_as_promised():
    assert (len(chosen()), len(FILTERS)) == (WANTED, 40)
