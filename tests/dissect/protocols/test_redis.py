from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.base import Confidence, Context, Opening, Settings
from kubeshark_mcp.dissect.protocols.redis import Redis
from kubeshark_mcp.dissect.redis_pairing import MISSING, QUIET_NS
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Connection, Direction, Endpoint, Piece, Span

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
NEW = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 6379), from_start=True)
OLD = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 6379))


def command(*words: str | bytes) -> bytes:
    parts = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


class Driver:
    """Feeds one dissector; packets are numbered from 1."""

    def __init__(self, connection: Connection = NEW, settings: Settings | None = None):
        self.entries: list[Entry] = []
        self.connection = connection
        self.dissector = Redis().open(Context(connection, settings or Settings(), self.entries.append))
        self.packet = 0
        self.offsets = [0, 0]

    def piece(self, direction: Direction, data: bytes, gap: int = 0) -> None:
        self.packet += 1
        if gap:
            self.dissector.on_gap(direction, gap)
        offset = self.offsets[direction] + gap
        self.offsets[direction] = offset + len(data)
        self.dissector.on_piece(Piece(direction, data, offset, gap, [0], [self.packet], [self.packet]))

    def close(self, how: str = "fin") -> list[Entry]:
        self.dissector.on_close(Closing(self.connection, how, 0))
        return self.entries


def read(*pieces: tuple[Direction, bytes], connection: Connection = NEW, how: str = "fin") -> list[Entry]:
    driver = Driver(connection)
    for direction, data in pieces:
        driver.piece(direction, data)
    return driver.close(how)


def outline(entries: list[Entry]) -> list[tuple[str, str, str]]:
    return [(entry.summary, entry.status, entry.malformed) for entry in entries]


def test_a_command_and_its_reply_are_one_entry():
    request, response = command("GET", "cart:17"), b"$5\r\nhello\r\n"
    assert read((CLIENT, request), (SERVER, response)) == [
        Entry(
            "redis",
            NEW,
            Span(0, len(request), 1, 1, 1, 1),
            Span(0, len(response), 2, 2, 2, 2),
            {
                "redis": True,
                "redis_type": "bulk string",
                "redis_command": "GET",
                "redis_key": "cart:17",
                "redis_arguments": 1,
                "redis_request_size": len(request),
                "redis_response_size": len(response),
                "redis_total_size": len(request) + len(response),
            },
            "GET cart:17",
            "OK",
            False,
            request,
            response,
        )
    ]


def test_every_field_that_an_entry_carries_is_declared_with_its_type():
    entries = read((CLIENT, command("GET", "a") + command("SET", "b", b"x" * 100_000)), (SERVER, b"-ERR x\r\n+OK\r\n"))
    python: dict[str, type[object]] = {"bool": bool, "int": int, "string": str}
    seen = {(name, type(value)) for entry in entries for name, value in entry.fields.items()}
    assert seen == {(field.name, python[field.type.value]) for field in Redis.fields}


def test_pipelined_commands_keep_their_places_in_the_stream():
    first, second = command("SET", "a", "1"), command("GET", "a")
    one, two = read((CLIENT, first + second), (SERVER, b"+OK\r\n$1\r\n1\r\n"))
    assert (one.request, two.request) == (
        Span(0, len(first), 1, 1, 1, 1),
        Span(len(first), len(second), 1, 1, 1, 1),
    )
    assert (one.response, two.response) == (Span(0, 5, 2, 2, 2, 2), Span(5, 7, 2, 2, 2, 2))


def test_inline_commands_and_stray_line_ends_are_read():
    entries = read(
        (CLIENT, b'PING\r\n\r\nSET "a b" 1\nFAKE thing\r\n'), (SERVER, b"+PONG\r\n\n+OK\r\n-ERR unknown\r\n")
    )
    assert outline(entries) == [("PING", "OK", ""), ("SET a b", "OK", ""), ("FAKE thing", "ERR", "")]


def test_commands_and_replies_that_stay_alone_are_entries():
    entries = read((CLIENT, command("BLPOP", "q", "0")), connection=NEW) + read((SERVER, b":5\r\n"), connection=OLD)
    assert outline(entries) == [("BLPOP q", "", ""), ("integer", "OK", "")]
    assert [(entry.request is None, entry.response is None) for entry in entries] == [(False, True), (True, False)]


def test_a_large_value_costs_no_memory_and_is_marked():
    driver = Driver()
    value = command("SET", "big", b"x" * 20_000_000)
    held = 0
    for begin in range(0, len(value), 1_000_000):
        driver.piece(CLIENT, value[begin : begin + 1_000_000])
        held = max(held, len(driver.dissector._sides[0].buffer))  # type: ignore[attr-defined]
    driver.piece(SERVER, b"$20000000\r\n" + b"y" * 20_000_000 + b"\r\n")
    (entry,) = driver.close()
    assert held < 100_000
    assert entry.fields["redis_request_size"] == len(value)
    assert entry.fields["redis_truncated"]
    assert entry.request == Span(0, len(value), 1, 21, 1, 21)
    assert (entry.summary, entry.status, len(entry.response_body)) == ("SET big", "OK", Settings().body_limit)


def test_a_replica_is_followed_through_the_database():
    stream = command("SELECT", "0") + command("SET", "a", "1")
    entries = read(
        (CLIENT, command("PSYNC", "?", "-1")),
        (SERVER, b"+FULLRESYNC 8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb 0\r\n\n\n$9\r\nREDIS"),
        (SERVER, b"0011" + stream),
        (CLIENT, command("REPLCONF", "ACK", "31")),
    )
    assert outline(entries) == [
        ("PSYNC", "OK", ""),
        ("RDB", "OK", ""),
        ("SELECT", "", ""),
        ("SET a", "", ""),
        ("REPLCONF", "", ""),
    ]
    assert entries[1].response == Span(58, 13, 2, 3, 2, 3)


def test_a_database_without_a_length_ends_at_its_mark():
    mark = b"8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb"
    reply = b"+FULLRESYNC x 0\r\n$EOF:" + mark + b"\r\nREDIS\r\n$5\r\n" + mark + command("PING")
    for size in (1, 7, 1000):
        parts = [(SERVER, reply[begin : begin + size]) for begin in range(0, len(reply), size)]
        entries = read((CLIENT, command("PSYNC", "?", "-1")), *parts)
        assert outline(entries) == [("PSYNC", "OK", ""), ("RDB", "OK", ""), ("PING", "", "")]


def test_a_gap_among_replies_leaves_their_commands_alone():
    driver = Driver()
    driver.piece(CLIENT, command("GET", "a"))
    driver.piece(SERVER, b"rest\r\n", gap=40)
    driver.piece(CLIENT, command("GET", "b"))
    driver.piece(SERVER, b"$1\r\nb\r\n")
    assert outline(driver.close()) == [("GET a", "", MISSING), ("GET b", "OK", "")]


def test_a_gap_in_a_command_ends_it_and_the_next_one_is_found_inside_a_packet():
    driver = Driver()
    driver.piece(CLIENT, command("SET", "a", "x" * 50)[:40])
    driver.piece(CLIENT, b"xxxx\r\n" + command("GET", "b"), gap=20)
    driver.piece(SERVER, b"+OK\r\n$1\r\nb\r\n")
    driver.piece(CLIENT, command("GET", "c"))
    driver.piece(SERVER, b":1\r\n")
    assert outline(driver.close()) == [
        ("", "", "40 bytes of the message were seen: 20 bytes are missing behind them"),
        ("GET b", "", MISSING),
        ("simple string", "OK", ""),
        ("bulk string", "OK", ""),
        ("GET c", "OK", ""),
    ]
    assert driver.entries[1].request == Span(66, len(command("GET", "b")), 2, 2, 2, 2)


def test_after_a_gap_a_client_that_does_not_wait_is_paired_again_after_a_silence():
    driver = Driver()
    driver.piece(CLIENT, command("GET", "a") + command("GET", "b"))
    driver.piece(SERVER, b":1\r\n:2\r\n")
    driver.piece(CLIENT, command("GET", "c") + command("GET", "d"))
    driver.piece(SERVER, b":4\r\n", gap=4)
    driver.piece(CLIENT, command("GET", "e"))
    driver.piece(SERVER, b":5\r\n")
    driver.packet += QUIET_NS
    driver.piece(CLIENT, command("GET", "f"))
    driver.piece(SERVER, b":6\r\n")
    assert outline(driver.close()) == [
        ("GET a", "OK", ""),
        ("GET b", "OK", ""),
        ("GET c", "", MISSING),
        ("GET d", "", MISSING),
        ("integer", "OK", ""),
        ("GET e", "", MISSING),
        ("integer", "OK", ""),
        ("GET f", "OK", ""),
    ]


@pytest.mark.parametrize(("how", "what"), [("reset", "connection"), ("end", "capture")])
def test_a_reply_that_never_ends_says_why(how: str, what: str):
    entries = read((CLIENT, command("GET", "a")), (SERVER, b"$100\r\nabc"), how=how)
    assert outline(entries) == [("GET a", "", f"9 bytes of the message were seen: the {what} ends")]


def test_bytes_that_are_no_redis_are_named_and_passed_over():
    entries = read(
        (CLIENT, command("GET", "a")),
        (SERVER, b"*2\r\n:1\r\nwhat\r\n"),
        (SERVER, b"more\r\n"),
        (CLIENT, command("GET", "b")),
        (SERVER, b"+b\r\n"),
        (CLIENT, b"\x00\x01\x02\r\n"),
    )
    assert outline(entries) == [
        ("GET a", "", "byte 0x77 begins no value at byte 8 of the stream"),
        ("GET b", "OK", ""),
        ("", "", f"no command begins at byte {2 * len(command('GET', 'a'))} of the stream"),
    ]


def test_a_conversation_that_was_met_in_the_middle_begins_with_a_message():
    entries = read((SERVER, b"lo\r\n"), (CLIENT, command("GET", "a")), (SERVER, b":1\r\n"), connection=OLD)
    assert outline(entries) == [("GET a", "OK", "")]


def test_the_probe_is_that_of_the_wire():
    assert Redis().probe(Opening(NEW, command("GET", "a"), b"", True, True)) is Confidence.SURE
    assert Redis().probe(Opening(NEW, b"GET / HTTP/1.1\r\n", b"", True, True)) is Confidence.NO


def test_an_array_of_a_million_values_in_small_pieces_is_read_in_linear_time():
    driver = Driver()
    reply = b"*200000\r\n" + b":1\r\n" * 200_000
    begin = time.process_time()
    driver.piece(CLIENT, command("LRANGE", "a", "0", "-1"))
    for start in range(0, len(reply), 100):
        driver.piece(SERVER, reply[start : start + 100])
    assert outline(driver.close()) == [("LRANGE a", "OK", "")]
    assert time.process_time() - begin < 10


WORDS = st.lists(st.sampled_from(["GET", "SET", "a", "b c", "MULTI", "ä"]), min_size=1, max_size=4)
REPLIES = st.sampled_from([b"+OK\r\n", b"-ERR x\r\n", b"$3\r\nabc\r\n", b"*2\r\n:1\r\n$-1\r\n", b"%1\r\n+a\r\n:1\r\n"])


@given(st.lists(st.tuples(WORDS, REPLIES), min_size=1, max_size=5), st.data())
def test_any_cut_of_a_conversation_gives_the_same_entries(talk: list[tuple[list[str], bytes]], data: st.DataObject):
    requests = b"".join(command("GET", *words) for words, _ in talk)
    responses = b"".join(reply for _, reply in talk)
    whole = read((CLIENT, requests), (SERVER, responses))
    parts = []
    for direction, stream in ((CLIENT, requests), (SERVER, responses)):
        cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1))))
        parts += [(direction, stream[a:b]) for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    cut = read(*parts)
    assert [(entry.fields, entry.summary, entry.status) for entry in cut] == [
        (entry.fields, entry.summary, entry.status) for entry in whole
    ]
    assert len(whole) == len(talk)


@given(st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=60)), max_size=8), st.booleans())
def test_any_bytes_are_read_without_an_exception(pieces: list[tuple[Direction, bytes]], starts: bool):
    entries = read(*pieces, connection=NEW if starts else OLD)
    assert all(entry.protocol == "redis" and (entry.request or entry.response) for entry in entries)


TURNS = [
    command("PSYNC", "?", "-1"),
    command("SYNC"),
    command("SUBSCRIBE", "a"),
    command("MONITOR"),
    b"+FULLRESYNC\r\n",
]
FRAGMENTS = st.sampled_from(
    [
        *TURNS,
        b"*2\r\n",
        b"$3\r\n",
        b"GET",
        b"\r\n",
        b"$-1\r\n",
        b">1\r\n",
        b"|1\r\n",
        b"+x\r\n",
        b"-E\r\n",
        b":1\r\n",
        b"$EOF:",
    ]
)


@given(st.lists(st.tuples(st.sampled_from(Direction), st.lists(FRAGMENTS).map(b"".join)), max_size=10))
def test_any_mix_of_true_fragments_is_read_without_an_exception(pieces: list[tuple[Direction, bytes]]):
    entries = read(*pieces)
    assert all(entry.request or entry.response for entry in entries)


def confirmation(kind: str, channel: str, left: int) -> bytes:
    return b"*3\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n:%d\r\n" % (len(kind), kind.encode(), len(channel), channel.encode(), left)


def test_unsubscribing_from_all_is_confirmed_once_for_each_channel():
    driver = Driver()
    driver.piece(CLIENT, command("SUBSCRIBE", "a", "b") + command("PSUBSCRIBE", "n*"))
    driver.piece(SERVER, confirmation("subscribe", "a", 1) + confirmation("subscribe", "b", 2))
    driver.piece(SERVER, confirmation("psubscribe", "n*", 3))
    driver.piece(CLIENT, command("UNSUBSCRIBE") + command("PING"))
    driver.piece(SERVER, confirmation("unsubscribe", "b", 2) + confirmation("unsubscribe", "a", 1))
    driver.piece(SERVER, b"*2\r\n$4\r\npong\r\n$0\r\n\r\n")
    assert [(entry.summary, entry.fields["redis_type"]) for entry in driver.entries] == [
        ("SUBSCRIBE a", "array"),
        ("PSUBSCRIBE n*", "array"),
        ("UNSUBSCRIBE", "array"),
        ("PING", "array"),
    ]


def test_a_command_may_have_any_name_where_its_form_is_whole():
    driver = Driver()
    driver.piece(CLIENT, command("GET", "a") + command("_x") + command(b"\xff"))
    driver.piece(SERVER, b"$-1\r\n-ERR unknown\r\n-ERR unknown\r\n")
    assert [(entry.summary, entry.status, entry.malformed) for entry in driver.entries] == [
        ("GET a", "OK", ""),
        ("_X", "ERR", ""),
        (r"\XFF", "ERR", ""),
    ]


@pytest.mark.parametrize(
    "words", [b"-DENIED Redis is running in protected mode", b"-ERR max number of clients reached"]
)
def test_a_server_that_refuses_a_client_speaks_first(words: bytes):
    assert Redis().probe(Opening(NEW, b"", words + b"\r\n", True, True)) is Confidence.POSSIBLE
