"""Connections and flows."""

from __future__ import annotations

import json

import pytest
from fake_hub import FLOW, FakeHub

from kubeshark_mcp.hub.contract import FlowQuery


async def test_flows_are_a_table_with_what_is_not_zero(ask):
    answer = await ask("list_l4_flows")
    first, _, *table, _ = answer.text.splitlines()
    assert first == "1 of 5 flows, next: cursor=f2"
    assert table == [
        "proto|client|server|bytes|pkts|client_tx|client_rx|retransmissions|tcp_handshake_p50_us",
        "tcp|shop/web-1 10.0.0.5 @node-a|shop/cart-1 10.0.0.9:8080 svc=cart|4500|9|500|4000|3|210",
    ]
    assert answer.facts == {"total": 5, "shown": 1, "cursor": "f2"}


@pytest.mark.parametrize("form", ["full", "raw"])
async def test_other_formats_hold_everything(ask, form):
    line = (await ask("list_l4_flows", format=form)).text.splitlines()[2]
    assert json.loads(line) == FLOW


async def test_every_condition_reaches_the_hub(ask):
    conditions = {
        "snapshot_id": "s1",
        "aggregate": "pod",
        "l4proto": "tcp",
        "ip": "10.0.0.5",
        "ns": "shop",
        "pod": "web-1",
        "svc": "cart",
        "limit": 7,
        "cursor": "f1",
    }
    assert (await ask("list_l4_flows", **conditions)).asked == [("flows", FlowQuery(**conditions))]


async def test_no_flow_says_why(ask):
    assert (await ask("list_l4_flows", FakeHub(empty=True))).text == "No flow matches ip 10.9.9.9."


async def test_the_summary_gives_totals_and_top_talkers(ask):
    lines = (await ask("get_l4_flow_summary")).text.splitlines()
    assert lines[0] == "5 flows (4 TCP, 1 UDP), 4.5 kB, 9 packets, 2 clients, 1 servers"
    assert "shop/web-1 10.0.0.5 @node-a|shop/cart-1 10.0.0.9:8080 svc=cart|4500" in lines
    assert "shop|4500" in lines
