"""Flows after connections were joined."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Endpoint, Span
from kubeshark_mcp.store.query import EntrySource, Query
from kubeshark_mcp.store.sightings import join_sightings
from kubeshark_mcp.store.writer import EntryWriter

SERVICE, POD, OTHER = Endpoint("10.96.0.1", 80), Endpoint("10.244.0.9", 8080), Endpoint("10.244.0.10", 8080)
FLOW_IDS = {SERVICE: 1, POD: 2, OTHER: 3}


def fields(prefix, *more):
    kinds = {f"{prefix}_{side}_{what}": FieldType.INT for side in ("local", "remote") for what in ("pkts", "bytes")}
    kinds |= {f"{prefix}_l7_detected": FieldType.STRING_LIST, "tcp_retransmissions": FieldType.INT}
    kinds |= dict.fromkeys(more, FieldType.INT)
    return tuple(Field(name, kind, "meaning", "example") for name, kind in kinds.items())


DECLARED = {
    "tcp_conn": fields("conn", "conn_group_id"),
    "tcp_flow": fields("flow", "flow_local_bps", "flow_connections", "flow_failed_connections"),
}


@pytest.fixture
def flows(tmp_path, make):
    """Write connections (number, capture, server, failed) with a flow for each capture and server; give the flows."""

    def _flows(connections):
        entries, sums = [], {}
        for number, capture, server, failed in connections:
            where = make.connection(number, capture=capture, server=server, client_sequence=number * 10**6)
            span = Span(0, 0, 1, 2, make.START, make.START + 10**9)
            values = {"conn_local_pkts": 4, "conn_local_bytes": 400, "conn_remote_pkts": 2, "conn_remote_bytes": 900}
            values |= {
                "conn_l7_detected": [f"l7-{number % 2}"],
                "tcp_retransmissions": 1,
                "conn_group_id": FLOW_IDS[server],
            }
            one = make.http(where, protocol="tcp_conn", request=span, response=span, fields=values, failed=failed)
            entries.append(one)
            sums.setdefault((capture, server), []).append(one)
        for group in sums.values():
            count = len(group)
            values = {"flow_local_pkts": 4 * count, "flow_local_bytes": 400 * count, "flow_remote_pkts": 2 * count}
            values |= {"flow_local_bps": 3200 * count, "flow_connections": count, "tcp_retransmissions": count}
            entries.append(replace(group[0], protocol="tcp_flow", fields=values))
        writer = EntryWriter(tmp_path / "entries", DECLARED, make.COMMON)
        writer.add(entries, lambda connection, time_ns: {"flow_id": FLOW_IDS[connection.server]})
        writer.close()
        join_sightings(tmp_path / "entries")
        columns = ("flow_id", *(field.name for field in DECLARED["tcp_flow"]))
        rows = EntrySource([tmp_path / "entries"]).page(Query("protocol = 'tcp_flow'"), columns=columns).rows
        return sorted(({**row, "_id": 0} for row in rows), key=lambda row: row["flow_id"])

    return _flows


def test_flows_to_a_service_become_flows_to_its_pods(flows):
    seen = [(1, 0, SERVICE, False), (1, 1, POD, False), (2, 0, SERVICE, True), (2, 1, OTHER, True)]
    to_pod, to_other = flows(seen)
    assert to_pod == {
        "_id": 0,
        "flow_id": 2,
        "flow_local_pkts": 4,
        "flow_local_bytes": 400,
        "flow_remote_pkts": 2,
        "flow_remote_bytes": 900,
        "flow_local_bps": 3200,
        "flow_connections": 1,
        "flow_failed_connections": 0,
        "flow_l7_detected": ["l7-1"],
        "tcp_retransmissions": 1,
    }
    assert (to_other["flow_id"], to_other["flow_failed_connections"], to_other["flow_l7_detected"]) == (3, 1, ["l7-0"])


def test_a_flow_keeps_the_connections_that_were_seen_only_there(flows):
    seen = [(1, 0, SERVICE, False), (1, 1, POD, False), (2, 0, SERVICE, False), (3, 0, SERVICE, False)]
    to_service, to_pod = flows(seen)
    told = [(flow["flow_id"], flow["flow_connections"], flow["flow_local_bytes"]) for flow in (to_service, to_pod)]
    assert told == [(1, 2, 800), (2, 1, 400)]
    assert to_service["flow_local_bps"] == 6400


def test_the_same_flow_in_two_captures_is_one(flows):
    [flow] = flows([(n, capture, POD, False) for n in range(1, 4) for capture in (0, 1)])
    assert (flow["flow_connections"], flow["flow_local_pkts"], flow["flow_l7_detected"]) == (3, 12, ["l7-0", "l7-1"])


def test_flows_of_connections_that_were_not_joined_stay_as_they_are(flows):
    first, second = flows([(1, 0, SERVICE, False), (2, 0, POD, False)])
    assert [(flow["flow_id"], flow["flow_connections"]) for flow in (first, second)] == [(1, 1), (2, 1)]
    assert "flow_l7_detected" not in first
