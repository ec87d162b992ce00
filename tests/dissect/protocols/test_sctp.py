"""SCTP: an entry for each packet, and the Diameter messages inside."""

from __future__ import annotations

import struct

import pytest

from kubeshark_mcp.dissect.base import Confidence, Context, Opening, Settings
from kubeshark_mcp.dissect.protocols.diameter import Diameter
from kubeshark_mcp.dissect.protocols.sctp import NAMED_CHUNKS, Sctp
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Connection, Datagram, Direction, Endpoint, Span
from tests.dissect.conversation import START_NS, play, run
from tests.dissect.samples import diameter
from tests.dissect.samples import sctp as sample

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
CONNECTION = Connection(0, "sctp", Endpoint("10.0.0.1", 50000), Endpoint("10.0.0.2", 40080))


def packets(*sent: tuple[Direction, bytes], missing: int = 0) -> list[Entry]:
    entries: list[Entry] = []
    dissector = Sctp().open(Context(CONNECTION, Settings(), entries.append))
    for number, (direction, data) in enumerate(sent, 1):
        dissector.on_datagram(Datagram(CONNECTION, direction, data, number, number * 1_000_000, missing))
    dissector.on_close(Closing(CONNECTION, "end", 0))
    return entries


def diameters(*sent: tuple[Direction, bytes]) -> list[Entry]:
    found = play([Sctp(), Diameter()], list(sent), transport="sctp")
    return [entry for entry in found if entry.protocol == "diameter"]


def test_a_packet_is_an_entry():
    _, data = sent = sample.packet(SERVER, sample.sack(1000, gaps=1), sample.data(5000, b"user", stream=4, payload=60))
    assert packets(sent) == [
        Entry(
            "sctp",
            CONNECTION,
            None,
            Span(0, 52, 1, 1, 1_000_000, 1_000_000),
            {
                "sctp_response": True,
                "sctp_packet_length": 52,
                "sctp_verification_tag": 0x11111111,
                "sctp_checksum": int.from_bytes(data[8:12], "big"),
                "sctp_checksum_state": "good",
                "sctp_chunk_count": 2,
                "sctp_chunk_types": ("SACK", "DATA"),
                "sctp_chunk_type": "SACK",
                "sctp_length": 20,
                "sctp_cumulative_ack": 1000,
                "sctp_receive_window": 65535,
                "sctp_gap_blocks": 1,
                "sctp_duplicate_tsns": 0,
                "sctp_tsn": 5000,
                "sctp_stream_id": 4,
                "sctp_payload_protocol": "NGAP",
                "sctp_data_bytes": 4,
            },
            "SACK 1000, DATA 5000 NGAP",
            response_body=data,
        )
    ]


def test_a_handshake_is_measured_from_question_to_answer():
    entries = packets(*sample.HANDSHAKE)
    assert [(entry.summary, entry.fields.get("sctp_rtt_us")) for entry in entries] == [
        ("INIT", None),
        ("INIT_ACK", 1000),
        ("COOKIE_ECHO", None),
        ("COOKIE_ACK", 1000),
    ]


def test_an_abort_is_a_failure_with_its_cause():
    entries = packets(*sample.SAMPLES["an association is aborted"])
    assert (entries[1].failed, entries[1].status, entries[1].summary) == (
        True,
        "User-Initiated Abort",
        "ABORT (User-Initiated Abort)",
    )
    (bare,) = packets(sample.packet(SERVER, sample.chunk(6, b"")))
    assert (bare.failed, bare.status) == (True, "ABORT")


def test_data_that_come_again_are_counted():
    entries = packets(*sample.SAMPLES["data are lost and sent again"])
    assert [entry.fields.get("sctp_retransmissions", 0) for entry in entries] == [0, 0, 0, 0, 1]
    assert entries[2].fields["sctp_gap_blocks"] == 1


def test_damaged_and_cut_packets_say_so():
    direction, data = sample.packet(CLIENT, sample.data(1, b"user"))
    (bad,) = packets((direction, data[:-1] + b"!"))
    assert (bad.fields["sctp_checksum_state"], bad.malformed) == ("bad", "")
    (cut,) = packets((direction, data[:-2]), missing=2)
    assert (cut.fields["sctp_checksum_state"], cut.malformed) == (
        "unverified",
        "the capture holds 30 of 32 bytes of the packet",
    )
    assert cut.fields["sctp_packet_length"] == 32
    (short,) = packets((direction, data[:7]))
    assert short.malformed == "the packet has 7 bytes, less than a common header's 12"


def test_a_packet_full_of_chunks_names_some_and_counts_all():
    (entry,) = packets(sample.packet(CLIENT, sample.chunk(6, b"") * 16_000))
    assert (entry.fields["sctp_chunk_count"], len(entry.fields["sctp_chunk_types"])) == (16_000, NAMED_CHUNKS)
    assert entry.summary == "ABORT"


def test_diameter_inside_is_read_with_the_packets_it_came_in():
    request = diameter.CREDIT
    entries = diameters(
        *sample.HANDSHAKE,
        sample.packet(CLIENT, sample.data(1000, request[:100], flags=2, payload=46)),
        sample.packet(CLIENT, sample.data(1001, request[100:], flags=1, payload=46)),
        sample.packet(SERVER, sample.sack(1001), sample.data(5000, diameter.REFUSED, payload=46)),
        sample.packet(SERVER, sample.data(5001, diameter.REAUTH, payload=46)),
        sample.packet(CLIENT, sample.sack(5001), sample.data(1002, diameter.REAUTHED, payload=46)),
    )
    assert [
        (
            e.summary,
            e.status,
            e.request and (e.request.first_packet, e.request.last_packet),
            e.response and e.response.first_packet,
        )
        for e in entries
    ] == [
        ("Credit-Control INITIAL_REQUEST", "DIAMETER_CREDIT_LIMIT_REACHED", (5, 6), 7),
        ("Re-Auth", "DIAMETER_UNKNOWN_SESSION_ID", (8, 8), 9),
    ]
    assert entries[0].request == Span(0, len(request), 5, 6, START_NS + 5_000_000, START_NS + 6_000_000)
    assert entries[0].connection.client.port == 50000
    assert entries[1].connection.client.port == 40080


@pytest.mark.parametrize("payload", [0, 46, 47])
def test_diameter_is_known_by_its_payload_protocol_or_by_its_bytes(payload: int):
    found = diameters(
        sample.packet(CLIENT, sample.data(1, diameter.EXCHANGE, payload=payload)),
        sample.packet(SERVER, sample.data(1, diameter.EXCHANGED, payload=payload)),
    )
    assert [entry.summary for entry in found] == ["Capabilities-Exchange"]


def test_other_payloads_are_not_taken_for_diameter():
    m3ua = b"\1\0\3\1\0\0\0\x08"
    assert diameters(sample.packet(CLIENT, sample.data(1, m3ua, payload=3))) == []
    assert diameters(sample.packet(CLIENT, sample.data(1, diameter.EXCHANGE + b"\0\0\0\0", payload=0))) == []


def test_a_fragment_that_is_missing_is_never_bridged():
    request = diameter.CREDIT
    found = diameters(
        sample.packet(CLIENT, sample.data(1, request[:40], flags=2, payload=46)),
        sample.packet(CLIENT, sample.data(3, request[80:], flags=1, payload=46)),
        sample.packet(CLIENT, sample.data(4, diameter.WATCHDOG, payload=46)),
    )
    assert [entry.summary for entry in found] == ["Device-Watchdog"]


def test_the_last_chunk_of_a_damaged_packet_carries_no_message():
    direction, data = sample.packet(CLIENT, sample.data(1, diameter.EXCHANGE, payload=46))
    assert diameters((direction, data[:-8])) == []


def test_bytes_carried_inside_are_counted_once():
    sent = [sample.packet(CLIENT, sample.data(1, diameter.EXCHANGE, payload=46))]
    _, engine = run([Sctp(), Diameter()], sent, transport="sctp")
    assert (engine.bytes_dissected, engine.bytes_unknown) == (len(sent[0][1]), 0)


def opening(client: bytes = b"", server: bytes = b"") -> Opening:
    return Opening(CONNECTION, client, server, True, True, complete=True)


@pytest.mark.parametrize(
    ("of", "confidence"),
    [
        (opening(sample.HANDSHAKE[0][1]), Confidence.SURE),
        (opening(server=sample.HANDSHAKE[1][1]), Confidence.SURE),
        (opening(sample.HANDSHAKE[0][1][:3]), Confidence.SURE),
        (opening(server=sample.HANDSHAKE[0][1]), Confidence.NO),
        (opening(diameter.EXCHANGE), Confidence.NO),
        (opening(), Confidence.UNDECIDED),
    ],
)
def test_packets_are_known_by_the_ports_in_their_header(of: Opening, confidence: Confidence):
    assert Sctp().probe(of) is confidence


def test_chunks_of_streams_that_are_reset_and_padding_have_names():
    (entry,) = packets(
        sample.packet(CLIENT, sample.chunk(130, struct.pack(">HHI", 13, 16, 1) + bytes(8)), sample.chunk(132, bytes(4)))
    )
    assert entry.fields["sctp_chunk_types"] == ("RE_CONFIG", "PAD")
