from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.redis_replies import Outcome, Replies


def test_replies_are_cut_out_with_what_came_of_each():
    replies = Replies()
    parts = [
        b"+OK\r\n",
        b"-ERR no\r\n",
        b"*1\r\n$1\r\nx\r\n",
        b"%1\r\n+a\r\n:1\r\n",
        b"-ERR no\r\n",
        b"$-1\r\n",
        b"!3\r\nERR\r\n",
    ]
    data = b"".join(parts) + b"$5\r\nab"
    assert replies.read(2, data, 0, len(data)) == len(data) - len(b"$5\r\nab")
    found = replies.notes.messages()
    assert found.connection.tolist() == [2] * len(parts)
    assert [data[begin:end] for begin, end in zip(found.begin.tolist(), found.end.tolist(), strict=True)] == parts
    assert [replies.outcomes[code] for code in found.code.tolist()] == [
        Outcome("simple string"),
        Outcome("simple error", "ERR no", failed=True),
        Outcome("array"),
        Outcome("map"),
        Outcome("simple error", "ERR no", failed=True),
        Outcome("null"),
        Outcome("bulk error", "ERR", failed=True),
    ]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome("null"), "OK"),
        (Outcome("simple error", "MOVED 1", failed=True), "MOVED"),
        (Outcome("", "", failed=True), "ERR"),
    ],
)
def test_the_status_is_the_first_word_of_an_error(outcome, status):
    assert outcome.status == status


@pytest.mark.parametrize(
    "data", [b">1\r\n+x\r\n", b"|1\r\n", b"junk\r\n", b"$1\r\nxyz\r\n", b"$66000\r\n" + b"x" * 66000 + b"\r\n"]
)
def test_what_is_not_usual_is_said_so(data):
    assert Replies().read(0, b"+OK\r\n" + data, 0, 5 + len(data)) == -1
