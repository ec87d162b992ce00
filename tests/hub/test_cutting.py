"""Evidence cut out of the incident's captures."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from kubeshark_mcp.capture.reader import open_capture
from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import contract_views as v
from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.sources import CaptureSource

from .conftest import INCIDENT, ended


async def failed(incident, limit: int = 3) -> list[str]:
    page = await incident.hub.calls(c.CallQuery(kfl="http && status_code == 503", limit=limit))
    return [f"{incident.database}#{row['_id']}" for row in page.rows]


async def test_a_cut_shows_the_same_calls_again_and_nothing_else(incident, tmp_path: Path):
    handles = await failed(incident)
    cut = await incident.hub.cut_evidence(v.CutRequest(ids=handles))
    path = tmp_path / "cut.pcapng"
    size = await incident.hub.fetch_file(cut.path, path)
    assert (cut.entries, cut.left_out, cut.masked, cut.database) == (3, 0, 0, incident.database)
    assert (size, cut.sha256) == (cut.size_bytes, hashlib.sha256(path.read_bytes()).hexdigest())
    with open_capture(path) as capture:
        times = [time for block in capture.blocks() for time in block.time_ns.tolist()]
        assert any(".shop" in name for _, name in capture.names)
    assert len(times) == cut.packets < 40
    assert times == sorted(times)
    again = EmbeddedHub(tmp_path / "again", [CaptureSource(path, "cut")], [INCIDENT / "resources.json"])
    made = await again.create_snapshot(c.SnapshotRequest(name="cut"))
    await ended(lambda: again.snapshot(made.id))
    await again.start_dissection(made.id)
    await ended(lambda: again.dissection(made.id))
    page = await again.calls(c.CallQuery(kfl="http"))
    assert [row["status_code"] for row in page.rows] == [503] * 3
    assert {row["src.name"].split("-")[0] for row in page.rows} == {"storefront"}
    await again.close()


async def test_the_same_request_gives_the_same_file_and_tshark_finds_no_fault(incident, tmp_path: Path):
    request = v.CutRequest(kfl="http && status_code == 503", limit=10, scrub=True)
    cut = await incident.hub.cut_evidence(request)
    assert cut == await incident.hub.cut_evidence(request)
    assert (cut.entries, cut.left_out) == (10, 30)
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    path = tmp_path / "cut.pcapng"
    await incident.hub.fetch_file(cut.path, path)
    fields = ["-T", "fields", "-e", "frame.comment", "-e", "tcp.checksum.status"]
    done = subprocess.run(
        ["tshark", "-r", path, "-o", "tcp.check_checksum:TRUE", *fields],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    comments = [line.split("\t")[0] for line in done.stdout.splitlines()]
    assert sum(comment.startswith("request of ") for comment in comments) == 10
    assert sum(comment.endswith("-> 503") for comment in comments) == 10


async def test_secrets_of_a_cut_are_overwritten(incident, tmp_path: Path):
    page = await incident.hub.calls(c.CallQuery(kfl='http && "authorization" in request.headers', limit=5))
    if not page.rows:
        pytest.skip("the incident has no call with credentials")
    secret = page.rows[0]["request.headers"]["authorization"].split(" ")[-1].encode()
    request = v.CutRequest(ids=[str(row["_id"]) for row in page.rows], scrub=True)
    cut = await incident.hub.cut_evidence(request)
    path = tmp_path / "cut.pcapng"
    await incident.hub.fetch_file(cut.path, path)
    assert secret not in path.read_bytes()
    assert cut.masked >= len(secret)


async def test_the_source_of_an_entry_is_its_capture_and_packets(incident):
    (handle,) = await failed(incident, 1)
    source = await incident.hub.source_of(handle)
    detail = await incident.hub.call(c.CallRequest(id=handle))
    assert source.packets == detail.entry["_packets"]
    assert source.sha256 == hashlib.sha256((INCIDENT / f"{source.node}.pcap").read_bytes()).hexdigest()
    with pytest.raises(UsageError, match="'zero'"):
        await incident.hub.source_of("zero")


async def test_wrong_requests_are_refused(incident):
    cases = [
        (v.CutRequest(), UsageError, "either ids"),
        (v.CutRequest(ids=["1"], kfl="http"), UsageError, "either ids"),
        (v.CutRequest(ids=["a/b#1", "c/d#2"]), UsageError, "different databases"),
        (v.CutRequest(kfl="kafka"), NotFoundError, "nothing to cut out"),
        (v.CutRequest(ids=["99999999"]), NotFoundError, "99999999"),
    ]
    for request, error, words in cases:
        with pytest.raises(error, match=words):
            await incident.hub.cut_evidence(request)
