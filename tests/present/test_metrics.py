from __future__ import annotations

import json
from datetime import UTC

import pytest

from kubeshark_mcp.present.calls import CallPrinter
from kubeshark_mcp.present.metrics import FIELDS, METRICS, gathered, metrics_of, told_columns
from kubeshark_mcp.present.redaction import Redactor
from kubeshark_mcp.present.times import Clock

PRINTER = CallPrinter(Clock(UTC), Redactor(b"key"))
ROW = {"protocol": "tcp_conn", "_id": 1, "tcp_retransmissions": 3, "tcp_rtt_min_us": 120, "tcp_fin_count": 2}


def test_a_connection_has_all_metrics_and_what_was_not_seen_is_none():
    found = metrics_of(ROW)
    assert tuple(found) == METRICS
    assert len(found) == 24
    assert (found["retransmissions"], found["rtt_min_us"], found["rtt_max_us"]) == (3, 120, None)
    assert (found["dup_acks"], found["window_scale"], found["retransmission_rate"]) == (0, -1, 0.0)


def test_metrics_that_a_hub_gives_in_one_place_are_taken_from_there():
    row = {"protocol": "tcp_flow", "tcp_metrics": {"retransmissions": 7}}
    assert metrics_of(row)["retransmissions"] == 7
    assert gathered(row)["tcp_metrics"] == metrics_of(row)


def test_other_entries_have_none():
    assert metrics_of({"protocol": "http", "tcp_retransmissions": 3}) == {}
    assert gathered({"protocol": "udp_conn"}) == {"protocol": "udp_conn"}


def test_a_table_shows_the_metrics_that_tell_something():
    assert told_columns([ROW, {"protocol": "http"}]) == ["retransmissions", "fin_count", "rtt_min_us"]
    assert told_columns([{"protocol": "http"}]) == []


@pytest.mark.parametrize("form", ["full", "raw"])
def test_full_and_raw_tell_every_metric_even_where_it_is_zero(form: str):
    text = PRINTER.page([ROW], form)
    for name in METRICS:
        assert name in text
    assert not any(f"{field}:" in text or f'"{field}"' in text for field in FIELDS)
    if form == "raw":
        assert json.loads(text)["tcp_metrics"] == metrics_of(ROW)


def test_the_compact_table_and_a_single_entry_show_them_too():
    table = PRINTER.page([ROW, {"protocol": "http", "_id": 2}])
    head, *rest = [line for line in table.splitlines() if "|" in line]
    assert [cell.strip() for cell in head.strip("| ").split("|")][-3:] == ["retransmissions", "fin_count", "rtt_min_us"]
    assert any("120" in line for line in rest)
    single = PRINTER.one({"protocol": "http", "_id": 2}, connection=ROW)
    assert '"dup_acks":0' in single
