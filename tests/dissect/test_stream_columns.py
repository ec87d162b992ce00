"""Which connections are offered to readers of columns, and how they come to a dissector."""

from __future__ import annotations

from typing import ClassVar

import pytest

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.enrich import Enricher
from kubeshark_mcp.dissect.protocols.http import Http
from kubeshark_mcp.dissect.protocols.redis import Redis
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.stream.engine import StreamEngine
from tests.dissect.datagram_building import Play
from tests.dissect.stream_building import played, talk
from tests.dissect.test_redis_columns import GET
from tests.stream.building import Talk, cut, numbered

VALUE = b"$1\r\nx\r\n"


class Jealous(Redis):
    """Is as sure of Redis as Redis is, and is asked before it."""

    name: ClassVar[str] = "jealous"
    ports: ClassVar[frozenset[int]] = frozenset({40001})

    def stream_columns(self, settings):
        return None


class Notes(Enricher):
    """Looks at each Redis entry."""

    name: ClassVar[str] = "notes"
    title: ClassVar[str] = "Notes"
    specification: ClassVar[str] = "none"
    enriches: ClassVar[frozenset[str]] = frozenset({"redis"})

    def annotate(self, entry: Entry) -> bool:
        return True


class Broken(Redis):
    """Has a reader that fails."""

    def stream_columns(self, settings):
        reader = super().stream_columns(settings)
        reader.read = None
        return reader


def exchange(place: int = 0, port: int = 6379) -> Talk:
    return talk(place, port).say(0, GET).say(1, VALUE)


def in_columns(protocols, packets, settings=None) -> int:
    play, outcome = played(protocols, packets, [8], settings, columns=True)
    assert outcome == played(protocols, packets, [8], settings, columns=False)[1]
    return play.in_columns


@pytest.mark.parametrize(
    ("port", "settings", "expected"),
    [
        pytest.param(6379, Settings(), 1, id="own port"),
        pytest.param(7000, Settings(), 0, id="other port"),
        pytest.param(7000, Settings(ports={7000: "redis"}), 1, id="mapped port"),
        pytest.param(6379, Settings(ports={6379: "http"}), 0, id="mapped to another"),
        pytest.param(6379, Settings(ports={40000: "http"}), 0, id="client mapped to another"),
        pytest.param(6379, Settings(decode_as={("tcp", 6379): "redis"}), 0, id="declared"),
        pytest.param(6379, Settings(enabled=frozenset({"http"})), 0, id="disabled"),
    ],
)
def test_only_what_the_probe_would_surely_give_to_a_protocol_is_offered(port, settings, expected):
    assert in_columns([Redis(), Http()], exchange(port=port).close().packets, settings) == expected


def test_what_others_look_at_or_claim_is_made_one_by_one():
    assert in_columns([Redis(), Notes()], exchange().packets) == 0
    assert in_columns([Redis(), Jealous()], exchange(1).packets) == 0
    assert in_columns([Redis(), Jealous()], exchange(2).packets) == 1


def test_a_connection_of_another_protocol_on_the_port_is_left_to_the_probes():
    http = talk().say(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").say(1, b"HTTP/1.1 204 No Content\r\n\r\n").close()
    assert in_columns([Redis(), Http()], [*exchange(1).packets, *http.packets]) == 1
    assert in_columns([Redis(), Http()], [*http.packets, *exchange(1).packets]) == 0


def test_a_fault_of_a_reader_is_reported_and_dissectors_go_on():
    play, streams = Play([Broken()]), StreamEngine(columns=True)
    for block in cut(numbered(exchange().packets), [4, 6]):
        for event in streams.feed(block):
            play.engine.feed(event)
    play.engine.finish()
    assert [warning.protocol for warning in play.engine.warnings] == ["redis"]
    assert [entry.summary for entry in play.entries] == ["GET a"]
