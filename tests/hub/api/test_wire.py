"""Answers as they travel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.api import wire
from kubeshark_mcp.model.field import Field, FieldType

MOMENT = datetime(2026, 11, 1, 12, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=1)))


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_milliseconds_round_down_and_exact_ones_lose_nothing(moment):
    whole = wire.milliseconds(moment)
    assert (
        timedelta()
        <= moment - (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=whole))
        < timedelta(milliseconds=1)
    )
    if 1970 <= moment.year <= 2200:
        assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=wire.exact_milliseconds(moment)) == moment


def test_json_holds_times_as_milliseconds_bytes_as_base64_and_any_text():
    value = {"t": MOMENT, "b": b"\xff", "s": {"b", "a"}, "big": 2**70, "text": "a\ud800b", "n": float("nan"), 1: ("x",)}
    assert orjson.loads(wire.to_json(value)) == {
        "t": 1793530800123, "b": "/w==", "s": ["a", "b"], "big": str(2**70), "text": "a?b", "n": None, "1": ["x"]
    }  # fmt: skip


def test_boundaries_have_the_contracts_names():
    node = c.NodeBoundaries(name="a", oldest=MOMENT, newest=MOMENT)
    found = wire.boundaries(
        c.Boundaries(oldest=MOMENT, newest=None, nodes=[node], dissection_enabled=True, warnings=["w"])
    )
    assert found == {
        "cluster": {"oldest_ts": MOMENT, "newest_ts": None},
        "nodes": [{"name": "a", "oldest_ts": MOMENT, "newest_ts": MOMENT}],
        "dissection_enabled": True,
        "warnings": ["w"],
    }


def test_a_database_is_named_by_its_node_or_by_its_dissection():
    assert wire.database(c.Database(type="realtime", node="a")) == {
        "type": "realtime", "node": "a", "entry_count": 0, "status": "completed", "first_ts": None, "last_ts": None,
    }  # fmt: skip
    named = wire.database(c.Database(type="dissection", snapshot="s", name="d"))
    assert (named["snapshot"], named["name"]) == ("s", "d")
    assert "node" not in named


def test_addresses_without_a_time_have_none():
    one = c.WorkloadRecord(name="w", namespace="n", kind="pod", ips=[c.AddressRecord(ip="1.2.3.4")])
    assert wire.workload(one) == {
        "name": "w",
        "namespace": "n",
        "kind": "pod",
        "labels": {},
        "ips": [{"ip": "1.2.3.4"}],
    }
    owner = c.AddressOwner(name="w", namespace="n", timestamp=MOMENT)
    assert wire.address(c.AddressEntry(ip="1.2.3.4", records=[owner])) == {
        "ip": "1.2.3.4", "records": [{"name": "w", "namespace": "n", "kind": "", "timestamp": MOMENT}]
    }  # fmt: skip


def test_the_times_of_a_flow_are_iso_8601():
    flow = {"proto": "tcp", "client_stats": {"tx_pkts": 1, "timestamp": MOMENT}, "server_stats": None}
    client = {"tx_pkts": 1, "timestamp": "2026-11-01T12:00:00.123456+01:00"}
    assert wire.flow(flow) == {"proto": "tcp", "client_stats": client, "server_stats": None}


def test_a_summary_and_numbers_have_the_contracts_names():
    summary = c.FlowSummary(
        total_flows=1, tcp_flows=1, udp_flows=0, total_bytes=2, total_packets=3, unique_clients=1, unique_servers=1
    )
    found = wire.flow_summary(summary)
    assert (found["total_pkts"], found["top_by_pkts"]) == (3, [])
    assert "total_packets" not in found
    empty = c.EmptyReason(code="no_traffic", sentence="Nothing.")
    total = c.StatsRow(key="all", count=0, errors=0, error_rate=0)
    assert wire.stats(c.Stats(total=total, empty=empty))["empty"]["sentence"] == "Nothing."


def test_a_field_tells_its_default_where_that_is_not_its_types():
    field = Field("grpc_status", FieldType.INT, "m", "grpc_status == 0", "g", ("s",), -1)
    assert wire.field(field) == {
        "name": "grpc_status", "type": "int", "meaning": "m", "example": "grpc_status == 0", "group": "g",
        "aliases": ["s"], "default": -1,
    }  # fmt: skip
