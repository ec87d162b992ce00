"""Verdicts about connections: each cause from the numbers that show it, and none without them."""

from __future__ import annotations

import pytest

from kubeshark_mcp.analyse.tcp_health import Cause, Verdict, judge

CLEAN = {"conn_state": "closed", "tcp_rtt_avg_us": 400, "tcp_retransmissions": 0, "tcp_retransmission_rate": 0.0}


@pytest.mark.parametrize(
    ("fields", "cause", "says"),
    [
        ({}, Cause.HEALTHY, "round trip 0.4 ms"),
        ({"conn_state": "refused"}, Cause.REFUSED, "nobody listens"),
        ({"conn_state": "syn_sent", "conn_local_pkts": 4}, Cause.UNREACHABLE, "4 SYN without an answer"),
        ({"conn_state": "reset", "tcp_rst_count": 1, "tcp_goodput_bytes": 12}, Cause.RESET, "1 RST after 12 bytes"),
        ({"tcp_retransmissions": 8, "tcp_retransmission_rate": 0.04}, Cause.NETWORK, "8 segments sent again (4.0%)"),
        ({"tcp_rtt_min_us": 180_000}, Cause.NETWORK, "180 ms"),
        ({"tcp_handshake_time_us": 212_000}, Cause.NETWORK, "the handshake took 212 ms"),
        ({"tcp_zero_window_events": 2}, Cause.RECEIVER, "closed 2 times"),
        ({"tcp_window_full_events": 5}, Cause.RECEIVER, "filled the receive window 5 times"),
        ({"tcp_time_to_first_byte_us": 1_400_000}, Cause.APPLICATION, "1.4 s"),
    ],
)
def test_each_cause_is_named_from_its_numbers(fields, cause, says):
    verdict = judge({**CLEAN, **fields})
    assert verdict.cause is cause
    assert says in verdict.because


@pytest.mark.parametrize(
    "fields",
    [
        {"tcp_retransmissions": 2, "tcp_retransmission_rate": 0.5},
        {"tcp_retransmissions": 50, "tcp_retransmission_rate": 0.001},
        {"tcp_window_full_events": 1},
        {"tcp_handshake_time_us": 90_000},
        {"tcp_time_to_first_byte_us": 190_000},
        {"tcp_time_to_first_byte_us": 250_000, "tcp_rtt_avg_us": 90_000},
    ],
)
def test_a_little_of_it_is_no_cause(fields):
    assert judge({**CLEAN, **fields}).cause is Cause.HEALTHY


def test_a_connection_that_never_was_outranks_a_slow_one_and_an_empty_row_is_healthy():
    assert judge({"conn_state": "syn_sent"}).rank < judge({"tcp_zero_window_events": 1}).rank
    assert judge({}) == Verdict(Cause.HEALTHY, "nothing abnormal was seen")


def test_a_long_path_explains_less_than_a_closed_window_or_a_late_answer():
    path = {"tcp_handshake_time_us": 212_000}
    assert judge({**CLEAN, **path, "tcp_zero_window_events": 2}).cause is Cause.RECEIVER
    assert judge({**CLEAN, **path, "tcp_time_to_first_byte_us": 1_400_000}).cause is Cause.APPLICATION


def test_loss_does_not_hide_that_the_receiver_was_slow_as_well():
    lost = {"tcp_retransmissions": 8, "tcp_retransmission_rate": 0.04, "tcp_zero_window_events": 2}
    assert judge({**CLEAN, **lost}) == Verdict(
        Cause.NETWORK,
        "8 segments sent again (4.0%), 0 of them fast: packets were lost; "
        "the receive window was closed 2 times as well",
    )


def test_packets_that_were_captured_twice_are_no_loss():
    copies = {"conn_local_pkts": 110, "conn_remote_pkts": 60, "tcp_retransmissions": 59, "tcp_dup_acks": 26}
    rate = {"tcp_retransmission_rate": 0.5}

    assert judge({**CLEAN, **copies, **rate}) == Verdict(
        Cause.HEALTHY, "every packet was captured twice, so 59 segments only look sent again"
    )
    assert judge({**CLEAN, **copies, **rate, "tcp_fast_retransmissions": 9}).cause is Cause.NETWORK
    assert judge({**CLEAN, **copies, **rate, "tcp_zero_window_events": 2}).cause is Cause.RECEIVER
