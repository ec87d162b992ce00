"""A batch may be cut anywhere: what comes of it is the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.model.stream import Window
from kubeshark_mcp.stream import analyst, splitting, transmission
from kubeshark_mcp.stream.engine import StreamEngine
from tests.stream.building import CLIENT, Sent, Talk, closings, cut, numbered, streams


def long_talk(port: int = 40000, answers: int = 30) -> list[Sent]:
    talk = Talk(client=(CLIENT[0], port)).handshake()
    for number in range(answers):
        talk.say(0, b"question %d" % number).say(1, b"answer %d" % number, b"more of it")
    return talk.close().packets


def follow(packets: list[Sent]) -> tuple[object, ...]:
    engine = StreamEngine()
    events = [event for block in cut(numbered(packets), ()) for event in engine.feed(block)]
    events += engine.finish()
    return streams(events), sorted(closings(events)), list(engine.stats()), engine.counters


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_however_a_batch_is_cut_it_gives_the_same_bytes_and_metrics(data):
    packets = [*long_talk(40000, 12), *long_talk(40001, 12)]
    for _ in range(data.draw(st.integers(0, 5))):
        place = data.draw(st.integers(0, len(packets) - 2))
        what = data.draw(st.sampled_from(["lose", "repeat", "swap"]))
        if what == "lose":
            del packets[place]
        elif what == "repeat":
            packets.insert(data.draw(st.integers(place, len(packets))), packets[place])
        else:
            packets[place], packets[place + 1] = packets[place + 1], packets[place]
    whole = follow(packets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splitting, "WORTH_PACKETS", 1)
        patch.setattr(splitting, "NEIGHBOURHOOD", data.draw(st.integers(1, 9)))
        assert follow(packets) == whole


def test_only_the_neighbourhood_of_an_odd_packet_goes_packet_by_packet(monkeypatch):
    singly = []
    given = analyst._packets

    def spy(batch, segments, start, end):
        singly.extend(batch.number[start:end].tolist())
        return given(batch, segments, start, end)

    monkeypatch.setattr(analyst, "_packets", spy)
    packets = long_talk(answers=400)
    packets.insert(1000, packets[997])  # a retransmission
    follow(packets)
    assert np.array_equal(singly, np.arange(1001, 1001 + splitting.NEIGHBOURHOOD))


def test_connections_without_odd_packets_stay_out_of_the_cuts(monkeypatch):
    cut_connections = []
    given_split = splitting.split

    def spy(batch, segments, verdict):
        parts = given_split(batch, segments, verdict)
        cut_connections.append([len(part.rows) for part, _ in parts or ()])
        return parts

    monkeypatch.setattr(transmission, "split", spy)
    packets = [*long_talk(40000, 400), *long_talk(40001, 400)]
    packets.insert(1000, packets[997])
    follow(packets)
    assert cut_connections[0] == [1, 1, 1]


def test_a_few_packets_are_not_worth_a_cut(monkeypatch):
    singly = []
    given = analyst._packets
    monkeypatch.setattr(analyst, "_packets", lambda *rest: singly.append(rest[2:]) or given(*rest))
    packets = long_talk(answers=5)
    packets.insert(20, packets[17])
    follow(packets)
    assert singly == [(0, len(packets))]


def test_each_connection_gets_one_window_of_a_block_however_it_is_cut(monkeypatch):
    packets = [*long_talk(40000), *long_talk(40001)]
    packets.insert(40, packets[37])  # a retransmission
    found = []
    for worth in (1, 1 << 30):
        monkeypatch.setattr(splitting, "WORTH_PACKETS", worth)
        [block] = cut(numbered(packets), ())
        windows = [event for event in StreamEngine().feed(block) if isinstance(event, Window)]
        windows.sort(key=lambda window: window.connection.client.port)
        assert [window.connection.client.port for window in windows] == [40000, 40001]
        found.append([b"".join(piece.data for piece in window) for window in windows])
    assert found[0] == found[1]
