"""Lists, numbers and single entries of the incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kubeshark_mcp.capture import open_capture
from kubeshark_mcp.errors import FilterError, NotFoundError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.store.resident import PATIENCE


async def test_pages_follow_each_other_without_loss_or_repetition(incident):
    seen, cursor, total = [], None, None
    while True:
        page = await incident.hub.calls(c.CallQuery(kfl="redis", limit=100, cursor=cursor))
        seen += [row["id"] for row in page.rows]
        total, cursor = page.total, page.cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == total == incident.truth["calls"]["redis"]


async def test_newest_first_is_the_reverse(incident):
    first = await incident.hub.calls(c.CallQuery(kfl="http", limit=1000))
    last = await incident.hub.calls(c.CallQuery(kfl="http", limit=1000, newest_first=True))
    assert [row["id"] for row in first.rows] == [row["id"] for row in reversed(last.rows)]


async def test_a_window_keeps_the_calls_that_began_in_it_both_ends_included(incident):
    page = await incident.hub.calls(c.CallQuery(kfl="http", limit=1000))
    times = [row["timestamp"] for row in page.rows]
    start, end = times[10], times[20]
    inside = await incident.hub.calls(c.CallQuery(kfl="http", start=start, end=end, limit=1000))
    assert [row["timestamp"] for row in inside.rows] == [moment for moment in times if start <= moment <= end]


async def test_one_call_in_full_has_its_bodies_its_flow_and_its_packets(incident, tmp_path):
    page = await incident.hub.calls(c.CallQuery(kfl="http && status_code == 503", limit=1))
    detail = await incident.hub.call(c.CallRequest(id=str(page.rows[0]["_id"]), include_pcap=True))
    assert detail.entry == page.rows[0]
    assert detail.response_body.startswith(b"{")
    assert detail.flow["server"]["svc"] == "orders"
    assert detail.connection["conn_l7_detected"] == ["http"]
    (tmp_path / "call.pcap").write_bytes(detail.pcap)
    with open_capture(tmp_path / "call.pcap") as capture:
        packets = sum(len(block) for block in capture.blocks())
    evidence = detail.entry["_packets"]
    assert packets == sum(last - first + 1 for first, last in evidence.values())


async def test_bodies_are_cut_where_asked_and_the_answer_says_so(incident):
    page = await incident.hub.calls(c.CallQuery(kfl='redis && redis_command == "SET"', limit=1))
    identifier = str(page.rows[0]["_id"])
    whole = await incident.hub.call(c.CallRequest(id=identifier))
    cut = await incident.hub.call(c.CallRequest(id=identifier, max_payload_size=5))
    assert (whole.truncated, cut.truncated) == (False, True)
    assert cut.request_body == whole.request_body[:5]


@pytest.mark.parametrize("identifier", ["x", "", "-1", "1;drop", "99999999999999999999"])
async def test_what_is_no_id_is_refused(incident, identifier):
    with pytest.raises(UsageError, match="is no id of a call"):
        await incident.hub.call(c.CallRequest(id=identifier))


async def test_an_id_that_no_entry_has_is_not_found(incident):
    with pytest.raises(NotFoundError, match="no entry 987654321"):
        await incident.hub.call(c.CallRequest(id="987654321"))


async def test_statistics_agree_with_the_clients_logs(incident):
    stats = await incident.hub.stats(
        c.StatsQuery(kfl='http && src.service.name == "storefront"', group_by="status_code")
    )
    counted = {int(group.key): group.count for group in stats.groups}
    everything = incident.truth["requests"]["storefront"]["http"]
    assert stats.total.count == sum(counted.values())
    assert stats.total.errors == sum(count for status, count in counted.items() if status >= 400)
    assert counted[503] == everything["502"]
    assert 0 < stats.total.p50_us <= stats.total.p90_us <= stats.total.p99_us <= stats.total.max_us


@pytest.mark.parametrize("group", ["endpoint", "service", "node", "ns", "worker", "protocol", "dst.pod.name"])
async def test_groups_add_up_to_the_whole(incident, group):
    stats = await incident.hub.stats(c.StatsQuery(group_by=group, limit=1000))
    assert stats.groups_total == len(stats.groups)
    counts = (await incident.hub.dissection(incident.snapshot)).stats.protocol_counts
    calls = sum(count for name, count in counts.items() if not name.endswith(("_conn", "_flow")))
    assert sum(row.count for row in stats.groups) == stats.total.count == calls


async def test_an_unknown_group_is_refused_with_the_names_that_work(incident):
    with pytest.raises(UsageError, match=r"group_by 'endpint' is no field.*endpoint, service, node, ns, worker"):
        await incident.hub.stats(c.StatsQuery(group_by="endpint"))


@pytest.mark.parametrize(
    ("kfl", "says"),
    [
        ("http && respnse.status >= 500", "respnse.status"),
        ('http && status_code == "500"', "status_code"),
        ("http && (status_code", "line 1"),
        ("http and status_code >= 500", "&&"),
        ("path.matches('(a+)+$')", None),
    ],
)
async def test_a_wrong_filter_is_refused_with_its_place_and_nothing_runs(incident, kfl, says):
    if says is None:
        page = await incident.hub.calls(c.CallQuery(kfl=kfl, limit=1))
        assert page.total >= 0
        return
    with pytest.raises(FilterError) as caught:
        await incident.hub.calls(c.CallQuery(kfl=kfl))
    assert says in str(caught.value)


async def test_a_cursor_of_another_question_is_refused(incident):
    page = await incident.hub.calls(c.CallQuery(kfl="http", limit=1))
    with pytest.raises(UsageError, match="belongs to another query"):
        await incident.hub.calls(c.CallQuery(kfl="redis", limit=1, cursor=page.cursor))
    with pytest.raises(UsageError, match="is not a cursor"):
        await incident.hub.calls(c.CallQuery(kfl="redis", cursor="nonsense!"))


async def test_a_window_that_ends_before_it_starts_is_refused(incident):
    boundaries = await incident.hub.l7_boundaries()
    with pytest.raises(UsageError, match="before it starts"):
        await incident.hub.calls(c.CallQuery(start=boundaries.newest, end=boundaries.oldest - timedelta(days=1)))


async def test_a_page_is_the_same_in_a_thread_and_at_once(incident, monkeypatch):
    hub, columns = incident.hub, ("path", "status_code", "src.ip", "summary", "failed")
    query = c.CallQuery(database=incident.database, columns=columns, limit=20)
    threads: list[str] = []
    made = hub._calls.page
    monkeypatch.setattr(hub._calls, "page", lambda asked: threads.append(asked.kfl) or made(asked))
    for limit in range(1, PATIENCE + 3):  # until its entries are held in memory
        await hub.calls(query.model_copy(update={"kfl": "http", "limit": limit}))
    threads.clear()
    window = {"start": datetime(2020, 1, 1, tzinfo=UTC), "newest_first": True}
    for kfl, more in (("http", {}), ("redis && elapsed_time > 500", window), (None, {}), ("path.contains('a')", {})):
        asked = query.model_copy(update={"kfl": kfl, **more})
        found = await hub.calls(asked)
        assert found == made(asked)
        assert await hub.calls(asked.model_copy(update={"cursor": found.cursor})) == made(
            asked.model_copy(update={"cursor": found.cursor})
        )
    assert threads == []


async def test_what_may_take_long_or_reads_files_goes_to_a_thread(incident, monkeypatch):
    hub, columns = incident.hub, ("path", "status_code")
    query = c.CallQuery(database=incident.database, kfl="http", columns=columns, limit=20)
    for limit in range(1, PATIENCE + 3):
        await hub.calls(query.model_copy(update={"limit": limit}))
    assert hub._calls.page_at_once(query) is not None
    for more in (
        {"columns": None},
        {"columns": ("request.headers",)},
        {"limit": 1000},
        {"database": incident.snapshot},
        {"database": None},
        {"database": "nope/default"},
        {"kfl": "path.matches('^/c.*t$')"},
        {"kfl": "http && " * 100 + "http"},
        {"kfl": "request.headers['host'] == 'x'"},
        {"kfl": "status_code == 999"},  # empty: why is looked up
    ):
        assert hub._calls.page_at_once(query.model_copy(update=more)) is None, more
    with hub._databases._lock:  # another question opens a dissection just now
        assert hub._calls.page_at_once(query) is None
    with pytest.raises(FilterError):
        await hub.calls(query.model_copy(update={"kfl": "pth == 1"}))
