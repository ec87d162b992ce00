from __future__ import annotations

from kubeshark_mcp.dissect.layer4 import (
    HANDSHAKE_FIELDS,
    METRIC_FIELDS,
    connection_columns,
    connection_entry,
    connection_fields,
    flow_fields,
    group_id,
    metric_values,
)
from kubeshark_mcp.dissect.protocols.tcp_flow import TcpFlow
from kubeshark_mcp.dissect.stats_columns import columns_of
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
    (flow,) = TcpFlow().entries([stats(metrics=metrics)])
    emitted = connection_entry("tcp_conn", stats(metrics=metrics)).fields | flow.fields
    emitted["tcp_retransmission_rate"] = 0.5
    assert {name: kinds[declared[name]] for name in emitted} == {name: type(value) for name, value in emitted.items()}


def test_version_6_addresses_are_bracketed():
    assert connection_entry("tcp_conn", stats(server=Endpoint("::1", 80))).summary == "TCP 10.0.0.1:50000 to [::1]:80"


def test_columns_are_the_entries_of_their_connections():
    metrics = TcpMetrics(retransmissions=3, rtt_min_us=7)
    for transport in ("tcp", "udp"):
        some = {"transport": transport, "l7": ("http", "ws")}
        mixed = [
            stats(0, metrics=metrics, **some),
            stats(1, "refused", TcpMetrics(), transport=transport, server=Endpoint("fd00::1", 443)),
            stats(2, "reset", TcpMetrics(handshake_time_us=5), transport=transport, client=Traffic(1, 60)),
            stats(3, "syn_sent", TcpMetrics(), transport=transport, server=Endpoint("10.0.0.2", 80)),
        ]
        mixed[3].server = Traffic()
        (columns,) = columns_of(mixed)
        name = f"{transport}_conn"
        assert list(connection_columns(name, columns).entries()) == [connection_entry(name, one) for one in mixed]
