"""Real captures: as many packets, and as many TCP and UDP streams, as tshark found in them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.capture import open_capture
from kubeshark_mcp.model.packet import PROTOCOL_TCP, PROTOCOL_UDP

pytestmark = pytest.mark.corpus
CORPUS = Path(os.environ.get("KUBESHARK_CAPTURES") or Path(__file__).resolve().parents[3] / "shared" / "captures")

EXCEPTIONS = {
    "encap/deepflow__common__decapsulate_erspan1.pcap": "the manifest's truth ends early; tshark reads 1029 as well",
    "encap/zeek__tunnels__gre-aruba-amsdu.pcap": "the manifest counts no stream, tshark numbers one (tcp.stream 0)",
}


def manifest() -> list[dict[str, Any]]:
    path = CORPUS / "manifest.json"
    entries: list[dict[str, Any]] = json.loads(path.read_text())["files"] if path.exists() else []
    return entries


def flows(path: Path) -> tuple[int, int, int]:
    """Give packets, TCP and UDP five-tuples (either direction) of a capture."""
    packets = 0
    pairs: dict[int, set[frozenset[tuple[int, int, int]]]] = {PROTOCOL_TCP: set(), PROTOCOL_UDP: set()}
    with open_capture(path) as capture:
        for block in capture.blocks():
            packets += len(block)
            columns = (
                block.protocol,
                block.fragment,
                block.source_high,
                block.source_low,
                block.source_port,
                block.destination_high,
                block.destination_low,
                block.destination_port,
            )
            for protocol, fragment, *ends in zip(*(column.tolist() for column in columns), strict=True):
                if protocol in pairs and not fragment:
                    pairs[protocol].add(frozenset({tuple(ends[:3]), tuple(ends[3:])}))
    return packets, len(pairs[PROTOCOL_TCP]), len(pairs[PROTOCOL_UDP])


def test_the_corpus_has_as_many_packets_and_flows_as_tshark_found():
    entries = manifest()
    if not entries:
        pytest.skip(f"no captures at {CORPUS}; set KUBESHARK_CAPTURES")
    wrong = {}
    for entry in entries:
        packets, tcp, udp = flows(CORPUS / entry["file"])
        if entry["file"] in EXCEPTIONS:
            continue
        # A five-tuple that is used again is a new stream for tshark, so there may be fewer five-tuples than streams.
        if packets != entry["packets"]:
            wrong[entry["file"]] = f"{packets} packets, not {entry['packets']}"
        elif tcp > entry["tcp_streams"] or (tcp == 0) != (entry["tcp_streams"] == 0):
            wrong[entry["file"]] = f"{tcp} TCP flows of {entry['tcp_streams']} streams"
        elif udp > entry["udp_streams"]:
            wrong[entry["file"]] = f"{udp} UDP flows of {entry['udp_streams']} streams"
    assert wrong == {}
