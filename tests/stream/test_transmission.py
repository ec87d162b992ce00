from __future__ import annotations

from kubeshark_mcp.stream.engine import Limits
from tests.stream.building import MILLISECOND, Sent, Talk, run


def test_ended_connections_leave_before_idle_ones():
    ended = Talk(client=(1, 1025)).handshake().say(0, b"x").close()
    idle = Talk(client=(1, 1026)).handshake().say(0, b"x")
    later = [Sent((1, 1027), (2, 80), time=200_000 * MILLISECOND)] * 9000
    _, engine = run([*idle.packets, *ended.packets, *later], range(0, 9000, 3000))
    assert [stats.connection.client.port for stats in engine.drain()] == [1025]
    assert engine.counters.evicted_connections == 0


def test_ended_connections_make_room_first():
    talks = [Talk(client=(1, 1025 + place)).handshake() for place in range(20)]
    for talk in talks[10:]:
        talk.close()
    packets = [packet for talk in talks for packet in talk.packets]
    _, engine = run(packets, limits=Limits(open_connections=12))
    assert all(stats.connection.client.port >= 1035 for stats in engine.drain())
    assert engine.counters.evicted_connections == 0


def test_late_packets_of_an_ended_connection_still_count_to_it():
    talk = Talk().handshake().say(0, b"x").close()
    talk.send(1, flags="FA")
    (stats,) = run(talk.packets, [8])[1].stats()
    assert (stats.server.packets, stats.state) == (4, "closed")
