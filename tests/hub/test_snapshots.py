"""Snapshots: whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeshark_mcp.capture.export import read_packets
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.snapshots import captures_in, chosen, slug_node
from kubeshark_mcp.hub.sources import CaptureSource

from .conftest import RESOURCES, SOURCES


def test_a_whole_window_is_a_faithful_copy(incident):
    folder = incident.workspace / "snapshots" / incident.snapshot
    copies = captures_in(folder)
    assert [(copy.node, copy.path.name) for copy in copies] == [
        ("node-a", "000-node-a.pcap"),
        ("node-b", "001-node-b.pcap"),
    ]
    assert [copy.path.read_bytes() for copy in copies] == [source.path.read_bytes() for source in SOURCES]
    assert (folder / "resources.json").read_bytes() == RESOURCES[0].read_bytes()


def test_an_entry_can_be_traced_to_its_packets_in_the_snapshot(incident):
    copy = captures_in(incident.workspace / "snapshots" / incident.snapshot)[0]
    mine, original = (read_packets(path, [17, 18]) for path in (copy.path, SOURCES[0].path))
    assert mine == original


def test_nodes_are_chosen_by_name_and_unknown_ones_refused():
    sources = [CaptureSource(Path("a"), "n1"), CaptureSource(Path("b"), "n2")]
    assert chosen(sources, None) == sources
    assert chosen(sources, ["n2"]) == sources[1:]
    with pytest.raises(UsageError, match="no node 'n3' here; there are n1, n2"):
        chosen(sources, ["n1", "n3"])


def test_a_node_name_is_a_folder_name_and_cannot_lead_elsewhere():
    assert slug_node("ip-10-0-0-1.ec2.internal") == "ip-10-0-0-1.ec2.internal"
    assert slug_node("../../etc") == "etc"
    assert slug_node("a/b c") == "a-b-c"
    assert slug_node("..") == "node"
