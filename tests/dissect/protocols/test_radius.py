"""RADIUS: pairing, retransmissions, detection, and the recordings with radclient's own log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Confidence, Context, Opening, Settings
from kubeshark_mcp.dissect.protocols.radius import LIFETIME_NS, WAITING_LIMIT, Radius
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Connection, Datagram, Direction, Endpoint, Span
from tests.corpus.harness import dissect_file
from tests.dissect.conversation import connection as strange
from tests.dissect.samples import radius as sample

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
CONNECTION = Connection(0, "udp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 1812))
RECORDINGS = Path(__file__).parents[2] / "recordings" / "radius"
ACCESS, USER = sample.ACCESS, sample.USER


def exchange(*packets: tuple[Direction, bytes], times: list[int] | None = None, missing: int = 0) -> list[Entry]:
    entries: list[Entry] = []
    dissector = Radius().open(Context(CONNECTION, Settings(), entries.append))
    for number, (direction, data) in enumerate(packets, 1):
        moment = times[number - 1] if times else number
        dissector.on_datagram(Datagram(CONNECTION, direction, data, number, moment, missing))
    dissector.on_close(Closing(CONNECTION, "end", 0))
    return entries


def frames(entries: list[Entry]) -> list[tuple[int | None, int | None]]:
    halves = [(entry.request, entry.response) for entry in entries]
    return [(a.first_packet if a else None, b.first_packet if b else None) for a, b in halves]


def test_a_request_and_its_answer_are_one_entry():
    reject = sample.answer(3, ACCESS, sample.attribute(18, b"no"))
    shown = bytearray(ACCESS)
    shown[27:43], shown[-16:] = bytes(16), bytes(16)
    assert exchange((CLIENT, ACCESS), (SERVER, reject)) == [
        Entry(
            "radius",
            CONNECTION,
            Span(0, len(ACCESS), 1, 1, 1, 1),
            Span(0, len(reject), 2, 2, 2, 2),
            {
                "radius_code": 1,
                "radius_code_name": "Access-Request",
                "radius_identifier": 7,
                "radius_user": "bob",
                "radius_nas": "10.0.0.1",
                "radius_request": True,
                "radius_request_authenticator": bytes(range(16)).hex(),
                "radius_request_length": 73,
                "radius_message_authenticator": True,
                "radius_request_attributes": {
                    "User-Name": "bob",
                    "User-Password": "16 bytes",
                    "NAS-IP-Address": "10.0.0.1",
                    "NAS-Port-Type": "Wireless-802.11",
                    "Message-Authenticator": "16 bytes",
                },
                "radius_response": True,
                "radius_result": "Access-Reject",
                "radius_response_length": 24,
                "radius_total_size": 97,
                "radius_response_message_authenticator": False,
                "radius_response_attributes": {"Reply-Message": "no"},
                "radius_reply_message": "no",
            },
            "Access-Request bob",
            "Access-Reject",
            True,
            bytes(shown),
            reject,
        )
    ]


def test_a_request_sent_again_is_marked_and_the_first_one_gets_the_answer():
    entries = exchange((CLIENT, ACCESS), (CLIENT, ACCESS), (SERVER, sample.answer(2, ACCESS)))
    assert frames(entries) == [(1, 3), (2, None)]
    assert [entry.fields.get("radius_retransmission", False) for entry in entries] == [False, True]


def test_a_new_request_under_the_same_identifier_gives_up_the_one_before():
    other = sample.packet(1, 7, bytes(16), USER)
    assert frames(exchange((CLIENT, ACCESS), (CLIENT, other), (SERVER, sample.answer(2, other)))) == [(1, None), (2, 3)]


def test_an_answer_of_another_kind_or_much_later_stands_alone():
    assert frames(exchange((CLIENT, ACCESS), (SERVER, sample.answer(5, ACCESS)))) == [(None, 2), (1, None)]
    late = [0, LIFETIME_NS + 1]
    assert frames(exchange((CLIENT, ACCESS), (SERVER, sample.answer(2, ACCESS)), times=late)) == [(1, None), (None, 2)]


def test_who_asks_from_the_servers_side_is_the_source():
    entries = exchange((SERVER, sample.DISCONNECT), (CLIENT, sample.answer(41, sample.DISCONNECT)))
    assert [(e.connection.client.port, e.status, e.failed) for e in entries] == [(1812, "Disconnect-ACK", False)]


def test_a_cut_packet_says_so_and_counts_its_whole_length():
    (entry,) = exchange((CLIENT, ACCESS[:30]), missing=43)
    assert entry.malformed == "the capture holds 30 of 73 bytes of the packet"
    assert entry.fields["radius_request_length"] == 73
    assert entry.fields["radius_user"] == "bob"
    assert bytes(range(3)) not in entry.request_body[27:]


def test_silence_costs_bounded_memory():
    packets = [(CLIENT, sample.packet(1, number & 255, number.to_bytes(16, "big"), USER)) for number in range(600)]
    assert len(exchange(*packets)) == 600
    same = [(CLIENT, ACCESS)] * (WAITING_LIMIT + 10)
    assert len(exchange(*same)) == WAITING_LIMIT + 10


def opening(client: bytes = b"", server: bytes = b"", port: int = 40080) -> Opening:
    return Opening(strange("udp", port), client, server, True, True, complete=True)


@pytest.mark.parametrize(
    ("of", "confidence"),
    [
        (opening(ACCESS), Confidence.SURE),
        (opening(server=sample.answer(2, ACCESS, USER)), Confidence.SURE),
        (opening(server=sample.answer(3, ACCESS)), Confidence.LIKELY),
        (opening(ACCESS, sample.answer(3, ACCESS)), Confidence.LIKELY),
        (opening(ACCESS + b"\0\0"), Confidence.POSSIBLE),
        (opening(ACCESS[:40]), Confidence.POSSIBLE),
        (opening(server=ACCESS), Confidence.NO),
        (opening(sample.answer(2, ACCESS)), Confidence.NO),
        (opening(ACCESS[:19]), Confidence.NO),
        (opening(b"\x09" + ACCESS[1:]), Confidence.NO),
        (opening(b"\x01\x00\xb1\x05" + ACCESS[4:]), Confidence.NO),
        (opening(), Confidence.UNDECIDED),
    ],
)
def test_it_is_known_by_code_length_and_attributes(of: Opening, confidence: Confidence):
    assert Radius().probe(of) is confidence


def log_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.with_suffix(".json").read_text())["calls"]
    return found


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.pcap")), ids=lambda path: path.stem)
def test_recordings_say_what_radclient_logged(path: Path):
    result = dissect_file(path)
    assert result.warnings == []
    ours, theirs = [], []
    for entry in result.of("radius"):
        fields = entry.fields
        assert entry.malformed == ""
        ours.append((
            entry.connection.client.port, fields["radius_code_name"], fields["radius_identifier"],
            fields["radius_request_length"], fields.get("radius_result"), fields.get("radius_response_length"),
        ))  # fmt: skip
    for call in log_of(path):
        asked, answer = call["request"], call["answer"]
        row = (asked["client_port"], asked["name"], asked["id"], asked["length"])
        theirs.append((*row, *((answer["name"], answer["length"]) if answer else (None, None))))
        theirs += [(*row, None, None)] * (call["times"] - 1)
    assert sorted(ours, key=repr) == sorted(theirs, key=repr)


SAME = {"Framed-User": "Framed"}
ABSENT = {"Cleartext-Password", "User-Password", "CHAP-Password", "MS-CHAP-Password", "Message-Authenticator"}


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.pcap")), ids=lambda path: path.stem)
def test_attributes_of_recordings_are_those_that_radclient_logged(path: Path):
    entries = {(e.connection.client.port, e.fields["radius_identifier"]): e for e in dissect_file(path).of("radius")}
    for call in log_of(path):
        fields = entries[call["request"]["client_port"], call["request"]["id"]].fields
        for half, name in (("request", "radius_request_attributes"), ("answer", "radius_response_attributes")):
            for line in (call[half] or {"attributes": []})["attributes"]:
                attribute, _, value = line.partition(" = ")
                attribute, value = attribute.partition(":")[0], value.strip('"')
                if attribute in ABSENT or attribute.startswith("MS-CHAP") or attribute.startswith("MS-MPPE"):
                    continue
                shown = {key.lower(): text for key, text in fields[name].items()}
                assert SAME.get(value, value) in shown[attribute.lower()].split("; ")


def test_no_password_is_anywhere_in_what_is_shown():
    for path in RECORDINGS.glob("*.pcap"):
        for entry in dissect_file(path).of("radius"):
            assert "hello" not in repr(entry)
            assert entry.fields["radius_request_attributes"].get("User-Password", "16 bytes").endswith(" bytes")


@pytest.mark.parametrize(
    ("asked", "answered", "name"),
    [(21, 22, "Resource-Free"), (23, 24, "Resource-Query"), (26, 27, "NAS-Reboot"), (33, 34, "Event")],
)
def test_what_network_access_servers_ask_besides_is_paired(asked: int, answered: int, name: str):
    question = bytes([asked]) + ACCESS[1:]
    reply = sample.answer(answered, question, sample.attribute(18, b"done"))
    found = exchange((CLIENT, question), (SERVER, reply))
    assert frames(found) == [(1, 2)]
    assert (found[0].fields["radius_code_name"], found[0].status) == (f"{name}-Request", f"{name}-Response")
    assert Radius().probe(Opening(strange("udp"), question, reply, True, True, complete=True)) is Confidence.SURE
