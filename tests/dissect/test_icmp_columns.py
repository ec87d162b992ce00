"""ICMP as columns gives the entries that the dissector gives, whatever comes, however it is cut into blocks."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.dissect import exchange_columns
from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.protocols.icmp import LIFETIME_NS, Icmp
from kubeshark_mcp.model.stream import Connection, Endpoint
from tests.dissect.capture_playing import CAPTURES, RECORDINGS, told_of
from tests.dissect.datagram_building import SECOND, Play, block, blocks, by_blocks, one_by_one, sent

HOSTS = {4: ("10.0.0.1", "10.0.0.2"), 6: ("fd00::1", "fd00::2")}
QUOTED = bytes.fromhex("4500002e00010000401100000a0000070a000008") + struct.pack(">4H", 4000, 53, 26, 0)


def hosts(number: int = 0, version: int = 4) -> Connection:
    client, server = HOSTS[version]
    return Connection(number, "icmp", Endpoint(client, 0), Endpoint(server, 0))


def alone(number: int = 0) -> Connection:
    return Connection(number, "icmp", Endpoint("10.0.0.1", 0), Endpoint("10.0.0.1", 0))


def echo(kind: int = 8, number: int = 1, sequence: int = 1, data: bytes = b"abcdefgh", code: int = 0) -> bytes:
    return struct.pack(">BBHHH", kind, code, 0xBEEF, number, sequence) + data


def error(kind: int = 3, code: int = 3, rest: int = 0, quoted: bytes = QUOTED) -> bytes:
    return struct.pack(">BBHI", kind, code, 0xBEEF, rest) + quoted


def test_an_echo_and_its_reply_are_one_row():
    of = hosts()
    datagrams = [sent(of, 0, echo(), 1), sent(of, 1, echo(0), 2)]
    play = Play([Icmp()])
    play.engine.feed(block(datagrams))
    assert play.in_columns == 1
    [entry] = play.entries
    assert (entry.summary, entry.status) == ("Echo Request id 1 seq 1", "Echo Reply")
    assert (entry.connection, entry.request, entry.response) == (of, datagrams[0].span, datagrams[1].span)
    assert play.outcome() == one_by_one([Icmp()], datagrams)
    assert play.engine.l7_of(of) == ("icmp",)


USUAL = [
    pytest.param([(0, echo(sequence=1)), (0, echo(sequence=2)), (1, echo(0, 1, 2)), (1, echo(0, 1, 1))], id="crossing"),
    pytest.param([(0, echo()), (0, echo()), (1, echo(0)), (1, echo(0))], id="asked twice"),
    pytest.param([(0, echo()), (1, echo(0, data=b"abcdefgx"))], id="altered"),
    pytest.param([(0, echo()), (1, echo(0, data=b"abc"))], id="cut short"),
    pytest.param([(0, echo()), (1, echo()), (1, echo(0)), (0, echo(0))], id="both ask"),
    pytest.param([(0, error()), (1, error(11, 0)), (0, error(3, 4, 1400))], id="errors both ways"),
    pytest.param([(1, error(3, 1)), (0, echo())], id="an error first"),
    pytest.param([(0, error(quoted=b"\x45"))], id="an error that quotes too little"),
    pytest.param([(0, error(4, 0)), (0, error(5, 1, 0x0A000001)), (0, echo(9)), (0, echo(77))], id="other kinds"),
    pytest.param([(0, echo(data=b"")), (1, echo(0, data=b""))], id="no data"),
]


@pytest.mark.parametrize("messages", USUAL)
def test_usual_messages_are_read_as_columns(messages):
    of = hosts()
    datagrams = [sent(of, way, data, number) for number, (way, data) in enumerate(messages, 1)]
    for size in (1, 3, 9):
        play = Play([Icmp()])
        for each in blocks(datagrams, size):
            play.engine.feed(each)
        assert play.outcome() == one_by_one([Icmp()], datagrams)
        assert play.in_columns == len(play.entries)


@pytest.mark.parametrize(
    ("messages", "in_columns"),
    [
        pytest.param([(0, echo()), (1, echo(0)), (1, echo(0))], 1, id="answered twice"),
        pytest.param([(1, echo(0))], 0, id="never asked"),
        pytest.param([(0, echo(code=1)), (1, echo(0))], 0, id="a code where there is none"),
        pytest.param([(0, echo()), (1, echo(0, code=1))], 0, id="a reply with a code"),
        pytest.param([(0, echo(13, data=bytes(12))), (1, echo(14, data=bytes(12)))], 0, id="timestamps"),
        pytest.param([(0, echo()), (1, echo(0)), (0, b"\x08\0\0")], 1, id="shorter than a header"),
        pytest.param([(0, b"")], 0, id="nothing"),
    ],
)
def test_unusual_messages_go_to_a_dissector_from_what_waits_on(messages, in_columns):
    of = hosts()
    datagrams = [sent(of, way, data, number) for number, (way, data) in enumerate(messages, 1)]
    expected = one_by_one([Icmp()], datagrams)
    for size in (1, 2, 3, 99):
        assert by_blocks([Icmp()], datagrams, size) == expected
    play = Play([Icmp()])
    for each in blocks(datagrams, 2):
        play.engine.feed(each)
    assert play.in_columns == in_columns


def test_a_host_that_pings_itself_answers_in_the_same_direction():
    datagrams = [sent(alone(), 0, echo(kind, 1, sequence), 1) for sequence in (1, 2) for kind in (8, 0)]
    for size in (1, 9):
        play = Play([Icmp()])
        for each in blocks(datagrams, size):
            play.engine.feed(each)
        assert play.in_columns == len(play.entries) == 2
        assert play.outcome() == one_by_one([Icmp()], datagrams)


def test_icmpv6_is_read_by_its_own_types():
    of = hosts(version=6)
    solicitation = struct.pack(">BBHI", 135, 0, 0, 0) + b"\xfd" + bytes(14) + b"\2" + bytes.fromhex("0101020000000001")
    messages = [(0, echo(128)), (1, echo(129)), (0, solicitation), (1, error(1, 4)), (0, echo(8)), (1, echo(2, 1))]
    datagrams = [sent(of, way, data, number) for number, (way, data) in enumerate(messages, 1)]
    play = Play([Icmp()])
    play.engine.feed(block(datagrams))
    assert play.in_columns == len(play.entries) == 5
    assert play.outcome() == one_by_one([Icmp()], datagrams)


def test_a_reply_after_a_minute_is_not_taken_for_one_and_a_new_request_is_not_late():
    of = hosts()
    datagrams = [
        sent(of, 0, echo(sequence=1), 1, 0),
        sent(of, 1, echo(0, 1, 1), 2, LIFETIME_NS),
        sent(of, 0, echo(sequence=1), 3, 2 * LIFETIME_NS),
        sent(of, 1, echo(0, 1, 1), 4, 3 * LIFETIME_NS),
    ]
    late = [*datagrams, sent(of, 0, echo(sequence=2), 5, 0), sent(of, 1, echo(0, 1, 2), 6, LIFETIME_NS + 1)]
    for size in (1, 99):
        assert by_blocks([Icmp()], datagrams, size) == one_by_one([Icmp()], datagrams)
        assert by_blocks([Icmp()], late, size) == one_by_one([Icmp()], late)
    play = Play([Icmp()])
    play.engine.feed(block(datagrams))
    assert play.in_columns == 2


@pytest.mark.parametrize("limit", ["HELD", "HELD_BYTES"])
def test_too_much_that_waits_goes_to_dissectors(limit, monkeypatch):
    monkeypatch.setattr(exchange_columns, limit, 2)
    datagrams = [sent(hosts(number), 0, echo(), number) for number in range(9)]
    datagrams += [sent(hosts(number), 1, echo(0), 9 + number) for number in range(0, 9, 2)]
    for size in (1, 2, 5, 99):
        assert by_blocks([Icmp()], datagrams, size) == one_by_one([Icmp()], datagrams)


def test_a_cut_message_is_for_a_dissector():
    of = hosts()
    datagrams = [sent(of, 0, echo(), 1, missing=40), sent(of, 1, echo(0), 2, missing=40)]
    play = Play([Icmp()])
    play.engine.feed(block(datagrams))
    assert play.in_columns == 0
    assert play.outcome() == one_by_one([Icmp()], datagrams)


def test_bodies_are_cut_as_the_settings_say_and_compared_as_far_as_they_are_kept():
    of, short = hosts(), Settings(body_limit=12)
    for changed in (b"abcdefgx", b"abcxefgh"):
        datagrams = [sent(of, 0, echo(), 1), sent(of, 1, echo(0, data=changed), 2)]
        assert by_blocks([Icmp()], datagrams, 9, short) == one_by_one([Icmp()], datagrams, short)


MESSAGES = st.one_of(
    st.builds(
        echo,
        st.sampled_from([0, 8, 8, 128, 129]),
        st.integers(0, 1),
        st.integers(0, 1),
        st.sampled_from([b"", b"abcdefgh", b"abcdefgx"]),
        st.sampled_from([0, 0, 0, 0, 0, 1]),
    ),
    st.builds(error, st.sampled_from([1, 3, 11, 135]), st.integers(0, 4), st.sampled_from([0, 1400])),
    st.builds(echo, st.integers(0, 255), st.integers(0, 9)),
    st.binary(max_size=12),
)
SENT = st.tuples(st.integers(0, 3), st.integers(0, 1), MESSAGES, st.sampled_from([0] * 9 + [2]), st.integers(0, 90))


@settings(max_examples=300, deadline=None)
@given(st.lists(SENT, max_size=30), st.sampled_from([1, 2, 7, 64]), st.booleans())
def test_columns_and_the_dissector_agree_on_whatever_comes(rows, size, fitting):
    """Fitting: requests come from the client and replies from the server, so that more conversations are usual."""
    datagrams = []
    for number, (of, way, data, missing, time) in enumerate(rows, 1):
        turn = int(data[:1] in (b"\0", b"\x81")) if fitting else way
        pair = alone(of) if not of else hosts(of, 4 if of < 3 else 6)
        datagrams.append(sent(pair, turn, data, number, time * SECOND, 0 if fitting else missing))
    assert by_blocks([Icmp()], datagrams, size) == one_by_one([Icmp()], datagrams)


RECORDED = sorted(path for kind in ("dns", "icmp", "radius") for path in (RECORDINGS / kind).glob("*.pcap"))
CAPTURED = sorted((CAPTURES / "icmp").glob("*.pcap*")) or [None]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recordings_give_the_same_however_they_are_read(path: Path):
    expected = told_of(path, [Icmp()], 8192, columns=False)
    for size in (1, 7, 8192):
        assert told_of(path, [Icmp()], size, columns=True) == expected


@pytest.mark.corpus
@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem if path else "absent")
def test_captures_give_the_same_however_they_are_read(path: Path | None):
    if path is None:
        pytest.skip(f"no captures in {CAPTURES}")
    expected = told_of(path, [Icmp()], 8192, columns=False)
    for size in (1, 64, 8192):
        assert told_of(path, [Icmp()], size, columns=True) == expected
