from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.wire_resp_commands import (
    COMMANDS,
    find_command,
    is_command,
    is_reply,
    judge,
    judge_commands,
    judge_replies,
    key_of,
)
from kubeshark_mcp.model.stream import Connection, Endpoint

NEW = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 6379), from_start=True)
OLD = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 6379))
GET = b"*2\r\n$3\r\nGET\r\n$4\r\ncart\r\n"


def opinion(
    client: bytes = b"", server: bytes = b"", starts: bool = True, complete: bool = False, connection: Connection = NEW
) -> Confidence:
    return judge(Opening(connection, client, server, starts, starts, complete))


def test_names_are_known_in_any_case_and_modules_by_their_dot():
    assert all(name == name.upper() for name in COMMANDS)
    assert is_command(b"get")
    assert is_command(b"JSON.GET")
    assert not is_command(b"POST")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("GET cart:17", "cart:17"),
        ("PING hello", ""),
        ("AUTH secret", ""),
        ("EVAL script 1 k v", "k"),
        ("EVAL script 0 v", ""),
        ("XREAD COUNT 2 STREAMS s1 s2 0 0", "s1"),
        ("XREADGROUP GROUP g c streams s1 >", "s1"),
        ("XREAD COUNT 2", ""),
        ("BITOP AND dest a b", "dest"),
        ("OBJECT ENCODING k", "k"),
        ("MIGRATE host 6379 k 0 100", "k"),
        ("BLMPOP 0 2 a b LEFT", "a"),
        ("SUBSCRIBE news", "news"),
        ("SOMETHING new", "new"),
        ("GET", ""),
    ],
)
def test_the_first_key_is_where_the_command_has_it(line: str, key: str):
    words = line.encode().split(b" ")
    assert key_of(words[0].decode(), words) == key


def test_a_command_is_sure_and_its_beginning_undecided():
    assert opinion(GET) is Confidence.SURE
    assert {opinion(GET[:end]) for end in range(1, 13)} == {Confidence.UNDECIDED}
    assert opinion(b"*1\r\n$4\r\nFAKE\r\n") is Confidence.LIKELY
    assert opinion(b"*1\r\n$9\r\nGET\r\n") is Confidence.NO


@pytest.mark.parametrize("nothing", [b"\r\n", b"\n\r\n", b"*0\r\n", b"*-1\r\n\r\n*0\r\n"])
def test_what_servers_pass_over_may_come_before_the_first_command(nothing: bytes):
    ping = b"*1\r\n$4\r\nPING\r\n"
    assert {judge_commands((nothing + ping)[:length], True) for length in range(1, len(nothing) + 10)} == {
        Confidence.UNDECIDED
    }
    assert judge_commands(nothing + ping, True) is Confidence.SURE
    assert judge_commands(nothing + b"PING\r\n", True) is Confidence.POSSIBLE
    assert judge_commands(nothing + b"\x00", True) is Confidence.NO


def test_the_middle_of_a_conversation_is_recognised():
    assert opinion(b"rest of a value\r\n" + GET, starts=False, connection=OLD) is Confidence.LIKELY
    assert opinion(server=b"$5\r\nhello\r\n", starts=False, connection=OLD) is Confidence.LIKELY
    assert opinion(server=b"+OK\r\n", starts=False, connection=OLD) is Confidence.POSSIBLE
    assert judge_commands(b"\x00rest", False) is Confidence.NO


def test_inline_commands_are_believed_when_the_replies_are():
    assert opinion(b"PING\r\n") is Confidence.UNDECIDED
    assert opinion(b"PING\r\n", complete=True) is Confidence.POSSIBLE
    assert opinion(b"PING\r\n", b"+PONG\r\n") is Confidence.LIKELY
    assert opinion(b"get cart\r\n", b"$5\r\nhello\r\n") is Confidence.LIKELY
    assert opinion(b"FAKE COMMAND\r\n", b"*1\r\n:1\r\n\n") is Confidence.POSSIBLE
    assert opinion(b"FAKE COMMAND\r\n", complete=True) is Confidence.NO


@pytest.mark.parametrize(
    ("client", "server"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b""),
        (b"GET /\r\n", b"<html></html>\r\n"),
        (b"get cart\r\n", b"VALUE cart 0 5\r\nhello\r\nEND\r\n"),
        (b"set a 0 0 1\r\nx\r\n", b"STORED\r\n"),
        (b"QUIT\r\n", b"220 mail.example.com ESMTP\r\n"),
        (b"", b"+OK POP3 ready\r\n"),
        (b"INFO\r\n", b":irc.example.com 001 you :Welcome\r\n"),
        (b"\x16\x03\x01\x02\x00\x01", b""),
        (b"SSH-2.0-OpenSSH\r\n", b"SSH-2.0-OpenSSH\r\n"),
        (b"CONN G<:&HTTP/1-\rT21/\x88\r\n", b"HTTP/5.?2 200 \r\r"),
    ],
)
def test_other_protocols_are_not_claimed(client: bytes, server: bytes):
    assert opinion(client, server) is Confidence.NO


def test_pop3_needs_the_port():
    assert opinion(b"QUIT\r\n", b"+OK bye\r\n", connection=OLD, starts=False) is Confidence.POSSIBLE


def test_replies_are_judged_by_their_form():
    assert judge_replies(b"%1\r\n+a\r\n,1.5\r\n") is Confidence.LIKELY
    assert judge_replies(b"-ERR unknown command 'FOO'\r\n") is Confidence.LIKELY
    assert judge_replies(b"+OK") is Confidence.UNDECIDED
    assert judge_replies(b":12x\r\n") is Confidence.NO
    assert judge_replies(b"$2\r\nabcdef\r\n") is Confidence.NO


def test_reading_resumes_where_a_message_begins():
    assert find_command(b"rest\r\n" + GET, inline=False) == 6
    assert find_command(b"PING\r\n", inline=True) == 0
    assert find_command(b"PING\r\nGET a\r\n", inline=True) == 0
    assert find_command(b"PING\r\n", inline=False) == -1
    assert find_command(b"GET\r\n$4\r\ncart\r\n", inline=True) == -1
    assert find_command(b"rest\r\n", inline=True) == -1
    assert is_reply(b"+OK\r\n")
    assert not is_reply(b"OK\r\n")
