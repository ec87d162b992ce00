from __future__ import annotations

from kubeshark_mcp.dissect.layer4 import (
    HANDSHAKE_FIELDS,
    METRIC_FIELDS,
    connection_entry,
    connection_fields,
    flow_entry,
    flow_fields,
    flows,
    group_id,
    metric_values,
)
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Span, TcpMetrics, Traffic

SECOND = 1_000_000_000


def stats(
    number: int = 0, state: str = "closed", metrics: TcpMetrics | None = None, **changes: object
) -> ConnectionStats:
    server = changes.pop("server", Endpoint("10.0.0.2", 80))
    transport = changes.pop("transport", "tcp")
    connection = Connection(number, transport, Endpoint("10.0.0.1", 50000 + number), server)
    values = {
        "client": Traffic(5, 600, 100),
        "server": Traffic(4, 4000, 3600),
        "first_packet": number * 10 + 1,
        "last_packet": number * 10 + 9,
        "first_ns": (number + 1) * SECOND,
        "last_ns": (number + 3) * SECOND,
        **changes,
    }
    return ConnectionStats(connection, state, metrics=metrics, **values)


def test_a_connection_is_an_entry_with_both_sides_and_its_time():
    made = connection_entry("tcp_conn", stats(l7=("http", "ws")))
    span = Span(0, 3700, 1, 9, SECOND, 3 * SECOND)
    assert made == Entry(
        "tcp_conn",
        stats().connection,
        span,
        span,
        {
            "tcp_conn": True,
            "conn": True,
            "conn_state": "closed",
            "conn_local_pkts": 5,
            "conn_local_bytes": 600,
            "conn_remote_pkts": 4,
            "conn_remote_bytes": 4000,
            "conn_l7_detected": ["http", "ws"],
            "conn_group_id": group_id(stats().connection),
        },
        summary="TCP 10.0.0.1:50000 to 10.0.0.2:80",
        status="closed",
    )
    assert made.elapsed_us == 2_000_000


def test_a_server_that_never_spoke_gave_no_response_and_what_never_came_about_has_failed():
    silent = connection_entry("tcp_conn", silence())
    assert (silent.response, silent.failed, silent.status) == (None, True, "syn_sent")
    assert connection_entry("tcp_conn", stats(state="refused")).failed
    assert not connection_entry("tcp_conn", stats(state="reset")).failed


def silence() -> ConnectionStats:
    base = stats()
    return ConnectionStats(base.connection, "syn_sent", Traffic(3, 180), Traffic(), 1, 3, SECOND, 2 * SECOND)


def test_metrics_become_fields_and_what_was_not_seen_is_left_out():
    values = metric_values(TcpMetrics(retransmissions=2, retransmission_rate=0.5, initial_rtt_us=300))
    assert (values["tcp_retransmissions"], values["tcp_retransmission_rate"], values["tcp_initial_rtt_us"]) == (
        2,
        0.5,
        300,
    )
    assert "tcp_rtt_avg_us" not in values
    assert values.keys() <= {field.name for field in METRIC_FIELDS}


def test_connections_of_a_client_with_a_port_are_one_flow():
    other = Endpoint("10.0.0.2", 81)
    grouped = flows([stats(0), stats(1, server=other), stats(2)])
    assert [[one.connection.number for one in flow] for flow in grouped] == [[0, 2], [1]]
    assert group_id(stats(0).connection) == group_id(stats(2).connection) != group_id(stats(1, server=other).connection)


def test_a_flow_adds_up_its_connections():
    made = flow_entry("tcp_flow", [stats(0, l7=("http",)), stats(7, "refused", l7=("ws", "http"))])
    assert made.connection == Connection(0, "tcp", Endpoint("10.0.0.1", 0), Endpoint("10.0.0.2", 80))
    assert made.request == made.response == Span(0, 7400, 1, 79, SECOND, 10 * SECOND)
    assert made.fields == {
        "tcp_flow": True,
        "flow": True,
        "flow_state": "closed",
        "flow_local_pkts": 10,
        "flow_local_bytes": 1200,
        "flow_local_pps": 1,
        "flow_local_bps": 1067,
        "flow_remote_pkts": 8,
        "flow_remote_bytes": 8000,
        "flow_remote_pps": 1,
        "flow_remote_bps": 7111,
        "flow_l7_detected": ["http", "ws"],
        "flow_group_id": group_id(stats().connection),
        "flow_connections": 2,
        "flow_failed_connections": 1,
    }
    assert (made.summary, made.status, made.failed) == ("TCP 10.0.0.1 to 10.0.0.2:80", "closed", False)


def test_a_flow_is_active_while_one_connection_is_open_and_failed_when_all_are():
    assert flow_entry("tcp_flow", [stats(0), stats(1, "established")]).status == "active"
    assert flow_entry("tcp_flow", [stats(0, "refused"), stats(1, "syn_sent")]).failed


def test_the_rates_of_a_short_flow_are_taken_over_a_second():
    made = flow_entry("udp_flow", [stats(first_ns=SECOND, last_ns=SECOND)])
    assert (made.fields["flow_local_pps"], made.fields["flow_remote_bps"]) == (5, 32000)


def test_metrics_of_a_flow_are_added_weighted_or_ranked():
    quick = TcpMetrics(
        retransmissions=1, retransmission_rate=0.1, window_scale=7, avg_receive_window=1000, connection_completeness=7,
        handshake_time_us=100, rtt_min_us=50, rtt_max_us=90, rtt_avg_us=60, rtt_samples=9, jitter_us=1,
    )  # fmt: skip
    slow = TcpMetrics(
        retransmissions=2, retransmission_rate=0.3, window_scale=8, avg_receive_window=3000, connection_completeness=24,
        handshake_time_us=900, rtt_min_us=70, rtt_max_us=500, rtt_avg_us=160, rtt_samples=1, jitter_us=11,
    )  # fmt: skip
    fields = flow_entry("tcp_flow", [stats(0, metrics=quick), stats(1, metrics=slow), stats(2)]).fields
    found = {name.removeprefix("tcp_"): value for name, value in fields.items() if name.startswith("tcp_")}
    assert found["retransmissions"] == 3
    assert round(found["retransmission_rate"], 6) == 0.2
    assert (found["window_scale"], found["avg_receive_window"], found["connection_completeness"]) == (-1, 2000, 31)
    assert (found["handshake_time_us"], found["handshake_p50_us"], found["handshake_p90_us"]) == (500, 100, 900)
    assert (found["rtt_min_us"], found["rtt_max_us"], found["rtt_avg_us"], found["jitter_us"]) == (50, 500, 70, 2)
    assert "initial_rtt_us" not in found


def test_every_emitted_field_is_declared_with_its_type():
    kinds = {
        FieldType.INT: int,
        FieldType.BOOL: bool,
        FieldType.STRING: str,
        FieldType.DOUBLE: float,
        FieldType.STRING_LIST: list,
    }
    metrics = TcpMetrics(**{name: 1 for name in TcpMetrics.__slots__})
    declared = {
        f.name: f.type
        for f in (
            *connection_fields("tcp_conn", "TCP"),
            *flow_fields("tcp_flow", "TCP"),
            *METRIC_FIELDS,
            *HANDSHAKE_FIELDS,
        )
    }
    emitted = (
        connection_entry("tcp_conn", stats(metrics=metrics)).fields
        | flow_entry("tcp_flow", [stats(metrics=metrics)]).fields
    )
    emitted["tcp_retransmission_rate"] = 0.5
    assert {name: kinds[declared[name]] for name in emitted} == {name: type(value) for name, value in emitted.items()}


def test_version_6_addresses_are_bracketed():
    assert connection_entry("tcp_conn", stats(server=Endpoint("::1", 80))).summary == "TCP 10.0.0.1:50000 to [::1]:80"
