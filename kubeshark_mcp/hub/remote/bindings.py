"""Our arguments under the names and in the forms that a Hub declares; its inputSchema has the last word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from kubeshark_mcp.errors import UnsupportedError, UsageError
from kubeshark_mcp.hub.remote.discovery import ToolSchema
from kubeshark_mcp.hub.remote.reading import record, text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SNAPSHOT = ("snapshot_id", "snapshot", "id")
_START = ("start", "start_time", "start_ts", "from")
_END = ("end", "end_time", "end_ts", "to", "until")
_DISSECTION = ("name", "dissection", "dissection_name")
_WHO = {
    "snapshot": ("snapshot_id", "snapshot"),
    "namespaces": ("namespaces", "namespace_list"),
    "name_regex": ("name_regex", "regex"),
    "labels": ("labels", "label_selector"),
    "timestamp": ("timestamp", "time", "ts", "at"),
}


@dataclass(frozen=True, slots=True)
class Form:
    """How a tool of ours is put to a Hub.

    names: our argument -> names that a Hub may have for it, the contract's first. needed: those it cannot do without.
    read: changes nothing. optional: those that may be left out where the Hub does not know them, because the answer
    stays true without. older: former names of the tool.
    """

    names: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    needed: tuple[str, ...] = ()
    read: bool = True
    optional: tuple[str, ...] = ()
    older: tuple[str, ...] = ()


_OF_DISSECTION = {"snapshot": _SNAPSHOT, "name": _DISSECTION}
_DB = ("db", "database")
_QUERY = {
    "kfl": ("kfl", "filter", "query"),
    "start": _START,
    "end": _END,
    "db": _DB,
    "snapshot": ("snapshot_id", "snapshot"),
    "limit": ("limit", "max_results"),
    "group_by": ("group_by", "groupBy"),
}
_WINDOW = {"db": _DB, "start": _START, "end": _END}
FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "get_data_boundaries": Form(),
        "get_l7_data_boundaries": Form(),
        "create_snapshot": Form(
            {
                "name": ("name", "snapshot_name"),
                "start": ("start_time", *_START),
                "end": ("end_time", *_END),
                "duration": ("duration",),
                "nodes": ("nodes", "node_names"),
            },
            ("name",),
            read=False,
        ),
        "get_snapshot": Form({"snapshot": ("id", *_SNAPSHOT)}, ("snapshot",)),
        "list_snapshots": Form(),
        "delete_snapshot": Form({"snapshot": ("id", *_SNAPSHOT)}, ("snapshot",), read=False),
        "export_snapshot_pcap": Form(
            {
                "snapshot": ("id", *_SNAPSHOT),
                "nodes": ("nodes", "node_names"),
                "bpf": ("bpf_filter", "bpf", "filter"),
                "start": ("start_time", *_START),
                "end": ("end_time", *_END),
            },
            ("snapshot",),
        ),
        "start_snapshot_dissection": Form(_OF_DISSECTION, ("snapshot",), read=False),
        "get_snapshot_dissection_status": Form(_OF_DISSECTION, ("snapshot",)),
        "list_snapshot_dissections": Form({"snapshot": _SNAPSHOT}, optional=("snapshot",)),
        "stop_snapshot_dissection": Form(_OF_DISSECTION, ("snapshot", "name"), read=False),
        "delete_snapshot_dissection": Form(_OF_DISSECTION, ("snapshot", "name"), read=False),
        "list_databases": Form(),
        "list_workloads": Form({**_WHO, "name": ("name",), "namespace": ("namespace", "ns"), "type": ("type", "kind")}),
        "list_ips": Form({**_WHO, "ip": ("ip", "address")}),
        "list_api_calls": Form(
            {
                **_QUERY,
                "format": ("format",),
                "cursor": ("cursor",),
                "newest_first": ("newest_first",),
                "keep_duplicates": ("keep_duplicates",),
            },
            optional=("format", "limit", "keep_duplicates"),
        ),
        "get_api_call": Form(
            {
                "id": ("id", "call_id", "entry_id"),
                "db": _DB,
                "snapshot": ("snapshot_id", "snapshot"),
                "include_payload": ("include_payload",),
                "include_l4": ("include_l4",),
                "include_pcap": ("include_pcap",),
                "max_payload_size": ("max_payload_size",),
            },
            ("id",),
            optional=("db", "snapshot", "include_payload", "include_l4", "include_pcap", "max_payload_size"),
            older=("get_api_call_details",),
        ),
        "get_api_stats": Form(_QUERY, optional=("limit",)),
        "list_l4_flows": Form(
            {
                "format": ("format",),
                "aggregate": ("aggregate", "group_by"),
                "l4proto": ("l4proto", "proto", "protocol"),
                "ip": ("ip",),
                "ns": ("ns", "namespace"),
                "pod": ("pod",),
                "svc": ("svc", "service"),
                "limit": ("limit",),
                "snapshot": ("snapshot_id", "snapshot"),
                "cursor": ("cursor",),
            },
            optional=("format", "limit"),
        ),
        "get_l4_flow_summary": Form({"snapshot": ("snapshot_id", "snapshot")}),
        "get_cloud_storage_status": Form(),
        "upload_snapshot_to_cloud": Form({"snapshot": ("id", *_SNAPSHOT)}, ("snapshot",), read=False),
        "download_snapshot_from_cloud": Form({"snapshot": ("id", *_SNAPSHOT)}, ("snapshot",), read=False),
        "get_cloud_job_status": Form({"job": ("job_id", "id", "job")}, ("job",)),
        "diagnose": Form({**_WINDOW, "service": ("service",), "baseline": ("baseline",)}),
        "verify_claim": Form(
            {
                **_WINDOW,
                "kfl": ("kfl",),
                **{name: (name,) for name in ("measure", "value", "at", "relation", "of", "tolerance")},
            },
            ("kfl",),
        ),
        "compare_snapshots": Form(
            {**_WINDOW, **{name: (name,) for name in ("baseline", "baseline_start", "baseline_end")}}
        ),
        "trace_call": Form({"id": ("id",), "db": _DB}, ("id",)),
        "service_map": Form({**_WINDOW, "service": ("service",)}),
        "timeline": Form(_WINDOW),
        "cut_evidence": Form(
            {"ids": ("ids",), "kfl": ("kfl",), "db": _DB, "limit": ("limit",), "scrub": ("scrub",)}, read=False
        ),
        "get_entry_source": Form({"handle": ("handle",)}, ("handle",)),
        "explain_kfl": Form({"kfl": ("kfl", "filter"), "db": _DB}, ("kfl",)),
        "get_kfl_field_use": Form({"names": ("names", "fields"), "db": _DB}, ("names",)),
        "get_dissection_status": Form(),
        "enable_dissection": Form(read=False),
        "disable_dissection": Form(read=False),
    }
)
"""What a Hub can be asked: the tools of the contract, and those that our own Hub has beside them."""

ANSWERED_HERE = frozenset(
    {
        "check_kubeshark_status",
        "start_kubeshark",
        "stop_kubeshark",
        "get_file_url",
        "download_file",
        "check_kfl",
        "list_kfl_fields",
        "explain_kfl",
        "get_kfl_field_use",
        "get_tcp_insights",
        "resolve_workload",
        "resolve_ip",
    }
)
"""Tools that are ours whatever a Hub publishes: answered here, or computed from several of its answers."""
COMPUTED = MappingProxyType({"get_tcp_insights": "list_api_calls", "explain_kfl": "list_api_calls"})
"""Tools of ours that are computed, and the tool of the Hub that they need."""


def found_under(tool: str, tools: Mapping[str, ToolSchema]) -> ToolSchema | None:
    """Give the Hub's tool for one of ours, under its present or a former name."""
    for name in (tool, *FORMS[tool].older):
        if name in tools:
            return tools[name]
    return None


def misfit(tool: str, declared: ToolSchema) -> str:
    """Say why a tool of ours cannot be put to the Hub's; empty when it can."""
    form = FORMS[tool]
    known = {name for names in form.names.values() for name in names}
    strange = sorted(declared.required - known)
    if strange:
        return f"it needs {', '.join(strange)}"
    if declared.declares:
        for argument in form.needed:
            if not any(name in declared.properties for name in form.names[argument]):
                return f"it has no argument for {argument}"
    return ""


def bound(tool: str, declared: ToolSchema, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments for the Hub: its names, its types; None is left out.

    Raises UnsupportedError when something that was asked for has no place there: an answer without it would be wrong.
    """
    form = FORMS[tool]
    arguments: dict[str, Any] = {}
    for argument, value in given.items():
        if value is None:
            continue
        name = _name_for(form.names[argument], declared, arguments)
        if name is None:
            if argument in form.optional:
                continue
            raise UnsupportedError(
                f"This Hub's {declared.name} has no argument for {argument}; leave it out. "
                f"It takes: {', '.join(sorted(declared.properties)) or 'none'}."
            )
        arguments[name] = _encoded(name, value, record(declared.properties.get(name)), declared.name)
    missing = sorted(declared.required - arguments.keys())
    if missing:
        raise UsageError(f"This Hub's {declared.name} needs {', '.join(missing)}: give it.")
    return arguments


def takes(tool: str, declared: ToolSchema | None, argument: str) -> bool:
    """Tell whether the Hub's tool declares an argument of ours."""
    return declared is not None and any(name in declared.properties for name in FORMS[tool].names[argument])


def _name_for(candidates: tuple[str, ...], declared: ToolSchema, taken: Mapping[str, Any]) -> str | None:
    if not declared.declares:
        return next((name for name in candidates if name not in taken), None)
    return next((name for name in candidates if name in declared.properties and name not in taken), None)


def _encoded(name: str, value: Any, schema: Mapping[str, Any], tool: str) -> Any:
    kinds = _kinds(schema)
    if isinstance(value, datetime):
        value = _time(value, name in _END, schema, kinds)
    elif isinstance(value, list | tuple) and kinds == {"string"}:
        value = ",".join(str(item) for item in value)
    elif isinstance(value, Mapping) and kinds == {"string"}:
        value = ",".join(f"{key}={item}" for key, item in value.items())
    elif isinstance(value, str) and kinds == {"array"}:
        value = [value]
    elif isinstance(value, str) and kinds <= {"integer", "number"} and kinds and value.isdigit():
        value = int(value)
    allowed = schema.get("enum")
    if isinstance(allowed, list) and allowed and value not in allowed:
        shown = ", ".join(str(one) for one in allowed[:12])
        raise UsageError(f"{name} is {value!r}, but this Hub's {tool} takes one of {shown}.")
    return value


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    """Give the JSON types that a declared argument may have, null aside."""
    found: set[str] = set()
    for one in (schema, *(record(part) for part in [*_parts(schema, "anyOf"), *_parts(schema, "oneOf")])):
        kind = one.get("type")
        found.update(kind if isinstance(kind, list) else [kind] if isinstance(kind, str) else [])
    return found - {"null"}


def _parts(schema: Mapping[str, Any], name: str) -> list[Any]:
    found = schema.get(name)
    return found if isinstance(found, list) else []


def _time(value: datetime, upwards: bool, schema: Mapping[str, Any], kinds: set[str]) -> int | str:
    """Give Unix milliseconds, the contract's form; exact RFC 3339 where the argument is declared to take that.

    upwards: how to round to milliseconds, so that a window never loses what it was meant to hold.
    """
    said = f"{text(schema.get('format'))} {text(schema.get('description'))}".lower()
    if "string" in kinds and any(word in said for word in ("rfc", "iso", "date-time")):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    microseconds = (value - _EPOCH) // timedelta(microseconds=1)
    milliseconds = -(-microseconds // 1000) if upwards else microseconds // 1000
    return str(milliseconds) if kinds == {"string"} else milliseconds
