"""DNS as columns is DNS as the dissector reads it: the same entries, whatever comes, however it is cut into blocks."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.capture.reader import open_capture
from kubeshark_mcp.dissect import exchange_columns
from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.dissect.protocols.dns import Dns
from kubeshark_mcp.model.stream import Connection, Window
from kubeshark_mcp.stream.engine import StreamEngine
from tests.dissect.datagram_building import SECOND, Play, block, blocks, by_blocks, one_by_one, sent, udp
from tests.stream.building import one_by_one as separately

CAPTURES = Path(os.environ.get("KUBESHARK_CAPTURES") or Path(__file__).parents[3] / "shared" / "captures")
RECORDINGS = Path(__file__).parents[1] / "recordings"


def name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def query(identifier: int = 1, host: str = "api.example", kind: int = 1, flags: int = 0x0100) -> bytes:
    return struct.pack(">6H", identifier, flags, 1, 0, 0, 0) + name(host) + struct.pack(">HH", kind, 1)


def answer(
    identifier: int = 1, host: str = "api.example", kind: int = 1, flags: int = 0x8180, data: bytes = b"\x0a\0\0\x07"
) -> bytes:
    head = struct.pack(">6H", identifier, flags, 1, 1, 0, 0) + name(host) + struct.pack(">HH", kind, 1)
    return head + struct.pack(">HHHIH", 0xC00C, kind, 1, 30, len(data)) + data


def test_a_question_and_its_answer_are_one_row():
    of = udp()
    datagrams = [sent(of, 0, query(), 1), sent(of, 1, answer(), 2)]
    play = Play([Dns()])
    play.engine.feed(block(datagrams))
    assert play.in_columns == 1
    [entry] = play.entries
    assert entry.fields["dns_addresses"] == ("api.example 30 10.0.0.7",)
    assert (entry.connection, entry.request, entry.response) == (of, datagrams[0].span, datagrams[1].span)
    assert play.outcome() == one_by_one([Dns()], datagrams)
    assert play.engine.l7_of(of) == ("dns",)


@pytest.mark.parametrize(
    "datagrams",
    [
        pytest.param(
            [(0, query(7)), (0, query(7, kind=28)), (1, answer(7)), (1, answer(7, kind=28))], id="two in one id"
        ),
        pytest.param([(0, query(7)), (0, query(7)), (1, answer(7)), (1, answer(7))], id="asked twice"),
        pytest.param([(0, query(7)), (0, query(8)), (1, answer(8)), (1, answer(7))], id="answered out of order"),
        pytest.param([(0, query(7)), (1, answer(7, flags=0x8183)), (0, query(7, "API.example"))], id="no such name"),
        pytest.param([(0, query(7, "API.Example")), (1, answer(7, "api.example"))], id="case of letters"),
        pytest.param([(0, query(7)), (1, answer(7) + b"xx")], id="more than a message"),
        pytest.param([(0, query(7, flags=0x2800)), (1, answer(7, flags=0xA800))], id="update"),
    ],
)
def test_usual_conversations_are_read_as_columns(datagrams):
    of = udp()
    played = [sent(of, way, data, number) for number, (way, data) in enumerate(datagrams, 1)]
    for size in (1, 3, 9):
        play = Play([Dns()])
        for each in blocks(played, size):
            play.engine.feed(each)
        assert play.outcome() == one_by_one([Dns()], played)
        assert play.in_columns == len(play.entries)


@pytest.mark.parametrize(
    ("datagrams", "in_columns"),
    [
        pytest.param([(0, query()), (1, answer()), (1, answer())], 1, id="answered twice"),
        pytest.param([(1, answer())], 0, id="never asked"),
        pytest.param([(0, query()), (1, answer()), (0, b"junk")], 1, id="junk at the end"),
        pytest.param([(0, b"junk"), (0, query()), (1, answer())], 0, id="junk at the beginning"),
        pytest.param([(0, query(kind=251)), (1, answer(kind=251))], 0, id="zone transfer"),
        pytest.param([(0, query()), (1, query())], 0, id="asked from the other end"),
        pytest.param([(0, query()), (1, answer()[:4])], 0, id="shorter than a header"),
        pytest.param([(0, query(kind=1000)), (1, answer(kind=1000))], 0, id="unknown type"),
        pytest.param([(0, query(number, f"h{number}")) for number in range(20)] + [(0, query(3))] * 20, 0, id="flood"),
        pytest.param([(0, struct.pack(">6H", 1, 0x100, 0, 0, 0, 0))], 0, id="no question"),
    ],
)
def test_unusual_conversations_go_to_a_dissector_from_what_waits_on(datagrams, in_columns):
    of = udp()
    played = [sent(of, way, data, number) for number, (way, data) in enumerate(datagrams, 1)]
    expected = one_by_one([Dns()], played)
    for size in (1, 2, 3, 99):
        assert by_blocks([Dns()], played, size) == expected
    play = Play([Dns()])
    for each in blocks(played, 2):
        play.engine.feed(each)
    assert play.in_columns == in_columns


def test_a_cut_message_and_one_to_a_group_are_for_a_dissector():
    group = udp(1, port=5353, server="224.0.0.251")
    datagrams = [sent(udp(), 0, query(), 1, missing=3), sent(group, 0, query(0), 2), sent(group, 0, query(0), 3)]
    play = Play([Dns()])
    play.engine.feed(block(datagrams))
    assert play.outcome() == one_by_one([Dns()], datagrams)
    assert (play.in_columns, len(play.entries)) == (0, 3)


def test_an_answer_after_a_minute_is_not_taken_for_one():
    of = udp()
    datagrams = [sent(of, 0, query(), 1, 0), sent(of, 1, answer(), 2, 61 * SECOND), sent(of, 0, query(2), 3)]
    assert by_blocks([Dns()], datagrams, 1) == by_blocks([Dns()], datagrams, 9) == one_by_one([Dns()], datagrams)


def test_what_waits_is_told_when_its_connection_ends():
    first, second = udp(0), udp(1)
    datagrams = [sent(first, 0, query(1), 1), sent(second, 0, query(2), 2)]
    play = Play([Dns()])
    play.engine.feed(block(datagrams))
    play.close([udp(7)])
    assert play.entries == []
    play.close([first])
    assert [(entry.connection, entry.fields["dns_id"], entry.response) for entry in play.entries] == [(first, 1, None)]
    play.engine.feed(block([sent(second, 1, answer(2), 3)]))
    assert play.in_columns == 2
    assert play.outcome() == one_by_one([Dns()], [*datagrams, sent(second, 1, answer(2), 3)])


@pytest.mark.parametrize("limit", ["HELD", "HELD_BYTES"])
def test_too_much_that_waits_goes_to_dissectors(limit, monkeypatch):
    monkeypatch.setattr(exchange_columns, limit, 2)
    datagrams = [sent(udp(number), 0, query(number), number) for number in range(9)]
    datagrams += [sent(udp(number), 1, answer(number), 9 + number) for number in range(0, 9, 2)]
    for size in (1, 2, 5, 99):
        assert by_blocks([Dns()], datagrams, size) == one_by_one([Dns()], datagrams)


def test_bodies_are_cut_as_the_settings_say():
    of, short = udp(), Settings(body_limit=5)
    datagrams = [sent(of, 0, query(), 1), sent(of, 1, answer(), 2)]
    play = Play([Dns()], short)
    play.engine.feed(block(datagrams))
    assert (play.entries[0].request_body, play.entries[0].response_body) == (query()[:5], answer()[:5])
    assert play.outcome() == one_by_one([Dns()], datagrams, short)


HOSTS = st.sampled_from(["api.example", "db.example", "API.example", ""])
MESSAGES = st.one_of(
    st.builds(query, st.integers(0, 2), HOSTS, st.sampled_from([1, 28, 252])),
    st.builds(answer, st.integers(0, 2), HOSTS, st.sampled_from([1, 28]), st.sampled_from([0x8180, 0x8183, 0x0100])),
)


def mutated(data: bytes, at: int, byte: int, cut: int) -> bytes:
    at %= len(data)
    return (data[:at] + bytes([byte]) + data[at + 1 :])[: len(data) - cut]


MUTATED = st.builds(mutated, MESSAGES, st.integers(0, 60), st.integers(0, 255), st.sampled_from([0, 0, 0, 1, 7, 30]))
SENT = st.tuples(
    st.integers(0, 3),
    st.sampled_from([0, 0, 1]),
    st.one_of(MESSAGES, MESSAGES, MESSAGES, MUTATED, st.binary(max_size=40)),
    st.sampled_from([0, 0, 0, 0, 0, 2]),
    st.integers(0, 90),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(SENT, max_size=30), st.sampled_from([1, 2, 7, 64]), st.booleans())
def test_columns_and_the_dissector_agree_on_whatever_comes(rows, size, fitting):
    """Fitting: the direction follows from the message, so that more conversations are usual."""
    datagrams = []
    for number, (of, way, data, missing, time) in enumerate(rows, 1):
        turn = int(len(data) > 2 and data[2] >= 0x80) if fitting else way
        datagrams.append(sent(udp(of), turn, data, number, time * SECOND, missing if not fitting else 0))
    readers = [protocol for protocol in load_protocols() if protocol.name in {"dns", "radius"}]
    assert by_blocks(readers, datagrams, size) == one_by_one(readers, datagrams)


def outcome(path: Path, size: int, *, columns: bool) -> tuple[list[str], int]:
    """Give what the datagrams of a capture come to, and how many bytes were read of them.

    columns: whether blocks of them are read whole.
    """
    play, streams = Play([Dns()]), StreamEngine()
    seen: dict[tuple[str, int], Connection] = {}
    with open_capture(path) as capture:
        for packets in capture.blocks(size):
            events = streams.feed(packets)
            for event in events if columns else separately(events, seen):
                if not isinstance(event, Window):
                    play.engine.feed(event)
    for event in streams.finish() if columns else separately(streams.finish(), seen):
        play.engine.feed(event)
    entries, (_, dissected, *_) = play.outcome()
    return entries, dissected


RECORDED = sorted(path for kind in ("dns", "icmp", "radius") for path in (RECORDINGS / kind).glob("*.pcap"))
CAPTURED = sorted((CAPTURES / "dns").glob("*.pcap*")) or [None]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recordings_give_the_same_however_they_are_read(path: Path):
    expected = outcome(path, 8192, columns=False)
    for size in (1, 7, 8192):
        assert outcome(path, size, columns=True) == expected


@pytest.mark.corpus
@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem if path else "absent")
def test_captures_give_the_same_however_they_are_read(path: Path | None):
    if path is None:
        pytest.skip(f"no captures in {CAPTURES}")
    expected = outcome(path, 8192, columns=False)
    for size in (1, 64, 8192):
        assert outcome(path, size, columns=True) == expected
