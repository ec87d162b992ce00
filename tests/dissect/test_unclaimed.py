from __future__ import annotations

from dataclasses import replace

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.dissect.protocols.http import Http
from kubeshark_mcp.dissect.stats_columns import columns_of
from kubeshark_mcp.dissect.unclaimed import PREVIEW, unclaimed_entry, unclaimed_rows
from kubeshark_mcp.model.stream import Closing, ConnectionStats, Datagram, Span, Traffic, Unclaimed
from tests.dissect.conversation import CLIENT, SERVER, START_NS, Talk, connection, packets, windows
from tests.dissect.samples.tlsx import SAMPLES as TLS
from tests.dissect.tls_building import CHANGE, SEALED_FINISHED, record

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NOISE = bytes(range(128, 192))


def stats_of(talk: Talk, transport: str = "tcp", more: int = 0) -> ConnectionStats:
    """The flow table's view; more: payload bytes of the server that were never joined."""
    sizes = [sum(len(data) for way, data in talk if way is wanted) for wanted in (CLIENT, SERVER)]
    counts = [sum(way is wanted for way, _ in talk) for wanted in (CLIENT, SERVER)]
    sides = Traffic(counts[0], 0, sizes[0]), Traffic(counts[1], 0, sizes[1] + more)
    last = len(talk) + bool(more)
    return ConnectionStats(connection(transport), "established", *sides, 1, last, START_NS, START_NS + last * 1_000_000)


def engine_after(talk: Talk, protocols=None) -> DissectionEngine:
    engine = DissectionEngine(load_protocols() if protocols is None else protocols, Settings(), lambda entry: None)
    of = connection()
    for window in windows(of, packets(talk)):
        engine.feed(window)
    engine.feed(Closing(of, "fin", START_NS + 10**9))
    engine.finish()
    return engine


def test_payload_of_no_protocol_is_kept_by_its_size_place_and_beginning():
    talk = [(CLIENT, NOISE), (SERVER, NOISE * 8), (CLIENT, NOISE)]
    engine = engine_after(talk)
    found = engine.described(stats_of(talk)).unclaimed
    assert found == Unclaimed(
        "data",
        Span(0, 128, 1, 3, START_NS + 1_000_000, START_NS + 3_000_000),
        Span(0, 512, 2, 2, START_NS + 2_000_000, START_NS + 2_000_000),
        (NOISE * 2, (NOISE * 8)[:PREVIEW]),
        3,
    )
    assert (engine.bytes_fed, engine.bytes_dissected, engine.bytes_recognised, engine.bytes_unknown) == (640, 0, 0, 640)


def test_a_connection_that_was_read_in_full_leaves_nothing():
    talk = [(CLIENT, GET), (SERVER, OK)]
    engine = engine_after(talk)
    described = engine.described(stats_of(talk))
    assert (described.unclaimed, described.l7) == (None, ("http",))
    assert engine.bytes_dissected == engine.bytes_fed == len(GET + OK)


def test_what_came_after_nobody_wanted_more_is_counted_from_the_flow_table():
    talk = [(CLIENT, NOISE), (SERVER, NOISE)] * 8
    engine = engine_after(talk)
    described = engine.described(stats_of(talk, more=1_000_000))
    assert described.unclaimed is not None
    assert described.unclaimed.response is not None
    assert described.unclaimed.response.length == 8 * 64 + 1_000_000
    assert described.unclaimed.response.last_packet == described.last_packet
    assert engine.bytes_unknown == engine.bytes_fed == 16 * 64 + 1_000_000


def test_what_tls_hides_is_recognised_and_not_dissected():
    sealed = record(23, bytes(range(256)) * 4)
    handshake = [*TLS["a session is resumed"][:2], (CLIENT, CHANGE + SEALED_FINISHED)]
    talk = [*handshake, (CLIENT, sealed), (SERVER, sealed * 3)]
    engine = engine_after(talk)
    described = engine.described(stats_of(talk, more=5000))
    found = described.unclaimed
    assert found is not None
    assert (found.how, found.first, described.l7) == ("encrypted", (b"", b""), ("tlsx",))
    assert (found.request.length, found.response.length) == (len(sealed), 3 * len(sealed) + 5000)
    assert engine.bytes_recognised == 4 * len(sealed) + 5000
    assert engine.bytes_dissected + engine.bytes_recognised == engine.bytes_fed
    assert engine.bytes_unknown == 0


def test_a_connection_is_described_once():
    talk = [(CLIENT, NOISE)]
    engine = engine_after(talk)
    assert engine.described(stats_of(talk)).unclaimed is not None
    assert engine.described(stats_of(talk)).unclaimed is None


def test_datagrams_of_no_protocol_are_counted():
    engine = DissectionEngine([Http()], Settings(), lambda entry: None)
    of = connection("udp")
    for number, direction in enumerate((CLIENT, SERVER, CLIENT), 1):
        engine.feed(Datagram(of, direction, NOISE, number, START_NS + number * 1_000_000))
    engine.finish()
    stats = stats_of([(CLIENT, NOISE), (SERVER, NOISE), (CLIENT, NOISE)], "udp")
    found = engine.described(stats).unclaimed
    assert found is not None
    assert (found.request.length, found.response.length, found.packets) == (128, 64, 3)


def test_an_entry_says_what_there_is():
    request = Span(0, 300, 4, 9, START_NS, START_NS + 5)
    stats = replace(stats_of([]), unclaimed=Unclaimed("data", request, None, (b"SSH-2.0-", b""), 2))
    entry = unclaimed_entry("tcp", stats)
    assert entry is not None
    assert (entry.request, entry.response, entry.request_body) == (request, None, b"SSH-2.0-")
    assert entry.summary == "unknown payload, 300 bytes sent, 0 received"
    assert entry.fields == {
        "tcp": True,
        "tcp_method": "data",
        "tcp_payload": b"SSH-2.0-",
        "request_body_size": 300,
        "response_body_size": 0,
    }


def test_a_connection_that_never_came_about_is_an_entry_and_one_without_payload_is_none():
    assert unclaimed_entry("tcp", stats_of([])) is None
    entry = unclaimed_entry("tcp", replace(stats_of([]), state="refused"))
    assert entry is not None
    assert (entry.failed, entry.status, entry.summary) == (True, "refused", "no connection to port 40080")
    assert entry.fields == {"tcp": True, "tcp_method": "error"}


def test_many_connections_are_described_as_one_by_one():
    talk = [(CLIENT, NOISE), (SERVER, NOISE)]
    other = ConnectionStats(connection(number=7), "syn_sent", Traffic(1, 60), Traffic(), 9, 9, 1, 1)
    plain = ConnectionStats(connection(number=8), "closed", Traffic(1, 60), Traffic(), 9, 9, 1, 1)
    one_by_one, many = engine_after(talk), engine_after(talk)
    expected = [one_by_one.described(one) for one in (stats_of(talk, more=5), other, plain)]
    (columns,) = columns_of([stats_of(talk, more=5), other, plain])
    found = many.described_columns(columns)
    assert found.stats() == expected
    assert unclaimed_rows(found) == expected[:2]
    assert (many.bytes_fed, many.bytes_unknown) == (one_by_one.bytes_fed, one_by_one.bytes_unknown)
    assert expected[0].unclaimed is not None
    assert many.described_columns(columns).unclaimed == {}
