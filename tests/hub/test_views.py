"""Comparison, trace, map and timeline of the dissected incident."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import contract_analysis as a
from kubeshark_mcp.hub import contract_views as v
from kubeshark_mcp.hub.views import handle_parts


async def test_the_time_before_the_fault_differs_by_what_failed_since(incident):
    onset = (await incident.hub.diagnose(a.DiagnosisQuery())).findings[0].onset
    found = await incident.hub.compare(v.ComparisonQuery(start=onset, baseline_end=onset - timedelta(microseconds=1)))
    worse = [(one.change, one.where) for one in found.differences if one.worse]
    assert ("errors", "shop/orders -> data/redis redis SET cart:{}") in worse
    assert {change for change, _ in worse} == {"errors"}
    assert (found.before.database, found.after.database) == (incident.database,) * 2
    assert found.before.end < found.after.end
    assert found.noise > len(found.differences)
    assert all(one.p is None or one.p <= 0.01 for one in found.differences)


async def test_a_comparison_needs_two_times(incident):
    with pytest.raises(UsageError, match="nothing to compare with"):
        await incident.hub.compare(v.ComparisonQuery())
    with pytest.raises(UsageError, match="same time of the same db"):
        await incident.hub.compare(v.ComparisonQuery(baseline=incident.database))


async def test_a_call_is_followed_by_its_id_and_by_its_handle(incident):
    page = await incident.hub.calls(c.CallQuery(kfl='http && status_code == 503 && path.startsWith("/api/cart")'))
    number = page.rows[0]["_id"]
    found = await incident.hub.trace_call(v.TraceQuery(id=str(number)))
    ends = [(hop.depth, hop.client, hop.server, hop.failed) for hop in found.hops]
    assert ends == [
        (0, "edge/gateway", "shop/storefront", True),
        (1, "shop/storefront", "shop/orders", True),
        (2, "shop/orders", "data/redis", True),
    ]
    assert (found.header, found.confidence, found.cut) == ("x-request-id", "high", False)
    assert [hop.asked for hop in found.hops] == [False, True, False]
    outer = found.hops[0]
    assert outer.offset_us == 0
    assert 0 <= outer.wire_us <= outer.elapsed_us
    assert 0 <= outer.own_us <= outer.elapsed_us
    assert found == await incident.hub.trace_call(v.TraceQuery(id=f"{incident.database}#{number}"))


async def test_a_call_that_is_not_there_is_refused(incident):
    with pytest.raises(NotFoundError, match="no call 99999999"):
        await incident.hub.trace_call(v.TraceQuery(id="99999999"))
    with pytest.raises(UsageError, match="'x#y'"):
        handle_parts("x#y")
    assert handle_parts(" s/d#7 ") == ("s/d", 7)
    assert handle_parts("7") == (None, 7)


async def test_a_map_counts_every_call_and_tells_absent_names_from_failures(incident):
    found = await incident.hub.service_map(v.MapQuery())
    links = {(one.client, one.server, one.protocol): one for one in found.links}
    http = sum(one.calls for one in found.links if one.protocol == "http")
    assert http == incident.truth["calls"]["http"]
    dns = links["edge/gateway", "kube-system/kube-dns", "dns"]
    assert (dns.failed, dns.nxdomain > 0) == (0, True)
    redis = links["shop/orders", "data/redis", "redis"]
    assert redis.failed > 0
    assert redis.p50_us <= redis.p95_us
    assert redis.per_second == pytest.approx(redis.calls / (found.end - found.start).total_seconds(), rel=0.01)
    assert links["shop/payments", "rates.example.net", "http"].outside


async def test_a_map_around_a_service_leaves_other_ways_out(incident):
    found = await incident.hub.service_map(v.MapQuery(service="payments"))
    assert found.service == "shop/payments"
    servers = {one.server for one in found.links}
    assert "data/postgres" not in servers
    assert {"shop/payments", "rates.example.net", "shop/orders"} <= servers


async def test_a_timeline_tells_the_cause_before_its_effects(incident):
    found = await incident.hub.timeline(v.TimelineQuery())
    assert [event.at for event in found.events] == sorted(event.at for event in found.events)
    assert (found.events[0].what, found.events[-1].what) == ("capture", "capture")
    findings = [event for event in found.events if event.what == "finding"]
    assert (findings[0].place, findings[0].text.split(":")[0]) == (1, "cache_failure at data/redis")
    for event in found.events:
        if event.handle:
            assert (await incident.hub.call(c.CallRequest(id=event.handle))).entry["_id"]
