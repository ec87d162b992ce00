from __future__ import annotations

import numpy as np

from kubeshark_mcp.model.stream import TcpMetrics
from kubeshark_mcp.stream.metrics import metrics_of, states_of
from kubeshark_mcp.stream.rows import STATE_FIN, STATE_REFUSED, STATE_RESET, TCP_FIELDS, prepare
from kubeshark_mcp.stream.table import FlowTable
from tests.stream.building import Talk, run


def test_the_metrics_of_a_whole_healthy_conversation():
    talk = Talk().handshake(b"\x03\x03\x02")
    talk.send(0, b"request")
    talk.now += 5_000_000
    talk.send(1, b"answer")
    talk.send(0)
    talk.close()
    (stats,) = run(talk.packets)[1].stats()
    assert stats.metrics == TcpMetrics(
        window_scale=2,
        avg_receive_window=4000,
        fin_count=2,
        connection_completeness=31,
        initial_rtt_us=1000,
        handshake_time_us=2000,
        connection_time_us=3000,
        time_to_first_byte_us=6000,
        rtt_min_us=1000,
        rtt_max_us=6000,
        rtt_avg_us=1833,
        rtt_samples=6,
        jitter_us=1863,
        goodput_bytes=13,
    )


def test_retransmitted_bytes_are_no_goodput():
    talk = Talk().handshake().say(0, b"abcd")
    talk.packets.append(talk.packets[3])
    (stats,) = run(talk.packets)[1].stats()
    assert (stats.metrics.goodput_bytes, stats.metrics.retransmission_rate) == (4, 0.5)
    assert stats.client.payload == 8


def test_what_was_not_seen_is_none():
    table = FlowTable(TCP_FIELDS)
    prepare(table.rows, table.allocate(1))
    (metrics,) = metrics_of({name: column[:1] for name, column in table.rows.items()})
    assert metrics == TcpMetrics()


def test_states_follow_the_last_thing_seen():
    states = [0, STATE_FIN[0] | STATE_FIN[1] | STATE_RESET, STATE_RESET, STATE_FIN[0], STATE_REFUSED, 0, 0]
    complete = [8, 63, 63, 31, 33, 1, 3]
    rows = {"state": np.array(states), "completeness": np.array(complete)}
    assert states_of(rows) == ["established", "closed", "reset", "closing", "refused", "syn_sent", "syn_sent"]
