from __future__ import annotations

import tracemalloc

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.engine import WARNINGS, DissectionEngine
from kubeshark_mcp.dissect.protocols.http import Http
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Piece, Window
from tests.dissect.conversation import CLIENT, SERVER, connection

GET = b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def window(number: int, *said: tuple[int, bytes]) -> Window:
    pieces = [Piece(way, data, 0, 0, [0], [index + 1], [index + 1]) for index, (way, data) in enumerate(said)]
    return Window(connection(number=number), pieces)


def test_connections_are_read_side_by_side_and_closed_at_the_end_in_order():
    entries: list[Entry] = []
    engine = DissectionEngine([Http()], Settings(), entries.append)
    for number in range(3):
        engine.feed(window(number, (CLIENT, GET)))
    engine.feed(window(1, (SERVER, OK)))
    engine.finish()
    assert [(entry.connection.number, entry.status) for entry in entries] == [(1, "200"), (0, ""), (2, "")]


def test_a_closing_ends_a_connection_and_a_later_one_of_its_number_is_new():
    entries: list[Entry] = []
    engine = DissectionEngine([Http()], Settings(), entries.append)
    engine.feed(window(0, (CLIENT, GET)))
    engine.feed(Closing(connection(), "reset", 5))
    assert [entry.summary for entry in entries] == ["GET /a"]
    engine.feed(Closing(connection(number=7), "fin", 5))
    engine.finish()
    assert len(entries) == 1


def test_what_was_found_is_known_after_the_connection_has_gone():
    engine = DissectionEngine([Http()], Settings(), lambda entry: None)
    engine.feed(window(0, (CLIENT, GET)))
    engine.feed(window(1, (CLIENT, b"\x00" * 50)))
    engine.finish()
    assert engine.l7_of(connection()) == ("http",)
    assert engine.l7_of(connection(number=1)) == engine.l7_of(connection("udp")) == ()


def test_bytes_are_accounted_for():
    engine = DissectionEngine([Http()], Settings(), lambda entry: None)
    engine.feed(window(0, (CLIENT, GET), (SERVER, OK)))
    engine.feed(window(1, (CLIENT, b"\x00" * 50)))
    engine.feed(window(2, (CLIENT, b"GE")))
    engine.finish()
    assert engine.bytes_dissected == len(GET + OK)
    assert engine.bytes_unknown == 52
    assert engine.bytes_fed == len(GET + OK) + 52


def test_warnings_are_kept_up_to_a_number_and_counted_beyond(monkeypatch):
    def fail(self: object, opening: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(Http, "probe", fail)
    engine = DissectionEngine([Http()], Settings(), lambda entry: None)
    for number in range(WARNINGS + 5):
        engine.feed(window(number, (CLIENT, GET)))
    assert (len(engine.warnings), engine.warnings_left_out) == (WARNINGS, 5)
    assert str(engine.warnings[0]).startswith("the http dissector failed on tcp.stream 0 (10.0.0.1:50000 to ")


def test_idle_connections_are_small():
    engine = DissectionEngine([Http()], Settings(), lambda entry: None)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(1000):
        engine.feed(window(number, (CLIENT, GET), (SERVER, OK)))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / 1000 < 6000
