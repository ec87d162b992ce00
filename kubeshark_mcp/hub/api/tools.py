"""The table of the Hub's tools: name, arguments, answer, and the REST path that asks the same.

Discovery, calls, REST routes and the OpenAPI document are all made from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from kubeshark_mcp.hub.api import analysis_answers as analysis
from kubeshark_mcp.hub.api import analysis_arguments as aa
from kubeshark_mcp.hub.api import answers
from kubeshark_mcp.hub.api import arguments as a
from kubeshark_mcp.hub.api import schemas as s
from kubeshark_mcp.hub.api.calls_wire import CallWriter
from kubeshark_mcp.hub.interface import Hub

Answer = Callable[[Hub, Any, CallWriter], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class ApiTool:
    """One tool. rest: method and path under /api, whose `{names}` are arguments.

    listed: whether discovery shows it; clients bring the others themselves and would have them twice.
    starts: whether it starts a job that a graceful stop waits for. renamed: former names.
    """

    name: str
    description: str
    arguments: type[a.Arguments]
    answer: Answer
    result: s.Schema
    rest: tuple[str, str]
    destructive: bool = False
    listed: bool = True
    starts: bool = False
    renamed: tuple[str, ...] = ()

    def input_schema(self) -> dict[str, Any]:
        """Give the JSON schema of the arguments, as discovery publishes it."""
        schema = self.arguments.model_json_schema(by_alias=False)
        properties = {name: _small(one) for name, one in schema.get("properties", {}).items()}
        required = {"required": schema["required"]} if "required" in schema else {}
        return {"type": "object", "properties": properties, **required, "additionalProperties": False}


def _small(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out what only says that an argument may be left out: titles, nulls and their defaults."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    outer = {name: value for name, value in schema.items() if name not in {"anyOf", "title"}}
    if outer.get("default", 0) is None:
        del outer["default"]
    if len(kinds) == 1:
        return {**_small(kinds[0]), **outer}
    return {**outer, **({"anyOf": kinds} if kinds else {})}


TOOLS: tuple[ApiTool, ...] = (
    ApiTool(
        "check_kubeshark_status", "Say what this Hub is, and what can be done next.",
        a.Nothing, answers.status, s.STATUS, ("GET", "/status"), listed=False,
    ),
    ApiTool(
        "get_file_url", "Give where a file that another tool made can be fetched, relative to this Hub.",
        a.OnePath, answers.file_url, s.URL, ("GET", "/file-url"), listed=False,
    ),
    ApiTool(
        "get_data_boundaries", "Give the time window that the raw capture (L4) covers, in all and by node.",
        a.Nothing, answers.data_boundaries, s.BOUNDARIES, ("GET", "/data-boundaries"),
    ),
    ApiTool(
        "get_l7_data_boundaries", "Give the time window that dissected entries (L7) cover.",
        a.Nothing, answers.l7_boundaries, s.BOUNDARIES, ("GET", "/l7-data-boundaries"),
    ),
    ApiTool(
        "create_snapshot", "Keep a window of the raw capture; it goes on in the background.",
        a.CreateSnapshot, answers.create_snapshot, s.CREATED, ("POST", "/snapshots"), starts=True,
    ),
    ApiTool(
        "list_snapshots", "List all snapshots, newest first.",
        a.Nothing, answers.list_snapshots, s.SNAPSHOTS, ("GET", "/snapshots"),
    ),
    ApiTool(
        "get_snapshot", "Give one snapshot: status, window, nodes, size.",
        a.OneSnapshot, answers.get_snapshot, s.SNAPSHOT, ("GET", "/snapshots/{id}"),
    ),
    ApiTool(
        "delete_snapshot", "Delete a snapshot with its dissections, for good.",
        a.OneSnapshot, answers.delete_snapshot, s.DELETED, ("DELETE", "/snapshots/{id}"), destructive=True,
    ),
    ApiTool(
        "export_snapshot_pcap", "Write packets of a snapshot as a capture file; gives its path under /api.",
        a.ExportPcap, answers.export_pcap, s.EXPORT, ("POST", "/snapshots/{id}/pcap"),
    ),
    ApiTool(
        "start_snapshot_dissection", "Make the API calls of a snapshot searchable; it goes on in the background.",
        a.OneDissection, answers.start_dissection, s.STARTED, ("POST", "/snapshots/{snapshot_id}/dissections"),
        starts=True,
    ),
    ApiTool(
        "get_snapshot_dissection_status", "Say how far a dissection is.",
        a.OneDissection, answers.dissection_state, s.DISSECTION,
        ("GET", "/snapshots/{snapshot_id}/dissections/{name}"),
    ),
    ApiTool(
        "list_snapshot_dissections", "List dissections, of one snapshot or of all.",
        a.MaybeSnapshot, answers.list_dissections, s.DISSECTIONS, ("GET", "/dissections"),
    ),
    ApiTool(
        "stop_snapshot_dissection", "Cancel a running dissection.",
        a.NamedDissection, answers.stop_dissection, s.STOPPED,
        ("POST", "/snapshots/{snapshot_id}/dissections/{name}/stop"),
    ),
    ApiTool(
        "delete_snapshot_dissection", "Delete the entries of a dissection.",
        a.NamedDissection, answers.delete_dissection, s.STOPPED,
        ("DELETE", "/snapshots/{snapshot_id}/dissections/{name}"), destructive=True,
    ),
    ApiTool(
        "list_databases", "List what can be queried.",
        a.Nothing, answers.list_databases, s.DATABASES, ("GET", "/databases"),
    ),
    ApiTool(
        "list_workloads", "List pods and services with their addresses, or look one up by name and namespace.",
        a.Workloads, answers.list_workloads, s.WORKLOADS, ("GET", "/resolve/workloads"), renamed=("resolve_workload",),
    ),
    ApiTool(
        "list_ips", "List addresses with the workloads that had them, or say who had one address.",
        a.Addresses, answers.list_ips, s.ADDRESSES, ("GET", "/resolve/ips"), renamed=("resolve_ip",),
    ),
    ApiTool(
        "list_api_calls", "List API calls in order of time. raw: all KFL fields.",
        a.Calls, answers.list_calls, s.CALLS, ("GET", "/calls"),
    ),
    ApiTool(
        "get_api_call", "Give one API call in full: fields, bodies, its L4 flow and connection, its packets.",
        a.OneCall, answers.get_call, s.CALL, ("GET", "/calls/{id}"), renamed=("get_api_call_details",),
    ),
    ApiTool(
        "get_api_stats", "Give counts, error rates, latency percentiles and throughput, by group.",
        a.Stats, answers.get_stats, s.STATS, ("GET", "/stats"),
    ),
    ApiTool(
        "list_l4_flows", "List TCP and UDP flows, biggest first.",
        a.Flows, answers.list_flows, s.FLOWS, ("GET", "/flows"),
    ),
    ApiTool(
        "get_l4_flow_summary", "Give the L4 picture as a whole.",
        a.MaybeSnapshot, answers.flow_summary, s.FLOW_SUMMARY, ("GET", "/flow-summary"),
    ),
    ApiTool(
        "get_dissection_status", "Tell whether raw capture is dissected as it arrives.",
        a.Nothing, answers.dissection_enabled, s.ENABLED, ("GET", "/dissection"),
    ),
    ApiTool(
        "enable_dissection", "Dissect raw capture as it arrives.",
        a.Nothing, answers.enable_dissection, s.ENABLED, ("POST", "/dissection/enable"),
    ),
    ApiTool(
        "disable_dissection", "Stop to dissect raw capture as it arrives.",
        a.Nothing, answers.disable_dissection, s.ENABLED, ("POST", "/dissection/disable"),
    ),
    ApiTool(
        "get_cloud_storage_status", "Say whether cloud storage is set up and answers, and list the snapshots in it.",
        a.Nothing, answers.cloud_status, s.CLOUD_STATUS, ("GET", "/cloud"),
    ),
    ApiTool(
        "upload_snapshot_to_cloud", "Copy a completed snapshot into cloud storage; it goes on in the background.",
        a.OneSnapshot, answers.upload_snapshot, s.CLOUD_STARTED, ("POST", "/snapshots/{id}/upload"), starts=True,
    ),
    ApiTool(
        "download_snapshot_from_cloud", "Copy a snapshot from cloud storage that is not here; it goes on in the "
        "background.",
        a.OneSnapshot, answers.download_snapshot, s.CLOUD_STARTED, ("POST", "/cloud/snapshots/{id}/download"),
        starts=True,
    ),
    ApiTool(
        "get_cloud_job_status", "Say how far an upload or download is.",
        a.OneCloudJob, answers.cloud_job, s.CLOUD_JOB, ("GET", "/cloud/jobs/{job_id}"),
    ),
    ApiTool(
        "list_kfl_fields", "List the fields that a KFL filter can use.",
        a.Nothing, answers.kfl_fields, s.FIELDS, ("GET", "/kfl/fields"),
    ),
    ApiTool(
        "check_kfl", "Say whether a KFL filter is valid, and what was probably meant where it is not.",
        a.Filter, answers.check_kfl, s.CHECK, ("GET", "/kfl/check"),
    ),
    ApiTool(
        "explain_kfl", "Say how a KFL filter runs on a database, and what each clause leaves.",
        a.Filter, answers.explain_kfl, s.PLAN, ("GET", "/kfl/explain"),
    ),
    ApiTool(
        "get_kfl_field_use", "Say how often KFL fields are filled in a database, and with what.",
        a.FieldUses, answers.field_use, s.FIELD_USE, ("GET", "/kfl/field-use"),
    ),
    ApiTool(
        "diagnose", "Find what is abnormal and where it began: ranked causes, onset, chain, evidence.",
        aa.Diagnose, analysis.diagnose, s.DIAGNOSIS, ("GET", "/diagnosis"),
    ),
    ApiTool(
        "verify_claim", "Check whether the entries of a filter have this count, share, percentile or time.",
        aa.Verify, analysis.verify_claim, s.VERIFIED, ("GET", "/claim"),
    ),
    ApiTool(
        "compare_snapshots", "Say what differs between two databases or windows, chance left out.",
        aa.Compare, analysis.compare, s.COMPARISON, ("GET", "/comparison"),
    ),
    ApiTool(
        "trace_call", "Follow one call through services, with the time spent in each.",
        aa.Trace, analysis.trace_call, s.TRACE, ("GET", "/traces/{id}"),
    ),
    ApiTool(
        "service_map", "Say who calls whom: protocol, rate, errors, latency, bytes, retransmissions.",
        aa.Map, analysis.service_map, s.SERVICE_MAP, ("GET", "/service-map"),
    ),
    ApiTool(
        "timeline", "Tell what happened, in order.",
        aa.Window, analysis.timeline, s.TIMELINE, ("GET", "/timeline"),
    ),
    ApiTool(
        "cut_evidence", "Write the smallest PCAPNG that still shows some entries; gives its path under /api.",
        aa.Cut, analysis.cut_evidence, s.CUT, ("POST", "/evidence"),
    ),
    ApiTool(
        "get_entry_source", "Name the packets of an entry, and the SHA-256 of their capture file.",
        aa.Handle, analysis.entry_source, s.SOURCE, ("GET", "/entry-source"),
    ),
)  # fmt: skip
