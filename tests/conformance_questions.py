"""What every Hub is asked in the conformance suite, and how answers are compared: times and ids aside."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from kubeshark_mcp.errors import FilterError, KubesharkError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import contract_analysis as ca
from kubeshark_mcp.hub import contract_views as cv

BEFORE = datetime(2001, 1, 1, tzinfo=UTC)
TIMES = {"created_at", "start", "end", "first", "last", "oldest", "newest", "timestamp", "time", "per_second"}
"""Fields that are times, or are reckoned from them: the wire has milliseconds."""

RELAYED = re.compile(r"^The Hub's \w+ failed with HTTP \d{3}: ")
"""What a Hub elsewhere puts before the sentence of an error."""
QUESTIONS = {
    "data boundaries": lambda hub, _: hub.data_boundaries(),
    "L7 boundaries": lambda hub, _: hub.l7_boundaries(),
    "snapshots": lambda hub, _: hub.snapshots(),
    "one snapshot": lambda hub, s: hub.snapshot(s),
    "no such snapshot": lambda hub, _: hub.snapshot("nope"),
    "a hostile snapshot id": lambda hub, _: hub.snapshot("../../etc"),
    "dissections": lambda hub, _: hub.dissections(),
    "dissections of one": lambda hub, s: hub.dissections(s),
    "one dissection": lambda hub, s: hub.dissection(s, "default"),
    "no such dissection": lambda hub, s: hub.dissection(s, "nope"),
    "a dissection that is done": lambda hub, s: hub.start_dissection(s, "default"),
    "databases": lambda hub, _: hub.databases(),
    "all workloads": lambda hub, s: hub.workloads(c.WorkloadQuery(snapshot_id=s)),
    "workloads by label": lambda hub, s: hub.workloads(c.WorkloadQuery(snapshot_id=s, labels={"app": "payments"})),
    "services of namespaces": lambda hub, s: hub.workloads(
        c.WorkloadQuery(snapshot_id=s, namespaces=["shop", "data"], type="service")
    ),
    "workloads by a bad pattern": lambda hub, s: hub.workloads(c.WorkloadQuery(snapshot_id=s, name_regex="(")),
    "all addresses": lambda hub, s: hub.addresses(c.WorkloadQuery(snapshot_id=s)),
    "one address": lambda hub, _: hub.addresses(c.WorkloadQuery(ip="10.96.0.10")),
    "calls": lambda hub, _: hub.calls(c.CallQuery(limit=200)),
    "calls of a filter": lambda hub, s: hub.calls(c.CallQuery(database=s, kfl="http && status_code >= 500", limit=50)),
    "calls, newest first": lambda hub, s: hub.calls(c.CallQuery(database=f"{s}/default", newest_first=True, limit=10)),
    "each sighting": lambda hub, _: hub.calls(c.CallQuery(kfl="status_code == 502", keep_duplicates=True, limit=1000)),
    "calls on the second page": lambda hub, _: _second_page(hub),
    "calls that there are none of": lambda hub, _: hub.calls(c.CallQuery(kfl="http && status_code == 599")),
    "calls of a protocol that is not there": lambda hub, _: hub.calls(c.CallQuery(kfl="kafka")),
    "calls before all data": lambda hub, _: hub.calls(c.CallQuery(start=BEFORE, end=BEFORE + timedelta(hours=1))),
    "calls of a bad filter": lambda hub, _: hub.calls(c.CallQuery(kfl="htp && status_code > 3")),
    "calls of no database": lambda hub, _: hub.calls(c.CallQuery(database="nope")),
    "one call": lambda hub, _: hub.call(c.CallRequest(id="3", include_pcap=True)),
    "one call with a short body": lambda hub, s: hub.call(
        c.CallRequest(id="398", database=f"{s}/default", max_payload_size=5)
    ),
    "no such call": lambda hub, _: hub.call(c.CallRequest(id="999999")),
    "numbers": lambda hub, _: hub.stats(c.StatsQuery()),
    "numbers by endpoint": lambda hub, s: hub.stats(c.StatsQuery(database=s, group_by="endpoint", limit=5)),
    "numbers of nothing": lambda hub, _: hub.stats(c.StatsQuery(kfl="http && status_code == 599")),
    "numbers by what is no field": lambda hub, _: hub.stats(c.StatsQuery(group_by="servise")),
    "flows": lambda hub, s: hub.flows(c.FlowQuery(snapshot_id=s)),
    "flows by service": lambda hub, s: hub.flows(c.FlowQuery(snapshot_id=s, aggregate="service", l4proto="tcp")),
    "flows of nobody": lambda hub, s: hub.flows(c.FlowQuery(snapshot_id=s, ip="9.9.9.9")),
    "flow summary": lambda hub, s: hub.flow_summary(s),
    "dissection enabled": lambda hub, _: hub.dissection_enabled(),
    "dissection switched on": lambda hub, _: hub.set_dissection_enabled(True),
    "packets": lambda hub, s: hub.export_pcap(c.ExportRequest(snapshot_id=s, bpf_filter="tcp port 6379")),
    "packets by a bad filter": lambda hub, s: hub.export_pcap(c.ExportRequest(snapshot_id=s, bpf_filter="tcp prt 1")),
    "a diagnosis": lambda hub, s: hub.diagnose(ca.DiagnosisQuery(database=s)),
    "a diagnosis of one service": lambda hub, _: hub.diagnose(ca.DiagnosisQuery(service="shop/orders")),
    "a diagnosis of nobody": lambda hub, _: hub.diagnose(ca.DiagnosisQuery(service="shop/nobody")),
    "a claim that holds": lambda hub, s: hub.verify_claim(ca.ClaimQuery(kfl="http", database=s, value=597)),
    "a claim about a share": lambda hub, _: hub.verify_claim(
        ca.ClaimQuery(kfl="http && status_code >= 500", of="http", measure=ca.Measure.SHARE, value=0.1, tolerance=1.0)
    ),
    "a claim about what is no field": lambda hub, _: hub.verify_claim(ca.ClaimQuery(kfl="statsu > 3", value=0)),
    "a comparison of two halves": lambda hub, _: _halves(hub),
    "a trace": lambda hub, _: hub.trace_call(cv.TraceQuery(id="3")),
    "a trace of no call": lambda hub, _: hub.trace_call(cv.TraceQuery(id="999999")),
    "the service map": lambda hub, _: hub.service_map(cv.MapQuery()),
    "the service map around one": lambda hub, _: hub.service_map(cv.MapQuery(service="shop/orders")),
    "the timeline": lambda hub, _: hub.timeline(cv.TimelineQuery()),
    "evidence": lambda hub, s: hub.cut_evidence(cv.CutRequest(ids=["3", "4"], database=s, scrub=True)),
    "evidence of nothing": lambda hub, _: hub.cut_evidence(cv.CutRequest()),
    "where an entry was read": lambda hub, s: hub.source_of(f"{s}/default#3"),
    "where no entry was read": lambda hub, s: hub.source_of("nonsense"),
    "a good filter": lambda hub, _: hub.check_filter('http && path.startsWith("/api")'),
    "a filter of another dialect": lambda hub, _: hub.check_filter("http.response.code == 200"),
}


async def _halves(hub: Any) -> Any:
    window = await hub.l7_boundaries()
    middle = window.oldest + (window.newest - window.oldest) / 2
    return await hub.compare(cv.ComparisonQuery(start=middle, baseline_end=middle))


async def _second_page(hub: Any) -> Any:
    first = await hub.calls(c.CallQuery(kfl="redis", limit=10))
    return await hub.calls(c.CallQuery(kfl="redis", limit=10, cursor=first.cursor))


async def outcome(asked: Awaitable[Any]) -> Any:
    """Give what is to be equal: an answer as plain data, or the error's sentence."""
    try:
        return comparable(await asked)
    except KubesharkError as error:
        kind = "UsageError" if isinstance(error, FilterError) else type(error).__name__  # one status in HTTP
        return f"{kind}: {RELAYED.sub('', str(error)).rstrip('.')}"


def comparable(value: Any, name: str = "") -> Any:
    """Give an answer as plain data without its times, and without what only says where it came from."""
    if isinstance(value, datetime) or name in TIMES:
        return value is not None
    if isinstance(value, BaseModel):
        return comparable(dict(value))
    if isinstance(value, Mapping):
        return {key: comparable(item, key) for key, item in value.items() if key != "cursor"}
    if isinstance(value, list | tuple):
        return [comparable(item, name) for item in value]
    return value
