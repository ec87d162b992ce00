"""The table of tools."""

from __future__ import annotations

from collections import Counter

from kubeshark_mcp.hub.api.tools import TOOLS

CONTRACT = {
    "get_data_boundaries", "get_l7_data_boundaries", "create_snapshot", "get_snapshot", "list_snapshots",
    "delete_snapshot", "export_snapshot_pcap", "start_snapshot_dissection", "get_snapshot_dissection_status",
    "list_snapshot_dissections", "stop_snapshot_dissection", "delete_snapshot_dissection", "list_databases",
    "list_workloads", "list_ips", "list_api_calls", "get_api_call", "get_api_stats", "list_l4_flows",
    "get_l4_flow_summary", "get_dissection_status", "enable_dissection", "disable_dissection",
    "get_cloud_storage_status", "upload_snapshot_to_cloud", "download_snapshot_from_cloud", "get_cloud_job_status",
}  # fmt: skip


def test_the_contracts_tools_are_all_there_once():
    assert {tool.name for tool in TOOLS if tool.listed} >= CONTRACT
    names = Counter(name for tool in TOOLS for name in (tool.name, *tool.renamed))
    assert set(names.values()) == {1}
    assert len({tool.rest for tool in TOOLS}) == len(TOOLS)


def test_what_deletes_is_marked():
    assert {tool.name for tool in TOOLS if tool.destructive} == {"delete_snapshot", "delete_snapshot_dissection"}


def test_schemas_are_small_and_say_what_is_needed():
    schemas = {tool.name: tool.input_schema() for tool in TOOLS}
    assert schemas["get_snapshot"] == {
        "type": "object",
        "properties": {"id": {"minLength": 1, "maxLength": 4096, "type": "string"}},
        "required": ["id"],
        "additionalProperties": False,
    }
    text = str(schemas)
    assert "title" not in text
    assert "null" not in text
    assert schemas["list_api_calls"]["properties"]["limit"] == {
        "default": 100, "maximum": 1000, "minimum": 1, "type": "integer"
    }  # fmt: skip
