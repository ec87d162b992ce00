"""The application on a Hub with canned answers: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import asyncio

import pytest
from fake_hub import FakeHub
from hub_server import asking, call

from kubeshark_mcp.errors import ConflictError, HubError, StoreError, UnsupportedError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.api import ApiSettings
from kubeshark_mcp.hub.api.app import HubApi


async def test_discovery_has_the_contracts_shape():
    async with asking(FakeHub()) as client:
        found = (await client.get("/api/mcp")).json()
    assert set(found) == {"name", "description", "version", "tools", "prompts"}
    assert all(set(tool) == {"name", "description", "inputSchema"} for tool in found["tools"])
    assert all(tool["inputSchema"]["type"] == "object" for tool in found["tools"])


async def test_a_tool_is_called_with_name_and_arguments():
    async with asking(FakeHub()) as client:
        found = await call(client, "get_snapshot", id="s1")
    assert found == {
        "id": "s1",
        "name": "incident",
        "status": "completed",
        "size_bytes": 123456,
        "created_at": 1793538600000,
        "start_ts": 1793538000000,
        "end_ts": 1793538600000,
        "node_count": 2,
        "packet_count": 1000,
        "nodes": ["node-a", "node-b"],
    }


async def test_former_names_of_tools_are_answered():
    async with asking(FakeHub()) as client:
        old = await call(client, "get_api_call_details", id="s1/main/1")
        assert old == await call(client, "get_api_call", id="s1/main/1")
        assert await call(client, "resolve_ip", ip="10.0.0.9") == await call(client, "list_ips", ip="10.0.0.9")


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "names no tool"),
        (b"{", 400, "no JSON"),
        (b"[]", 400, "a JSON list"),
        (b'{"name": 7}', 400, "names no tool"),
        (b'{"name": "list_snapshots", "arguments": []}', 400, "are no object"),
        (b'{"name": "list_snapshot"}', 404, "did you mean list_snapshots?"),
        (b'{"name": "get_snapshot"}', 400, "get_snapshot: id is missing."),
        (b'{"name": "get_snapshot", "arguments": {"id": "s1", "nam": 1}}', 400, "there is no argument 'nam'"),
        (b'{"name": "get_snapshot", "arguments": {"id": "zz"}}', 404, 'There is no snapshot "zz"'),
        (b'{"name": "delete_snapshot", "arguments": {"id": "s1"}}', 403, "--allow-destructive"),
    ],
)
async def test_a_bad_call_is_answered_with_a_status_and_a_sentence(body, status, says):
    async with asking(FakeHub()) as client:
        answer = await client.post("/api/mcp/tools/call", content=body)
    assert answer.status_code == status
    assert says in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


async def test_what_deletes_is_offered_and_done_with_permission_only():
    hub = FakeHub()
    async with asking(hub, ApiSettings(allow_destructive=True)) as client:
        names = {tool["name"] for tool in (await client.get("/api/mcp")).json()["tools"]}
        assert await call(client, "delete_snapshot", id="s1") == {"success": True, "id": "s1"}
        assert (await client.delete("/api/snapshots/s1")).json() == {"success": True, "id": "s1"}
    assert {"delete_snapshot", "delete_snapshot_dissection"} <= names
    async with asking(hub) as client:
        assert (await client.delete("/api/snapshots/s1")).status_code == 403
    assert [name for name, _ in hub.asked].count("delete_snapshot") == 2


@pytest.mark.parametrize(
    ("error", "status"),
    [(ConflictError, 409), (UnsupportedError, 501), (HubError, 502), (StoreError, 500)],
)
async def test_an_error_of_the_hub_is_a_status_with_its_sentence(error, status, monkeypatch):
    async def fail(_):
        raise error("That went wrong: do this.")

    monkeypatch.setattr(FakeHub, "snapshots", fail)
    async with asking(FakeHub()) as client:
        answer = await client.get("/api/snapshots")
    assert (answer.status_code, answer.text) == (status, "That went wrong: do this.")


async def test_a_fault_of_ours_shows_a_number_and_no_traceback(monkeypatch, caplog):
    async def fail(_):
        raise RuntimeError("hunter2-secret")

    monkeypatch.setattr(FakeHub, "snapshots", fail)
    async with asking(FakeHub()) as client:
        answer = await client.get("/api/snapshots")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.text.rpartition(" ")[2].rstrip(".") in caplog.text


async def test_rest_paths_ask_what_the_tools_ask():
    hub = FakeHub()
    async with asking(hub) as client:
        pairs = [
            (client.get("/api/snapshots"), call(client, "list_snapshots")),
            (client.get("/api/snapshots/s1"), call(client, "get_snapshot", id="s1")),
            (client.get("/api/calls?kfl=http&limit=2"), call(client, "list_api_calls", kfl="http", limit=2)),
            (client.get("/api/calls/s1/main%2312"), call(client, "get_api_call", id="s1/main#12")),
            (client.get("/api/flows?l4proto=tcp"), call(client, "list_l4_flows", l4proto="tcp")),
            (client.get("/api/data-boundaries"), call(client, "get_data_boundaries")),
            (client.get("/api/databases"), call(client, "list_databases")),
            (
                client.get("/api/resolve/workloads?labels=app=cart&labels=tier=web&namespaces=a&namespaces=b"),
                call(client, "list_workloads", labels={"app": "cart", "tier": "web"}, namespaces=["a", "b"]),
            ),
            (
                client.post("/api/snapshots/s1/dissections", json={"name": "x"}),
                call(client, "start_snapshot_dissection", snapshot_id="s1", name="x"),
            ),
            (
                client.get("/api/snapshots/s1/dissections/main"),
                call(client, "get_snapshot_dissection_status", id="s1", name="main"),
            ),
        ]
        for by_path, by_tool in pairs:
            answer = await by_path
            asked = list(hub.asked)
            hub.asked.clear()
            assert answer.status_code == 200, answer.text
            assert answer.json() == await by_tool
            assert hub.asked == asked
            hub.asked.clear()


async def test_a_value_given_twice_is_refused():
    async with asking(FakeHub()) as client:
        answer = await client.get("/api/calls?limit=1&limit=2")
    assert (answer.status_code, answer.text) == (400, "'limit' is given 2 times: give it once.")


async def test_health_is_told_and_readiness_asks_the_hub(monkeypatch):
    async with asking(FakeHub()) as client:
        assert (await client.get("/healthz")).text == "ok"
        assert (await client.get("/readyz")).status_code == 200

        async def fail(_):
            raise HubError("gone")

        monkeypatch.setattr(FakeHub, "status", fail)
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200


async def test_a_call_that_takes_too_long_is_ended():
    hub = FakeHub(block=True)
    async with asking(hub, ApiSettings(call_seconds=0.05)) as client:
        answer = await client.get("/api/status")
    assert answer.status_code == 504
    assert "longer than the 0.05 s" in answer.text
    assert hub.cancelled.is_set()


async def test_more_calls_than_the_limit_are_asked_to_come_again():
    hub = FakeHub(block=True)
    async with asking(hub, ApiSettings(most_calls=1)) as client:
        first = asyncio.create_task(client.get("/api/status"))
        while not hub.asked:
            await asyncio.sleep(0)
        answer = await client.get("/api/snapshots")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_a_body_over_the_limit_is_refused_whether_it_says_its_size_or_not():
    async def chunks():
        for _ in range(20):
            yield b" " * 100

    async with asking(FakeHub(), ApiSettings(most_body=1000)) as client:
        for body in (b" " * 2000, chunks()):
            answer = await client.post("/api/mcp/tools/call", content=body)
            assert answer.status_code == 413
            assert "1,000 bytes" in answer.text


async def test_an_unknown_path_and_another_method_are_refused():
    async with asking(FakeHub()) as client:
        assert (await client.get("/elsewhere")).status_code == 404
        assert (await client.get("/api/nothing")).status_code == 404
        assert (await client.put("/api/snapshots")).status_code == 405


async def test_packets_are_exported_and_sent_in_one_request():
    hub = FakeHub()
    async with asking(hub) as client:
        answer = await client.get("/api/mcp/snapshots/s1/pcap", params={"bpf_filter": "tcp", "nodes": "a,b"})
    assert answer.content == b"capture"
    assert hub.asked[0] == (
        "export_pcap", c.ExportRequest(snapshot_id="s1", bpf_filter="tcp", nodes=["a", "b"])
    )  # fmt: skip


async def test_stopping_waits_for_jobs_that_were_started_here_then_closes_the_hub(caplog):
    hub = FakeHub(steps=3)
    api = HubApi(hub, ApiSettings())
    async with api.lifespan(None):
        await api._catalogue.call("start_snapshot_dissection", {"id": "s1"}, api._writer)
    assert hub.closed
    assert [name for name, _ in hub.asked].count("dissection") == 4
    slow = FakeHub(steps=10_000)
    api = HubApi(slow, ApiSettings(drain_seconds=0))
    async with api.lifespan(None):
        await api._catalogue.call("create_snapshot", {"name": "x"}, api._writer)
    assert slow.closed
    assert "marked as interrupted: snapshot s1" in caplog.text
