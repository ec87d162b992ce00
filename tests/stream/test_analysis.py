"""Each condition of the TCP analysis, on a conversation that shows it alone; tshark gives the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubeshark_mcp.stream.analysis import distance
from kubeshark_mcp.stream.engine import StreamEngine
from tests.stream.building import MILLISECOND, Talk, block, run

SCALE = b"\x03\x03\x02"


def metrics(packets):
    (stats,) = run(packets)[1].stats()
    return stats.metrics


def noted(packets):
    """Give the counts of trouble that are not zero."""
    names = (
        "retransmissions", "fast_retransmissions", "out_of_order", "dup_acks", "missing_segments",
        "zero_window_events", "window_full_events", "keepalive_count", "rst_count",
    )  # fmt: skip
    found = metrics(packets)
    return {name: getattr(found, name) for name in names if getattr(found, name)}


def test_sequence_numbers_are_compared_around_zero():
    assert distance(5, 2**32 - 5) == 10
    assert distance(2**32 - 5, 5) == -10
    assert distance(7, 7) == 0


def test_a_late_repetition_is_a_retransmission():
    talk = Talk().handshake()
    segment = talk.send(0, b"abc")
    talk.now += 300 * MILLISECOND
    talk.packets.append(replace(segment, time=talk.now))
    assert noted(talk.packets) == {"retransmissions": 1}


def test_a_repetition_of_acknowledged_bytes_is_a_spurious_retransmission_and_counts_as_one():
    talk = Talk().handshake().say(0, b"abc")
    talk.packets.append(replace(talk.packets[3], time=talk.now))
    assert noted(talk.packets) == {"retransmissions": 1}


def test_a_repetition_of_acknowledged_bytes_that_adds_a_fin_is_one_as_well():
    talk = Talk().handshake().say(0, b"abc")
    talk.packets.append(replace(talk.packets[3], flags="FA", time=talk.now))
    assert noted(talk.packets) == {"retransmissions": 1}


def test_a_repetition_right_after_two_duplicate_acks_is_a_fast_retransmission():
    talk = Talk().handshake()
    talk.send(0, b"abc")
    lost = talk.packets[-1]
    for _ in range(2):
        talk.send(1, acknowledgment=1001)
    talk.now += MILLISECOND
    talk.packets.append(replace(lost, time=talk.now))
    assert noted(talk.packets) == {"retransmissions": 1, "fast_retransmissions": 1, "dup_acks": 2}


def test_a_hole_that_fills_within_the_handshakes_round_trip_is_out_of_order():
    talk = Talk().handshake()
    talk.send(0, b"abc")
    late = talk.packets.pop()
    talk.send(0, b"def")
    talk.packets.append(replace(late, time=talk.now + 1000))
    assert noted(talk.packets) == {"missing_segments": 1, "out_of_order": 1}


def test_a_hole_that_fills_later_is_a_retransmission():
    talk = Talk().handshake()
    talk.send(0, b"abc")
    late = talk.packets.pop()
    talk.send(0, b"def")
    talk.packets.append(replace(late, time=talk.now + 3 * MILLISECOND))
    assert noted(talk.packets) == {"missing_segments": 1, "retransmissions": 1}


def test_without_a_handshake_reordering_is_told_by_three_milliseconds():
    talk = Talk()
    talk.send(0, b"abc")
    talk.send(0, b"def")
    late = talk.packets.pop()
    talk.send(0, b"ghi")
    talk.packets.append(replace(late, time=talk.now + 2 * MILLISECOND))
    assert noted(talk.packets) == {"missing_segments": 1, "out_of_order": 1}


def test_a_window_update_is_no_duplicate_ack():
    talk = Talk().handshake().say(0, b"abc")
    talk.send(1, window=900)
    assert noted(talk.packets) == {}


def test_a_zero_window_and_the_probe_of_it():
    talk = Talk().handshake().say(0, b"abc")
    talk.send(1, window=0)
    talk.send(0, b"p")
    talk.packets.append(replace(talk.packets[-2], time=talk.now))
    assert noted(talk.packets) == {"zero_window_events": 2}


def test_a_segment_that_ends_where_the_receivers_window_ends_fills_it():
    talk = Talk().handshake(SCALE)
    talk.send(1, window=25)
    talk.send(0, b"x" * 100)
    assert noted(talk.packets) == {"window_full_events": 1}


def test_a_keep_alive_and_its_answer():
    talk = Talk().handshake().say(0, b"abc")
    talk.send(0, sequence=1003)
    talk.send(1)
    assert noted(talk.packets) == {"keepalive_count": 1}


def test_resets_are_counted():
    talk = Talk().handshake()
    talk.send(1, flags="RA")
    assert noted(talk.packets) == {"rst_count": 1}


@pytest.mark.parametrize(
    ("count", "bits"),
    [(1, 1), (2, 1 | 2), (3, 1 | 2 | 4), (4, 1 | 2 | 4 | 8), (5, 1 | 2 | 4 | 8), (6, 1 | 2 | 4 | 8 | 16)],
)
def test_completeness_gathers_the_parts_of_a_conversation(count, bits):
    talk = Talk().handshake().say(0, b"abc").close()
    assert metrics(talk.packets[:count]).connection_completeness == bits


def test_a_mid_stream_conversation_is_complete_in_data_and_acknowledgment_only():
    talk = Talk().say(0, b"abc")
    assert metrics(talk.packets).connection_completeness == 4 | 8


def test_a_segment_one_before_what_comes_next_that_brings_more_than_a_probes_byte_is_no_repetition():
    talk = Talk().handshake()
    talk.send(0, b"a", "PA")
    talk.send(0, b"abcd", "PA", sequence=1001)
    assert noted(talk.packets) == {}


@pytest.mark.parametrize("later", [False, True])
def test_a_window_is_scaled_where_only_the_receivers_syn_was_seen(later):
    talk = Talk()
    talk.send(1, flags="SA", options=SCALE, window=25, acknowledgment=1000)
    talk.next[0] = 1000
    talk.send(1, window=25)
    talk.send(0, bytes(100))
    if later:
        talk.send(0, b"more", sequence=1050)
    assert noted(talk.packets[:3]) == {"window_full_events": 1, "dup_acks": 1}
    assert metrics(talk.packets).avg_receive_window == (100 + 1000 * (1 + later)) // (2 + later)


def test_a_window_is_not_scaled_where_the_other_side_refused():
    talk = Talk()
    talk.send(0, flags="S")
    talk.send(1, flags="SA", options=SCALE, window=25)
    talk.send(0)
    talk.send(1, window=25)
    talk.send(0, bytes(25))
    assert noted(talk.packets) == {"window_full_events": 1, "dup_acks": 1}


@pytest.mark.parametrize("disorder", [False, True])
def test_a_handshake_that_a_coarse_clock_shows_as_no_time_ends_with_the_next_acknowledgment(disorder):
    talk = Talk().handshake().say(0, b"abc").say(1, b"def")
    packets = [replace(packet, time=MILLISECOND) for packet in talk.packets[:3]]
    packets += [replace(packet, time=3 * MILLISECOND + number) for number, packet in enumerate(talk.packets[3:])]
    if disorder:
        packets.append(replace(packets[-1], time=9 * MILLISECOND))
    events = [replace(packet, number=number) for number, packet in enumerate(packets, 1)]
    engine = StreamEngine()
    engine.feed(block(events))
    engine.finish()
    (stats,) = engine.stats()
    assert stats.metrics is not None
    assert stats.metrics.handshake_time_us == 2000


def test_a_syn_behind_other_packets_is_no_beginning():
    talk = Talk()
    talk.send(1, flags="SA", acknowledgment=1001)
    talk.send(0, flags="S", acknowledgment=0)
    talk.send(0)
    assert metrics(talk.packets).connection_completeness == 2 | 4
    talk.packets.append(replace(talk.packets[-1], time=talk.now + 1))
    assert metrics(talk.packets).connection_completeness == 2 | 4


@pytest.mark.parametrize(("flags", "bits"), [("R", 7 | 32), ("RA", 7 | 8 | 32)])
def test_what_a_reset_says_is_data_only_where_it_acknowledges(flags, bits):
    talk = Talk().handshake()
    talk.send(1, b"no such service", flags)
    assert metrics(talk.packets).connection_completeness == bits


def test_a_syn_behind_its_answer_takes_the_answers_round_trip_away():
    """Its acknowledgment is zero, which is beyond what lies in the lower half of the sequence numbers."""
    for server_isn, samples in ((5000, 1), (2**31 + 5000, 0)):
        talk = Talk(server_isn=server_isn)
        talk.send(1, flags="SA", acknowledgment=1001)
        talk.send(0, flags="S")
        talk.send(0)
        assert metrics(talk.packets).rtt_samples == samples


@pytest.mark.parametrize("cuts", [(), range(0, 3000, 700)])
@pytest.mark.parametrize("again", [False, True])
def test_each_of_many_segments_in_flight_gives_a_round_trip(again, cuts):
    """On the way are more than a thousand segments; one that is sent again brings them before the closer look."""
    talk = Talk(client_isn=2**32 - 700).handshake()
    for _ in range(1400):
        talk.send(0, b"x")
    if again:
        talk.packets.append(replace(talk.packets[-5], time=talk.now + 200 * MILLISECOND))
        talk.now += 300 * MILLISECOND
    for number in range(1400):
        talk.send(1, acknowledgment=(2**32 - 700 + 2 + number) % 2**32)
    (stats,) = run(talk.packets, cuts)[1].stats()
    assert stats.metrics is not None
    assert (stats.metrics.rtt_samples, stats.metrics.retransmissions) == (1402, int(again))


@pytest.mark.parametrize("cuts", [(), (4,), (5,), (3, 4, 5, 6)])
def test_a_repetition_after_an_acknowledgment_of_what_was_not_captured_is_a_fast_retransmission(cuts):
    """The capture lacks segments of the server, so it may lack its duplicate ACKs as well."""
    talk = Talk().handshake()
    talk.send(0, b"ask")
    asked = talk.packets[-1]
    talk.next[1] += 1000
    talk.send(0)
    talk.packets.append(replace(asked, acknowledgment=6001, time=talk.now + 1))
    (stats,) = run(talk.packets, cuts)[1].stats()
    assert stats.metrics is not None
    assert (stats.metrics.retransmissions, stats.metrics.fast_retransmissions) == (1, 1)
    plain = [*talk.packets[:4], *(replace(packet, acknowledgment=5001) for packet in talk.packets[4:])]
    assert metrics(plain).fast_retransmissions == 0


def test_a_hole_that_fills_at_a_time_before_it_was_seen_is_a_retransmission():
    """Captures put together from several sources have such times; they say nothing of how soon it came."""
    talk = Talk().handshake()
    talk.send(0, b"abc")
    talk.send(0, b"def")
    packets = [*talk.packets[:3], talk.packets[4], talk.packets[3]]
    engine = StreamEngine()
    engine.feed(block([replace(packet, number=number) for number, packet in enumerate(packets, 1)]))
    engine.finish()
    (stats,) = engine.stats()
    assert stats.metrics is not None
    assert (stats.metrics.retransmissions, stats.metrics.out_of_order) == (1, 0)
