"""Statistics of connections as columns mean the objects that are made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kubeshark_mcp.model.entry_columns import Coded, ConnectionColumns, Numbers
from kubeshark_mcp.model.stats_columns import STATES, StatsColumns
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, TcpMetrics, Traffic, Unclaimed

UNCLAIMED = Unclaimed("data", None, None)


def _columns() -> StatsColumns:
    zeros, codes = np.zeros(2, np.int64), np.array([0, 1], np.int32)
    connections = ConnectionColumns(
        "tcp", ["10.0.0.1", "10.0.0.2"], np.arange(2), codes, zeros + 40000, 1 - codes, zeros + 80, zeros, zeros,
        zeros + 7, zeros + 9, codes == 0,
    )  # fmt: skip
    sides = np.array([[1, 2], [3, 4]])
    measured = np.array([True, False])
    metrics = {"retransmissions": Numbers(zeros + 5, measured), "rtt_min_us": Numbers(zeros, measured & False)}
    ends = (zeros + 1, zeros + 2, zeros + 10, zeros + 20)
    state = np.array([STATES.index("closed"), STATES.index("syn_sent")], np.uint8)
    return StatsColumns(
        connections, state, sides, sides * 10, sides * 5, *ends, metrics, Coded([("http",)], 0 - codes), {1: UNCLAIMED}
    )


def test_a_row_means_the_statistics_of_a_connection() -> None:
    client, server = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 80)
    first = ConnectionStats(
        Connection(0, "tcp", client, server, client_sequence=7, server_sequence=9, from_start=True),
        "closed",
        Traffic(1, 10, 5),
        Traffic(2, 20, 10),
        1,
        2,
        10,
        20,
        TcpMetrics(retransmissions=5),
        ("http",),
    )
    ends = (Endpoint("10.0.0.2", 40000), Endpoint("10.0.0.1", 80))
    second = replace(
        first,
        connection=Connection(1, "tcp", *ends, client_sequence=7, server_sequence=9),
        state="syn_sent",
        client=Traffic(3, 30, 15),
        server=Traffic(4, 40, 20),
        metrics=None,
        l7=(),
        unclaimed=UNCLAIMED,
    )
    assert _columns().stats() == [first, second]
    assert _columns().stats(np.array([1])) == [second]
    assert (len(_columns()), _columns().transport) == (2, "tcp")


def test_only_tcp_has_metrics_and_nothing_may_have_been_found() -> None:
    bare = replace(_columns(), metrics={}, l7=None, unclaimed={})
    assert [(one.metrics, one.l7, one.unclaimed) for one in bare.stats()] == [(None, (), None)] * 2
    assert list(STATES) == sorted(STATES)
