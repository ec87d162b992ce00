"""Redis as columns is Redis as the dissector reads it: the same entries, however it is cut into blocks."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.dissect import conversations
from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.protocols.redis import Redis
from tests.dissect.stream_building import of_file, played, talk

CAPTURES = Path(os.environ.get("KUBESHARK_CAPTURES") or Path(__file__).parents[3] / "shared" / "captures")
RECORDINGS = Path(__file__).parents[1] / "recordings"


def command(*words: str | bytes) -> bytes:
    found = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(found) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in found)


GET, SET = command("GET", "a"), command("SET", "key:1", b"va\r\nlue")
USUAL = [
    (GET, b"$1\r\nx\r\n"),
    (GET, b"$-1\r\n"),
    (SET, b"+OK\r\n"),
    (command("incr", "n"), b":17\r\n"),
    (command("LRANGE", "list", "0", "-1"), b"*3\r\n$1\r\na\r\n$0\r\n\r\n$2\r\nbc\r\n"),
    (command("EXEC"), b"*2\r\n*1\r\n:1\r\n+OK\r\n"),
    (command("LPUSH", "a", "b"), b"-WRONGTYPE Operation against a key\r\n"),
    (command("FLY"), b"-\r\n"),
    (command("HELLO", "3"), b"%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n"),
    (command("SMEMBERS", "s"), b"~1\r\n,1.5\r\n"),
    (command("EXISTS", "s"), b"#t\r\n"),
    (command("GET", "none"), b"_\r\n"),
    (command("CLIENT", "SETINFO", "LIB-NAME", "x"), b"!5\r\nERR x\r\n"),
    (command("MSET", *[f"k{number}" for number in range(70)]), b"+OK\r\n"),
]
ODD = [
    (command("SUBSCRIBE", "news"), b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"),
    (command("MONITOR"), b'+OK\r\n+1.5 [0 127.0.0.1:1] "GET" "a"\r\n'),
    (command("CLIENT", "REPLY", "SKIP"), b""),
    (GET, b">2\r\n+message\r\n+x\r\n$1\r\nx\r\n"),
    (GET, b"|1\r\n+ttl\r\n:1\r\n$1\r\nx\r\n"),
    (b"PING\r\n", b"+PONG\r\n"),
    (b"\r\n" + GET, b"$1\r\nx\r\n"),
    (b"*0\r\n", b""),
    (GET, b"$1\r\nxyz\r\n"),
    (b"*1\r\n$3\r\nGETX\r\n", b"-ERR\r\n"),
    (GET, b""),
    (b"", b"+OK\r\n"),
    (GET, b"junk"),
    (command("SYNC"), b"$5\r\nREDIS"),
]


def in_columns(packets, cuts=(), settings=None) -> int:
    """Give how many entries came as columns; all of them are what dissectors give."""
    play, outcome = played([Redis()], packets, cuts, settings, columns=True)
    assert outcome == played([Redis()], packets, cuts, settings, columns=False)[1]
    return play.in_columns


def test_a_command_and_its_reply_are_one_row():
    packets = talk().say(0, SET).say(1, b"+OK\r\n").close().packets
    play, _ = played([Redis()], packets, columns=True)
    assert (play.in_columns, in_columns(packets)) == (1, 1)
    [entry] = play.entries
    assert entry.fields == {
        "redis": True,
        "redis_type": "simple string",
        "redis_command": "SET",
        "redis_key": "key:1",
        "redis_arguments": 2,
        "redis_request_size": len(SET),
        "redis_response_size": 5,
        "redis_total_size": len(SET) + 5,
    }
    assert (entry.request_body, entry.response_body) == (SET, b"+OK\r\n")


@pytest.mark.parametrize("exchange", USUAL, ids=lambda pair: repr(pair[0][:24] + pair[1][:16]))
def test_usual_commands_are_read_as_columns_however_they_are_cut(exchange):
    asked, answered = exchange
    one_by_one = talk().say(0, GET).say(1, b"$1\r\nx\r\n").say(0, asked).say(1, answered, b"").close().packets
    pieces = (
        talk().say(0, (GET + asked)[:25], (GET + asked)[25:]).say(1, b"$1\r\n", b"x\r\n" + answered).close().packets
    )
    assert in_columns(one_by_one) == in_columns(pieces) == 2
    assert in_columns(one_by_one, range(20)) == in_columns(pieces, range(20)) == 2


@pytest.mark.parametrize("exchange", ODD, ids=lambda pair: repr(pair[0][:24] + pair[1][:16]))
def test_an_unusual_connection_goes_to_a_dissector_from_what_waits_on(exchange):
    asked, answered = exchange
    packets = talk().say(0, GET).say(1, b"$1\r\nx\r\n").say(0, asked).say(1, answered).say(0, GET).packets
    assert in_columns(packets, [5, 7, 8]) == 1
    assert in_columns(packets, range(30)) == 1
    assert in_columns([*packets, *talk(1).say(0, GET).say(1, b"$1\r\nx\r\n").packets]) >= 1


def test_missing_bytes_and_those_out_of_order_are_for_a_dissector():
    packets = talk().say(0, GET).say(1, b"$1\r\nx\r\n").say(0, GET).say(1, b"$1\r\nx\r\n").packets
    lost = [packet for place, packet in enumerate(packets) if place not in (7, 8)]
    swapped = [*packets[:7], packets[9], packets[8], packets[7], *packets[10:]]
    assert [in_columns(lost, [7]), in_columns(swapped, [7])] == [1, 1]


def test_a_connection_joined_on_its_way_is_read_from_a_command_on():
    packets = talk(whole=False).say(0, GET).say(1, b"$1\r\nx\r\n").say(0, GET).say(1, b"$1\r\nx\r\n").packets
    assert in_columns(packets) == in_columns(packets, range(9)) == 2
    assert in_columns(packets[2:]) == 0
    inside = talk(whole=False).say(0, GET).say(1, b"x\r\n").say(0, GET).say(1, b"$1\r\nx\r\n").packets
    assert in_columns(inside) == in_columns(inside, range(9)) == 0


def test_what_waits_when_a_connection_ends_is_told():
    waiting = talk().say(0, GET).say(1, b"$1\r\nx\r\n").say(0, GET)
    assert in_columns(waiting.packets, [7]) == in_columns(waiting.close().packets, [7]) == 1


def test_more_than_is_held_goes_to_a_dissector(monkeypatch):
    long = talk().say(0, GET).say(1, b"$1\r\nx\r\n").say(0, command("SET", "a", "x" * 90)).say(1, b"+OK\r\n").packets
    assert in_columns(long, [8]) == 2
    monkeypatch.setattr(conversations, "HELD_BYTES", 60)
    assert in_columns(long, [7, 8]) == 1
    monkeypatch.setattr(conversations, "WAITING", 2)
    piped = talk().say(0, GET * 3).say(1, b"$1\r\nx\r\n" * 3).packets
    assert in_columns(piped) == 0
    assert in_columns(talk().say(0, GET * 2).say(1, b"$1\r\nx\r\n" * 2).say(0, GET).say(1, b":1\r\n").packets) == 3


def test_very_long_messages_are_for_a_dissector():
    packets = talk().say(0, GET).say(1, b"$70000\r\n" + b"x" * 70000 + b"\r\n").packets
    assert in_columns(packets) == in_columns(packets, [5]) == 0
    asked = talk().say(0, command("SET", "a", "x" * 70000)).say(1, b"+OK\r\n").packets
    assert in_columns(asked) == 0


def test_bodies_are_cut_as_the_settings_say():
    packets = talk().say(0, SET).say(1, b"+OK\r\n").packets
    play, _ = played([Redis()], packets, settings=Settings(body_limit=3), columns=True)
    assert [(entry.request_body, entry.response_body) for entry in play.entries] == [(b"*3\r", b"+OK")]
    assert in_columns(packets, settings=Settings(body_limit=3)) == 1


EXCHANGES = st.one_of(st.sampled_from(USUAL), st.sampled_from(USUAL), st.sampled_from(USUAL + ODD))
STEPS = st.tuples(st.integers(0, 2), EXCHANGES, st.integers(0, 3), st.lists(st.integers(1, 40), max_size=3))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(STEPS, max_size=14),
    st.sets(st.integers(1, 60), max_size=6),
    st.sets(st.integers(0, 2)),
    st.integers(0, 90),
)
def test_columns_and_the_dissector_agree_on_whatever_comes(steps, cuts, joined, lost):
    """Steps: who asks what, how many replies are held back, where bytes are cut. lost: a packet that is not there."""
    talks = [talk(place, whole=place not in joined) for place in range(3)]
    back: list[list[bytes]] = [[], [], []]
    packets = []

    def send(place: int, way: int, data: bytes, parts: list[int]) -> None:
        bounds = sorted({0, len(data), *(part for part in parts if part < len(data))})
        for start, end in pairwise(bounds):
            packets.append(talks[place].send(way, data[start:end], "PA", time=len(packets) * 1000))

    for place, (asked, answered), held, parts in steps:
        send(place, 0, asked, parts)
        back[place].append(answered)
        if len(back[place]) > held:
            send(place, 1, b"".join(back[place]), parts)
            back[place] = []
    whole = [packet for one in talks for packet in one.packets[:3] if packet not in packets]
    given_packets = [*whole, *(packet for place, packet in enumerate(packets) if place != lost)]
    in_columns(given_packets, cuts)


RECORDED = sorted(path for kind in ("redis", "http", "kafka") for path in (RECORDINGS / kind).glob("*.pcap"))
CAPTURED = sorted((CAPTURES / "redis").glob("*.pcap*")) or [None]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recordings_give_the_same_however_they_are_read(path: Path):
    for size in (3, 8192):
        assert of_file([Redis()], path, size, columns=True)[1] == of_file([Redis()], path, size, columns=False)[1]


@pytest.mark.corpus
@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem if path else "absent")
def test_captures_give_the_same_however_they_are_read(path: Path | None):
    if path is None:
        pytest.skip(f"no captures in {CAPTURES}")
    for size in (1, 64, 8192):
        assert of_file([Redis()], path, size, columns=True)[1] == of_file([Redis()], path, size, columns=False)[1]
