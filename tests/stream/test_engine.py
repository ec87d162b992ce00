from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.model.stream import Connection, Datagram, Endpoint
from kubeshark_mcp.stream.engine import Limits, StreamEngine
from tests.stream.building import (
    CLIENT,
    MILLISECOND,
    SERVER,
    START_NS,
    Sent,
    Talk,
    closings,
    cut,
    numbered,
    run,
    streams,
    turns,
)

CLIENT_END, SERVER_END = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 80)


def exchange() -> list[Sent]:
    return Talk().handshake().say(0, b"GET /", b" HTTP/1.1").say(1, b"200", b" OK").say(0, b"bye").close().packets


def windows(events):
    return [event for event in events if hasattr(event, "pieces")]


def test_a_conversation_in_order_is_one_window_of_turns():
    events, _ = run(exchange())
    connection = Connection(
        number=0,
        transport="tcp",
        client=CLIENT_END,
        server=SERVER_END,
        client_sequence=1001,
        server_sequence=5001,
        from_start=True,
    )
    assert windows(events)[0].connection == connection
    assert turns(events) == [(0, b"GET / HTTP/1.1", 0), (1, b"200 OK", 0), (0, b"bye", 0)]
    first = windows(events)[0].pieces[0]
    assert [first.offset, list(first.starts), list(first.packets)] == [0, [0, 5], [4, 6]]
    assert list(first.times) == [START_NS + 4 * MILLISECOND, START_NS + 6 * MILLISECOND]
    assert closings(events) == [(0, "fin", 15 * MILLISECOND)]


@settings(deadline=None)
@given(st.lists(st.integers(1, 15), max_size=6))
def test_any_chunking_of_an_orderly_conversation_gives_the_same_bytes_packets_and_times(cuts):
    whole, chunked = run(exchange())[0], run(exchange(), cuts)[0]
    assert streams(chunked) == streams(whole)
    assert turns(chunked) == turns(whole)
    assert closings(chunked) == closings(whole)


@st.composite
def steps(draw, talk):
    """One packet of a two-way conversation, or a pause in it."""
    way = draw(st.integers(0, 1))
    kind = draw(st.sampled_from(["data", "data", "data", "ack", "cut", "keep-alive", "pause"]))
    if kind == "data":
        talk.send(way, bytes(draw(st.lists(st.integers(0, 255), min_size=1, max_size=5))), "PA")
    elif kind == "cut":
        talk.send(way, b"ab"[: draw(st.integers(0, 2))], missing=draw(st.integers(1, 3)))
    elif kind == "keep-alive":
        talk.send(way, sequence=(talk.next[way] - 1) % 2**32)
    elif kind == "pause":
        talk.now += draw(st.sampled_from([60, 12_000])) * MILLISECOND
    else:
        talk.send(way)


@st.composite
def troubled_captures(draw):
    """Conversations with loss, duplication, reordering, cut payloads, keep-alives and pauses."""
    talk = Talk(draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        talk.handshake()
    for _ in range(draw(st.integers(1, 12))):
        draw(steps(talk))
    ending = draw(st.sampled_from(["open", "close", "reset"]))
    if ending == "close":
        talk.close()
    elif ending == "reset":
        talk.send(draw(st.integers(0, 1)), flags="RA")
    packets = talk.packets or [Sent()]
    places = st.integers(0, len(packets) - 1)
    for _ in range(draw(st.integers(0, 4))):
        place, other = draw(places) % len(packets), draw(places) % len(packets)
        action = draw(st.sampled_from(["drop", "double", "move"]))
        if action == "drop" and len(packets) > 1:
            packets.pop(place)
        elif action == "double":
            packets.insert(other, packets[place])
        elif action == "move":
            packets.insert(other, packets.pop(place))
    return packets


@settings(max_examples=200, deadline=None)
@given(troubled_captures(), st.lists(st.integers(1, 40), max_size=8))
def test_any_chunking_of_any_capture_gives_the_same_streams(packets, cuts):
    whole, engine = run(packets)
    chunked, other = run(packets, cuts)
    assert streams(chunked) == streams(whole)
    assert turns(chunked) == turns(whole)
    assert closings(chunked) == closings(whole)
    assert list(other.stats()) == list(engine.stats())


@st.composite
def reordered_captures(draw):
    """A whole conversation, and its packets behind the handshake shuffled within a short distance and doubled."""
    talk = Talk(draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 2**32 - 1))).handshake()
    for _ in range(draw(st.integers(1, 10))):
        talk.say(draw(st.integers(0, 1)), bytes(draw(st.lists(st.integers(0, 255), min_size=1, max_size=6))))
    orderly, packets = list(talk.packets), talk.packets
    body = packets[3:]
    keys = [place + draw(st.integers(0, 6)) for place in range(len(body))]
    shuffled = [body[place] for place in sorted(range(len(body)), key=lambda place: keys[place])]
    for _ in range(draw(st.integers(0, 3))):
        shuffled.insert(draw(st.integers(0, len(shuffled))), draw(st.sampled_from(body)))
    return orderly, [*packets[:3], *(replace(packet, time=10 * MILLISECOND) for packet in shuffled)]


@settings(max_examples=150, deadline=None)
@given(reordered_captures(), st.lists(st.integers(1, 40), max_size=4))
def test_reordering_and_duplication_within_the_limits_change_no_byte(captures, cuts):
    orderly, shuffled = captures
    expected = {key: (stream.data, stream.gaps) for key, stream in streams(run(orderly)[0]).items()}
    assert {key: (stream.data, stream.gaps) for key, stream in streams(run(shuffled, cuts)[0]).items()} == expected


def test_two_capture_points_see_two_connections():
    packets = [replace(packet, point=point) for packet in exchange() for point in (3, 7)]
    events, engine = run(packets)
    assert sorted((stats.connection.number, stats.connection.point) for stats in engine.stats()) == [(0, 3), (1, 7)]
    assert {key[0]: stream.data for key, stream in streams(events).items() if key[1] == 1} == {
        0: b"200 OK",
        1: b"200 OK",
    }


def test_each_transport_is_numbered_on_its_own_in_order_of_first_packets():
    udp = Sent(protocol=17, data=b"q", destination=(SERVER[0], 53))
    packets = [udp, *exchange(), replace(udp, source=(CLIENT[0], 41000)), replace(udp, protocol=1, flags="")]
    _, engine = run(packets)
    assert [(stats.connection.transport, stats.connection.number) for stats in engine.stats()] == [
        ("tcp", 0),
        ("udp", 0),
        ("udp", 1),
        ("icmp", 0),
    ]


def test_datagrams_come_whole_with_their_direction():
    query = Sent(protocol=17, data=b"query", destination=(SERVER[0], 53), time=5)
    answer = Sent(SERVER, CLIENT, protocol=17, data=b"answer", time=9000, missing=3)
    answer = replace(answer, source=(SERVER[0], 53))
    events, _ = run([query, answer])
    connection = Connection(0, "udp", CLIENT_END, Endpoint("10.0.0.2", 53))
    assert events[:2] == [
        Datagram(connection, 0, b"query", 1, START_NS + 5),
        Datagram(connection, 1, b"answer", 2, START_NS + 9000, 3),
    ]
    assert closings(events) == [(0, "end", 9000)]


def test_a_muted_connection_is_only_counted():
    blocks = cut(numbered(exchange()), [5])
    engine = StreamEngine()
    (window,) = engine.feed(blocks[0])
    window.connection.muted = True
    assert windows(engine.feed(blocks[1])) == []
    (stats,) = engine.stats()
    assert (stats.client.payload, stats.server.payload) == (17, 6)
    assert stats.state == "closed"


def test_idle_connections_are_evicted_and_keep_their_statistics():
    limits = Limits(tcp_idle_seconds=1.0)
    early = Talk().handshake().say(0, b"hello").packets
    late = Talk(client=(CLIENT[0], 50000)).handshake().say(0, b"x" * 3).packets
    noise = [replace(late[-1], time=5_000 * MILLISECOND) for _ in range(10_000)]
    events, engine = run([*early, *late, *noise], range(0, 12_000, 3_000), limits)
    assert (0, "evicted", 5 * MILLISECOND) in closings(events)
    assert engine.counters.evicted_connections == 1
    assert [(stats.connection.number, stats.client.payload) for stats in engine.stats()] == [(0, 5), (1, 3)]


def test_the_number_of_open_connections_is_bounded():
    packets = [Sent((CLIENT[0], 1024 + port), SERVER, flags="S", time=port) for port in range(300)]
    _, engine = run(packets, range(0, 300, 50), Limits(open_connections=100))
    assert engine.counters.evicted_connections >= 200
    assert sum(1 for _ in engine.stats()) == 300


def test_drained_statistics_are_given_once():
    packets = [Sent((CLIENT[0], 1024 + port), SERVER, flags="S", time=port) for port in range(300)]
    _, engine = run(packets, range(0, 300, 50), Limits(open_connections=100))
    drained = [stats.connection.number for stats in engine.drain()]
    kept = [stats.connection.number for stats in engine.stats()]
    assert list(engine.drain()) == []
    assert sorted(drained + kept) == list(range(300))


def test_who_does_not_ask_for_statistics_lets_go_of_them():
    packets = [Sent((CLIENT[0], 1024 + port), SERVER, flags="S", time=port) for port in range(300)]
    packets.append(Sent((CLIENT[0], 9), SERVER, protocol=17, data=b"ask"))
    _, engine = run(packets, range(0, 300, 50), Limits(open_connections=100))
    engine.forget()
    assert list(engine.drain()) == []
    assert len(list(engine.stats())) <= 102


def test_packets_without_a_transport_are_skipped_and_counted():
    _, engine = run([Sent(protocol=47), *exchange()])
    assert engine.counters.skipped_packets == 1
    assert sum(1 for _ in engine.stats()) == 1


@settings(deadline=None)
@given(st.lists(st.integers(1, 15), max_size=3), st.randoms(use_true_random=False))
def test_without_payload_there_are_only_statistics(cuts, chance):
    packets = exchange()
    chance.shuffle(packets)
    datagram = replace(packets[0], protocol=17, data=b"question")
    with_bytes, without = StreamEngine(), StreamEngine(payload=False)
    for block in cut([*packets, datagram], cuts):
        assert with_bytes.feed(block) is not None
        assert without.feed(block) == []
    assert with_bytes.finish()
    assert without.finish() == []
    # Where a connection's bytes begin is known only to those who read them.
    stats = [[replace(one, connection=replace(one.connection, from_start=False)) for one in engine.stats()]
             for engine in (without, with_bytes)]  # fmt: skip
    assert stats[0] == stats[1]
