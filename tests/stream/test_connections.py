from __future__ import annotations

import numpy as np
import pytest

from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, TcpMetrics, Traffic
from kubeshark_mcp.stream.connections import Addresses
from kubeshark_mcp.stream.engine import Limits
from tests.stream.building import CLIENT, MILLISECOND, SERVER, START_NS, Sent, Talk, run


def only(packets):
    (stats,) = run(packets)[1].stats()
    return stats


def test_statistics_name_everything_that_was_counted():
    talk = Talk()
    talk.send(0, flags="S")
    talk.send(1, flags="RA")
    assert only(talk.packets) == ConnectionStats(
        connection=Connection(
            0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 80), client_sequence=1001, from_start=True
        ),
        state="refused",
        client=Traffic(1, 54, 0),
        server=Traffic(1, 54, 0),
        first_packet=1,
        last_packet=2,
        first_ns=START_NS + MILLISECOND,
        last_ns=START_NS + 2 * MILLISECOND,
        metrics=TcpMetrics(
            connection_completeness=1 | 4 | 32,
            rst_count=1,
            handshake_time_us=1000,
            rtt_min_us=1000,
            rtt_max_us=1000,
            rtt_avg_us=1000,
            rtt_samples=1,
            jitter_us=0,
        ),
    )


@pytest.mark.parametrize(
    ("count", "state"),
    [
        (1, "syn_sent"),
        (2, "syn_sent"),
        (3, "established"),
        (5, "established"),
        (6, "closing"),
        (7, "closed"),
        (8, "closed"),
    ],
)
def test_the_state_is_the_one_last_seen(count, state):
    assert only(Talk().handshake().say(0, b"abc").close().packets[:count]).state == state


def test_a_reset_after_the_handshake_is_a_reset():
    talk = Talk().handshake()
    talk.send(1, flags="RA")
    assert only(talk.packets).state == "reset"


def test_the_client_is_who_sent_the_syn_else_who_speaks_to_a_service_port():
    assert only([Sent(SERVER, CLIENT, flags="S")]).connection.client == Endpoint("10.0.0.2", 80)
    assert only([Sent(SERVER, CLIENT, flags="SA")]).connection.client == Endpoint("10.0.0.1", 40000)
    assert only([Sent(SERVER, CLIENT)]).connection.client == Endpoint("10.0.0.1", 40000)
    between = [Sent((SERVER[0], 41000), CLIENT, protocol=17)]
    assert only(between).connection.client == Endpoint("10.0.0.2", 41000)


def test_addresses_of_both_families_are_written_as_people_do():
    addresses = Addresses()
    assert addresses.text(0, 0xFFFF_C0A80001) == "192.168.0.1"
    assert addresses.text(0x20010DB8 << 32, 1) == "2001:db8::1"
    assert addresses.text(0, 1) == "::1"


def test_points_are_numbered_densely_and_stay_so():
    addresses = Addresses()
    assert addresses.dense_points(np.array([7, 7], dtype=np.int32)).tolist() == [0, 0]
    assert addresses.dense_points(np.array([-3, 7, 2], dtype=np.int32)).tolist() == [1, 0, 2]
    assert addresses.points == [7, -3, 2]


def mixed():
    """Give packets of connections in every state and of several transports, capture points and families."""
    packets = []
    for number in range(9):
        talk = Talk(client=(CLIENT[0], 41000 + number)) if number else Talk()
        packets += talk.handshake().say(0, b"abc").say(1, b"defg").close().packets[: number + 1]
    packets += [Sent((CLIENT[0], 5000 + at % 3), (SERVER[0], 53), protocol=17, point=at % 2) for at in range(7)]
    packets += [Sent(SERVER, CLIENT, protocol=132), Sent(CLIENT, SERVER, protocol=1, high=1)]
    return packets


def test_columns_and_objects_of_statistics_are_equal():
    engine = run(mixed())[1]
    columns = list(engine.columns())
    assert [part.transport for part in columns] == ["tcp", "udp", "sctp", "icmp"]
    assert [one for part in columns for one in part.stats()] == list(engine.stats())
    assert len({one.state for one in columns[0].stats()}) >= 4


def test_columns_of_connections_that_left_the_table_are_given_once():
    limits = Limits(open_connections=4)
    kept = in_order(run(mixed(), limits=limits)[1].stats())
    engine = run(mixed(), limits=limits)[1]
    drained = [one for part in engine.drain_columns() for one in part.stats()]
    assert drained
    assert list(engine.drain_columns()) == []
    rest = [one for part in engine.columns() for one in part.stats()]
    assert in_order([*drained, *rest]) == kept
    assert in_order(one for part in run(mixed(), limits=limits)[1].columns() for one in part.stats()) == kept


def in_order(stats):
    return sorted(stats, key=lambda one: (one.connection.transport, one.connection.number))
