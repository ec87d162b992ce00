"""MySQL: streams with holes, compressed ones, hostile bytes, time and memory."""

from __future__ import annotations

import time
import zlib

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.frames import HELD
from kubeshark_mcp.dissect.mysql_answers import MISMATCH
from kubeshark_mcp.dissect.mysql_compression import ZSTD as UNREAD
from kubeshark_mcp.dissect.mysql_exchange import MISSING, QUIET_NS
from kubeshark_mcp.model.stream import Direction
from tests.dissect.driver import MysqlDriver, outline
from tests.dissect.samples.mysql import (
    CLIENT,
    COMPRESS,
    EXECUTE,
    PREPARED,
    SERVER,
    USUAL,
    ZSTD,
    answer,
    column,
    command,
    ended,
    eof,
    error,
    greeting,
    login,
    ok,
    packet,
    query,
    row,
    squeezed,
)

NEW, OLD = MysqlDriver.new, MysqlDriver.old
read = MysqlDriver.read
SIGNED_IN = ((SERVER, greeting()), (CLIENT, login()), (SERVER, packet(2, ok())))


def test_a_message_of_more_than_16_megabytes_is_one_message():
    driver = MysqlDriver()
    part = b"x" * 0xFFFFFF
    driver.piece(CLIENT, packet(0, b"\x03SELECT '" + part[:-9]) + packet(1, b"y'"))
    driver.piece(SERVER, packet(2, b"\x01") + packet(3, column("a")) + packet(4, eof()) + packet(5, part))
    driver.piece(SERVER, packet(6, b"z") + packet(7, eof()))
    (entry,) = driver.close()
    assert (entry.status, entry.malformed, entry.fields["mysql_rows"]) == ("OK", "", 1)
    assert entry.fields["mysql_truncated"] is True
    assert entry.fields["mysql_request_size"] == 0xFFFFFF + 2 + 4


def test_an_answer_to_something_else_is_never_joined():
    entries = read((CLIENT, login()), (SERVER, answer(column("a"), column("b"), ended())), connection=OLD)
    assert outline(entries) == [
        ("HandshakeResponse app@shop", "", MISMATCH),
        ("answer to a command that was not captured", "OK", ""),
    ]


def test_an_answer_whose_command_was_not_captured_is_an_entry():
    (entry,) = read((SERVER, answer(b"\x01", column("a"), eof(), row("1"), eof())), connection=OLD)
    assert (entry.request, entry.status, entry.fields["mysql_rows"]) == (None, "OK", 1)


def test_a_server_that_ends_a_session_on_its_own_is_an_error():
    driver = MysqlDriver()
    for piece in SIGNED_IN:
        driver.piece(*piece)
    driver.piece(SERVER, packet(0, error(4031, "HY000", "The client was disconnected because of inactivity")))
    entry = driver.close()[-1]
    assert (entry.status, entry.failed, entry.request) == ("4031", True, None)


def test_behind_missing_bytes_pairing_begins_again_with_the_next_command():
    driver = MysqlDriver()
    driver.piece(CLIENT, query("SELECT 1"))
    driver.piece(SERVER, answer(b"\x01", column("a"), eof()))
    driver.piece(SERVER, b"rest of a row" + answer(eof(), first=9), gap=500)
    driver.piece(CLIENT, query("SELECT 2"))
    driver.piece(SERVER, answer(ok()))
    assert outline(driver.close()) == [("SELECT 1", "", MISSING), ("SELECT 2", "OK", "")]


def test_in_a_pipeline_with_missing_bytes_nothing_is_paired_before_a_silence():
    driver = MysqlDriver()
    driver.piece(CLIENT, query("SELECT 1") + query("SELECT 2"))
    driver.piece(CLIENT, query("SELECT 4"), gap=13)
    driver.piece(CLIENT, query("SELECT 5"))
    driver.piece(CLIENT, query("SELECT 6"), later_ns=2 * QUIET_NS)
    driver.piece(SERVER, answer(ok()))
    assert outline(driver.close()) == [
        ("SELECT 1", "", MISSING),
        ("SELECT 2", "", MISSING),
        ("SELECT 4", "", MISSING),
        ("SELECT 5", "", MISSING),
        ("SELECT 6", "OK", ""),
    ]


def test_a_text_that_was_lost_in_a_hole_marks_the_execution():
    driver = MysqlDriver()
    driver.piece(CLIENT, command(0x0E))
    driver.piece(SERVER, answer(ok()))
    driver.piece(CLIENT, command(0x0E), gap=40)
    driver.piece(SERVER, answer(ok()))
    driver.piece(CLIENT, command(0x17, EXECUTE))
    driver.piece(SERVER, answer(ok()))
    why = "the text of prepared statement 3 is missing, as bytes of the connection are"
    assert outline(driver.close())[-1] == ("COM_STMT_EXECUTE 3, text not captured", "OK", why)


def test_packets_out_of_order_are_marked_with_their_place_and_reading_goes_on():
    driver = MysqlDriver()
    driver.piece(CLIENT, query("SELECT 1"))
    driver.piece(SERVER, packet(1, b"\x01") + packet(2, column("a")) + packet(7, eof()))
    driver.piece(CLIENT, query("SELECT 2"))
    driver.piece(SERVER, answer(ok()))
    place = len(packet(1, b"\x01") + packet(2, column("a")))
    assert outline(driver.close()) == [
        ("SELECT 1", "", f"packet 7 comes where 3 is to come at byte {place} of the stream"),
        ("SELECT 2", "OK", ""),
    ]


def test_bytes_that_are_no_command_are_marked_with_their_place():
    driver = MysqlDriver()
    driver.piece(CLIENT, query("SELECT 1"))
    driver.piece(SERVER, answer(ok()))
    driver.piece(CLIENT, packet(0, b"\x99\x99"))
    why = "no command begins with 0x0200000099 at byte 13 of the stream"
    assert outline(driver.close()) == [("SELECT 1", "OK", ""), ("unreadable", "", why)]


def test_a_message_that_never_ends_keeps_what_was_read():
    entries = read((CLIENT, query("SELECT 1")[:-4]), how="end")
    assert outline(entries) == [("unreadable", "", "9 bytes of the message were seen: the capture ends")]


COMPRESSED = (
    (SERVER, greeting(USUAL | COMPRESS)),
    (CLIENT, login(USUAL | COMPRESS)),
    (SERVER, packet(2, ok())),
)


def test_what_is_inside_compressed_packets_bears_the_packets_of_the_capture():
    talk = query("SELECT '" + "a" * 500 + "'")
    driver = MysqlDriver()
    for piece in COMPRESSED:
        driver.piece(*piece)
    whole = squeezed(0, talk)
    driver.piece(CLIENT, whole[:20])
    driver.piece(CLIENT, whole[20:])
    driver.piece(SERVER, squeezed(1, answer(ok(2))))
    entry = driver.close()[-1]
    assert (entry.status, entry.fields["mysql_compression"], entry.fields["mysql_affected_rows"]) == ("OK", "zlib", 2)
    assert entry.request_body == talk
    assert entry.request is not None
    assert entry.request[2:4] == (4, 5)


def test_a_compressed_packet_that_lies_about_its_size_is_marked():
    driver = MysqlDriver()
    for piece in COMPRESSED:
        driver.piece(*piece)
    bomb = zlib.compress(bytes(1_000_000))
    driver.piece(CLIENT, len(bomb).to_bytes(3, "little") + b"\0" + (100).to_bytes(3, "little") + bomb)
    driver.piece(CLIENT, squeezed(0, query("SELECT 2"), plain=True))
    driver.piece(SERVER, squeezed(1, answer(ok()), plain=True))
    entries = driver.close()[1:]
    assert entries[0].malformed.startswith("a compressed packet does not hold as many bytes as it announced at byte ")
    assert outline(entries[1:]) == [("SELECT 2", "OK", "")]


def test_zstd_is_marked_and_its_questions_and_answers_are_kept_apart():
    caps = USUAL | ZSTD
    driver = MysqlDriver()
    for direction, data in ((SERVER, greeting(caps)), (CLIENT, login(caps)), (SERVER, packet(2, ok()))):
        driver.piece(direction, data)
    for _ in range(2):
        driver.piece(CLIENT, b"\x04\0\0\0\x30\0\0zstd")
        driver.piece(SERVER, b"\x04\0\0\x01\x30\0\0zstd")
    entries = driver.close()[1:]
    assert outline(entries) == [("compressed", "", UNREAD)] * 2
    assert all(entry.request and entry.response for entry in entries)


def test_a_huge_value_costs_no_memory():
    driver = MysqlDriver()
    value = b"\xfd\x00\x12\x7a" + b"x" * 8_000_000
    data = answer(b"\x01", column("a"), eof(), value, eof())
    driver.piece(CLIENT, query("SELECT a"))
    held = 0
    for begin in range(0, len(data), 500_000):
        driver.piece(SERVER, data[begin : begin + 500_000])
        held = max(held, len(driver.dissector._sides[1].buffer))  # type: ignore[attr-defined]
    (entry,) = driver.close()
    assert held <= HELD
    assert (entry.fields["mysql_rows"], entry.fields["mysql_response_size"]) == (1, len(data))


def test_a_million_rows_are_counted_in_a_moment():
    driver = MysqlDriver()
    driver.piece(CLIENT, query("SELECT n"))
    driver.piece(SERVER, answer(b"\x01", column("n"), eof()))
    rows = b"".join(packet(4 + number, row("12345678")) for number in range(256)) * 4000
    begin = time.process_time()
    for start in range(0, len(rows), 65_536):
        driver.piece(SERVER, rows[start : start + 65_536])
    driver.piece(SERVER, packet(4, eof()))
    assert driver.close()[0].fields["mysql_rows"] == 256 * 4000
    assert time.process_time() - begin < 6


WORDS = st.sampled_from(
    [
        greeting(), greeting(USUAL | COMPRESS), login(), login(USUAL | COMPRESS), login(USUAL | ZSTD), packet(2, ok()),
        query("SELECT 1"), command(0x0E), command(0x16, "SELECT ?"), command(0x17, EXECUTE), command(0x19, b"\3\0\0\0"),
        command(0x11, b"u\0\0d\0"), command(0x04, "t"), command(0x09), command(0x12), command(0xFA), command(0x99),
        answer(ok()), answer(eof()), answer(error(1064, "42000", "no")), answer(PREPARED), answer(b"\x02", column("a")),
        answer(row("1"), eof(), first=3), answer(b"\xfbfile"), packet(2, b"data"), packet(3, b""), packet(0, b""),
        squeezed(0, query("SELECT 1")), squeezed(1, answer(ok()), plain=True), b"\xff\xff\xff\0", b"\0",
        answer(b"\xff\xff\xff\x01"), answer(b"\xfc"), answer(b"\x01\x01"), answer(b"\xfeplugin\0salt"),
    ]
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(Direction), st.lists(WORDS).map(b"".join)), max_size=10), st.booleans())
def test_any_mix_of_true_packets_is_read_without_an_exception(pieces: list[tuple[Direction, bytes]], starts: bool):
    entries = read(*pieces, connection=NEW if starts else OLD)
    assert all(entry.request or entry.response for entry in entries)


@given(st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=60)), max_size=8), st.booleans())
def test_any_bytes_are_read_without_an_exception(pieces: list[tuple[Direction, bytes]], starts: bool):
    entries = read(*pieces, connection=NEW if starts else OLD)
    assert all(entry.protocol == "mysql" and (entry.request or entry.response) for entry in entries)
