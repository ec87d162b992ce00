from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.redis_reading import REMEMBERED, REMEMBERED_BYTES, Asked, Readings, read_asked
from kubeshark_mcp.dissect.wire_resp import read_command


def array(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def test_a_command_says_its_name_its_key_and_how_many_arguments_it_has():
    assert read_asked(([b"set", b"cart:17", b"x"], 2)) == Asked(
        [b"set", b"cart:17", b"x"], "SET", "cart:17", 2, "SET cart:17"
    )


def test_the_second_word_of_some_commands_belongs_to_their_name():
    assert read_asked(([b"config", b"get", b"dir"], 2)).summary == "CONFIG GET"


def test_commands_of_a_pipeline_are_read_one_by_one():
    get, ping = array(b"GET", b"a"), array(b"PING")
    found = list(Readings().read(get + ping + b"*2\r\n$3\r\nGET\r\n"))
    assert found == [
        (Asked([b"GET", b"a"], "GET", "a", 1, "GET a"), get),
        (Asked([b"PING"], "PING", "", 0, "PING"), ping),
    ]


def test_what_was_read_once_is_remembered():
    readings, command = Readings(), array(b"GET", b"a")
    [(first, _)] = readings.read(command)
    [(again, _)] = readings.read(bytes(bytearray(command)))
    [(behind, _)] = list(readings.read(array(b"PING") + command))[1:]
    assert first is again is behind


def test_long_commands_and_more_than_a_few_are_not_remembered():
    readings, long = Readings(), array(b"SET", b"a", b"x" * REMEMBERED_BYTES)
    [(first, _)] = readings.read(long)
    [(again, _)] = readings.read(long)
    assert first is not again
    [(begun, _)] = readings.read(array(b"GET", b"a"))
    for number in range(REMEMBERED):
        list(readings.read(array(b"GET", b"b%d" % number)))
    [(anew, _)] = readings.read(array(b"GET", b"a"))
    assert anew == begun
    assert anew is not begun


word = st.one_of(st.binary(max_size=6), st.sampled_from([b"GET", b"\r\n", b"a\r\n$1"]))
words = st.lists(word, min_size=1, max_size=5)


@given(st.lists(words, max_size=5), st.binary(max_size=8))
def test_usual_commands_are_what_reading_with_care_finds(commands: list[list[bytes]], rest: bytes):
    data = b"".join(array(*command) for command in commands) + rest
    start = 0
    for asked, body in Readings().read(data):
        found = read_command(data, start)
        assert found is not None
        command, after = found
        assert (asked, body) == (read_asked(command), data[start:after])
        start = after


def test_usual_spellings_say_the_same_as_others():
    for words in ([b"get", b"k"], [b"GET", b"k"], [b"gEt", b"k"]):
        assert read_asked((words, 1)) == Asked(words, "GET", "k", 1, "GET k")
    for words in ([b"get"], [b"Get"]):
        assert read_asked((words, 0)) == Asked(words, "GET", "", 0, "GET")
    assert read_asked(([b"get", b""], 1)).summary == read_asked(([b"Get", b""], 1)).summary == "GET"


def test_a_command_of_which_only_the_name_was_kept_has_no_key():
    assert read_asked(([b"GET"], 7)) == Asked([b"GET"], "GET", "", 7, "GET")
