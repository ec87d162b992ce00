"""Which tools are passed through, and which of ours a Hub lacks."""

from __future__ import annotations

import pytest
from remote_fakes import discovery

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.remote.discovery import ToolSchema, read_discovery
from kubeshark_mcp.hub.remote.extras import checked_arguments, hub_tools, passed_through


def test_ours_are_offered_where_the_hub_has_them_and_its_own_beside():
    found = hub_tools(read_discovery(discovery(), "h"))
    assert {tool.name: (tool.read_only, tool.destructive) for tool in found.extra} == {
        "find_slow_queries": (True, False),
        "purge_everything": (False, True),
    }
    assert {"list_l4_flows", "create_snapshot", "delete_snapshot", "diagnose", "verify_claim"} <= found.lacking
    assert not found.lacking & {"list_api_calls", "get_api_call", "get_tcp_insights", "explain_kfl", "check_kfl"}


def test_a_tool_that_does_not_fit_is_offered_in_the_hubs_own_form():
    strange = {"get_snapshot": {"properties": {"tenant": {}}, "required": ["tenant"]}}
    found = hub_tools(read_discovery(discovery(strange), "h"))
    assert "get_snapshot" in found.lacking
    assert [tool.name for tool in found.extra] == ["get_snapshot"]


def test_what_is_computed_goes_with_what_it_is_computed_from():
    lacking = hub_tools(read_discovery(discovery({"list_snapshots": {}}), "h")).lacking
    assert {"get_tcp_insights", "explain_kfl", "list_api_calls"} <= lacking


def test_a_tool_that_only_the_hub_has_is_passed_through():
    found = hub_tools(read_discovery(discovery({"describe_storage": {}}), "h"))
    assert [tool.name for tool in found.extra] == ["describe_storage"]


def test_tools_of_the_client_are_ours_whatever_a_hub_says():
    found = hub_tools(read_discovery(discovery({"start_kubeshark": {}, "download_file": {}}), "h"))
    assert found.extra == ()


def test_a_schema_without_bounds_is_replaced():
    huge = passed_through(ToolSchema("x", "", {"type": "object", "properties": {"a": {"description": "y" * 30_000}}}))
    assert huge.input_schema == {"type": "object", "properties": {}}
    assert huge.description == "The Hub's own tool x, which it does not describe."


TOOL = ToolSchema("t", "", {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]})


def test_arguments_of_a_passed_through_tool_are_checked_by_its_schema():
    assert checked_arguments(TOOL, {"a": 1, "b": None}) == {"a": 1}
    with pytest.raises(UsageError, match='t needs "a"'):
        checked_arguments(TOOL, {"b": 1})
    with pytest.raises(UsageError, match=r'"c" is no argument of t\. Valid: a, b\.'):
        checked_arguments(TOOL, {"a": 1, "c": 1})


CLOUD = {
    "get_cloud_storage_status": {},
    "upload_snapshot_to_cloud": {"properties": {"id": {"type": "string"}}},
    "download_snapshot_from_cloud": {"properties": {"id": {"type": "string"}}},
    "get_cloud_job_status": {"properties": {"job_id": {"type": "string"}}},
}


def test_tools_of_the_cloud_are_ours_and_never_there_twice():
    found = hub_tools(read_discovery(discovery(CLOUD), "h"))
    assert found.extra == ()
    assert not found.lacking & CLOUD.keys()
    without = hub_tools(read_discovery(discovery({"list_snapshots": {}}), "h"))
    assert without.lacking >= CLOUD.keys()


def test_a_tool_of_the_cloud_in_another_form_is_the_hubs_alone():
    odd = {**CLOUD, "upload_snapshot_to_cloud": {"properties": {"bucket": {"type": "string"}}}}
    found = hub_tools(read_discovery(discovery(odd), "h"))
    assert [tool.name for tool in found.extra] == ["upload_snapshot_to_cloud"]
    assert "upload_snapshot_to_cloud" in found.lacking
