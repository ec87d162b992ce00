"""Questions about calls."""

from __future__ import annotations

import pytest
from remote_fakes import KUBESHARK, Routes

from kubeshark_mcp.errors import FilterError, UnsupportedError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.contract_remote import UnknownShapeError

MS = 1793534400000
CALL = {"id": "17", "ts": MS, "proto": "http", "method": "GET", "path": "/", "status": 200}


async def test_a_bad_filter_never_reaches_the_hub():
    routes = Routes()
    for asked in (
        routes.hub.calls(c.CallQuery(kfl="http &&")),
        routes.hub.stats(c.StatsQuery(kfl="src.ns == 'a'")),
        routes.hub.explain_filter("nonsense_field == 1"),
        routes.hub.call_tool("find_slow_queries", {"above_ms": 1, "kfl": "http &&"}),
    ):
        with pytest.raises(FilterError):
            await asked
    assert routes.asked == []


async def test_calls_are_asked_for_in_full_and_connections_raw():
    routes = Routes({"list_api_calls": {"calls": [CALL], "total": 1}})
    page = await routes.hub.calls(c.CallQuery(kfl="http", limit=5))
    await routes.hub.calls(c.CallQuery(kfl="tcp_flow", limit=5))
    assert [row["_id"] for row in page.rows] == ["17"]
    assert routes.asked == [
        ("list_api_calls", {"kfl": "http", "limit": 5, "format": "full"}),
        ("list_api_calls", {"kfl": "tcp_flow", "limit": 5, "format": "raw"}),
    ]


async def test_a_field_that_only_we_know_is_warned_of():
    page = await Routes({"list_api_calls": {"calls": [CALL]}}).hub.calls(c.CallQuery(kfl="failed"))
    assert any("failed is a field of kubeshark-mcp's own dissection" in one for one in page.warnings)


async def test_an_empty_answer_says_why():
    answers = {
        "list_api_calls": lambda arguments: {
            "calls": [],
            "total": 40 if arguments.get("kfl") in (None, "(http)") else 0,
        },
        "get_l7_data_boundaries": {"cluster": {"oldest_ts": MS, "newest_ts": MS + 1000}},
    }
    page = await Routes(answers).hub.calls(c.CallQuery(kfl="http && status_code == 999"))
    assert page.empty is not None
    assert page.empty.code == "clause"
    assert page.empty.clauses == [("http", 40), ("status_code == 999", 0)]


async def test_one_call_is_asked_under_its_former_name_and_its_bodies_are_cut_here():
    routes = Routes({"get_api_call_details": {"entry": CALL, "req_body": "0123456789"}})
    found = await routes.hub.call(c.CallRequest(id="17", database="live", max_payload_size=4))
    assert routes.asked == [("get_api_call_details", {"id": "17"})]
    assert (found.request_body, found.truncated, found.entry["_id"]) == (b"0123", True, "17")


async def test_statistics_of_an_unknown_shape_are_kept_to_be_shown():
    with pytest.raises(UnknownShapeError) as caught:
        await Routes({"get_api_stats": {"novel": {"p50": 1}}}).hub.stats(c.StatsQuery())
    assert caught.value.answer == {"novel": {"p50": 1}}


async def test_an_argument_that_the_hub_does_not_know_is_refused_and_not_dropped():
    with pytest.raises(UnsupportedError, match="has no argument for group_by"):
        await Routes({"get_api_stats": {"total": 1}}).hub.stats(c.StatsQuery(group_by="endpoint"))


async def test_explaining_counts_by_questions_where_the_hub_cannot_explain():
    routes = Routes({"list_api_calls": lambda arguments: {"calls": [], "total": 3}})
    plan = await routes.hub.explain_filter("http && status_code >= 500", "s/d")
    assert (plan.total, plan.matches, [clause.left for clause in plan.clauses]) == (3, 3, [3, 3])
    assert routes.asked[0][1]["db"] == "s/d"


async def test_explaining_is_left_to_a_hub_that_can():
    own = {**KUBESHARK, "explain_kfl": {"properties": {"kfl": {}, "db": {}}}}
    plan = {"canonical": "http", "total": 9, "matches": 4, "clauses": [{"text": "http", "in_sql": True, "left": 4}]}
    routes = Routes({"explain_kfl": plan}, own)
    assert (await routes.hub.explain_filter("http")).matches == 4
    assert routes.asked == [("explain_kfl", {"kfl": "http"})]


async def test_how_fields_are_filled_is_known_by_our_own_hubs_only():
    with pytest.raises(UnsupportedError, match="cannot say how fields are filled"):
        await Routes().hub.field_use(["method"])
    own = {"get_kfl_field_use": {"properties": {"names": {}, "db": {}}}}
    routes = Routes({"get_kfl_field_use": {"fields": [{"name": "method", "filled": 1, "total": 2}]}}, own)
    assert [use.filled for use in await routes.hub.field_use(["method"])] == [1]
