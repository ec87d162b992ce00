"""Which tools are offered."""

from __future__ import annotations

import pytest
from fake_hub import FakeHub

from kubeshark_mcp.errors import NotFoundError
from kubeshark_mcp.hub.api import ApiSettings
from kubeshark_mcp.hub.api.calls_wire import CallWriter
from kubeshark_mcp.hub.api.catalogue import Catalogue
from kubeshark_mcp.hub.api.failures import RefusedError
from kubeshark_mcp.hub.contract_remote import HubPrompt, HubTool, HubTools


class OwnHub(FakeHub):
    """Lacks a tool of ours, and has two of its own."""

    async def tools(self):
        own = HubTool(name="own_tool", description="Own.", input_schema={"type": "object"})
        drop = HubTool(name="drop_all", description="Drop.", input_schema={"type": "object"}, destructive=True)
        return HubTools(lacking=frozenset({"list_ips"}), extra=(own, drop))

    async def call_tool(self, name, arguments):
        return {"called": name, **arguments}

    async def prompts(self):
        return [HubPrompt(name="find_errors")]


async def test_what_the_hub_lacks_is_left_out_and_what_only_it_has_is_passed_through():
    catalogue = Catalogue(OwnHub(), ApiSettings())
    found = await catalogue.discovery()
    names = [tool["name"] for tool in found["tools"]]
    assert "list_ips" not in names
    assert names[-1] == "own_tool"
    assert found["prompts"] == [{"name": "find_errors", "description": "", "arguments": ()}]
    assert await catalogue.call("own_tool", {"x": 1}, CallWriter()) == {"called": "own_tool", "x": 1}
    with pytest.raises(RefusedError, match="drop_all deletes"):
        await catalogue.call("drop_all", {}, CallWriter())
    with pytest.raises(NotFoundError, match="did you mean own_tool"):
        await catalogue.call("own_tol", {}, CallWriter())


async def test_what_clients_bring_themselves_is_answered_but_not_listed():
    catalogue = Catalogue(FakeHub(), ApiSettings())
    names = {tool["name"] for tool in (await catalogue.discovery())["tools"]}
    assert names.isdisjoint({"check_kubeshark_status", "get_file_url", "download_file", "start_kubeshark"})
    assert (await catalogue.call("check_kubeshark_status", {}, CallWriter()))["running"] is True


async def test_jobs_that_ended_or_vanished_are_forgotten():
    hub = FakeHub(steps=1)
    catalogue = Catalogue(hub, ApiSettings())
    await catalogue.call("create_snapshot", {"name": "x"}, CallWriter())
    assert await catalogue.unfinished() == ["snapshot s1"]
    assert await catalogue.unfinished() == []


async def test_a_stop_waits_for_transfers_too():
    catalogue = Catalogue(FakeHub(steps=1), ApiSettings())
    begun = await catalogue.call("upload_snapshot_to_cloud", {"id": "s1"}, CallWriter())
    assert (begun["success"], begun["job_id"], begun["warnings"]) == (True, "j1", ["secrets go"])
    assert await catalogue.unfinished() == ["transfer j1"]
    assert await catalogue.unfinished() == []
    assert (await catalogue.call("get_cloud_job_status", {"job_id": "j2"}, CallWriter()))["operation"] == "download"
    stored = (await catalogue.call("get_cloud_storage_status", {}, CallWriter()))["snapshots"]
    assert [(one["id"], one["local"]) for one in stored] == [("s1", True), ("s0", False)]
