from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.redis_commands import Commands

GET, PING = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", b"*1\r\n$4\r\nPING\r\n"
LINES = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\nx\r\ny\r\n"


def test_commands_are_cut_out_and_what_they_say_is_told_once():
    commands = Commands()
    data = b"??" + GET + PING + GET + LINES + PING + b"*1\r\n$4\r\nPI"
    end = len(data) - len(b"*1\r\n$4\r\nPI")
    assert commands.read(3, data, 2, len(data)) == end
    found = commands.notes.messages()
    assert found.connection.tolist() == [3] * 5
    bodies = [data[begin:after] for begin, after in zip(found.begin.tolist(), found.end.tolist(), strict=True)]
    assert bodies == [GET, PING, GET, LINES, PING]
    assert found.code.tolist() == [0, 1, 0, 2, 1]
    assert [asked.summary for asked in commands.asked] == ["GET a", "PING", "SET a"]


@pytest.mark.parametrize(
    "data",
    [
        b"PING\r\n",
        b"\r\n" + GET,
        b"*0\r\n",
        b"*1\r\n:3\r\n",
        b"*1\r\n$3\r\nGETX\r\n",
        b"*1\r\n$7\r\nMONITOR\r\n",
        b"*3\r\n$6\r\nclient\r\n$5\r\nreply\r\n$3\r\nOFF\r\n",
        b"*2\r\n$3\r\nSET\r\n$66000\r\n" + b"x" * 66000 + b"\r\n",
    ],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_not_usual_is_said_so(data):
    assert Commands().read(0, GET + data, 0, len(GET + data)) == -1


def test_a_long_command_is_remembered_by_nobody_and_read_again():
    commands = Commands()
    long = b"*2\r\n$3\r\nGET\r\n$300\r\n" + b"k" * 300 + b"\r\n"
    assert commands.read(0, long * 2, 0, 2 * len(long)) == 2 * len(long)
    assert commands.notes.codes == [0, 1]
