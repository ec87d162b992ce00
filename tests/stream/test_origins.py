from __future__ import annotations

from dataclasses import replace

import pytest

from tests.stream.building import MILLISECOND, Sent, Talk, closings, run, streams


def numbers(packets, cuts=()):
    return [(stats.connection.number, stats.first_packet, stats.state) for stats in run(packets, cuts)[1].stats()]


@pytest.mark.parametrize("cuts", [(), (9,), (4, 10, 12)])
def test_a_syn_with_another_sequence_number_is_a_new_connection(cuts):
    first = Talk().handshake().say(0, b"one").close()
    second = Talk(client_isn=900_000, server_isn=800_000)
    second.now = first.now + 1000 * MILLISECOND
    second.handshake().say(0, b"two").close()
    packets = [*first.packets, *second.packets]
    events, engine = run(packets, cuts)
    assert {key: stream.data for key, stream in streams(events).items()} == {(0, 0): b"one", (1, 0): b"two"}
    assert [(how, number) for number, how, _ in closings(events)] == [("fin", 0), ("fin", 1)]
    assert engine.counters.superseded_connections == 1
    assert sorted(stats.connection.number for stats in engine.stats()) == [0, 1]


def test_a_repeated_syn_is_the_same_connection():
    talk = Talk()
    syn = talk.send(0, flags="S")
    talk.packets.append(replace(syn, time=1000 * MILLISECOND))
    assert numbers(talk.packets) == [(0, 1, "syn_sent")]


def test_a_connection_that_a_new_one_replaces_is_closed_as_evicted():
    old = Talk().handshake().say(0, b"unfinished")
    new = Talk(client_isn=77).handshake()
    events, _ = run([*old.packets, *(replace(packet, time=packet.time + 50 * MILLISECOND) for packet in new.packets)])
    assert [(number, how) for number, how, _ in closings(events)] == [(0, "evicted")]


def test_numbers_follow_first_packets_when_ports_are_reused_in_a_block():
    first = [Sent(sequence=1, flags="S"), Sent((0x0A000001, 41000), flags="S"), Sent(sequence=900, flags="S")]
    last = [Sent((0x0A000001, 42000), flags="S")]
    assert sorted(numbers([*first, *last])) == [
        (0, 1, "syn_sent"),
        (1, 2, "syn_sent"),
        (2, 3, "syn_sent"),
        (3, 4, "syn_sent"),
    ]


@pytest.mark.parametrize(
    ("options", "scale"),
    [
        (b"\x03\x03\x07", 7),
        (b"\x02\x04\x05\xb4\x01\x03\x03\x09\x04\x02", 9),
        (b"\x03\x03\xff", 14),
        (b"", -1),
        (b"\x00\x03\x03\x07", -1),
        (b"\x03\x02", -1),
        (b"\x08\x00\x03\x03\x07", -1),
        (b"\x08\xff\x03\x03\x07", -1),
        (b"\x01" * 39 + b"\x03", -1),
    ],
)
def test_the_window_scale_is_read_from_the_servers_syn_and_broken_options_are_survived(options, scale):
    (stats,) = run(Talk().handshake(options).packets)[1].stats()
    assert stats.metrics.window_scale == scale


def test_a_conversation_without_its_start_begins_at_the_first_byte_seen():
    events, _ = run(Talk(client_isn=70_000, server_isn=80_000).say(0, b"middle").packets)
    connection = events[0].connection
    assert (connection.client_sequence, connection.server_sequence, connection.from_start) == (70_000, -1, False)
