"""How good captures are: each number from packets that are built for it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.capture import build_index, open_capture
from kubeshark_mcp.capture import quality as quality_module
from kubeshark_mcp.capture.quality import (
    CaptureQuality,
    ClockDifference,
    Quality,
    QualityTally,
    compare_clocks,
    lines,
    quality_of_index,
)
from kubeshark_mcp.dissect.stats_columns import columns_of
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, TcpMetrics, Traffic
from tests.capture.building import START, block, ethernet, interface, ipv4, option, pcap_head, record, section, tcp

MILLISECOND = 1_000_000


def packet(number: int, *, back: bool = False, ttl: int = 64, payload: bytes = b"hello") -> bytes:
    """Give a packet of a conversation; `number` makes it differ from others."""
    ends = {"source": "10.0.0.2", "destination": "10.0.0.1"} if back else {}
    ports = (80, 40000) if back else (40000, 80)
    content = bytearray(ipv4(tcp(payload, ports=ports, sequence=number), identification=number % 60_000 + 1, **ends))
    content[8] = ttl
    return ethernet(bytes(content))


def tally(path: Path, packets: list[tuple[int, bytes]], node: str = "a", size: int = 1000) -> QualityTally:
    """Give the tally of packets at times (microseconds)."""
    path.write_bytes(pcap_head() + b"".join(record(data, START + us // 10**6, us % 10**6) for us, data in packets))
    found = QualityTally(path.name, node)
    with open_capture(path) as capture:
        for one in capture.blocks(size):
            found.look(one)
    return found


def connection(state: str = "closed", client: int = 3, server: int = 3, **changes: object) -> ConnectionStats:
    ends = Endpoint("10.0.0.1", 4), Endpoint("10.0.0.2", 80)
    start = bool(changes.pop("from_start", True))
    transport = str(changes.pop("transport", "tcp"))
    metrics = TcpMetrics(missing_segments=int(changes.pop("missing", 0)))
    traffic = Traffic(client), Traffic(server)
    return ConnectionStats(Connection(0, transport, *ends, from_start=start), state, *traffic, 1, 2, 1, 2, metrics)


def test_a_good_capture_has_nothing_to_tell(tmp_path):
    found = tally(tmp_path / "a.pcap", [(number, packet(number)) for number in range(100)])
    found.take_columns(*columns_of([connection()]))
    quality = found.finish()
    assert quality == CaptureQuality("a.pcap", "a", packets=100, tcp_connections=1)
    assert Quality((quality,)).sentences() == []


@pytest.mark.parametrize("size", [1000, 7])
def test_packets_that_are_cut_and_packets_that_come_twice_are_counted(tmp_path, size):
    cut = record(packet(1), START, 0, original=1500)
    path = tmp_path / "a.pcap"
    twice = [record(packet(number), START, 5000 + 100 * number) for number in (2, 2, 3, 3, 3)]
    again = [record(packet(4), START, 6000), record(packet(4), START, 300_000)]
    routed = [record(packet(5), START, 400_000), record(packet(5, ttl=63), START, 400_010)]
    bare = [record(packet(0, payload=b""), START, 500_000 + number) for number in range(2)]
    path.write_bytes(pcap_head() + b"".join([cut, *twice, *again, *routed, *bare]))
    found = QualityTally("a.pcap")
    with open_capture(path) as capture:
        for one in capture.blocks(1000):
            found.look(one)
    quality = found.finish()
    assert (quality.packets, quality.cut_packets, quality.cut_bytes) == (12, 1, 1500 - len(packet(1)))
    assert quality.duplicates == 3 + 1


def test_connections_are_judged_by_what_was_seen_of_them(tmp_path):
    found = tally(tmp_path / "a.pcap", [])
    for one in (
        connection(server=0),
        connection(client=0, from_start=False),
        connection("syn_sent", server=0),
        connection("refused", server=0),
        connection(missing=2),
        connection(transport="udp", server=0, from_start=False),
    ):
        found.take_columns(*columns_of([one]))
    quality = found.finish(damages=1, dropped=7, gap_bytes=1, conflicting_bytes=2, evicted=3)
    assert quality.findings() == [
        "7 packets lost while capturing",
        "2 of 5 TCP connections seen in one direction only",
        "1 of 5 TCP connections began before the capture",
        "1 of 5 TCP connections with segments that are missing",
        "1 byte of streams missing",
        "2 bytes sent again with another content",
        "3 connections given up while open",
    ]


@given(offset=st.integers(-5_000_000, 5_000_000), delay=st.integers(0, 5000), count=st.integers(3, 30))
def test_the_difference_of_clocks_is_found_whatever_the_way_between_the_nodes(tmp_path_factory, offset, delay, count):
    folder = tmp_path_factory.mktemp("clocks")
    sent = [(20_000_000 + number * 1000, packet(number, back=number % 2 == 1)) for number in range(2 * count)]
    there = [
        (us + offset + (-delay if number % 2 else delay), data) for number, (us, data) in enumerate(sent)
    ]  # what goes back leaves there first
    pair = tally(folder / "a", sent, "node-a"), tally(folder / "b", there, "node-b", size=5)
    (clock,) = compare_clocks(pair)
    ahead = ("node-a", "node-b") if offset > 0 else ("node-b", "node-a")
    assert clock == ClockDifference(*ahead, abs(offset) * 1000, delay * 1000, 2 * count)


def test_with_one_direction_alone_the_way_is_part_of_the_difference(tmp_path):
    sent = [(number * 1000, packet(number)) for number in range(10)]
    pair = tally(tmp_path / "a", sent), tally(tmp_path / "b", [(us + 3000, data) for us, data in sent], "b")
    (clock,) = compare_clocks(pair)
    assert str(clock) == ("the clock of b is 3.000 ms ahead of that of a (one direction only, 10 packets seen by both)")
    assert Quality(clocks=(clock,)).sentences() == [str(clock)]


def test_clocks_of_one_node_and_of_strangers_are_not_compared(tmp_path):
    sent = [(number, packet(number)) for number in range(10)]
    other = [(number, packet(number + 1000)) for number in range(10)]
    same, stranger = tally(tmp_path / "b", sent), tally(tmp_path / "c", other, "c")
    assert compare_clocks([tally(tmp_path / "a", sent), same, stranger]) == ()


def test_the_packets_remembered_are_few_and_the_same_everywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(quality_module, "SAMPLES", 50)
    sent = [(number * 10, packet(number)) for number in range(2000)]
    one = tally(tmp_path / "a", sent, "a", size=100)
    other = tally(tmp_path / "b", [(us + 2000, data) for us, data in sent[500:]], "b", size=333)
    (clock,) = compare_clocks([one, other])
    assert 20 <= clock.packets <= 50
    assert clock.difference_ns == 2 * MILLISECOND


def test_an_index_tells_damage_drops_and_cuts(tmp_path):
    path = tmp_path / "a.pcapng"
    lost = block(5, struct.pack("<III", 0, 0, 0) + option(5, struct.pack("<Q", 9)))
    path.write_bytes(section() + interface() + lost + b"junk")
    (told,) = quality_of_index(build_index(path, tmp_path / "index"))[:1]
    assert told.startswith("a.pcapng: ")
    assert any("dropped 9 packets" in one for one in quality_of_index(build_index(path, tmp_path / "index")))
    cut = tmp_path / "b.pcap"
    cut.write_bytes(pcap_head() + record(packet(1), original=1500))
    assert quality_of_index(build_index(cut, tmp_path / "index")) == ["b.pcap: 1 of 1 packet cut by the snap length"]


def test_the_report_for_people_has_a_paragraph_a_capture_and_the_shares():
    clock = ClockDifference("a", "b", 5, 2, 4)
    good, bad = CaptureQuality("a.pcap", "a", 5, tcp_connections=1), CaptureQuality("b", "b", 1, dropped=1)
    assert lines(Quality((good, bad), (clock,), 75, 20, 5), ["the file ends"]) == [
        "a.pcap (a): 5 packets, 1 TCP connection",
        "  nothing is missing that can be told",
        "b: 1 packet, 0 TCP connections",
        "  1 packet lost while capturing",
        "clocks: the clock of b is 0.000 ms ahead of that of a (plus or minus 0.000 ms, 4 packets seen by both)",
        "content: 100 payload bytes: 75.0 % dissected, 20.0 % recognised but encrypted, 5.0 % unknown",
        "warning: the file ends",
    ]
    assert lines(Quality()) == ["content: no payload was dissected"]


def test_that_some_connections_began_before_is_usual_and_that_most_did_is_not():
    some, most = (CaptureQuality("a", tcp_connections=10, mid_stream=number) for number in (5, 6))
    assert Quality((some,)).sentences() == []
    assert Quality((most,)).sentences() == ["a: capture quality: 6 of 10 TCP connections began before the capture"]
    assert some.findings() == ["5 of 10 TCP connections began before the capture"]


def test_connections_in_columns_are_counted_as_one_by_one():
    every = [
        connection(),
        connection("refused", server=0),
        connection("syn_sent", server=0),
        connection("established", client=0, missing=3),
        connection("reset", from_start=False, server=0),
        connection("active", transport="udp", server=0),
    ]
    one_by_one, many = QualityTally("a"), QualityTally("a")
    for one in every:
        one_by_one.take_columns(*columns_of([one]))
    for columns in columns_of(every):
        assert many.take_columns(columns) is columns
    assert many.finish() == one_by_one.finish()
    assert many.finish().one_sided == 2
