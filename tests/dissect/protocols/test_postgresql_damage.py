"""PostgreSQL: streams with holes, hostile bytes, time and memory."""

from __future__ import annotations

import struct
import time

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.frames import HELD
from kubeshark_mcp.dissect.postgresql_pairing import MISMATCH, MISSING, QUIET_NS, UNSEEN
from kubeshark_mcp.model.stream import Direction
from tests.dissect.driver import PostgresqlDriver, outline
from tests.dissect.samples.postgresql import (
    BOUND,
    CLIENT,
    IDLE,
    LOGIN,
    PARSED,
    SERVER,
    SSL,
    SYNC,
    authentication,
    bind,
    columns,
    describe,
    done,
    error,
    execute,
    message,
    parse,
    query,
    row,
)

NEW, OLD = PostgresqlDriver.new, PostgresqlDriver.old
read = PostgresqlDriver.read


def test_an_answer_whose_request_was_not_captured_is_an_entry():
    (entry,) = read((SERVER, columns("a") + row("1") + done("SELECT 1") + IDLE), connection=OLD)
    assert (entry.summary, entry.status, entry.request) == ("SELECT 1", "OK", None)
    assert (entry.fields["postgresql_command"], entry.fields["postgresql_rows"]) == ("SELECT", 1)


def test_an_answer_to_something_else_is_never_joined():
    entries = read(
        (CLIENT, parse("1", "DELETE FROM test WHERE id = $1") + describe("S", "1") + SYNC),
        (SERVER, BOUND + done("DELETE 0") + IDLE),
        connection=OLD,
    )
    assert outline(entries) == [
        ("Parse DELETE FROM test WHERE id = $1", "", MISMATCH),
        ("DELETE 0", "OK", ""),
    ]


def test_behind_missing_bytes_pairing_begins_again_with_the_next_question():
    driver = PostgresqlDriver()
    driver.piece(CLIENT, query("SELECT 1"))
    driver.piece(SERVER, columns("a") + row("1"))
    driver.piece(SERVER, done("SELECT 9") + IDLE, gap=500)
    driver.piece(CLIENT, query("SELECT 2"))
    driver.piece(SERVER, columns("a") + row("2") + done("SELECT 1") + IDLE)
    assert outline(driver.close()) == [("SELECT 1", "", MISSING), ("SELECT 9", "OK", ""), ("SELECT 2", "OK", "")]


def test_in_a_pipeline_with_missing_bytes_nothing_is_paired_before_a_silence():
    driver = PostgresqlDriver()
    driver.piece(CLIENT, query("SELECT 1") + query("SELECT 2"))
    driver.piece(CLIENT, query("SELECT 4"), gap=14)
    driver.piece(SERVER, (done("SELECT 1") + IDLE) * 4)
    driver.piece(CLIENT, query("SELECT 5"))
    driver.piece(SERVER, done("SELECT 1") + IDLE)
    driver.piece(CLIENT, query("SELECT 6"), later_ns=2 * QUIET_NS)
    driver.piece(SERVER, done("SELECT 1") + IDLE)
    found = [each for each in outline(driver.close()) if each[0] != "SELECT 1" or each[2]]
    assert found == [
        ("SELECT 1", "", MISSING),
        ("SELECT 2", "", MISSING),
        ("SELECT 4", "", MISSING),
        ("SELECT 5", "", MISSING),
        ("SELECT 6", "OK", ""),
    ]


def test_a_text_that_was_lost_in_a_hole_marks_the_execution():
    driver = PostgresqlDriver()
    driver.piece(CLIENT, query("SELECT 1"))
    driver.piece(SERVER, done("SELECT 1") + IDLE)
    driver.piece(CLIENT, query("SELECT 2"), gap=40)
    driver.piece(SERVER, done("SELECT 1") + IDLE)
    driver.piece(CLIENT, bind("s1") + execute() + SYNC)
    driver.piece(SERVER, BOUND + done("SELECT 1") + IDLE)
    assert (
        driver.close()[-1].malformed == "the text of prepared statement 's1' is missing, as bytes of the connection are"
    )


def test_a_parse_before_a_hole_says_that_its_execution_may_be_missing():
    driver = PostgresqlDriver()
    driver.piece(CLIENT, parse("s1", "SELECT 1") + SYNC)
    driver.piece(SERVER, PARSED + IDLE)
    driver.piece(CLIENT, query("SELECT 2"), gap=40)
    driver.piece(SERVER, done("SELECT 1") + IDLE)
    assert ("Parse SELECT 1", "OK", UNSEEN) in outline(driver.close())


def test_a_message_that_never_ends_keeps_what_was_read():
    entries = read((CLIENT, query("SELECT 1")[:-4]), how="end")
    assert outline(entries) == [("unreadable", "", "10 bytes of the message were seen: the capture ends")]


def test_bytes_that_are_no_message_are_marked_with_their_place_and_reading_goes_on():
    driver = PostgresqlDriver()
    driver.piece(CLIENT, query("SELECT 1") + b"\xff\xff\xff\xff\xff\xff")
    driver.piece(SERVER, done("SELECT 1") + IDLE)
    driver.piece(CLIENT, query("SELECT 2"))
    driver.piece(SERVER, done("SELECT 1") + IDLE)
    assert outline(driver.close()) == [
        ("unreadable", "", "no message begins with 0xffffffffff at byte 14 of the stream"),
        ("SELECT 1", "", MISSING),
        ("SELECT 1", "OK", ""),
        ("SELECT 2", "OK", ""),
    ]


def test_a_code_that_nobody_knows_is_marked():
    entries = read((CLIENT, struct.pack(">II", 8, 0x00FF00FF)), (SERVER, b"N"))
    assert outline(entries) == [("StartupMessage", "refused", "0x00ff00ff is no code of a known request, at byte 4")]


def test_a_huge_value_costs_no_memory():
    driver = PostgresqlDriver()
    data = columns("a") + row(b"x" * 8_000_000) + done("SELECT 1") + IDLE
    driver.piece(CLIENT, query("SELECT a"))
    held = 0
    for begin in range(0, len(data), 500_000):
        driver.piece(SERVER, data[begin : begin + 500_000])
        held = max(held, len(driver.dissector._sides[1].buffer))  # type: ignore[attr-defined]
    (entry,) = driver.close()
    assert held <= HELD
    assert (entry.fields["postgresql_rows"], entry.fields["postgresql_response_size"]) == (1, len(data))
    assert len(entry.response_body) == Settings().body_limit


def test_a_text_that_is_longer_than_what_is_kept_is_marked():
    driver = PostgresqlDriver()
    text = query("SELECT '" + "y" * 300_000 + "'")
    for begin in range(0, len(text), 1400):
        driver.piece(CLIENT, text[begin : begin + 1400])
    driver.piece(SERVER, done("SELECT 1") + IDLE)
    (entry,) = driver.close()
    assert entry.fields["postgresql_truncated"] is True
    assert entry.fields["postgresql_request_size"] == len(text)
    assert (len(entry.summary), entry.status) == (200, "OK")


def test_a_million_rows_are_counted_in_a_moment():
    driver = PostgresqlDriver()
    driver.piece(CLIENT, query("SELECT n"))
    rows = row("12345678") * 1_000_000
    begin = time.process_time()
    for start in range(0, len(rows), 65_536):
        driver.piece(SERVER, rows[start : start + 65_536])
    driver.piece(SERVER, done("SELECT 1000000") + IDLE)
    assert driver.close()[0].fields["postgresql_rows"] == 1_000_000
    assert time.process_time() - begin < 5


def test_pipelines_without_end_are_bounded():
    driver = PostgresqlDriver()
    for _ in range(20_000):
        driver.piece(CLIENT, parse("", "SELECT 1") + bind("") + execute())
    assert len(driver.dissector._conversation.operations) < 5000  # type: ignore[attr-defined]
    assert len(driver.close()) >= 20_000


WORDS = st.sampled_from(
    [
        query("SELECT 1"), parse("", "SELECT 1"), parse("s", "SELECT 2"), bind(""), bind("s", "1"), execute(), SYNC,
        describe("P"), describe("S", "s"), message("C", b"Ss\0"), message("H"), message("d", b"1"), message("c"),
        message("f", "no"), message("X"), message("p", b"x\0"), LOGIN, SSL, PARSED, BOUND, IDLE, columns("a"), row("1"),
        done("SELECT 1"), done("x"), error("42601", "no"), message("I"), message("s"), message("n"), message("3"),
        message("G", b"\0\0\0"), message("H", b"\0\0\0"), message("W", b"\0\0\0"), message("Z"), message("T"), b"N",
        message("A", struct.pack(">I", 1), "c", "p"), error("57P01", "bye", "FATAL"), authentication(5, b"salt"), b"\0",
    ]
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(Direction), st.lists(WORDS).map(b"".join)), max_size=10), st.booleans())
def test_any_mix_of_true_messages_is_read_without_an_exception(pieces: list[tuple[Direction, bytes]], starts: bool):
    entries = read(*pieces, connection=NEW if starts else OLD)
    assert all(entry.request or entry.response for entry in entries)


@given(st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=60)), max_size=8), st.booleans())
def test_any_bytes_are_read_without_an_exception(pieces: list[tuple[Direction, bytes]], starts: bool):
    entries = read(*pieces, connection=NEW if starts else OLD)
    assert all(entry.protocol == "postgresql" and (entry.request or entry.response) for entry in entries)
