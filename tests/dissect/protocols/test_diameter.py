"""Diameter: pairing by hop-by-hop identifier, gaps, both directions, and the recordings with the client's own log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Confidence, Context, Opening, Settings
from kubeshark_mcp.dissect.pairing import WAITING
from kubeshark_mcp.dissect.protocols.diameter import LONGEST, Diameter
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Connection, Datagram, Direction, Endpoint, Piece, Span
from tests.corpus.harness import dissect_file
from tests.dissect.conversation import connection as strange
from tests.dissect.samples import diameter as sample
from tests.dissect.samples import sctp as packets

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
A, B = Endpoint("10.0.0.1", 50000), Endpoint("10.0.0.2", 3868)
TCP = Connection(0, "tcp", A, B, from_start=True)
RECORDINGS = Path(__file__).parents[2] / "recordings" / "diameter"


class Driver:
    """Feeds one dissector; packets are numbered from 1, a nanosecond apart."""

    def __init__(self, connection: Connection = TCP, settings: Settings | None = None):
        self.entries: list[Entry] = []
        self.dissector = Diameter().open(Context(connection, settings or Settings(), self.entries.append))
        self.connection, self.packet, self.offsets = connection, 0, [0, 0]

    def piece(self, direction: Direction, data: bytes, gap: int = 0) -> Driver:
        self.packet += 1
        if gap:
            self.dissector.on_gap(direction, gap)
        offset = self.offsets[direction] + gap
        self.offsets[direction] = offset + len(data)
        self.dissector.on_piece(Piece(direction, data, offset, gap, [0], [self.packet], [self.packet]))
        return self

    def close(self, how: str = "fin") -> list[Entry]:
        self.dissector.on_close(Closing(self.connection, how, 0))
        return self.entries


def frames(entries: list[Entry]) -> list[tuple[int | None, int | None]]:
    halves = [(entry.request, entry.response) for entry in entries]
    return [(a.first_packet if a else None, b.first_packet if b else None) for a, b in halves]


def test_a_request_and_its_answer_are_one_entry():
    request, answer = sample.CREDIT, sample.REFUSED
    assert Driver().piece(CLIENT, request).piece(SERVER, answer).close() == [
        Entry(
            "diameter",
            TCP,
            Span(0, len(request), 1, 1, 1, 1),
            Span(0, len(answer), 2, 2, 2, 2),
            {
                "diameter_method": "Credit-Control",
                "diameter_command_code": 272,
                "diameter_application": "Credit Control",
                "diameter_application_id": 4,
                "diameter_hop_by_hop": 2,
                "diameter_end_to_end": 0x1002,
                "diameter_summary": "Credit-Control INITIAL_REQUEST",
                "diameter_request": True,
                "diameter_request_length": len(request),
                "diameter_proxiable": True,
                "diameter_retransmission": False,
                "diameter_session": "gw.example.net;1;2",
                "diameter_origin_host": "gw.example.net",
                "diameter_origin_realm": "example.net",
                "diameter_destination_realm": "example.net",
                "diameter_request_type": "INITIAL_REQUEST",
                "diameter_user": "001010123456789",
                "diameter_request_avps": {
                    "Session-Id": "gw.example.net;1;2",
                    "Origin-Host": "gw.example.net",
                    "Origin-Realm": "example.net",
                    "Destination-Realm": "example.net",
                    "CC-Request-Type": "INITIAL_REQUEST",
                    "Subscription-Id.Subscription-Id-Type": "END_USER_IMSI",
                    "Subscription-Id.Subscription-Id-Data": "001010123456789",
                },
                "diameter_response": True,
                "diameter_response_length": len(answer),
                "diameter_total_size": len(request) + len(answer),
                "diameter_error": False,
                "diameter_result_code": 4012,
                "diameter_result": "DIAMETER_CREDIT_LIMIT_REACHED",
                "diameter_answered_by": "ocs.example.net",
                "diameter_answered_by_realm": "example.net",
                "diameter_response_avps": {
                    "Session-Id": "gw.example.net;1;2",
                    "Result-Code": "DIAMETER_CREDIT_LIMIT_REACHED",
                    "Origin-Host": "ocs.example.net",
                    "Origin-Realm": "example.net",
                },
            },
            "Credit-Control INITIAL_REQUEST",
            "DIAMETER_CREDIT_LIMIT_REACHED",
            True,
            request,
            answer,
        )
    ]


def test_what_the_server_asks_has_the_server_as_source():
    entries = Driver().piece(SERVER, sample.REAUTH).piece(CLIENT, sample.REAUTHED).close()
    assert [(e.connection.client, e.connection.server, e.status) for e in entries] == [
        (B, A, "DIAMETER_UNKNOWN_SESSION_ID")
    ]


@pytest.mark.parametrize(
    ("answer", "status", "failed"),
    [
        (sample.message(0, 272, 4, 2, sample.avp(268, sample.number(1001))), "DIAMETER_MULTI_ROUND_AUTH", False),
        (sample.message(0, 272, 4, 2, sample.avp(268, sample.number(2002))), "DIAMETER_LIMITED_SUCCESS", False),
        (sample.message(0x20, 272, 4, 2, sample.avp(268, sample.number(3002))), "DIAMETER_UNABLE_TO_DELIVER", True),
        (sample.message(0x20, 272, 4, 2), "", True),
        (sample.message(0, 272, 4, 2), "", False),
        (sample.message(0, 272, 4, 2, sample.avp(268, sample.number(5012))), "DIAMETER_UNABLE_TO_COMPLY", True),
    ],
)
def test_results_other_than_success_are_failures(answer: bytes, status: str, failed: bool):
    (entry,) = Driver().piece(CLIENT, sample.CREDIT).piece(SERVER, answer).close()
    assert (entry.status, entry.failed, entry.response is not None) == (status, failed, True)


def test_an_answer_of_another_command_stands_alone():
    entries = Driver().piece(CLIENT, sample.CREDIT).piece(SERVER, sample.message(0, 271, 3, 2)).close()
    assert frames(entries) == [(None, 2), (1, None)]


def test_a_gap_is_marked_and_never_joined():
    driver = Driver().piece(CLIENT, sample.EXCHANGE + sample.CREDIT[:50]).piece(CLIENT, sample.WATCHDOG, gap=500)
    entries = driver.piece(SERVER, sample.EXCHANGED + sample.WATCHED).close()
    assert [(e.summary, e.malformed, e.response is not None) for e in entries] == [
        (
            "Credit-Control",
            "50 bytes of the message were seen: 500 bytes are missing behind them",
            False,
        ),
        ("Capabilities-Exchange", "", True),
        ("Device-Watchdog", "", True),
    ]


def test_reading_goes_on_where_a_message_begins_within_a_packet_behind_a_gap():
    driver = Driver().piece(CLIENT, sample.EXCHANGE)
    entries = driver.piece(CLIENT, b"the end of something lost\1\1" + sample.WATCHDOG, gap=100).close()
    assert [entry.summary for entry in entries] == ["Capabilities-Exchange", "Device-Watchdog"]
    assert entries[1].request == Span(len(sample.EXCHANGE) + 127, len(sample.WATCHDOG), 2, 2, 2, 2)


def test_bytes_that_are_no_message_are_an_entry_and_the_next_message_is_found():
    entries = Driver().piece(CLIENT, sample.EXCHANGE + b"nonsense" + sample.WATCHDOG).close()
    assert [(entry.summary, entry.malformed) for entry in entries] == [
        ("Diameter", f"no Diameter message begins at byte {len(sample.EXCHANGE)} of the stream"),
        ("Capabilities-Exchange", ""),
        ("Device-Watchdog", ""),
    ]


def test_many_false_beginnings_are_read_without_recursion():
    driver = Driver().piece(CLIENT, (b"\2" + sample.message(0x80, 280, 0, 1)) * 5000)
    entries = driver.close()
    assert sum(bool(entry.malformed) for entry in entries) == 5000
    assert len(entries) == 10_000


def test_a_message_that_claims_too_much_is_not_waited_for():
    huge = b"\1" + (LONGEST + 4).to_bytes(3, "big") + sample.EXCHANGE[4:]
    entries = Driver().piece(CLIENT, huge).piece(CLIENT, sample.WATCHDOG).close()
    assert [bool(entry.malformed) for entry in entries] == [True, False]


def test_the_middle_of_a_connection_is_read_from_the_first_message_on():
    middle = Connection(0, "tcp", A, B)
    driver = Driver(middle).piece(CLIENT, sample.CREDIT[40:]).piece(CLIENT, sample.WATCHDOG)
    assert [entry.summary for entry in driver.close()] == ["Device-Watchdog"]


def test_silence_costs_bounded_memory():
    driver = Driver()
    for number in range(WAITING + 50):
        driver.piece(CLIENT, sample.message(0x80, 280, 0, number))
    assert len(driver.entries) == 50
    assert len(driver.close()) == WAITING + 50


def test_sctp_packets_are_unpacked_where_a_user_declared_the_association_to_be_diameter():
    association = Connection(0, "sctp", Endpoint("10.0.0.1", 50000), Endpoint("10.0.0.2", 40080))
    driver = Driver(association)
    first, rest = sample.CREDIT[:60], sample.CREDIT[60:]
    sent = [
        packets.packet(CLIENT, packets.data(1, first, flags=2, payload=0)),
        packets.packet(CLIENT, packets.data(2, rest, flags=1, payload=0)),
        packets.packet(
            SERVER, packets.data(9, sample.GRANTED, payload=99), packets.data(10, b"\1\0\0\x14", payload=99)
        ),
    ]
    for packet, (direction, data) in enumerate(sent, 1):
        driver.dissector.on_datagram(Datagram(association, direction, data, packet, packet))
    assert [(e.request, e.status, e.malformed) for e in driver.close("end")] == [
        (Span(0, len(sample.CREDIT), 1, 2, 1, 2), "DIAMETER_SUCCESS", ""),
        (Span(len(sample.GRANTED), 4, 3, 3, 3, 3), "", "4 bytes of the message were seen: the SCTP user message ends"),
    ]


def opening(client: bytes = b"", server: bytes = b"", *, complete: bool = False, starts: bool = True) -> Opening:
    return Opening(strange(), client, server, starts, starts, complete)


@pytest.mark.parametrize(
    ("of", "confidence"),
    [
        (opening(sample.EXCHANGE), Confidence.SURE),
        (opening(server=sample.EXCHANGED), Confidence.SURE),
        (opening(sample.EXCHANGE[:20]), Confidence.SURE),
        (opening(sample.EXCHANGE[:19]), Confidence.UNDECIDED),
        (opening(sample.EXCHANGE[:19], complete=True), Confidence.NO),
        (opening(sample.message(0x80, 9999, 99, 1, sample.avp(1, b"bob"))), Confidence.LIKELY),
        (opening(sample.message(0x80, 9999, 99, 1, sample.avp(1, b"bob"))[:-4]), Confidence.UNDECIDED),
        (opening(sample.message(0x80, 9999, 99, 1, sample.avp(1, b"bob"))[:-4], complete=True), Confidence.POSSIBLE),
        (opening(sample.message(0x80, 9999, 99, 1, sample.avp(1, b"bob") + bytes(8))), Confidence.NO),
        (opening(sample.message(0x80, 9999, 99, 1)), Confidence.UNDECIDED),
        (opening(b"\1\0\0\x15" + sample.EXCHANGE[4:]), Confidence.NO),
        (opening(b"GET / HTTP/1.1\r\n"), Confidence.NO),
        (opening(sample.EXCHANGE, b"HTTP/1.1 400"), Confidence.NO),
        (opening(sample.EXCHANGE[30:], sample.EXCHANGED, starts=False), Confidence.SURE),
        (opening(), Confidence.UNDECIDED),
    ],
)
def test_it_is_known_by_its_header(of: Opening, confidence: Confidence):
    assert Diameter().probe(of) is confidence


def log_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.with_suffix(".json").read_text())["calls"]
    return found


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.pcap")), ids=lambda path: path.stem)
def test_recordings_say_what_the_client_logged(path: Path):
    result = dissect_file(path)
    assert result.warnings == []
    entries = result.of("diameter")
    assert [entry.malformed for entry in entries if entry.malformed] == []
    assert sorted(map(ours, entries), key=repr) == sorted(map(told, log_of(path)), key=repr)


def ours(entry: Entry) -> tuple[Any, ...]:
    fields = entry.fields
    return (
        "server" if entry.connection.client.port in {3868, 3869} else "client",
        fields["diameter_command_code"],
        fields["diameter_application_id"],
        fields["diameter_hop_by_hop"],
        fields["diameter_end_to_end"],
        fields["diameter_request_length"],
        fields.get("diameter_session"),
        fields["diameter_origin_host"],
        fields.get("diameter_response", False),
        fields.get("diameter_response_length"),
        fields.get("diameter_result_code"),
        fields.get("diameter_error", False),
        fields.get("diameter_error_message"),
        fields.get("diameter_answered_by"),
    )


def told(call: dict[str, Any]) -> tuple[Any, ...]:
    request, answer = call["request"], call["answer"] or {}
    result = answer.get("result") or answer.get("experimental_result")
    return (
        call["by"],
        *(request[name] for name in ("command", "application", "hop_by_hop", "end_to_end", "length", "session")),
        request["origin_host"],
        call["answered"],
        answer.get("length"),
        result,
        answer.get("error", False),
        answer.get("error_message"),
        answer.get("origin_host"),
    )
