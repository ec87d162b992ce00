"""A Hub's JSON about calls, statistics and flows, as the contract's shapes."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.errors import KubesharkError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.remote import call_readings as r
from kubeshark_mcp.hub.remote.reading import reading

MS = 1793534400000
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
COMPACT = {
    "id": 17,
    "ts": MS,
    "src": {"ip": "10.0.0.5", "port": 40001, "pod": "web-1", "ns": "shop"},
    "dst": {"ip": "10.96.0.9", "port": 80, "pod": "cart-1", "ns": "shop", "svc": "cart", "node": "n2"},
    "proto": "http",
    "method": "GET",
    "path": "/cart",
    "status": 500,
    "latency_ms": 1.5,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["calls", "id", "src", "ts", "entry", "flows", "total", "groups", "status"]), inner
        )
    ),
    max_leaves=15,
)


def test_a_compact_call_becomes_a_row_of_kfl_fields():
    assert r.call_row(COMPACT) == {
        "_id": "17",
        "timestamp": NOON,
        "protocol": "http",
        "method": "GET",
        "path": "/cart",
        "src.ip": "10.0.0.5",
        "src.port": 40001,
        "src.pod.name": "web-1",
        "src.pod.namespace": "shop",
        "dst.ip": "10.96.0.9",
        "dst.port": 80,
        "dst.pod.name": "cart-1",
        "dst.pod.namespace": "shop",
        "dst.service.name": "cart",
        "dst.service.namespace": "shop",
        "remote_node_name": "n2",
        "_status": "500",
        "status_code": 500,
        "_summary": "GET /cart",
        "_failed": True,
        "_malformed": "",
        "elapsed_time": 1500,
    }


def test_a_full_call_brings_headers_sizes_and_metrics():
    row = r.call_row(
        COMPACT
        | {
            "req_headers": {"Host": "cart"},
            "resp_headers": [{"name": "Server", "value": "x"}],
            "req_body": "{}",
            "tcp_metrics": {"retransmissions": 3},
            "worker": "w",
            "novel": [1],
        }
    )
    assert row["request.headers"] == {"Host": "cart"}
    assert row["response.headers"] == {"Server": "x"}
    assert (row["request body"], row["tcp_retransmissions"], row["worker"], row["novel"]) == ("{}", 3, "w", [1])


def test_a_status_of_another_protocol_is_no_http_status():
    row = r.call_row({"proto": "redis", "status": "500", "ts": MS})
    assert "status_code" not in row
    assert row["_failed"] is False


def test_rows_of_our_own_hub_stay_as_they_are():
    own = {"_id": 1, "id": 1, "ts": MS, "timestamp": MS, "_summary": "x", "_packets": {}, "src.ip": "a",
           "_sightings": [{"node": "n", "time": MS}]}  # fmt: skip
    row = r.call_row(own)
    assert (row["timestamp"], row["src.ip"], row["_sightings"]) == (NOON, "a", [{"node": "n", "time": NOON}])
    assert "ts" not in row


def test_a_page_is_in_the_order_that_was_asked_for():
    calls = [{"id": "b", "ts": MS + 5}, {"id": "a", "ts": MS}]
    up = r.call_page({"calls": calls, "total": 9}, "live", c.CallQuery())
    down = r.call_page({"calls": calls, "total": 9}, "live", c.CallQuery(newest_first=True))
    assert [row["_id"] for row in up.rows] == ["a", "b"]
    assert [row["_id"] for row in down.rows] == ["b", "a"]
    assert (up.total, up.database, up.cursor) == (9, "live", None)


def test_a_call_in_full_is_read_with_its_bodies():
    found = r.call_detail(
        {"entry": COMPACT, "req_body": "aGk=", "req_body_encoding": "base64", "resp_body": "yes", "pcap": "1MOyoQ==",
         "l4_flow": {"client_stats": {"timestamp": "2026-11-01T12:00:00Z"}}, "truncated": True}
    )  # fmt: skip
    assert (found.request_body, found.response_body, found.truncated) == (b"hi", b"yes", True)
    assert found.pcap == b"\xd4\xc3\xb2\xa1"
    assert found.flow == {"client_stats": {"timestamp": NOON}}
    assert found.connection == {}


def test_statistics_are_read_under_several_names():
    found = r.stats(
        {"total": {"count": 10, "errors": 2, "p50_us": 1500},
         "groups": {"a": {"requests": 4, "error_rate": 0.25, "latency": {"p99_ms": 2.5}}}},
        "live",
    )  # fmt: skip
    assert (found.total.count, found.total.error_rate, found.total.p50_us) == (10, 0.2, 1500)
    assert (found.groups[0].key, found.groups[0].count, found.groups[0].p99_us) == ("a", 4, 2500)
    assert r.stats({"total": 7}, "live").total.count == 7


def test_flows_of_a_hub_without_pages_are_cut_here():
    answer = {"flows": [{"n": number} for number in range(5)], "total": 5}
    first = r.flow_page(answer, 2, 0)
    assert ([flow["n"] for flow in first.flows], first.cursor) == ([0, 1], "2")
    last = r.flow_page(answer, 2, 4)
    assert ([flow["n"] for flow in last.flows], last.cursor) == ([4], None)


def test_a_flow_summary_is_read():
    found = r.flow_summary({"total_flows": 3, "total_pkts": 9, "by_namespace": [{"namespace": "shop", "bytes": 5}]})
    assert (found.total_flows, found.total_packets, found.by_namespace) == (3, 9, {"shop": 5})


@given(JSON)
def test_any_json_is_read_or_refused_with_a_sentence(answer):
    for read in (
        lambda: r.call_page(answer, "live", c.CallQuery()),
        lambda: r.call_detail(answer),
        lambda: r.stats(answer, "live"),
        lambda: r.flow_page(answer, 10, 0),
        lambda: r.flow_summary(answer),
    ):
        with contextlib.suppress(KubesharkError), reading("t", answer):
            assert read() is not None
