from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_resp import HELD, read_reply, scan
from kubeshark_mcp.dissect.wire_resp_usual import usual_commands, usual_reply
from tests.dissect.test_wire_resp import VALUES


@given(st.lists(st.sampled_from(VALUES), min_size=1, max_size=4), st.integers(0, 3), st.integers(0, 200))
def test_a_usual_reply_is_what_walking_finds(values: list[bytes], index: int, cut: int):
    data = b"".join(values)
    start = len(b"".join(values[: index % len(values)]))
    data = data[: max(start + 1, len(data) - cut % 20)]
    reply_type, after = usual_reply(data, start)
    if after:
        assert scan(data, start, 1, 0) == (after, 0, 0)
        assert read_reply(data[start:after]).type == reply_type


def test_an_array_of_short_strings_ends_where_the_next_message_begins():
    data = b"*3\r\n$1\r\na\r\n$0\r\n\r\n$2\r\nbc\r\n"
    assert usual_reply(data + b"+OK\r\n", 0) == ("array", len(data))
    assert usual_reply(b"+OK\r\n" + data, 5) == ("array", 5 + len(data))
    assert usual_reply(b"*0\r\n:1\r\n", 0) == ("array", 4)


@pytest.mark.parametrize("data", [b"-ERR no\r\n", b"$5\r\nab", b"$2\r\nabc\r\n", b"*2\r\n$1\r\na\r\n", b"?", b"*x\r\n"])
def test_what_is_unfinished_damaged_or_an_error_is_no_usual_reply(data: bytes):
    assert usual_reply(data, 0)[1] == 0


def test_usual_commands_end_where_a_line_ends_within_a_word_and_where_bytes_are_missing():
    usual, unusual = b"*1\r\n$4\r\nPING\r\n", b"*2\r\n$3\r\nGET\r\n$3\r\n\r\nx\r\n"
    assert list(usual_commands(usual + unusual + usual)) == [(([b"PING"], 0), 14)]
    assert list(usual_commands(usual[:-2])) == []
    assert list(usual_commands(usual * (HELD // len(usual) + 1))) == []
