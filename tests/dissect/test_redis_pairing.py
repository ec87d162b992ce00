from __future__ import annotations

from kubeshark_mcp.dissect.base import Context, Settings
from kubeshark_mcp.dissect.pairing import WAITING
from kubeshark_mcp.dissect.redis_pairing import RedisPairing
from kubeshark_mcp.dissect.wire_resp import Dump, Message
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, Direction, Endpoint, Span

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
CONNECTION = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 6379), from_start=True)


def span(number: int, length: int = 5) -> Span:
    return Span(0, length, number, number, number, number)


class Talk:
    """Says things to a pairing; packets are numbered from 1."""

    def __init__(self, body_limit: int = 100):
        self.entries: list[Entry] = []
        self.pairing = RedisPairing(Context(CONNECTION, Settings(body_limit=body_limit), self.entries.append))
        self.packet = 0

    def ask(self, line: str, direction: Direction = CLIENT) -> Talk:
        self.packet += 1
        words = line.encode().split()
        self.pairing.ask(direction, (words, len(words) - 1), span(self.packet, len(line)), line.encode())
        return self

    def answer(self, body: bytes) -> Talk:
        self.packet += 1
        self.pairing.answer(Message(span(self.packet, len(body)), body, len(body)))
        return self

    def end(self) -> list[tuple[str, str]]:
        self.pairing.flush()
        return [(entry.summary, entry.status) for entry in self.entries]


def test_replies_come_in_the_order_of_the_commands():
    talk = Talk().ask("GET a").ask("INCR b").answer(b"$1\r\nx\r\n").answer(b"-ERR no number\r\n")
    assert talk.entries == [
        Entry(
            "redis",
            CONNECTION,
            span(1),
            span(3, 7),
            {
                "redis": True,
                "redis_type": "bulk string",
                "redis_command": "GET",
                "redis_key": "a",
                "redis_arguments": 1,
                "redis_request_size": 5,
                "redis_response_size": 7,
                "redis_total_size": 12,
            },
            "GET a",
            "OK",
            False,
            b"GET a",
            b"$1\r\nx\r\n",
        ),
        Entry(
            "redis",
            CONNECTION,
            span(2, 6),
            span(4, 16),
            {
                "redis": True,
                "redis_type": "simple error",
                "redis_command": "INCR",
                "redis_key": "b",
                "redis_arguments": 1,
                "redis_request_size": 6,
                "redis_response_size": 16,
                "redis_total_size": 22,
                "redis_error": "ERR no number",
            },
            "INCR b",
            "ERR",
            True,
            b"INCR b",
            b"-ERR no number\r\n",
        ),
    ]


def test_the_usual_way_gives_the_same_entry_as_the_careful_one():
    usual, careful = Talk().ask("GET a"), Talk().ask("GET a")
    assert usual.pairing.answer_usual("bulk string", span(2, 7), b"$1\r\nx\r\n")
    assert usual.entries == careful.answer(b"$1\r\nx\r\n").entries
    assert not usual.pairing.answer_usual("bulk string", span(2, 7), b"$1\r\nx\r\n")


def test_a_password_is_in_no_summary():
    assert Talk().ask("AUTH user secret").ask("CONFIG SET requirepass secret").end() == [
        ("AUTH", ""),
        ("CONFIG SET", ""),
    ]


def test_silence_that_the_client_asked_for_is_not_waited_for():
    talk = (
        Talk()
        .ask("PING")
        .ask("CLIENT REPLY OFF")
        .ask("PING")
        .ask("CLIENT REPLY SKIP")
        .ask("CLIENT REPLY ON")
        .ask("PING")
    )
    talk.answer(b"+PONG\r\n").answer(b"+OK\r\n").answer(b"+PONG\r\n")
    assert talk.end() == [
        ("CLIENT REPLY", ""),
        ("PING", ""),
        ("CLIENT REPLY", ""),
        ("PING", "OK"),
        ("CLIENT REPLY", "OK"),
        ("PING", "OK"),
    ]


def test_skip_leaves_out_one_reply():
    talk = Talk().ask("CLIENT REPLY SKIP").ask("GET a").ask("GET b").answer(b"$1\r\nb\r\n")
    assert talk.end() == [("CLIENT REPLY", ""), ("GET a", ""), ("GET b", "OK")]


def test_a_subscription_is_confirmed_once_a_channel_and_then_speaks_by_itself():
    talk = Talk().ask("SUBSCRIBE a b").ask("PING")
    talk.answer(b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n").answer(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n")
    talk.answer(b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n").answer(b"*2\r\n$4\r\npong\r\n$0\r\n\r\n")
    assert talk.end() == [("SUBSCRIBE a", "OK"), ("MESSAGE a", "OK"), ("PING", "OK")]
    subscribe, message, _ = talk.entries
    assert (subscribe.response, subscribe.fields["redis_response_size"]) == (Span(0, 30, 3, 4, 3, 4), 60)
    assert (message.request, message.fields["redis_command"], message.fields["redis_key"]) == (None, "MESSAGE", "a")


def test_pushes_of_version_3_never_take_the_place_of_a_reply():
    talk = Talk().ask("GET a").answer(b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n").answer(b"_\r\n")
    assert talk.end() == [("INVALIDATE", "OK"), ("GET a", "OK")]


def test_monitored_commands_are_messages_of_their_own():
    talk = Talk().ask("MONITOR").answer(b"+OK\r\n").ask("PING")
    talk.answer(b'+1339518083.107412 [0 127.0.0.1:60866] "keys" "*"\r\n').answer(b"+PONG\r\n")
    assert talk.end() == [("MONITOR", "OK"), ("MONITOR", "OK"), ("PING", "OK")]


def test_a_replica_gets_a_database_and_then_commands():
    talk = Talk().ask("PSYNC ? -1").answer(b"+FULLRESYNC abc 0\r\n")
    dump = talk.pairing.dump
    assert dump == Dump()
    talk.pairing.end_dump(Dump(0, b"", span(3, 900)))
    talk.ask("SET a 1", SERVER).ask("REPLCONF ACK 12")
    assert talk.end() == [("PSYNC", "OK"), ("RDB", "OK"), ("SET a", ""), ("REPLCONF", "")]
    stream = talk.entries[2]
    assert (stream.request, stream.response, stream.response_body) == (None, span(3, 7), b"SET a 1")


def test_the_reply_to_the_old_sync_is_the_database_itself():
    talk = Talk().ask("SYNC")
    assert talk.pairing.begins_dump(ord("$"))
    talk.pairing.end_dump(Dump(0, b"", span(2, 900)))
    assert talk.end() == [("SYNC", "OK")]
    assert talk.pairing.replica


def test_too_many_waiting_commands_do_not_shift_the_replies():
    talk = Talk()
    for number in range(WAITING + 2):
        talk.ask(f"GET {number}")
    assert [entry.summary for entry in talk.entries] == ["GET 0", "GET 1"]
    for _ in range(3):
        talk.answer(b"+x\r\n")
    assert [(entry.summary, entry.status) for entry in talk.entries[2:]] == [
        ("simple string", "OK"),
        ("simple string", "OK"),
        ("GET 2", "OK"),
    ]


def test_what_cannot_be_read_is_the_reply_of_the_command_that_waits():
    talk = Talk().ask("GET a")
    talk.pairing.unread(Message(span(2, 9), b"garbage", 9), SERVER, "no value")
    talk.pairing.unread(Message(span(3, 9), b"garbage", 9), CLIENT, "no command")
    first, second = talk.entries
    assert (first.summary, first.malformed, first.response) == ("GET a", "no value", span(2, 9))
    assert (second.request, second.malformed, second.fields["redis_total_size"]) == (span(3, 9), "no command", 9)


def test_bodies_are_cut_at_the_limit():
    talk = Talk(body_limit=3).ask("GET a").answer(b"$5\r\nhello\r\n")
    assert (talk.entries[0].request_body, talk.entries[0].response_body) == (b"GET", b"$5\r")
