"""Which conversations are offered to readers of columns, and how they come to a dissector."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import pytest

from kubeshark_mcp.dissect.base import ColumnReader, Settings, Taken
from kubeshark_mcp.dissect.enrich import Enricher
from kubeshark_mcp.dissect.protocols.dns import Dns
from kubeshark_mcp.dissect.protocols.radius import Radius
from kubeshark_mcp.model.entry import Entry
from tests.dissect.datagram_building import Play, block, one_by_one, sent, udp
from tests.dissect.test_dns_columns import answer, query


class Jealous(Dns):
    """Is as sure of DNS as DNS is."""

    name: ClassVar[str] = "jealous"
    ports: ClassVar[frozenset[int]] = frozenset({40001})

    def columns(self, settings):
        return None


class Notes(Enricher):
    """Looks at each DNS entry."""

    name: ClassVar[str] = "notes"
    title: ClassVar[str] = "Notes"
    specification: ClassVar[str] = "none"
    enriches: ClassVar[frozenset[str]] = frozenset({"dns"})

    def annotate(self, entry: Entry) -> bool:
        return True


def exchange(of=None, first: int = 1):
    of = of or udp()
    return [sent(of, 0, query(first), first), sent(of, 1, answer(first), first + 1)]


def in_columns(protocols, datagrams, settings=None) -> int:
    """Give how many entries came as columns; they are what dissectors give."""
    play = Play(protocols, settings)
    play.engine.feed(block(datagrams))
    assert play.outcome() == one_by_one(protocols, datagrams, settings)
    return play.in_columns


@pytest.mark.parametrize(
    ("of", "settings", "expected"),
    [
        pytest.param(udp(), Settings(), 1, id="own port"),
        pytest.param(udp(port=8600), Settings(), 0, id="other port"),
        pytest.param(udp(port=8600), Settings(ports={8600: "dns"}), 1, id="mapped port"),
        pytest.param(udp(), Settings(ports={53: "radius"}), 0, id="mapped to another"),
        pytest.param(udp(), Settings(ports={40000: "radius"}), 0, id="client mapped to another"),
        pytest.param(udp(client_port=1812), Settings(), 0, id="a port of another at the client"),
        pytest.param(udp(), Settings(decode_as={("udp", 53): "dns"}), 0, id="declared"),
        pytest.param(udp(), Settings(decode_as={("tcp", 53): "dns"}), 1, id="declared for another transport"),
        pytest.param(udp(), Settings(enabled=frozenset({"radius"})), 0, id="disabled"),
    ],
)
def test_only_what_the_probe_would_surely_give_to_a_protocol_is_offered(of, settings, expected):
    assert in_columns([Dns(), Radius()], exchange(of), settings) == expected


def test_what_another_protocol_has_a_claim_to_goes_to_the_probes():
    assert in_columns([Dns(), Jealous()], exchange(udp(1))) == 0
    assert in_columns([Dns(), Jealous()], exchange(udp(2))) == 1


def test_entries_that_others_look_at_are_made_one_by_one():
    assert in_columns([Dns(), Notes()], exchange()) == 0


def test_a_port_at_which_another_protocol_was_found_last_is_for_the_probes():
    play = Play([Dns(), Jealous()])
    play.engine._shared.detector.found(Jealous(), "udp", 53)
    play.engine.feed(block(exchange()))
    assert play.in_columns == 0


def test_a_conversation_goes_to_a_dissector_whole_and_stays_there():
    of = udp()
    datagrams = [*exchange(of, 1), sent(of, 0, query(3), 3), sent(of, 1, b"??", 4), sent(of, 1, answer(3), 5)]
    play = Play([Dns()])
    for datagram in datagrams[:3]:
        play.engine.feed(block([datagram]))
    assert play.engine.bytes_dissected == sum(len(one.data) for one in datagrams[:3])
    play.engine.feed(block(datagrams[3:4]))
    assert play.in_columns == 1
    play.engine.feed(block(datagrams[4:]))
    assert play.in_columns == 1
    assert play.outcome() == one_by_one([Dns()], datagrams)
    assert play.engine.l7_of(of) == ("dns",)


def test_what_is_read_of_a_connection_before_counts_when_its_dissector_fails(monkeypatch):
    reached = []
    monkeypatch.setattr(
        "kubeshark_mcp.dissect.session.Session.resume", lambda session, protocol, reach: reached.append(reach)
    )
    of = udp()
    parts = [exchange(of, 1), [sent(of, 0, query(3), 3)], [sent(of, 0, b"??", 4)]]
    play = Play([Dns()])
    counted: Counter[tuple[int, int]] = Counter()
    for part in parts:
        play.engine.feed(block(part, counted))
    assert reached == [(len(query()), len(answer()))]


class Broken(ColumnReader):
    """Raises on whatever comes."""

    def feed(self, block, offered, fresh) -> Taken:
        raise ValueError("broken")

    def close(self, numbers):
        raise AssertionError("a reader that failed is not asked again")

    finish = close  # type: ignore[assignment]


class Fragile(Dns):
    """Has a reader with a fault."""

    def columns(self, settings):
        return Broken()


def test_a_fault_of_a_reader_is_reported_once_and_stops_nothing():
    play = Play([Fragile()])
    play.engine.feed(block(exchange()))
    play.engine.feed(block(exchange(udp(1), 3)))
    play.close([udp()])
    play.engine.finish()
    assert [str(warning).split(": ", 1)[1][:20] for warning in play.engine.warnings] == ["ValueError('broken')"]
    assert [entry.status for entry in play.entries] == ["NOERROR", "NOERROR"]


def test_protocols_without_columns_get_their_datagrams_one_by_one():
    assert in_columns([Jealous()], exchange()) == 0
