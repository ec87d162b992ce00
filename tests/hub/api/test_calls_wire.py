"""Calls as they travel: forms, groups, bodies, and secrets left out."""

from __future__ import annotations

import pytest
from fake_hub import call_row

from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.api import calls_wire
from kubeshark_mcp.hub.api.calls_wire import COMPACT_COLUMNS, CallWriter, compact, full, raw
from kubeshark_mcp.hub.api.wire import to_json
from kubeshark_mcp.present.redaction import Redactor

ROW = {**call_row(1), "method": "GET", "path": "/cart/1", "request_headers_size": 10, "request_body_size": 5}
SAFE = CallWriter(Redactor(b"k" * 32))


def test_compact_has_the_contracts_keys():
    assert compact(ROW) == {
        "id": "s1/main/1",
        "ts": ROW["timestamp"],
        "src": {"ip": "10.0.0.5", "port": 40001, "pod": "web-1", "ns": "shop"},
        "dst": {"ip": "10.0.0.9", "port": 8080, "pod": "cart-1", "ns": "shop", "svc": "cart", "node": "node-a"},
        "proto": "http",
        "method": "GET",
        "path": "/cart/1",
        "status": 500,
        "latency_ms": 1.5,
        "summary": "GET /cart/1?token=hunter2-secret",
        "failed": True,
    }


def test_full_adds_headers_sizes_and_tcp_metrics():
    found = full({**ROW, "tcp_retransmissions": 3, "tcp_conn": True, "worker": "w", "conn_id": 7})
    assert found["req_headers"] == ROW["request.headers"]
    assert (found["req_size"], found["resp_size"]) == (15, 0)
    assert found["tcp_metrics"] == {"retransmissions": 3}
    assert (found["worker"], found["conn_id"], found["flow_id"]) == ("w", 7, None)


def test_raw_is_what_kfl_sees():
    found = raw(ROW)
    assert found["id"] == "s1/main/1"
    assert found["ts"] == ROW["timestamp"]
    assert found["timestamp"] == 1793538001000.001
    assert {key: value for key, value in found.items() if key not in {"id", "ts", "timestamp"}} == {
        key: value for key, value in ROW.items() if key != "timestamp"
    }


def test_a_page_in_groups_counts_them():
    rows = [{**ROW, "node_name": node} for node in ("b", "a", "b")]
    found = CallWriter().page(c.CallPage(rows=rows, total=3, database="s/d", cursor="x"), "compact", "node")
    assert found["groups"] == {"a": 1, "b": 2}
    assert [call["dst"]["node"] for call in found["calls"]] == ["a", "b", "b"]
    assert (found["total"], found["truncated"], found["cursor"], found["db"]) == (3, True, "x", "s/d")


def test_no_form_shows_a_secret_unless_asked():
    page = c.CallPage(rows=[ROW], total=1)
    for form in ("compact", "full", "raw"):
        assert "hunter2" not in str(SAFE.page(page, form, None))
        assert "hunter2" in str(CallWriter().page(page, form, None))


def test_bodies_are_text_where_they_are_text():
    detail = c.CallDetail(
        entry=ROW, request_body=b'{"password": "hunter2-secret"}', response_body=b"\xff\x00", pcap=b"\xd4"
    )
    plain = CallWriter().detail(detail)
    assert plain["req_body"] == '{"password": "hunter2-secret"}'
    assert (plain["resp_body"], plain["resp_body_encoding"], plain["pcap"]) == ("/wA=", "base64", "1A==")
    safe = SAFE.detail(detail)
    assert "hunter2" not in str(safe)
    assert "pcap" not in safe
    assert safe["warnings"] == ["pcap is left out, because its packets hold the secrets that are redacted here"]


async def test_the_columns_of_a_compact_call_are_all_that_it_is_made_of(incident):
    query = c.CallQuery(kfl="http || redis || dns || tcp_conn", limit=300)
    whole = (await incident.hub.calls(query)).rows
    few = (await incident.hub.calls(query.model_copy(update={"columns": COMPACT_COLUMNS}))).rows
    assert [compact(row) for row in few] == [compact(row) for row in whole]
    assert len(few[0]) < len(whole[0])


def test_what_was_redacted_once_is_the_same_again_long_texts_and_missing_ones_too():
    long = {**ROW, "_summary": f"GET /cart?token=hunter2-secret&x={'y' * 5000}"}
    short = {name: value for name, value in ROW.items() if name not in ("method", "path", "_malformed")}
    page = c.CallPage(rows=[ROW, long, short, ROW, long, {**short, "_malformed": None}], total=6)
    first, again = SAFE.page(page, "compact", None), SAFE.page(page, "compact", None)
    assert first == again == CallWriter(Redactor(b"k" * 32)).page(page, "compact", None)
    assert first["calls"][0] == first["calls"][3] != first["calls"][1]
    assert "hunter2" not in str(first)
    assert "malformed" not in first["calls"][5]


@pytest.mark.parametrize("redactor", [None, Redactor(b"k" * 32)])
def test_a_written_page_is_the_page_first_and_again(redactor):
    writer, other = CallWriter(redactor), CallWriter(redactor)
    secret = {**ROW, "_summary": "GET /cart?token=hunter2-secret"}
    rows = [ROW, {**ROW, "_id": 9}, {}, {"_id": 1, "src.ip": None}, {"_id": 1}, secret, {**ROW, "path": ["odd"]}]
    page = c.CallPage(rows=rows, total=9, cursor="more", database="s/d", warnings=["w"])
    expected = to_json(other.page(page, "compact", None))
    assert [to_json(writer.written(page)) for _ in range(3)] == [expected] * 3
    assert (b"hunter2-secret" in expected) == (redactor is None)


def test_what_is_kept_of_written_calls_is_bounded(monkeypatch):
    monkeypatch.setattr(calls_wire, "TEXT_BYTES", 5000)
    writer = CallWriter()
    for number in range(100):
        page = c.CallPage(rows=[{**ROW, "_id": number}], total=1)
        assert to_json(writer.written(page)) == to_json(writer.page(page, "compact", None))
    assert 0 < len(writer._texts._kept) < 6
