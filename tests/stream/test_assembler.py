"""Reassembly of what is not in plain order, seen through the engine and at the class itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubeshark_mcp.stream.assembler import Arrival, Assembler, Half, Wait
from kubeshark_mcp.stream.engine import Limits
from kubeshark_mcp.stream.limits import Counters
from tests.stream.building import MILLISECOND, Sent, Talk, closings, run, streams, turns

SECOND = 1000 * MILLISECOND


def without(packets, *places):
    return [packet for place, packet in enumerate(packets) if place not in places]


def test_a_retransmission_changes_nothing():
    talk = Talk().handshake().say(0, b"abc", b"def")
    packets = [*talk.packets, talk.packets[3], talk.packets[5]]
    events, engine = run(packets)
    assert turns(events) == [(0, b"abcdef", 0)]
    assert engine.counters.duplicate_bytes == 6


def test_an_overlap_is_trimmed_and_the_first_copy_wins():
    talk = Talk().handshake()
    talk.send(0, b"abc")
    talk.packets.append(replace(talk.packets[-1], sequence=1003, data=b"XYZde"))
    assert turns(run(talk.packets)[0]) == [(0, b"abcYZde", 0)]


def test_held_bytes_win_over_later_ones_and_conflicts_are_counted():
    talk = Talk().handshake()
    late = talk.send(0, b"ab")
    talk.send(0, b"cd")
    packets = [*without(talk.packets, 3), replace(late, data=b"abXYe"), late]
    events, engine = run(packets)
    assert turns(events) == [(0, b"abcde", 0)]
    assert (engine.counters.conflicting_bytes, engine.counters.duplicate_bytes) == (2, 4)


def test_reordered_segments_are_joined_with_the_packet_that_carried_each_byte():
    talk = Talk().handshake()
    first, second, third = talk.send(0, b"a"), talk.send(0, b"b"), talk.send(0, b"c")
    packets = [*talk.packets[:3], third, second, first]
    stream = streams(run(packets)[0])[0, 0]
    assert [(byte[0], chr(byte[1]), byte[2]) for byte in stream.bytes] == [(0, "a", 6), (1, "b", 5), (2, "c", 4)]


def test_a_lost_segment_that_was_acknowledged_becomes_a_gap_and_the_answer_stays_behind_it():
    talk = Talk().handshake()
    talk.send(0, b"GET /lost")
    talk.send(0, b"tail")
    talk.send(1, b"answer")
    talk.now += 100 * MILLISECOND
    talk.send(0, b"next")
    events, engine = run(without(talk.packets, 3))
    assert turns(events) == [(0, b"tail", 9), (1, b"answer", 0), (0, b"next", 0)]
    assert engine.counters.gap_bytes == 9


def test_an_answer_that_was_captured_before_its_question_is_put_behind_it():
    talk = Talk().handshake()
    question, answer = talk.send(0, b"question"), talk.send(1, b"answer")
    assert turns(run([*talk.packets[:3], answer, question])[0]) == [(0, b"question", 0), (1, b"answer", 0)]


def test_a_hole_that_nobody_acknowledged_is_waited_for_as_long_as_the_limit_says():
    talk = Talk().handshake()
    lost = talk.send(0, b"lost")
    talk.send(0, b"held")
    late = replace(lost, time=8 * SECOND)
    assert turns(run([*without(talk.packets, 3), late])[0]) == [(0, b"lostheld", 0)]
    talk.now += 11 * SECOND
    talk.send(0, b"more")
    packets = [*without(talk.packets, 3), replace(lost, time=12 * SECOND)]
    assert turns(run(packets)[0]) == [(0, b"heldmore", 4)]


def test_a_hole_at_the_end_of_the_capture_is_a_gap():
    talk = Talk().handshake()
    talk.send(0, b"lost")
    talk.send(0, b"held")
    events, _ = run(without(talk.packets, 3))
    assert turns(events) == [(0, b"held", 4)]
    assert closings(events) == [(0, "end", 5 * MILLISECOND)]


def test_held_bytes_of_one_connection_are_bounded():
    talk = Talk().handshake()
    talk.send(0, b"lost")
    for _ in range(50):
        talk.send(0, b"x" * 100)
    events, engine = run(without(talk.packets, 3), limits=Limits(flow_bytes=4000))
    assert streams(events)[0, 0].data == b"x" * 5000
    assert streams(events)[0, 0].gaps == [(4, 4)]
    assert engine.counters.abandoned_holes == 1


def test_held_bytes_of_all_connections_are_bounded():
    packets = []
    for port in range(40):
        talk = Talk(client=(0x0A000001, 2000 + port)).handshake()
        talk.send(0, b"lost")
        talk.send(0, b"x" * 1000)
        packets += without(talk.packets, 3)
    events, engine = run(packets, range(0, len(packets), 20), Limits(total_bytes=10_000))
    assert engine.counters.abandoned_holes > 20
    assert all(stream.gaps == [(4, 4)] for stream in streams(events).values())


def test_bytes_cut_by_the_snap_length_are_a_gap_before_the_next_ones():
    talk = Talk().handshake()
    talk.send(0, b"head", missing=6)
    talk.send(0, b"next", missing=1)
    talk.send(1, b"", missing=5)
    talk.send(1, b"body")
    assert turns(run(talk.packets)[0]) == [(0, b"head", 0), (0, b"next", 6), (1, b"body", 5)]


def test_a_keep_alive_probe_is_no_data():
    talk = Talk().handshake().say(0, b"abc")
    talk.packets.append(Sent(sequence=1003, acknowledgment=5001, data=b"\0", time=SECOND))
    talk.now = 2 * SECOND
    talk.say(0, b"def")
    assert turns(run(talk.packets)[0]) == [(0, b"abcdef", 0)]


def test_data_in_the_syn_is_the_start_of_the_stream():
    talk = Talk()
    talk.send(0, b"early", flags="S")
    talk.send(1, flags="SA")
    talk.send(0, b" bird")
    assert turns(run(talk.packets)[0]) == [(0, b"early bird", 0)]


def test_data_in_the_fin_is_joined_and_the_other_half_stays_open():
    talk = Talk().handshake()
    talk.send(0, b"last words", flags="FA")
    talk.send(1, b"still")
    talk.send(1, b" here", flags="FA")
    talk.send(0)
    events, _ = run(talk.packets)
    assert turns(events) == [(0, b"last words", 0), (1, b"still here", 0)]
    assert closings(events) == [(0, "fin", 6 * MILLISECOND)]


def test_a_reset_ends_both_directions_and_what_was_held_becomes_a_gap():
    talk = Talk().handshake()
    talk.send(0, b"lost")
    talk.send(0, b"held")
    talk.send(1, flags="RA")
    talk.send(0, b"too late")
    events, engine = run(without(talk.packets, 3))
    assert turns(events) == [(0, b"held", 4)]
    assert closings(events) == [(0, "reset", 6 * MILLISECOND)]
    assert engine.counters.dropped_bytes == 8


def test_a_reset_far_from_what_is_expected_is_not_believed():
    talk = Talk().handshake().say(0, b"a")
    talk.packets.append(Sent(sequence=1002 + (1 << 27), flags="R", time=talk.now))
    talk.say(0, b"b")
    assert turns(run(talk.packets)[0]) == [(0, b"ab", 0)]


def test_a_strangers_acknowledgment_during_the_handshake_moves_nothing():
    """A server that still knows the connection before answers a SYN with an ACK of old numbers (RFC 5961)."""
    talk = Talk()
    talk.send(0, flags="S")
    challenge = Sent(*((0x0A000002, 80), (0x0A000001, 40000)), sequence=77, acknowledgment=900_000, time=talk.now)
    reset = Sent(sequence=900_000, flags="R", time=talk.now)
    talk.packets += [challenge, reset]
    talk.now += 1000 * MILLISECOND
    talk.packets.append(replace(talk.packets[0], time=talk.now))
    talk.send(1, flags="SA")
    talk.send(0)
    talk.say(0, b"hello").close()
    events, _ = run(talk.packets)
    assert turns(events) == [(0, b"hello", 0)]
    assert closings(events)[0][:2] == (0, "fin")


@pytest.mark.parametrize("isn", [2**32 - 1, 2**32 - 5, 2**31 - 3])
def test_sequence_numbers_wrap(isn):
    talk = Talk(isn, isn).handshake().say(0, b"abcdef", b"ghi")
    swapped = [*talk.packets[:3], talk.packets[5], talk.packets[3], *talk.packets[6:]]
    assert turns(run(talk.packets)[0]) == turns(run(swapped)[0]) == [(0, b"abcdefghi", 0)]


def test_a_stream_of_more_than_four_gigabytes_keeps_counting():
    counters = Counters()
    assembler = Assembler((Half(origin=0, expected=2**32 - 3), Half()), Limits(), counters)
    for number, (sequence, data) in enumerate([(2**32 - 3, b"abc"), (2, b"f"), (0, b"de")]):
        assembler.arrive(Arrival(0, sequence, 0, 0, memoryview(data), 0, number, number))
    assert [(part.offset, bytes(part.data), part.gap) for part in assembler.out] == [
        (2**32 - 3, b"abc", 0),
        (2**32, b"de", 0),
        (2**32 + 2, b"f", 0),
    ]
    assert counters == Counters()


def test_a_wait_begins_anew_while_the_stream_gets_on():
    wait = Wait()
    wait.note(100, 0, 10)
    assert wait == Wait(reach=100, mark=100, since=10, progress=0)
    wait.note(200, 0, 20)
    assert wait == Wait(reach=200, mark=100, since=10, progress=0)
    wait.note(200, 50, 30)
    assert wait == Wait(reach=200, mark=200, since=30, progress=50)
