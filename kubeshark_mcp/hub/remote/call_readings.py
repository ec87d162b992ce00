"""A Hub's JSON about calls, statistics and flows, as the contract's shapes: calls become KFL rows."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.remote import reading as r

_OF_OURS = ("_summary", "_packets", "timestamp")
"""Keys that only rows of our own Hub have: those are KFL rows already."""
_PLAIN = {
    "proto": "protocol",
    "protocol": "protocol",
    "method": "method",
    "path": "path",
    "node_id": "node_id",
    "worker": "worker",
    "conn_id": "conn_id",
    "flow_id": "flow_id",
    "req_headers": "request.headers",
    "resp_headers": "response.headers",
    "req_body": "request body",
    "resp_body": "response body",
    "req_size": "request size",
    "resp_size": "response size",
    "packets": "_packets",
    "sightings": "_sightings",
}
"""Key of a compact or full call -> key of a row. Keys with a blank are no KFL fields and are shown as they are."""
_END = {
    "ip": "ip",
    "port": "port",
    "pod": "pod.name",
    "svc": "service.name",
    "service": "service.name",
    "name": "name",
    "namespace": "namespace",
    "dns": "dns",
}
_READ = frozenset(
    [*_PLAIN, "id", "_id", "ts", "timestamp", "src", "dst", "status", "latency_ms", "elapsed_time", "summary"]
)
_GOOD = frozenset({"ok", "noerror", "success", "succeeded"})


def call_row(one: Mapping[str, Any]) -> dict[str, Any]:
    """Give a call as a KFL row with the internal keys of the contract; what is not known keeps its own key."""
    if all(name in one for name in _OF_OURS):
        return _own_row(one)
    row: dict[str, Any] = {"_id": r.text(r.first(one, "id", "_id"))}
    row["timestamp"] = r.moment(r.first(one, "ts", "timestamp"))
    for name, field in _PLAIN.items():
        if one.get(name) not in (None, "", {}, []):
            row[field] = _headers(one[name]) if field.endswith(".headers") else one[name]
    for side in ("src", "dst"):
        row.update(_end(side, r.record(one.get(side))))
    row.update(_outcome(one))
    for name, value in one.items():
        if name not in _READ and name not in {"failed", "malformed"}:
            row.update(_further(name, value))
    return row


def _own_row(one: Mapping[str, Any]) -> dict[str, Any]:
    row = {name: value for name, value in one.items() if name != "ts"}
    row["timestamp"] = r.moment(one["timestamp"])
    row["_id"] = row.get("_id", row.get("id"))
    if isinstance(row.get("_sightings"), list):
        row["_sightings"] = [
            {**sighting, "time": r.moment(sighting.get("time"))} if "time" in sighting else sighting
            for sighting in r.records(row["_sightings"])
        ]
    return row


def _end(side: str, end: Mapping[str, Any]) -> dict[str, Any]:
    row = {f"{side}.{field}": end[name] for name, field in _END.items() if r.text(end.get(name))}
    if namespace := r.text(r.first(end, "ns", "namespace")):
        row[f"{side}.pod.namespace" if r.text(end.get("pod")) else f"{side}.namespace"] = namespace
        if r.text(r.first(end, "svc", "service")):
            row[f"{side}.service.namespace"] = namespace
    if node := r.text(r.first(end, "node", "node_name")):
        row["local_node_name" if side == "src" else "remote_node_name"] = node
    return row


def _outcome(one: Mapping[str, Any]) -> dict[str, Any]:
    status = r.text(r.first(one, "status", "status_code"))
    row: dict[str, Any] = {"_status": status}
    method, path = r.text(one.get("method")), r.text(one.get("path"))
    row["_summary"] = r.text(one.get("summary")) or f"{method} {path}".strip()
    row["_malformed"] = r.text(one.get("malformed"))
    http = r.text(r.first(one, "proto", "protocol")).lower() in {"http", "http2", "grpc", "gql", "ws", ""}
    if status.isdigit() and http:
        row["status_code"] = int(status)
    failed = r.flag(one.get("failed"))
    if failed is None:
        failed = bool(one.get("error")) or (status.isdigit() and http and int(status) >= 400)
    row["_failed"] = failed
    latency, elapsed = r.real(one.get("latency_ms")), r.real(one.get("elapsed_time"))
    if latency is not None:
        row["elapsed_time"] = round(latency * 1000)
    elif elapsed is not None:
        row["elapsed_time"] = round(elapsed)
    return row


def _headers(value: Any) -> Any:
    """Give headers as one object, also where they come as a list of pairs."""
    if isinstance(value, list):
        return {r.text(r.first(one, "name", "key")): r.text(one.get("value")) for one in r.records(value)}
    return value


def _further(name: str, value: Any) -> dict[str, Any]:
    """Give what else a call says: TCP's numbers under their KFL names, nested objects flat, all else as it is."""
    if name in {"tcp_metrics", "metrics"} and isinstance(value, dict):
        return {f"tcp_{key.removeprefix('tcp_')}": item for key, item in value.items()}
    if name in {"request", "response"} and isinstance(value, dict):
        return {f"{name}.{key}": item for key, item in value.items()}
    return {name: value}


def call_page(answer: Any, database: str, query: c.CallQuery) -> c.CallPage:
    """Read a page of calls, in the order that was asked for."""
    found = r.listed(answer, "list_api_calls", "calls", "entries", "items")
    rows = [call_row(one) for one in found]
    outer = r.record(answer)
    total = r.number(outer.get("total"))
    if all(isinstance(row["timestamp"], datetime) for row in rows) and "cursor" not in outer:
        rows.sort(key=lambda row: row["timestamp"], reverse=query.newest_first)
    return c.CallPage(
        rows=rows,
        total=max(total, len(rows)),
        cursor=r.text(outer.get("cursor")) or None,
        database=r.text(r.first(outer, "db", "database")) or database,
        warnings=r.warnings(answer),
        empty=empty_reason(outer),
    )


def truncated(answer: Any) -> bool:
    """Tell whether a list ends before all that matches was given."""
    outer = r.record(answer)
    return r.flag(outer.get("truncated")) is True


def empty_reason(outer: Mapping[str, Any]) -> c.EmptyReason | None:
    """Read why an answer has no rows, where the Hub says so."""
    try:
        return c.EmptyReason.model_validate(outer["empty"]) if outer.get("empty") else None
    except ValidationError:
        return None


def call_detail(answer: Any) -> c.CallDetail:
    """Read one call in full."""
    found = r.one_of(answer, "get_api_call", ("entry", "id", "call"))
    entry = next((found[name] for name in ("entry", "call") if isinstance(found.get(name), dict)), found)
    pcap = found.get("pcap")
    return c.CallDetail(
        entry=call_row(entry),
        request_body=_body(found, "req_body"),
        response_body=_body(found, "resp_body"),
        truncated=r.flag(found.get("truncated")) is True,
        flow=_timed(found.get("l4_flow")) or None,
        connection=call_row(connection) if "_summary" in (connection := r.record(found.get("l4_conn"))) else connection,
        pcap=_decoded(pcap) if isinstance(pcap, str) and pcap else None,
    )


def _body(found: Mapping[str, Any], name: str) -> bytes:
    value = found.get(name)
    if isinstance(value, str) and found.get(f"{name}_encoding") == "base64":
        return _decoded(value) or b""
    if isinstance(value, dict | list):
        import orjson

        return orjson.dumps(value)
    return r.text(value).encode("utf-8", "surrogatepass")


def _decoded(value: str) -> bytes | None:
    try:
        return b64decode(value, validate=True)
    except ValueError:
        return None


_ROW = {
    "count": ("count", "total", "requests", "total_calls", "call_count"),
    "errors": ("errors", "error_count", "failed", "failures"),
    "unanswered": ("unanswered",),
    "request_bytes": ("request_bytes", "req_bytes", "bytes_in"),
    "response_bytes": ("response_bytes", "resp_bytes", "bytes_out"),
}
_PERCENTILES = ("p50", "p90", "p95", "p99", "max")


def stats(answer: Any, database: str) -> c.Stats:
    """Read numbers over calls."""
    found = r.one_of(answer, "get_api_stats", ("total", "totals", "summary", *_ROW["count"][:1], "total_calls"))
    whole = next((found[name] for name in ("total", "totals", "summary") if isinstance(found.get(name), dict)), found)
    groups = r.first(found, "groups", "by_group", "stats")
    if isinstance(groups, dict):
        groups = [{"key": key, **r.record(one)} for key, one in groups.items()]
    rows = [_stats_row(one) for one in r.records(groups)]
    return c.Stats(
        total=_stats_row(whole),
        groups=rows,
        groups_total=max(len(rows), r.number(found.get("groups_total"))),
        start=r.moment(r.first(found, "start", "start_ts")),
        end=r.moment(r.first(found, "end", "end_ts")),
        database=r.text(r.first(found, "database", "db")) or database,
        warnings=r.warnings(found),
        empty=empty_reason(found),
    )


def _stats_row(one: Mapping[str, Any]) -> c.StatsRow:
    numbers: dict[str, Any] = {field: r.number(r.first(one, *names)) for field, names in _ROW.items()}
    numbers |= {f"{name}_us": _microseconds(one, name) for name in _PERCENTILES}
    rate = r.real(one.get("error_rate"))
    count, errors = numbers["count"], numbers["errors"]
    return c.StatsRow(
        key=r.text(r.first(one, "key", "group", "name")),
        **numbers,
        error_rate=rate if rate is not None else errors / count if count else 0.0,
        per_second=r.real(r.first(one, "per_second", "throughput", "rps", "requests_per_second")) or 0.0,
    )


def _microseconds(one: Mapping[str, Any], name: str) -> int | None:
    """Find a latency in microseconds or milliseconds, beside the counts or in an object of its own."""
    for place in (one, r.record(one.get("latency")), r.record(one.get("latency_ms"))):
        exact = r.real(r.first(place, f"{name}_us", f"latency_{name}_us"))
        if exact is not None:
            return round(exact)
        rough = r.real(r.first(place, f"{name}_ms", f"latency_{name}_ms", name))
        if rough is not None:
            return round(rough * 1000)
    return None


def flow_page(answer: Any, limit: int, offset: int) -> c.FlowPage:
    """Read flows, from `offset` on: a Hub without pages of its own is asked for more, and its answer cut here."""
    found = [_timed(one) for one in r.listed(answer, "list_l4_flows", "flows", "items")]
    outer = r.record(answer)
    own = r.text(outer.get("cursor"))
    shown = found if own else found[offset : offset + limit]
    more = offset + limit < len(found) or (not own and truncated(answer) and bool(shown))
    return c.FlowPage(
        flows=shown,
        total=max(r.number(outer.get("total")), len(found)),
        cursor=own or (str(offset + len(shown)) if more else None),
        empty=empty_reason(outer),
        warnings=r.warnings(answer),
    )


def _timed(value: Any) -> dict[str, Any]:
    """Give a flow with the times of its sides as times."""
    flow = dict(r.record(value))
    for name in ("client_stats", "server_stats"):
        side = r.record(flow.get(name))
        if "timestamp" in side:
            flow[name] = {**side, "timestamp": r.moment(side["timestamp"])}
    return flow


def flow_summary(answer: Any) -> c.FlowSummary:
    """Read the L4 picture."""
    found = r.one_of(answer, "get_l4_flow_summary", ("total_flows", "tcp_flows", "total_bytes"))
    by_namespace = r.first(found, "by_namespace")
    if isinstance(by_namespace, list):
        by_namespace = {r.text(r.first(one, "namespace", "ns")): one.get("bytes") for one in r.records(by_namespace)}
    return c.FlowSummary(
        **{
            name: r.number(found.get(name))
            for name in ("total_flows", "tcp_flows", "udp_flows", "total_bytes", "unique_clients", "unique_servers")
        },
        total_packets=r.number(r.first(found, "total_pkts", "total_packets")),
        top_by_bytes=r.records(found.get("top_by_bytes")),
        top_by_packets=r.records(r.first(found, "top_by_pkts", "top_by_packets")),
        by_namespace={name: _bytes_of(one) for name, one in r.record(by_namespace).items()},
        cross_namespace=r.records(found.get("cross_namespace")),
        warnings=r.warnings(found),
    )


def _bytes_of(value: Any) -> int:
    return r.number(r.first(value, "bytes", "total_bytes") if isinstance(value, dict) else value)
