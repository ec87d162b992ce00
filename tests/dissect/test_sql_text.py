from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.sql_text import (
    PHRASE_LIMIT,
    PHRASES,
    STATEMENTS,
    SUMMARY_LIMIT,
    TEXT_LIMIT,
    TEXTS,
    Phrasebook,
    Statement,
    Statements,
    Words,
    one_line,
    read_text,
    verb_of,
)


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("SELECT 1", "SELECT"),
        ("  \n\tselect 1", "SELECT"),
        ("(SELECT 1) UNION (SELECT 2)", "SELECT"),
        ("-- why\nUPDATE a SET b = 1", "UPDATE"),
        ("# why\nDELETE FROM a", "DELETE"),
        ("/* who */ /* why */INSERT INTO a VALUES (1)", "INSERT"),
        ("/*!40101 SET NAMES utf8 */", "SET"),
        ("START_REPLICATION SLOT a", "START_REPLICATION"),
        (";BEGIN", "BEGIN"),
        ("/* never closed SELECT 1", ""),
        ("42", ""),
        ("", ""),
    ],
)
def test_the_verb_lies_behind_comments_and_brackets(text: str, verb: str):
    assert verb_of(text) == verb


def test_comments_without_end_cost_no_time():
    begin = time.process_time()
    for text in ("/*!" * 100_000, "/* " * 100_000, "-- \n" * 100_000, "(" * 100_000, "/*!*/" * 100_000):
        verb_of(text)
    assert time.process_time() - begin < 0.5


def test_bytes_that_are_no_text_stay_visible_and_long_texts_are_cut():
    assert read_text(b"caf\xe9") == "caf\\xe9"
    assert read_text("café".encode()) == "café"
    assert len(read_text(b"x" * (TEXT_LIMIT + 1))) == TEXT_LIMIT


@given(st.text())
def test_a_summary_is_one_short_line(text: str):
    line = one_line(text)
    assert len(line) <= SUMMARY_LIMIT
    assert line.isprintable()


def test_a_long_statement_shows_that_it_goes_on():
    assert one_line("SELECT " + "x" * 500).endswith("...")
    assert one_line("SELECT\n   1") == "SELECT 1"
    assert one_line("SELECT '\0\x1b[2J'") == "SELECT '..[2J'"


def test_statements_are_remembered_replaced_and_forgotten():
    known: Statements[str, int] = Statements()
    assert known.put("a", "SELECT 1", 7) == []
    assert known.get("a") == Statement("SELECT 1", 7)
    assert known.put("a", "SELECT 2", 8) == [Statement("SELECT 1", 7)]
    assert known.drop("a") == Statement("SELECT 2", 8)
    assert known.get("a") is known.drop("a") is None
    known.put("b", "SELECT 3", 9)
    assert (known.clear(), len(known)) == ([Statement("SELECT 3", 9)], 0)


def test_the_oldest_statements_are_forgotten_when_there_are_too_many():
    known: Statements[int, None] = Statements()
    gone = [known.put(number, "x", None) for number in range(STATEMENTS + 2)]
    assert (len(known), gone[-2:], known.get(0), known.get(1)) == (STATEMENTS, [[Statement("x", None)]] * 2, None, None)


def test_the_oldest_statements_are_forgotten_when_their_texts_are_too_long():
    known: Statements[int, None] = Statements()
    for number in range(100):
        known.put(number, "x" * (TEXTS // 10), None)
    assert len(known) == 10


def test_words_are_the_same_whether_they_are_known_or_not():
    phrases = Phrasebook()
    assert phrases.of("select\n1") == phrases.of("select\n1") == Words("SELECT", "select 1")
    assert phrases.of("") == Words("", "(empty query)")


def test_known_words_are_bounded():
    phrases = Phrasebook()
    for number in range(PHRASES * 3):
        phrases.of(f"SELECT {number}")
    phrases.of("x" * (PHRASE_LIMIT + 1))
    assert len(phrases._known) <= PHRASES
