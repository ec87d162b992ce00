"""The shapes of secrets, one by one."""

from __future__ import annotations

import pytest

from kubeshark_mcp.present.secret_patterns import KEY, MARK, QUERY_PAIR, SQL_PASSWORD, VALUE, WELL_KNOWN, redis_secrets


def test_a_mark_is_known_as_one():
    assert MARK.fullmatch("<redacted 812 chars #a1b2c3>")
    assert not MARK.fullmatch("<redacted 812 chars>")


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [("a = b", "a", "b"), ('"a": "b c"', "a", '"b c"'), ("a=>'b'", "a", "'b'"), ("a:b,", "a", "b")],
)
def test_settings_are_split_into_name_and_value(text, name, value):
    key = KEY.search(text)
    assert key is not None
    found = VALUE.match(text, key.end())
    assert found is not None
    assert (key["name"], found["quoted"] or found["plain"]) == (name, value)


def test_pairs_of_a_query_end_at_the_next_sign():
    assert QUERY_PAIR.findall("/x?a=1&b=2;c=3#d=4") == [("?", "a", "1"), ("&", "b", "2"), (";", "c", "3")]


def test_a_doubled_quote_belongs_to_the_literal():
    found = SQL_PASSWORD.search("ALTER USER a PASSWORD 'it''s' x")
    assert found is not None
    assert found[2] == "it''s"


def test_redis_commands_keep_their_words():
    assert redis_secrets("HELLO 3 AUTH ann pw SETNAME x", lambda secret: "***") == "HELLO 3 AUTH ann *** SETNAME x"
    assert redis_secrets("*2\n$4\nAUTH\n$2\npw\n*1\n$4\nPING\n", lambda secret: "***") == (
        "*2\n$4\nAUTH\n$2\n***\n*1\n$4\nPING\n"
    )


@pytest.mark.parametrize("word", ["eyJ", "AKIA", "ghp_short", "task-management-service-name", "disk-usage", "T1/B2/c"])
def test_words_that_only_begin_like_secrets_are_none(word):
    assert not any(pattern.search(word) for pattern in WELL_KNOWN)
