"""Two real servers on one workspace: eight clients ask while a dissection runs, and every answer is the quiet one."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from benchmarks.clients import PAGES, Server, ask, dissected, snapshot_of

INCIDENT = Path(__file__).resolve().parents[2] / "examples" / "incident"


def arguments(workspace: Path) -> list[str]:
    captures = [part for name in "ab" for part in ("--pcap", str(INCIDENT / f"node-{name}.pcap"))]
    return ["--workspace", str(workspace), "--allow-destructive", *captures]


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_no_answer_is_wrong_torn_or_stuck_beside_a_dissection(tmp_path):
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(Server.started(arguments(tmp_path))) for _ in range(2)]
        snapshot = await snapshot_of(servers[0])
        database = await dissected(servers[0], snapshot, "first")
        quiet = [await servers[1].call("list_api_calls", db=database, **page) for page in PAGES]
        until = asyncio.Event()
        asking = asyncio.create_task(ask(servers, 8, quiet, database, until))
        await dissected(servers[1], snapshot, "second")
        until.set()
        asked = await asyncio.wait_for(asking, 120)
        assert asked.wrong == []
        assert len(asked.seconds) >= 8
        second = [await server.call("list_api_calls", db=f"{snapshot}/second", **PAGES[0]) for server in servers]
        assert second[0] == second[1]


async def test_work_that_one_server_began_is_seen_refused_and_deleted_by_the_other(tmp_path):
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(Server.started(arguments(tmp_path))) for _ in range(2)]
        snapshot = await snapshot_of(one)
        began = await asyncio.gather(
            *(s.call("start_snapshot_dissection", snapshot_id=snapshot, name="both") for s in (one, other)),
            return_exceptions=True,
        )
        refused = [str(error) for error in began if isinstance(error, RuntimeError)]
        assert len(refused) == 1, began
        assert "already" in refused[0]
        flows = await asyncio.gather(*(server.call("list_l4_flows", limit=5) for server in (one, other)))
        assert flows[0] == flows[1]
        while "completed" not in await other.call("get_snapshot_dissection_status", snapshot_id=snapshot, name="both"):
            await asyncio.sleep(0.1)
        await one.call("list_api_calls", db=f"{snapshot}/both", limit=5)
        await other.call("delete_snapshot_dissection", snapshot_id=snapshot, name="both")
        with pytest.raises(RuntimeError, match="has no dissection 'both': start one"):
            await one.call("list_api_calls", db=f"{snapshot}/both", limit=5)
