from __future__ import annotations

from typing import ClassVar

import pytest

from kubeshark_mcp.dissect.base import Confidence, ConnectionProtocol, Context, Dissector, Opening, Protocol, Settings
from kubeshark_mcp.dissect.detection import NOBODY, WAIT, Detector, Verdict, turned, turned_opening
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.model.stream import Connection, Endpoint
from tests.dissect.conversation import connection

FAULTS: list[tuple[str, str]] = []


class Fixed(Protocol):
    """Always of one opinion."""

    title = specification = ""

    def __init__(self, name: str, opinion: Confidence | Exception, ports: set[int] = frozenset(), transport="tcp"):
        self.name = name
        self.opinion = opinion
        self.ports = frozenset(ports)
        self.transports = frozenset({transport})

    def probe(self, opening: Opening) -> Confidence:
        if isinstance(self.opinion, Exception):
            raise self.opinion
        return self.opinion

    def open(self, context: Context) -> Dissector:
        return Dissector(context)


class Table(ConnectionProtocol):
    name: ClassVar[str] = "table"
    title = specification = ""

    def entries(self, stats):
        return []


def judge(*protocols: Protocol, port: int = 80, complete: bool = False, settings: Settings | None = None) -> Verdict:
    faults: list[str] = []
    detector = Detector(protocols, settings or Settings(), lambda name, of, error: faults.append(name))
    verdict = detector.judge(Opening(connection(port=port), b"abc", b"", True, True, complete))
    assert faults == [p.name for p in protocols if isinstance(p, Fixed) and isinstance(p.opinion, Exception)]
    return verdict


NO, UNDECIDED, POSSIBLE, LIKELY, SURE = Confidence


def test_the_highest_opinion_wins():
    sure = Fixed("z", SURE)
    assert judge(Fixed("a", LIKELY), sure, Fixed("b", POSSIBLE), Fixed("c", NO)) == Verdict(sure)


def test_a_likely_one_waits_for_those_who_want_more_bytes_and_a_sure_one_does_not():
    likely, sure, asking = Fixed("a", LIKELY), Fixed("s", SURE), Fixed("u", UNDECIDED)
    assert judge(likely, asking) == WAIT
    assert judge(likely, asking, complete=True) == Verdict(likely)
    assert judge(sure, asking) == Verdict(sure)


def test_nobody_wins_where_all_refuse_or_no_more_bytes_come():
    assert judge(Fixed("a", NO)) == NOBODY
    assert judge(Fixed("a", UNDECIDED)) == WAIT
    assert judge(Fixed("a", UNDECIDED), complete=True) == NOBODY
    assert judge() == NOBODY


def test_a_possible_one_needs_a_port():
    possible = Fixed("a", POSSIBLE, {80})
    assert judge(possible) == Verdict(possible)
    assert judge(possible, port=81) == NOBODY
    assert judge(possible, port=81, settings=Settings(ports={81: "a"})) == Verdict(possible)


def test_ties_go_to_the_users_port_then_to_the_protocols_own_then_by_name():
    first, second, third = Fixed("a", LIKELY), Fixed("b", LIKELY, {80}), Fixed("c", LIKELY)
    assert judge(third, second, first) == Verdict(second)
    assert judge(third, second, first, port=81) == Verdict(first)
    assert judge(third, second, first, settings=Settings(ports={80: "c"})) == Verdict(third)


def test_a_probe_that_fails_is_reported_and_counts_as_a_refusal():
    likely = Fixed("b", LIKELY)
    assert judge(Fixed("a", ValueError("broken")), likely) == Verdict(likely)


def test_protocols_of_other_transports_disabled_ones_and_tables_are_not_asked():
    disabled = Settings(enabled=frozenset({"other"}))
    assert judge(Fixed("a", SURE, transport="udp"), Table()) == NOBODY
    assert judge(Fixed("a", SURE), settings=disabled) == NOBODY
    assert Detector([Fixed("a", SURE)], disabled, print).named("a") is None


def test_declared_ports_of_either_end_win_without_a_probe():
    declared = Fixed("a", NO)
    detector = Detector([declared], Settings(decode_as={("tcp", 40080): "a"}), print)
    assert detector.declared(connection()) is declared
    assert detector.declared(turned(connection())) is declared
    assert detector.declared(connection("udp")) is None
    assert detector.named("a") is declared


class Sided(Fixed):
    """Thinks so of what the client says first, and otherwise of what the server says."""

    def __init__(self, client: Confidence, server: Confidence):
        super().__init__("a", client)
        self.server = server

    def probe(self, opening: Opening) -> Confidence:
        return super().probe(opening) if opening.client else self.server


@pytest.mark.parametrize(
    ("client", "server", "complete", "taken"),
    [
        (SURE, UNDECIDED, False, True),
        (UNDECIDED, SURE, False, False),
        (NO, UNDECIDED, False, None),
        (NO, UNDECIDED, True, False),
        (LIKELY, POSSIBLE, False, True),
        (NO, POSSIBLE, False, False),
        (NO, NO, False, True),
    ],
)
def test_a_declared_protocol_is_asked_which_end_is_the_client(
    client: Confidence, server: Confidence, complete: bool, taken: bool | None
):
    declared = Sided(client, server)
    rules = {("tcp", connection().server.port): "a"}
    detector = Detector([declared, Fixed("b", SURE)], Settings(decode_as=rules), print)
    opening = Opening(connection(), b"?", b"", False, False, complete)
    expected = {True: Verdict(declared), False: NOBODY, None: WAIT}[taken]
    assert detector.judge(opening, declared) == expected


def test_the_port_of_a_declared_protocol_that_fits_neither_way_is_the_servers():
    declared = Fixed("a", NO)
    detector = Detector([declared], Settings(decode_as={("tcp", connection().client.port): "a"}), print)
    opening = Opening(connection(), b"?", b"", False, False, True)
    assert detector.judge(opening, declared) == NOBODY
    assert detector.judge(turned_opening(opening, turned(connection())), declared) == Verdict(declared)


@pytest.mark.parametrize("setting", [{"decode_as": {("tcp", 1): "htpp"}}, {"ports": {1: "htpp"}}])
def test_a_protocol_that_is_not_installed_is_refused_by_its_name(setting: dict):
    with pytest.raises(UsageError, match=r"names the protocol 'htpp', which is not installed: use one of a, b"):
        Detector([Fixed("b", NO), Fixed("a", NO)], Settings(**setting), print)


def test_turning_exchanges_the_ends():
    of = Connection(3, "tcp", Endpoint("a", 1), Endpoint("b", 2), client_sequence=10, server_sequence=20)
    assert turned(of) == Connection(
        3, "tcp", Endpoint("b", 2), Endpoint("a", 1), client_sequence=20, server_sequence=10
    )
    assert turned(turned(of)) == of
