"""L4 flows of raw captures, snapshots and dissections agree."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub import contract as c

from .conftest import SOURCES


async def test_raw_capture_and_dissection_show_the_same_flows(incident):
    raw = await incident.hub.flows(c.FlowQuery(limit=1000))
    dissected = await incident.hub.flows(c.FlowQuery(snapshot_id=incident.snapshot, limit=1000))

    def brief(page: c.FlowPage) -> list[tuple]:
        return sorted((f["proto"], f["client"]["ip"], f["server"]["ip"], f["totals"]["bytes"]) for f in page.flows)

    assert brief(raw) == brief(dissected)
    assert raw.total == len(raw.flows)
    jobs = [path.name for path in (incident.workspace / "jobs").glob("flows-*.json")]
    assert jobs == []


async def test_bytes_of_one_connection_agree_with_tshark(incident):
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    page = await incident.hub.flows(c.FlowQuery(ip="10.244.1.21", l4proto="tcp", limit=1))
    command = [
        "tshark",
        "-r",
        SOURCES[0].path,
        "-Y",
        "tcp && ip.addr == 10.244.1.21",
        "-T",
        "fields",
        "-e",
        "frame.len",
    ]
    sizes = [int(line) for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]
    assert (page.flows[0]["totals"]["pkts"], page.flows[0]["totals"]["bytes"]) == (len(sizes), sum(sizes))


async def test_pages_of_flows_follow_each_other(incident):
    seen, cursor = [], None
    while True:
        page = await incident.hub.flows(c.FlowQuery(limit=5, cursor=cursor))
        seen += [(f["client"]["ip"], f["server"]["ip"], f["server"]["port"], f["proto"]) for f in page.flows]
        cursor = page.cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == page.total


@pytest.mark.parametrize("cursor", ["nonsense", "", "MTIzOi01", "####"])
async def test_a_wrong_cursor_is_refused(incident, cursor):
    with pytest.raises(UsageError, match="cursor"):
        await incident.hub.flows(c.FlowQuery(limit=5, cursor=cursor))


async def test_the_summary_tells_who_crosses_namespaces(incident):
    summary = await incident.hub.flow_summary(incident.snapshot)
    assert summary.total_flows == summary.tcp_flows + summary.udp_flows
    assert ("shop", "data") in {(row["from"], row["to"]) for row in summary.cross_namespace}
