"""RADIUS as columns gives the entries that the dissector gives, whatever comes, however it is cut into blocks."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.dissect.protocols.radius import LIFETIME_NS, Radius
from kubeshark_mcp.model.stream import Connection
from tests.dissect.capture_playing import CAPTURES, RECORDINGS, told_of
from tests.dissect.datagram_building import SECOND, Play, block, blocks, by_blocks, one_by_one, sent, udp

USER = b"\x01\x05bob"
NAS = b"\x20\x07ap-17"
PASSWORD = b"\x02\x12" + b"\xaa" * 16
SIGNATURE = b"\x50\x12" + b"\xbb" * 16
IDENTITY = b"\x4f\x0a\x02\x07\x00\x08\x01bob"
SEND_KEY = b"\x1a\x0e\x00\x00\x01\x37\x10\x08" + b"\xcc" * 6
TOLD = b"\x12\x07hello"


def server_at(number: int = 0) -> Connection:
    return udp(number, port=1812)


def packet(code: int = 1, identifier: int = 7, attributes: bytes = USER + NAS, authenticator: int = 0x11) -> bytes:
    return struct.pack(">BBH", code, identifier, 20 + len(attributes)) + bytes([authenticator]) * 16 + attributes


def test_a_request_and_its_answer_are_one_row():
    of = server_at()
    asked = packet(attributes=USER + PASSWORD + IDENTITY + SIGNATURE)
    datagrams = [sent(of, 0, asked, 1), sent(of, 1, packet(2, attributes=TOLD + SEND_KEY), 2)]
    play = Play([Radius()])
    play.engine.feed(block(datagrams))
    assert play.in_columns == 1
    [entry] = play.entries
    assert (entry.summary, entry.status, entry.fields["radius_user"]) == ("Access-Request bob", "Access-Accept", "bob")
    assert entry.fields["radius_request_authenticator"] == "11" * 16
    assert entry.fields["radius_reply_message"] == "hello"
    assert b"\xaa" not in entry.request_body
    assert b"\xbb" not in entry.request_body
    assert b"\xcc" not in entry.response_body
    assert (entry.connection, entry.request, entry.response) == (of, datagrams[0].span, datagrams[1].span)
    assert play.outcome() == one_by_one([Radius()], datagrams)
    assert play.engine.l7_of(of) == ("radius",)


def test_packets_that_differ_in_what_is_not_told_are_read_once_and_keep_their_own_bytes():
    of = server_at()
    signed = [SIGNATURE, b"\x50\x12" + b"\xbd" * 16]
    eap = [IDENTITY, IDENTITY.replace(b"\x02\x07", b"\x02\x08")]
    datagrams = [
        sent(of, 0, packet(1, number, USER + eap[number] + signed[number], 0x20 + number), number + 1)
        for number in (0, 1)
    ]
    play = Play([Radius()])
    play.engine.feed(block(datagrams))
    play.engine.finish()
    first, second = play.entries
    assert first.fields["radius_request_attributes"] is second.fields["radius_request_attributes"]
    assert (first.request_body[4:5], second.request_body[4:5]) == (b"\x20", b"\x21")
    assert play.outcome() == one_by_one([Radius()], datagrams)


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param(
            [(0, packet(1, 1)), (0, packet(4, 2)), (1, packet(5, 2, b"")), (1, packet(3, 1, TOLD))], id="crossing"
        ),
        pytest.param([(0, packet(1, 1)), (1, packet(11, 1)), (0, packet(1, 1)), (1, packet(2, 1))], id="again its id"),
        pytest.param([(0, packet(12)), (1, packet(2))], id="status"),
        pytest.param([(0, packet())] * 3, id="sent again and again"),
        pytest.param([(0, packet()), (1, packet(40)), (0, packet(41)), (1, packet(2))], id="both ask"),
        pytest.param([(0, packet()), (1, packet(2, attributes=b"\x01\x07robert"[:7]))], id="another name"),
    ],
)
def test_usual_conversations_are_read_as_columns(messages):
    of = server_at()
    datagrams = [sent(of, way, data, number) for number, (way, data) in enumerate(messages, 1)]
    for size in (1, 3, 9):
        play = Play([Radius()])
        for each in blocks(datagrams, size):
            play.engine.feed(each)
        assert play.outcome() == one_by_one([Radius()], datagrams)
        assert play.in_columns == len(play.entries)


@pytest.mark.parametrize(
    ("messages", "in_columns"),
    [
        pytest.param([(0, packet()), (1, packet(2)), (1, packet(2))], 1, id="answered twice"),
        pytest.param([(1, packet(2))], 0, id="never asked"),
        pytest.param([(0, packet())] * 2 + [(1, packet(2)), (0, packet(1, 1))], 0, id="sent again, answered once"),
        pytest.param([(0, packet())] * 2 + [(0, packet(4))], 0, id="sent again, with another code"),
        pytest.param([(0, packet()), (0, packet(authenticator=9)), (1, packet(2))], 0, id="given up for another"),
        pytest.param([(0, packet()), (1, packet(5))], 0, id="answered with the wrong code"),
        pytest.param([(0, packet()), (1, packet(2)), (0, packet() + b"x")], 1, id="padded"),
        pytest.param([(0, packet(attributes=USER + b"\x01\x01"))], 0, id="damaged"),
        pytest.param([(0, packet(attributes=b"\x00\x03a"))], 0, id="attribute 0 first"),
        pytest.param([(0, packet()), (1, packet(2)), (0, packet(attributes=b"\x00\x03a"))], 2, id="attribute 0 later"),
        pytest.param([(0, packet()), (1, packet(200))], 0, id="unknown code"),
        pytest.param([(0, packet(attributes=b""))], 0, id="no attributes"),
        pytest.param([(0, b"\x01\x07")], 0, id="shorter than a header"),
    ],
)
def test_unusual_conversations_go_to_a_dissector_from_what_waits_on(messages, in_columns):
    of = server_at()
    datagrams = [sent(of, way, data, number) for number, (way, data) in enumerate(messages, 1)]
    expected = one_by_one([Radius()], datagrams)
    for size in (1, 2, 3, 99):
        assert by_blocks([Radius()], datagrams, size) == expected
    play = Play([Radius()])
    for each in blocks(datagrams, 2):
        play.engine.feed(each)
    play.engine.finish()
    assert play.in_columns == in_columns


def test_requests_that_are_sent_again_and_all_answered_are_read_as_columns_where_one_block_has_them():
    of = server_at()
    messages = [(0, packet())] * 2 + [(1, packet(2))] * 2 + [(0, packet(1, 9))] * 2
    datagrams = [sent(of, way, data, number) for number, (way, data) in enumerate(messages, 1)]
    for size, in_columns in ((1, 0), (3, 0), (9, 4)):
        play = Play([Radius()])
        for each in blocks(datagrams, size):
            play.engine.feed(each)
        assert play.outcome() == one_by_one([Radius()], datagrams)
        assert play.in_columns == in_columns


def test_an_answer_after_two_minutes_is_not_taken_for_one_and_an_identifier_may_come_again():
    of = server_at()
    datagrams = [
        sent(of, 0, packet(), 1, 0),
        sent(of, 1, packet(2), 2, LIFETIME_NS),
        sent(of, 0, packet(), 3, LIFETIME_NS + SECOND),
        sent(of, 1, packet(2), 4, LIFETIME_NS + 2 * SECOND),
    ]
    play = Play([Radius()])
    play.engine.feed(block(datagrams))
    assert play.in_columns == 2
    late = [*datagrams, sent(of, 0, packet(), 5, 0), sent(of, 1, packet(2), 6, LIFETIME_NS + 1)]
    for size in (1, 99):
        assert by_blocks([Radius()], datagrams, size) == one_by_one([Radius()], datagrams)
        assert by_blocks([Radius()], late, size) == one_by_one([Radius()], late)


def test_bodies_are_cut_as_the_settings_say():
    of, short = server_at(), Settings(body_limit=30)
    datagrams = [sent(of, 0, packet(attributes=USER + PASSWORD), 1), sent(of, 1, packet(2), 2)]
    assert by_blocks([Radius()], datagrams, 9, short) == one_by_one([Radius()], datagrams, short)


ATTRIBUTES = st.lists(
    st.sampled_from([USER, NAS, PASSWORD, SIGNATURE, IDENTITY, SEND_KEY, TOLD, b"\x28\x06\0\0\0\2", b"\x1a\x03\0"]),
    max_size=5,
).map(b"".join)
PACKETS = st.builds(
    packet, st.sampled_from([1, 1, 2, 3, 4, 5, 11, 12, 40, 44, 200]), st.integers(0, 2), ATTRIBUTES, st.integers(0, 2)
)


def mutated(data: bytes, at: int, byte: int, cut: int) -> bytes:
    at %= len(data)
    return (data[:at] + bytes([byte]) + data[at + 1 :])[: len(data) - cut]


MUTATED = st.builds(mutated, PACKETS, st.integers(0, 60), st.integers(0, 255), st.sampled_from([0, 0, 0, 1, 7, 30]))
SENT = st.tuples(
    st.integers(0, 3),
    st.sampled_from([0, 0, 1]),
    st.one_of(PACKETS, PACKETS, PACKETS, MUTATED, st.binary(max_size=40)),
    st.sampled_from([0, 0, 0, 0, 0, 2]),
    st.integers(0, 180),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(SENT, max_size=30), st.sampled_from([1, 2, 7, 64]), st.booleans())
def test_columns_and_the_dissector_agree_on_whatever_comes(rows, size, fitting):
    """Fitting: the direction follows from the code, so that more conversations are usual."""
    datagrams = []
    for number, (of, way, data, missing, time) in enumerate(rows, 1):
        turn = int(data[:1] in (b"\2", b"\3", b"\5", b"\x0b")) if fitting else way
        datagrams.append(sent(server_at(of), turn, data, number, time * SECOND, 0 if fitting else missing))
    readers = [protocol for protocol in load_protocols() if protocol.name in {"dns", "radius"}]
    assert by_blocks(readers, datagrams, size) == one_by_one(readers, datagrams)


RECORDED = sorted(path for kind in ("dns", "icmp", "radius") for path in (RECORDINGS / kind).glob("*.pcap"))
CAPTURED = sorted((CAPTURES / "radius").glob("*.pcap*")) or [None]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recordings_give_the_same_however_they_are_read(path: Path):
    expected = told_of(path, [Radius()], 8192, columns=False)
    for size in (1, 7, 8192):
        assert told_of(path, [Radius()], size, columns=True) == expected


@pytest.mark.corpus
@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem if path else "absent")
def test_captures_give_the_same_however_they_are_read(path: Path | None):
    if path is None:
        pytest.skip(f"no captures in {CAPTURES}")
    expected = told_of(path, [Radius()], 8192, columns=False)
    for size in (1, 64, 8192):
        assert told_of(path, [Radius()], size, columns=True) == expected
