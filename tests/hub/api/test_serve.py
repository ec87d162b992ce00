"""The whole way over real HTTP: what upstream's client does, many at once, and the end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from hub_server import call, served

from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.api import ApiSettings
from kubeshark_mcp.hub.api.serve import serve_hub
from kubeshark_mcp.hub.embedded import EmbeddedHub

TOKEN = "correct-horse-battery"


@pytest.fixture
def served_incident(incident):
    with served(incident.hub, ApiSettings(token=TOKEN)) as url:
        yield url


def client(url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, timeout=60, headers={"X-Kubeshark-Authorization": TOKEN})


async def test_upstreams_sequence_of_requests_is_answered(served_incident, incident, tmp_path: Path):
    snapshot = incident.snapshot
    number = (await incident.hub.calls(c.CallQuery(database=incident.database, kfl="http", limit=1))).rows[0]["id"]
    window = await incident.hub.l7_boundaries()
    middle = int((window.oldest + (window.newest - window.oldest) / 2).timestamp() * 1000)
    given = {
        "compare_snapshots": {"start": middle, "baseline_end": middle},
        "create_snapshot": {"name": "by upstream", "duration": "10s"},
        "get_snapshot": {"id": snapshot},
        "export_snapshot_pcap": {"id": snapshot, "bpf_filter": "tcp"},
        "start_snapshot_dissection": {"snapshot_id": snapshot, "name": "upstream"},
        "get_snapshot_dissection_status": {"snapshot_id": snapshot, "name": "default"},
        "stop_snapshot_dissection": {"snapshot_id": snapshot, "name": "upstream"},
        "get_api_call": {"id": number},
        "verify_claim": {"kfl": "http", "value": 597},
        "trace_call": {"id": number},
        "cut_evidence": {"ids": [number]},
        "get_entry_source": {"handle": f"{incident.database}#{number}"},
        "check_kfl": {"kfl": "http"},
        "explain_kfl": {"kfl": "http"},
        "get_kfl_field_use": {"names": ["method"]},
    }
    async with client(served_incident) as http:
        discovered = (await http.get("/api/mcp")).json()
        answers = {}
        for tool in discovered["tools"]:
            if tool["name"] != "enable_dissection":  # captures cannot be dissected as they arrive: 501
                answers[tool["name"]] = await call(http, tool["name"], **given.get(tool["name"], {}))
        assert answers["list_api_calls"]["total"] > 1000
        assert answers["get_api_call"]["entry"]["id"] == number
        assert answers["diagnose"]["findings"][0]["mechanism"]
        assert answers["verify_claim"]["holds"] is True
        path = answers["export_snapshot_pcap"]["path"]
        whole = await http.get(f"/api{path}")
        resumed = await http.get(
            f"/api{path}", headers={"Range": "bytes=1000-", "If-Range": whole.headers["etag"]}
        )  # fmt: skip
    assert len(whole.content) == answers["export_snapshot_pcap"]["size_bytes"]
    assert (resumed.status_code, resumed.content) == (206, whole.content[1000:])
    for name in ("upstream",):
        while not (await incident.hub.dissection(snapshot, name)).status.ended:
            await asyncio.sleep(0.02)
        await incident.hub.delete_dissection(snapshot, name)
    made = answers["create_snapshot"]["id"]
    while not (await incident.hub.snapshot(made)).status.ended:
        await asyncio.sleep(0.02)
    await incident.hub.delete_snapshot(made)


async def test_many_calls_beside_a_running_dissection_are_all_answered_rightly(served_incident, incident):
    filters = ["http", "redis", "dns", "http && status_code >= 500"]
    expected = {kfl: (await incident.hub.calls(c.CallQuery(kfl=kfl, limit=20))).total for kfl in filters}
    async with client(served_incident) as http:
        await call(http, "start_snapshot_dissection", snapshot_id=incident.snapshot, name="beside")
        asked = [filters[number % len(filters)] for number in range(32)]
        database = incident.database
        found = await asyncio.gather(*(call(http, "list_api_calls", kfl=kfl, limit=20, db=database) for kfl in asked))
    assert [answer["total"] for answer in found] == [expected[kfl] for kfl in asked]
    for kfl, answer in zip(asked, found, strict=True):
        assert answer["calls"] == found[asked.index(kfl)]["calls"]
    while not (await incident.hub.dissection(incident.snapshot, "beside")).status.ended:
        await asyncio.sleep(0.02)
    await incident.hub.delete_dissection(incident.snapshot, "beside")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def test_a_stop_ends_the_process_and_its_jobs_read_as_done_or_interrupted(tmp_path: Path):
    port = free_port()
    examples = Path(__file__).resolve().parents[3] / "examples" / "incident"
    process = subprocess.Popen(
        [sys.executable, "-m", "kubeshark_mcp", "hub", "serve", "--port", str(port), "--workspace", str(tmp_path),
         "--pcap", str(examples / "node-a.pcap"), "--drain-seconds", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "KUBESHARK_HUB_TOKEN": TOKEN},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    deadline = time.monotonic() + 60
    while True:
        try:
            assert httpx2.get(f"{url}/readyz").status_code == 200
            break
        except httpx2.ConnectError:
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
    assert httpx2.get(f"{url}/api/mcp").status_code == 401
    made = httpx2.post(f"{url}/api/snapshots", json={"name": "x"}, headers=headers, timeout=60).json()
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=60)
    assert TOKEN not in out + errors
    assert "Traceback" not in errors
    left = asyncio.run(EmbeddedHub(tmp_path).snapshot(made["id"]))
    assert left.status in {c.JobStatus.COMPLETED, c.JobStatus.FAILED}
    assert left.status is c.JobStatus.COMPLETED or "interrupted" in left.error


def test_a_port_that_is_taken_ends_the_start(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit):
        serve_hub(EmbeddedHub(tmp_path), ApiSettings(), taken.getsockname()[1])
