"""Entries as people and models read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from kubeshark_mcp.present import calls
from kubeshark_mcp.present.calls import CallPrinter, endpoint
from kubeshark_mcp.present.metrics import FIELDS
from kubeshark_mcp.present.redaction import Redactor
from kubeshark_mcp.present.times import Clock

REDACTOR = Redactor(b"key")
PRINTER = CallPrinter(Clock(UTC), REDACTOR)
HTTP = {
    "_id": "s1/main/7",
    "id": 7,
    "timestamp": datetime(2026, 11, 1, 13, 3, 5, 250000, tzinfo=UTC),
    "protocol": "http",
    "http": True,
    "src.ip": "10.0.0.5",
    "src.port": 40312,
    "src.pod.name": "web-1",
    "src.pod.namespace": "shop",
    "dst.ip": "10.0.0.9",
    "dst.port": 8080,
    "dst.pod.name": "cart-1",
    "dst.pod.namespace": "shop",
    "dst.service.name": "cart",
    "dst.service.namespace": "shop",
    "node_name": "node-a",
    "elapsed_time": 12500,
    "status_code": 500,
    "method": "GET",
    "request.headers": {"Host": "cart", "Authorization": "Bearer abcdefgh"},
    "grpc": False,
    "tls_info": "",
    "_summary": "GET /cart?token=abc",
    "_status": "500",
    "_failed": True,
    "_malformed": "",
    "_packets": {"request": [3, 4], "response": [5, 6]},
    "_sightings": [{"node": "node-a"}, {"node": "node-b"}],
}
DNS = {
    "_id": "s1/main/8",
    "timestamp": datetime(2026, 11, 1, 13, 3, 6, tzinfo=UTC),
    "protocol": "dns",
    "src.ip": "10.0.0.5",
    "src.port": 5353,
    "dst.ip": "fd00::53",
    "dst.port": 53,
    "dst.dns": "dns.example.com",
    "elapsed_time": 0,
    "_summary": "A api\x1b[31m.example.com",
    "_status": "",
    "_failed": False,
}


def test_compact_is_a_table_of_what_the_contract_names():
    token = REDACTOR.mark("abc")
    assert PRINTER.page([HTTP, DNS]) == (
        "id|ts|src|dst|svc|node|proto|call|status|ms|note\n"
        f"s1/main/7|2026-11-01T13:03:05.250Z|shop/web-1 10.0.0.5:40312|shop/cart-1 10.0.0.9:8080|shop/cart|node-a|http|"
        f"GET /cart?token={token}|!500|12.5|seen 2x\n"
        "s1/main/8|2026-11-01T13:03:06Z|10.0.0.5:5353|dns.example.com [fd00::53]:53|||dns|A api.example.com|||"
    )


def test_groups_have_a_heading_with_their_size():
    text = PRINTER.page([HTTP, DNS], group_by="node")
    assert [line for line in text.splitlines() if line.startswith("node ")] == ["node (none) (1):", "node node-a (1):"]


def test_raw_is_one_json_object_a_line_without_what_is_not_filled():
    line = json.loads(PRINTER.page([HTTP], "raw"))
    assert line["timestamp"] == "2026-11-01T13:03:05.250Z"
    assert line["request.headers"] == {"Host": "cart", "Authorization": f"Bearer {REDACTOR.mark('abcdefgh')}"}
    assert {"grpc", "tls_info", "_malformed"}.isdisjoint(line)


def test_full_names_every_filled_field_once():
    text = PRINTER.page([HTTP], "full")
    assert text.splitlines()[:7] == [
        "id s1/main/7  2026-11-01T13:03:05.250Z",
        f"http GET /cart?token={REDACTOR.mark('abc')} -> !500 in 12.5 ms",
        "src shop/web-1 10.0.0.5:40312",
        "dst shop/cart-1 10.0.0.9:8080 svc shop/cart",
        'packets: {"request":[3,4],"response":[5,6]}',
        'sighting: {"node":"node-a"}',
        'sighting: {"node":"node-b"}',
    ]
    assert f"  Authorization: Bearer {REDACTOR.mark('abcdefgh')}" in text.splitlines()
    assert "status_code: 500" in text.splitlines()


def test_one_call_has_its_bodies_and_its_l4():
    text = PRINTER.one(
        HTTP,
        request_body=b'{"password": "hunter2", "n": 1}',
        response_body="caf\u00e9".encode(),
        flow={"proto": "tcp"},
        connection={"state": "closed"},
    )
    assert f'{{"password": "{REDACTOR.mark("hunter2")}", "n": 1}}' in text
    assert text.endswith('response body (5 bytes):\ncafé\nl4_flow: {"proto":"tcp"}\nl4_conn: {"state":"closed"}')


def test_a_binary_body_shows_its_printable_parts():
    assert PRINTER.body(b"\x00\x01user\x00AKIAIOSFODNN7EXAMPLE\x00") == (
        f"(binary) ··user·{REDACTOR.mark('AKIAIOSFODNN7EXAMPLE')}·"
    )


def test_without_redaction_everything_is_shown_but_still_clean():
    text = CallPrinter(Clock(UTC), Redactor(b"key", enabled=False)).page([HTTP, DNS])
    assert "GET /cart?token=abc" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"src.ip": "10.0.0.1", "src.port": 80}, "10.0.0.1:80"),
        ({"src.ip": "::1", "src.port": 80}, "[::1]:80"),
        ({"src.name": "cart", "src.namespace": "shop", "src.ip": "10.0.0.1"}, "shop/cart 10.0.0.1"),
        ({}, ""),
    ],
)
def test_endpoints_are_named_as_far_as_they_are_known(row, text):
    assert endpoint(row, "src") == text


@pytest.mark.parametrize("form", ["compact", "full", "raw"])
def test_a_row_with_nothing_in_it_is_survived(form):
    assert isinstance(PRINTER.page([{}], form), str)


def test_derived_columns_are_known_with_and_without_their_underscore():
    row = {"_id": 7, "summary": "GET /x", "status": "", "failed": True, "answered": False, "sightings": 2}
    assert PRINTER.page([row]) == "id|call|status|note\n7|GET /x|!no answer|seen 2x"


def test_sightings_may_arrive_as_json_text():
    row = {"_id": 7, "_sightings": '[{"node":"a"},{"node":"b"}]'}
    assert PRINTER.page([row]) == "id|note\n7|seen 2x"
    assert PRINTER.one(row).splitlines()[-2:] == ['sighting: {"node":"a"}', 'sighting: {"node":"b"}']
    assert PRINTER.one({"_id": 7, "_sightings": "[cut"}).splitlines()[-1] == "sighting: [cut"


@pytest.mark.parametrize("group_by", [None, "node", "ns", "worker"])
def test_a_table_is_the_same_without_what_it_does_not_show(group_by, monkeypatch):
    everything = {name: f"{name}?token=hunter2-secret" for name in calls._TABLE}
    numbers = {"_id": 3, "timestamp": datetime(2026, 11, 1, tzinfo=UTC), "elapsed_time": 1500, "sightings": 2}
    flags = {
        "failed": True,
        "_failed": True,
        "answered": False,
        "_answered": False,
        "_sightings": [{"id": 1}, {"id": 2}],
    }
    metrics = {name: 7 for name in FIELDS}
    heavy = {"request.headers": {"cookie": "a=hunter2-secret"}, "url": "http://x/?token=hunter2-secret"}
    full = {**everything, **numbers, **flags, **metrics, **heavy, "protocol": "tcp_flow"}
    del full["tcp_metrics"]
    rows = [full, *({name: value for name, value in full.items() if name != left} for left in sorted(calls._TABLE))]
    printer = PRINTER
    table = printer.page(rows, "compact", group_by)
    monkeypatch.setattr(calls, "_in_table", dict)
    assert table == printer.page(rows, "compact", group_by)
    assert "hunter2-secret" not in table
