"""Streams under stress: whatever the network did, bytes are in order, gaps are marked, and memory has bounds."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.model.packet import PacketBlock
from kubeshark_mcp.model.stream import Closing, Window
from kubeshark_mcp.stream.engine import Limits, StreamEngine
from tests.stream.building import (
    CLIENT,
    MILLISECOND,
    SERVER,
    START_NS,
    Sent,
    Talk,
    block,
    closings,
    numbered,
    run,
    streams,
)

SECOND = 1000 * MILLISECOND
PATIENT = Limits(reorder_seconds=1000.0, acknowledged_seconds=1000.0)


def spoken(sizes: list[int], start: int = 1000) -> tuple[list[Sent], bytes]:
    """Give a handshake, segments of these sizes that nobody acknowledges, and what they say."""
    talk = Talk(client_isn=start).handshake()
    said = b""
    for number, size in enumerate(sizes):
        part = bytes([65 + number % 26]) * size
        talk.say(0, part)
        said += part
    return talk.packets, said


def silenced(packets: list[Sent]) -> list[Sent]:
    """Let the server acknowledge nothing, so that only the sender's numbers tell what is missing."""
    return [packet for packet in packets if packet.source == CLIENT or "S" in packet.flags]


@settings(deadline=None, max_examples=80)
@given(
    sizes=st.lists(st.integers(1, 1400), min_size=2, max_size=40),
    chance=st.randoms(use_true_random=False),
    repeats=st.integers(0, 20),
    start=st.sampled_from([1000, 2**32 - 1, 2**32 - 500, 2**31 - 7]),
)
def test_any_order_with_repetitions_over_the_wrap_of_sequence_numbers_gives_what_was_said(
    sizes, chance, repeats, start
):
    packets, said = spoken(sizes, start)
    opening, rest = packets[:3], silenced(packets[3:])
    rest += chance.choices(rest, k=repeats)
    chance.shuffle(rest)
    late = [replace(packet, time=(10 + number) * MILLISECOND) for number, packet in enumerate(rest)]
    events, engine = run([*opening, *late], limits=PATIENT)
    found = streams(events)
    assert found[0, 0].data == said
    assert engine.counters.gap_bytes == 0


@settings(deadline=None, max_examples=80)
@given(sizes=st.lists(st.integers(1, 1400), min_size=3, max_size=40), chance=st.randoms(use_true_random=False))
def test_what_is_lost_is_a_gap_of_its_size_and_nothing_else_is_missing(sizes, chance):
    packets, said = spoken(sizes)
    data = [packet for packet in packets[3:] if packet.data]
    lost = {id(packet) for packet in chance.sample(data[:-1], k=len(data) // 3)}
    events, engine = run([packet for packet in packets if id(packet) not in lost])
    missing = sum(len(packet.data) for packet in data if id(packet) in lost)
    received = b"".join(bytes(packet.data) for packet in data if id(packet) not in lost)
    pieces = [piece for event in events if isinstance(event, Window) for piece in event.pieces if piece.direction == 0]
    assert b"".join(piece.data for piece in pieces) == received
    assert sum(piece.gap for piece in pieces) == missing == engine.counters.gap_bytes
    for piece in pieces:
        assert said[piece.offset : piece.offset + len(piece.data)] == piece.data


def test_an_overlap_with_other_bytes_keeps_the_first_and_counts_the_difference():
    talk = Talk().handshake()
    first = Sent(sequence=1011, flags="PA", data=b"KLMNO", time=10 * MILLISECOND, acknowledgment=5001)
    other = replace(first, data=b"klmno", time=11 * MILLISECOND)
    hole = replace(first, sequence=1001, data=b"ABCDEFGHIJ", time=12 * MILLISECOND)
    events, engine = run([*talk.packets, first, other, hole])
    assert streams(events)[0, 0].data == b"ABCDEFGHIJKLMNO"
    assert (engine.counters.conflicting_bytes, engine.counters.duplicate_bytes) == (5, 5)


def test_keep_alives_and_zero_window_probes_say_nothing_twice():
    talk = Talk().handshake().say(0, b"hello")
    alive = Sent(sequence=1005, acknowledgment=5001, flags="A", data=b"o", time=20 * SECOND)
    shut = Sent(SERVER, CLIENT, 5001, 1006, "A", b"", 21 * SECOND, window=0)
    probe = Sent(sequence=1006, acknowledgment=5001, flags="A", data=b"!", time=22 * SECOND)
    again = replace(probe, flags="PA", data=b"!world", time=23 * SECOND)
    events, engine = run([*talk.packets, alive, shut, probe, replace(shut, time=22 * SECOND + 1), again])
    assert streams(events)[0, 0].data == b"hello!world"
    (stats,) = engine.stats()
    assert stats.metrics is not None
    assert (stats.metrics.keepalive_count, stats.metrics.zero_window_events) == (1, 2)


def test_both_may_open_at_once_and_close_at_once():
    opening = [
        Sent(sequence=1000, flags="S", time=1),
        Sent(SERVER, CLIENT, 5000, 0, "S", time=2),
        Sent(sequence=1000, acknowledgment=5001, flags="SA", time=3),
        Sent(SERVER, CLIENT, 5000, 1001, "SA", time=4),
    ]
    talk = [
        Sent(sequence=1001, acknowledgment=5001, flags="PA", data=b"ping", time=5),
        Sent(SERVER, CLIENT, 5001, 1005, "PA", b"pong", 6),
        Sent(sequence=1005, acknowledgment=5005, flags="FA", time=7),
        Sent(SERVER, CLIENT, 5005, 1005, "FA", time=8),
        Sent(sequence=1006, acknowledgment=5006, flags="A", time=9),
        Sent(SERVER, CLIENT, 5006, 1006, "A", time=10),
    ]
    events, engine = run(opening + talk)
    found = streams(events)
    assert (found[0, 0].data, found[0, 1].data) == (b"ping", b"pong")
    assert [how for _, how, _ in closings(events)] == ["fin"]
    (stats,) = engine.stats()
    assert stats.state == "closed"


def many(template: PacketBlock, first: int, number: int) -> PacketBlock:
    """Give one packet of each of as many flows as the template has packets, from flow `first` on."""
    flows = np.arange(first, first + len(template))
    return replace(
        template,
        number=np.arange(number, number + len(template)),
        time_ns=template.time_ns + flows * 1000,
        source_low=np.uint64(0xFFFF0A000000) + (flows // 50_000).astype(np.uint64),
        source_port=(1024 + flows % 50_000).astype(np.uint16),
    )


def test_a_hundred_thousand_open_flows_fit_and_beyond_the_limit_the_oldest_are_marked_evicted():
    flows, limit, size = 100_000, 60_000, 20_000
    engine = StreamEngine(limits=Limits(open_connections=limit))
    opening = block(numbered([Sent(sequence=1, flags="S")] * size))
    hello = block(numbered([Sent(sequence=2, acknowledgment=1, flags="PA", data=b"hello", time=SECOND)] * size))
    events = []
    for template, before in ((opening, 0), (hello, flows)):
        for first in range(0, flows, size):
            events += engine.feed(many(template, first, before + first + 1))
    said = sum(len(piece.data) for event in events if isinstance(event, Window) for piece in event.pieces)
    assert said == 5 * flows
    evicted = [event for event in events if isinstance(event, Closing) and event.how == "evicted"]
    assert 0 < len(evicted) < engine.counters.evicted_connections  # of some nobody had heard yet
    assert engine.counters.evicted_connections >= flows - limit
    assert len(list(engine.drain())) == engine.counters.evicted_connections
    assert len(list(engine.stats())) <= limit


def segments(total: int, size: int, count: int) -> Iterator[PacketBlock]:
    """Give blocks of one flow that says `total` bytes in segments of `size`, whose bytes lie in one place."""
    template = block(numbered([Sent(sequence=1, acknowledgment=1, flags="A", data=bytes(size))] * count))
    sent = 0
    while sent < total:
        offsets = sent + np.arange(count, dtype=np.int64) * size
        yield replace(
            template,
            number=template.number + sent // size,
            time_ns=template.time_ns + np.arange(count) * 1000 + sent // size * 1000,
            payload_offset=np.full(count, template.payload_offset[0]),
            transport_offset=np.full(count, template.transport_offset[0]),
            sequence=(1 + offsets).astype(np.uint32),
        )
        sent += count * size


def grown_by(blocks: Iterator[PacketBlock], limits: Limits | None = None) -> tuple[int, int, StreamEngine]:
    """Feed blocks; give payload bytes that came out, and how far memory rose above what the first block took."""
    engine = StreamEngine(limits=limits)
    out = base = 0
    tracemalloc.start()
    try:
        for number, one in enumerate(blocks):
            for event in engine.feed(one):
                if isinstance(event, Window):
                    out += sum(len(piece.data) for piece in event.pieces)
            if number == 0:
                base = tracemalloc.get_traced_memory()[1]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return out, peak - base, engine


@pytest.mark.parametrize("total", [200 << 20, pytest.param(5 << 30, marks=pytest.mark.slow)])
def test_one_flow_of_any_size_takes_the_memory_of_a_block(total):
    size = 61_440
    out, growth, engine = grown_by(segments(total, size, 128))
    assert out >= total
    assert growth < 24 << 20
    (stats,) = engine.stats()
    assert stats.client.payload == out


def test_a_slow_loris_of_single_bytes_is_joined_in_bounded_memory():
    out, growth, engine = grown_by(segments(200_000, 1, 20_000))
    assert out == 200_000
    assert growth < 16 << 20
    assert engine.counters.gap_bytes == 0


def test_bytes_behind_a_hole_are_held_up_to_the_limit_of_the_flow_and_of_all():
    limits = Limits(flow_bytes=200_000, total_bytes=500_000, reorder_seconds=1e6)
    packets = []
    for flow in range(10):
        source = (0x0A000001, 2000 + flow)
        packets.append(Sent(source, SERVER, 1, 0, "S", time=flow))
        packets += [
            Sent(source, SERVER, 1000 + number * 1000, 1, "A", bytes(1000), SECOND + number * 100 + flow)
            for number in range(150)
        ]
    events, engine = run(sorted(packets, key=lambda packet: packet.time), limits=limits)
    assert engine.counters.abandoned_holes >= 5
    gaps = [p.gap for e in events if isinstance(e, Window) for p in e.pieces if p.gap]
    assert gaps == [998] * 10
    assert sum(len(p.data) for e in events if isinstance(e, Window) for p in e.pieces) == 10 * 150 * 1000


def test_what_was_idle_for_too_long_is_closed_as_evicted():
    talk = Talk().handshake().say(0, b"hello")
    stranger = [Sent((0x0A000009, 999), SERVER, 1, 0, "S", time=5000 * SECOND + number) for number in range(9000)]
    events, engine = run([*talk.packets, *stranger])
    assert "evicted" in [how for _, how, _ in closings(events)]
    assert engine.counters.evicted_connections == 1


@pytest.mark.parametrize("disorder", [False, True])
def test_times_that_no_clock_shows_are_no_round_trips(disorder):
    talk = Talk().handshake().say(0, b"hello")
    far = (1 << 62) - START_NS
    answer = Sent(SERVER, CLIENT, 5001, 1006, "PA", b"late", far)
    again = [replace(packet, time=packet.time + 1) for packet in talk.packets[-1:]] if disorder else []
    events, engine = run([*talk.packets, *again, *[answer] * 3])
    assert streams(events)[0, 1].data == b"late"
    (stats,) = engine.stats()
    assert stats.metrics is not None
    assert (stats.metrics.rtt_max_us or 0) < 1_000_000
