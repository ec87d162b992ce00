"""Exported captures: what is written, and paths that cannot lead out."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from kubeshark_mcp.capture import open_capture
from kubeshark_mcp.capture.export import Source, export_packets
from kubeshark_mcp.errors import FilterError, NotFoundError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.times import end_to_ns, to_ns

from .conftest import SOURCES


async def test_an_export_is_what_tcpdump_would_keep(incident, tmp_path: Path):
    if shutil.which("tcpdump") is None:
        pytest.skip("tcpdump is not installed")
    export = await incident.hub.export_pcap(
        c.ExportRequest(snapshot_id=incident.snapshot, nodes=["node-b"], bpf_filter="port 6379")
    )
    size = await incident.hub.fetch_file(export.path, tmp_path / "ours.pcap")
    theirs = tmp_path / "theirs.pcap"
    subprocess.run(
        ["tcpdump", "-r", SOURCES[1].path, "-w", theirs, "port 6379"], check=True, capture_output=True, timeout=60
    )
    assert (tmp_path / "ours.pcap").read_bytes() == theirs.read_bytes()
    assert size == export.size_bytes == theirs.stat().st_size


async def test_a_window_of_a_snapshot_is_read_by_the_index_that_it_shares_with_the_raw_capture(
    incident, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("kubeshark_mcp.capture.index._write", lambda *_: pytest.fail("an index was built anew"))
    snapshot = await incident.hub.snapshot(incident.snapshot)
    start = snapshot.start + (snapshot.end - snapshot.start) / 2
    end = start + timedelta(milliseconds=200)
    export = await incident.hub.export_pcap(
        c.ExportRequest(snapshot_id=incident.snapshot, nodes=["node-b"], start=start, end=end)
    )
    await incident.hub.fetch_file(export.path, tmp_path / "ours.pcap")
    edges = {"start_ns": to_ns(start), "end_ns": end_to_ns(end)}
    plain = export_packets([Source(SOURCES[1].path)], tmp_path / "plain.pcap", **edges)
    assert (tmp_path / "ours.pcap").read_bytes() == (tmp_path / "plain.pcap").read_bytes()
    assert export.packets == plain.packets > 0


async def test_several_nodes_are_merged_by_time(incident, tmp_path: Path):
    export = await incident.hub.export_pcap(c.ExportRequest(snapshot_id=incident.snapshot, bpf_filter="udp port 53"))
    await incident.hub.fetch_file(export.path, tmp_path / "dns.pcap")
    with open_capture(tmp_path / "dns.pcap") as capture:
        times = [time for block in capture.blocks() for time in block.time_ns.tolist()]
    assert times == sorted(times)
    assert len(times) == export.packets


async def test_the_same_request_gives_the_same_file(incident):
    request = c.ExportRequest(snapshot_id=incident.snapshot, bpf_filter="icmp")
    assert await incident.hub.export_pcap(request) == await incident.hub.export_pcap(request)


async def test_bad_requests_are_refused(incident):
    snapshot = await incident.hub.snapshot(incident.snapshot)
    with pytest.raises(FilterError, match="port port"):
        await incident.hub.export_pcap(c.ExportRequest(snapshot_id=incident.snapshot, bpf_filter="port port"))
    with pytest.raises(UsageError, match="lies outside the snapshot"):
        await incident.hub.export_pcap(
            c.ExportRequest(snapshot_id=incident.snapshot, start=snapshot.end + timedelta(days=1))
        )
    with pytest.raises(NotFoundError, match="no snapshot 'nope'"):
        await incident.hub.export_pcap(c.ExportRequest(snapshot_id="nope"))


@pytest.mark.parametrize(
    "path", ["/mcp/files/../workspace.json", "/mcp/files/" + quote("../redaction.key", safe=""), "/etc/passwd", "", "."]
)
async def test_paths_that_were_not_given_lead_nowhere(incident, path: str, tmp_path: Path):
    with pytest.raises(NotFoundError, match="export packets first"):
        await incident.hub.fetch_file(path, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


async def test_a_file_has_a_url(incident):
    export = await incident.hub.export_pcap(c.ExportRequest(snapshot_id=incident.snapshot, bpf_filter="icmp"))
    assert (await incident.hub.file_url(export.path)).startswith("file:///")
