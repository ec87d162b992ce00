"""RemoteHub: the Hub interface over a Hub elsewhere; equal answers through our own served Hub."""

from __future__ import annotations

import httpx
import httpx2
import pytest
from remote_fakes import TOKEN, URL, Routes

from kubeshark_mcp.errors import HubError, KubesharkError, NotFoundError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.api import ApiSettings
from kubeshark_mcp.hub.api.app import build_app
from kubeshark_mcp.hub.remote.access import UrlAccess
from kubeshark_mcp.hub.remote.client import HubClient
from kubeshark_mcp.hub.remote.hub import RemoteHub

MS = 1793534400000


async def test_status_says_what_the_hub_is_and_what_only_it_has():
    status = await Routes({"get_dissection_status": {"enabled": True}}).hub.status()
    assert (status.running, status.kind, status.location, status.version) == (True, "remote", URL, "53.1")
    assert status.details["of this Hub alone"] == "find_slow_queries, purge_everything"
    assert "dissected as it arrives" in status.next_steps[0]


async def test_status_of_a_hub_that_is_gone_says_why_and_is_no_error():
    routes = Routes()
    routes.discovered.mock(side_effect=httpx2.ConnectError("refused"))
    status = await routes.hub.status()
    assert not status.running
    assert "cannot be reached" in status.details["problem"]
    assert TOKEN not in str(status)


async def test_the_check_at_the_start_raises():
    routes = Routes()
    routes.discovered.respond(401)
    with pytest.raises(HubError, match="HTTP 401"):
        await routes.hub.check()


async def test_tools_and_prompts_of_a_hub_that_is_gone_are_those_known_last():
    routes = Routes(prompts=[{"name": "p"}])
    assert len((await routes.hub.tools()).extra) == 2
    routes.asking.forget()
    routes.discovered.respond(500)
    assert len((await routes.hub.tools()).extra) == 2
    assert [prompt.name for prompt in await routes.hub.prompts()] == ["p"]
    fresh = Routes()
    fresh.discovered.respond(500)
    assert (await fresh.hub.tools()).extra == ()
    assert await fresh.hub.prompts() == []


async def test_a_tool_of_the_hub_alone_is_called_with_its_own_arguments():
    routes = Routes({"find_slow_queries": {"queries": []}})
    assert await routes.hub.call_tool("find_slow_queries", {"above_ms": 5, "kfl": "http"}) == {"queries": []}
    assert routes.asked == [("find_slow_queries", {"above_ms": 5, "kfl": "http"})]
    with pytest.raises(NotFoundError, match="find_slow_queries, purge_everything"):
        await routes.hub.call_tool("get_snapshot", {"id": "s"})
    with pytest.raises(UsageError, match='needs "above_ms"'):
        await routes.hub.call_tool("find_slow_queries", {})


async def test_snapshots_of_a_hub():
    routes = Routes(
        {
            "get_snapshot": {"id": "s1", "status": "completed"},
            "list_snapshots": {"snapshots": [{"id": "s1"}]},
            "export_snapshot_pcap": "/mcp/snapshots/s1/pcap",
        }
    )
    assert (await routes.hub.snapshot("s1")).status is c.JobStatus.COMPLETED
    assert [one.id for one in await routes.hub.snapshots()] == ["s1"]
    path = (await routes.hub.export_pcap(c.ExportRequest(snapshot_id="s1", bpf_filter="tcp"))).path
    assert await routes.hub.file_url(path) == f"{URL}/api/mcp/snapshots/s1/pcap"
    assert routes.arguments("export_snapshot_pcap") == [{"id": "s1", "bpf_filter": "tcp"}]


async def test_a_duration_goes_as_the_contract_writes_it():
    tools = {"create_snapshot": {"properties": {"name": {}, "duration": {}}}}
    routes = Routes({"create_snapshot": {"id": "s"}}, tools)
    for seconds in (1800, 90, 0.5):
        await routes.hub.create_snapshot(c.SnapshotRequest(name="n", duration_seconds=seconds))
    assert [one["duration"] for one in routes.arguments("create_snapshot")] == ["30m", "90s", "500ms"]


@pytest.mark.parametrize("wrong", ["text", 5, {"a": 1}, {"snapshots": [1]}])
async def test_wrong_shapes_are_sentences(wrong):
    routes = Routes({name: wrong for name in ("get_snapshot", "list_snapshots", "get_data_boundaries")})
    for ask in (lambda: routes.hub.snapshot("s"), routes.hub.data_boundaries, routes.hub.snapshots):
        with pytest.raises(KubesharkError, match="in a shape that is not known here"):
            await ask()


async def test_dissection_of_new_capture_is_told_and_switched():
    tools = {"get_dissection_status": {}, "enable_dissection": {}, "disable_dissection": {}}
    routes = Routes(
        {
            "get_dissection_status": {"enabled": "off"},
            "enable_dissection": {},
            "disable_dissection": {"enabled": False},
        },
        tools,
    )
    assert await routes.hub.dissection_enabled() is False
    assert await routes.hub.set_dissection_enabled(True) is True
    assert await routes.hub.set_dissection_enabled(False) is False


async def test_flows_page_by_page_from_a_hub_without_pages():
    flows = {"flows": [{"n": number} for number in range(5)], "total": 5}
    routes = Routes({"list_l4_flows": flows}, {"list_l4_flows": {"properties": {"limit": {}, "ns": {}}}})
    second = await routes.hub.flows(c.FlowQuery(limit=2, cursor="2", ns="shop"))
    assert ([flow["n"] for flow in second.flows], second.cursor) == ([2, 3], "4")
    assert routes.asked == [("list_l4_flows", {"limit": 4, "ns": "shop"})]
    with pytest.raises(UsageError, match="cursor 'x'"):
        await routes.hub.flows(c.FlowQuery(cursor="x"))


async def test_a_database_that_is_gone_is_the_hubs_own_sentence():
    routes = Routes({"list_snapshots": httpx.Response(409, text="busy")})
    with pytest.raises(KubesharkError, match="The Hub's list_snapshots failed with HTTP 409: busy"):
        await routes.hub.snapshots()


QUESTIONS = {
    "boundaries": lambda hub, s, db: hub.data_boundaries(),
    "snapshots": lambda hub, s, db: hub.snapshots(),
    "dissection": lambda hub, s, db: hub.dissection(s),
    "databases": lambda hub, s, db: hub.databases(),
    "workloads": lambda hub, s, db: hub.workloads(c.WorkloadQuery(snapshot_id=s)),
    "addresses": lambda hub, s, db: hub.addresses(c.WorkloadQuery(snapshot_id=s)),
    "calls": lambda hub, s, db: hub.calls(c.CallQuery(kfl="http && status_code >= 500", limit=5)),
    "connections": lambda hub, s, db: hub.calls(c.CallQuery(database=db, kfl="tcp_conn", limit=5)),
    "nothing": lambda hub, s, db: hub.calls(c.CallQuery(database=db, kfl="http && status_code == 999")),
    "one": lambda hub, s, db: hub.call(c.CallRequest(id="1", include_pcap=True)),
    "stats": lambda hub, s, db: hub.stats(c.StatsQuery(database=db, group_by="endpoint")),
    "flows": lambda hub, s, db: hub.flows(c.FlowQuery(snapshot_id=s, limit=3)),
    "summary": lambda hub, s, db: hub.flow_summary(s),
    "explain": lambda hub, s, db: hub.explain_filter("http && status_code >= 500", db),
    "use": lambda hub, s, db: hub.field_use(["status_code"], db),
}


def timeless(value):
    """Drop times, which travel as milliseconds."""
    if hasattr(value, "model_dump"):
        return timeless(value.model_dump())
    if isinstance(value, dict):
        return {name: timeless(item) for name, item in value.items() if not name.endswith(("time", "timestamp"))}
    if isinstance(value, list | tuple):
        return [timeless(item) for item in value]
    return None if hasattr(value, "tzinfo") else value


@pytest.mark.parametrize("question", QUESTIONS)
async def test_through_our_served_hub_answers_are_equal(incident, question):
    app = build_app(incident.hub, ApiSettings())
    remote = RemoteHub(HubClient(UrlAccess("http://127.0.0.1"), httpx2.ASGITransport(app)))
    ask = QUESTIONS[question]
    here = await ask(incident.hub, incident.snapshot, incident.database)
    there = await ask(remote, incident.snapshot, incident.database)
    assert timeless(there) == timeless(here)
    await remote.close()
