"""MySQL: conversations, what real clients logged, streams with holes, secrets, hostile bytes, time and memory."""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.base import Confidence, Context, Opening, Settings
from kubeshark_mcp.dissect.frames import HELD
from kubeshark_mcp.dissect.mysql_answers import MISMATCH
from kubeshark_mcp.dissect.mysql_compression import ZSTD as UNREAD
from kubeshark_mcp.dissect.mysql_exchange import MISSING, QUIET_NS
from kubeshark_mcp.dissect.protocols.mysql import Mysql
from kubeshark_mcp.kfl import Catalogue, compile_filter
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Connection, Direction, Endpoint, Piece, Span
from tests.corpus.harness import dissect_file
from tests.dissect.samples.mysql import (
    AUTOCOMMIT,
    CLIENT,
    COMPRESS,
    DEPRECATE_EOF,
    EXECUTE,
    MORE_RESULTS,
    PREPARED,
    PROTOCOL_41,
    QUERY_ATTRIBUTES,
    SAMPLES,
    SERVER,
    SSL,
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
    text,
)

RECORDED = Path(__file__).resolve().parents[2] / "recordings" / "mysql"
NEW = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 3306), from_start=True)
OLD = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 3306))


class Driver:
    """Feeds one dissector; packets are numbered from 1, which is also their time."""

    def __init__(self, connection: Connection = NEW, settings: Settings | None = None):
        self.entries: list[Entry] = []
        self.connection = connection
        self.dissector = Mysql().open(Context(connection, settings or Settings(), self.entries.append))
        self.packet = 0
        self.offsets = [0, 0]

    def piece(self, direction: Direction, data: bytes, gap: int = 0, later_ns: int = 0) -> None:
        self.packet += 1
        if gap:
            self.dissector.on_gap(direction, gap)
        offset = self.offsets[direction] + gap
        self.offsets[direction] = offset + len(data)
        self.dissector.on_piece(Piece(direction, data, offset, gap, [0], [self.packet], [self.packet + later_ns]))

    def close(self, how: str = "fin") -> list[Entry]:
        self.dissector.on_close(Closing(self.connection, how, 0))
        return self.entries


def read(*pieces: tuple[Direction, bytes], connection: Connection = NEW, how: str = "fin") -> list[Entry]:
    driver = Driver(connection)
    for direction, data in pieces:
        driver.piece(direction, data)
    return driver.close(how)


def outline(entries: Iterable[Entry]) -> list[tuple[str, str, str]]:
    return [(entry.summary, entry.status, entry.malformed) for entry in entries]


SIGNED_IN = ((SERVER, greeting()), (CLIENT, login()), (SERVER, packet(2, ok())))


def test_a_query_and_its_answer_are_one_entry():
    asked = query("SELECT id FROM orders")
    answered = answer(b"\x01", column("id"), eof(), row("1"), row("2"), eof(AUTOCOMMIT | 0x21))
    entries = read(*SIGNED_IN, (CLIENT, asked), (SERVER, answered))
    before = (len(login()), len(greeting()) + len(packet(2, ok())))
    assert entries[1:] == [
        Entry(
            "mysql",
            NEW,
            Span(before[0], len(asked), 4, 4, 4, 4),
            Span(before[1], len(answered), 5, 5, 5, 5),
            {
                "mysql": True,
                "mysql_connection_id": 17,
                "mysql_user": "app",
                "mysql_database": "shop",
                "mysql_program_name": "orders",
                "mysql_command": "COM_QUERY",
                "mysql_query": "SELECT id FROM orders",
                "mysql_columns": 1,
                "mysql_rows": 2,
                "mysql_transaction": True,
                "mysql_no_index": True,
                "mysql_success": True,
                "mysql_request_size": len(asked),
                "mysql_response_size": len(answered),
                "mysql_total_size": len(asked) + len(answered),
            },
            "SELECT id FROM orders",
            "OK",
            False,
            asked,
            answered,
        )
    ]


def test_a_login_bears_who_where_and_how_but_nothing_that_proves_who_it_is():
    (entry,) = read(*SAMPLES["a session begins, by another method than the client thought"])
    assert (entry.summary, entry.status) == ("HandshakeResponse app@shop", "OK")
    wanted = {
        "mysql_user": "app",
        "mysql_database": "shop",
        "mysql_auth": "caching_sha2_password",
        "mysql_program_name": "orders",
        "mysql_server_version": "8.0.36",
        "mysql_connection_id": 17,
    }
    assert wanted.items() <= entry.fields.items()
    assert entry.request_body == b""
    assert b"salt" not in entry.response_body
    assert "\x01\x01\x01" not in repr(entry.fields)


def test_tls_hands_the_rest_over():
    driver = Driver()
    wish = packet(1, struct.pack("<IIB", PROTOCOL_41 | SSL, 1 << 24, 45) + bytes(23))
    driver.piece(SERVER, greeting(USUAL | SSL))
    driver.piece(CLIENT, wish + b"\x16\x03\x01")
    assert driver.dissector.hand_over is not None
    assert [(piece.direction, piece.data) for piece in driver.dissector.hand_over.rest] == [(CLIENT, b"\x16\x03\x01")]
    (entry,) = driver.entries
    assert (entry.summary, entry.fields["mysql_server_version"], entry.malformed) == ("SSLRequest", "8.0.36", "")


def test_a_login_inside_tls_is_read_without_a_greeting():
    (entry,) = read((CLIENT, login(sequence=2)), (SERVER, packet(3, ok())))
    assert (entry.summary, entry.status, entry.malformed) == ("HandshakeResponse app@shop", "OK", "")


def test_a_server_that_greets_a_silent_client_is_an_entry():
    (entry,) = read((SERVER, greeting(version="5.5.5-10.11.6-MariaDB")))
    assert (entry.summary, entry.request, entry.response_body) == ("Handshake 10.11.6-MariaDB", None, b"")


def test_a_server_that_has_no_room_is_an_error_without_a_request():
    (entry,) = read(*SAMPLES["a server is full"])
    assert (entry.summary, entry.status, entry.failed) == ("error 1040: Too many connections", "1040", True)
    assert entry.fields["mysql_command"] == "Handshake"


def test_the_database_is_followed():
    track = text("") + text(b"\x01" + text(text("third")))
    changed = b"\0\0\0" + struct.pack("<HH", 0x4002, 0) + track
    entries = read(
        *SIGNED_IN,
        (CLIENT, command(2, "other")), (SERVER, answer(ok())),
        (CLIENT, query("SELECT 1")), (SERVER, answer(ok())),
        (CLIENT, query("USE `second`;")), (SERVER, answer(ok())),
        (CLIENT, query("SELECT 2")), (SERVER, answer(ok())),
        (CLIENT, query("CALL away()")), (SERVER, answer(changed)),
        (CLIENT, query("SELECT 3")), (SERVER, answer(ok())),
        (CLIENT, command(2, "missing")), (SERVER, answer(error(1049, "42000", "Unknown database 'missing'"))),
        (CLIENT, query("SELECT 4")), (SERVER, answer(ok())),
    )  # fmt: skip
    assert [(entry.summary, entry.fields["mysql_database"]) for entry in entries[1:]] == [
        ("COM_INIT_DB other", "other"),
        ("SELECT 1", "other"),
        ("USE `second`;", "other"),
        ("SELECT 2", "second"),
        ("CALL away()", "second"),
        ("SELECT 3", "third"),
        ("COM_INIT_DB missing", "missing"),
        ("SELECT 4", "third"),
    ]


def test_another_user_takes_the_session_over():
    body = b"second\0\x04\xaa\xbb\xcc\xdd" + b"other\0" + b"\x2d\0" + b"mysql_native_password\0"
    entries = read(
        *SIGNED_IN,
        (CLIENT, command(0x16, "SELECT ?")),
        (SERVER, answer(PREPARED, column("?"), eof(), column("a"), eof())),
        (CLIENT, command(0x11, body)),
        (SERVER, answer(b"\xfemysql_native_password\0saltsaltsalt\0")),
        (CLIENT, packet(2, b"\xaa" * 20)),
        (SERVER, packet(3, ok())),
        (CLIENT, command(0x17, EXECUTE)),
        (SERVER, answer(error(1243, "HY000", "Unknown prepared statement handler"))),
    )
    change, execution = entries[2:]
    assert (change.summary, change.status) == ("COM_CHANGE_USER second@other", "OK")
    assert b"\xaa" not in change.request_body + change.response_body
    assert (execution.fields["mysql_user"], execution.fields["mysql_database"]) == ("second", "other")
    assert execution.fields["mysql_statement_unknown"] is True


def test_the_text_of_a_prepared_statement_is_on_every_execution():
    entries = read(*SAMPLES["a statement is prepared, executed and closed"])
    assert [(entry.fields["mysql_command"], entry.fields["mysql_statement_id"]) for entry in entries] == [
        ("COM_STMT_PREPARE", 3),
        ("COM_STMT_EXECUTE", 3),
        ("COM_STMT_CLOSE", 3),
    ]
    wanted = "SELECT name FROM orders WHERE id = ?"
    assert [entry.fields.get("mysql_query") for entry in entries] == [wanted, wanted, None]
    assert [entry.fields["mysql_success"] for entry in entries] == [True, True, True]


@pytest.mark.parametrize("ends", [eof, ended])
def test_a_prepare_is_whole_with_and_without_eof_packets_when_the_login_was_not_seen(ends: Any):
    """Only the next packet tells whether an EOF packet follows the last definition."""
    definitions = (column("?"), eof(), column("a"), eof()) if ends is eof else (column("?"), column("a"))
    entries = read(
        (CLIENT, command(0x16, "SELECT a FROM b WHERE c = ?")),
        (SERVER, answer(PREPARED, *definitions)),
        (CLIENT, command(0x17, EXECUTE)),
        (SERVER, answer(b"\x01", column("a"), *([eof()] if ends is eof else []), b"\0\0" + text("x"), ends())),
        connection=OLD,
    )
    assert [(entry.fields["mysql_command"], entry.status, entry.fields.get("mysql_rows")) for entry in entries] == [
        ("COM_STMT_PREPARE", "OK", None),
        ("COM_STMT_EXECUTE", "OK", 1),
    ]


def test_a_prepare_ends_with_its_definitions_when_eof_packets_are_agreed_away():
    caps = USUAL | DEPRECATE_EOF
    driver = Driver()
    driver.piece(SERVER, greeting(caps))
    driver.piece(CLIENT, login(caps))
    driver.piece(SERVER, packet(2, ok()))
    driver.piece(CLIENT, command(0x16, "SELECT ?"))
    driver.piece(SERVER, answer(PREPARED, column("?"), column("a")))
    assert [entry.fields["mysql_command"] for entry in driver.entries] == ["HandshakeResponse", "COM_STMT_PREPARE"]


def test_a_cursor_keeps_its_rows_until_they_are_fetched():
    cursor = b"\xfe" + struct.pack("<HH", 0, 0x42)
    entries = read(
        (CLIENT, command(0x17, EXECUTE)),
        (SERVER, answer(b"\x01", column("a"), cursor)),
        (CLIENT, command(0x1C, struct.pack("<II", 3, 10))),
        (SERVER, answer(b"\0\0" + text("x"), b"\0\0" + text("y"), eof(0x80))),
    )
    assert [(entry.fields["mysql_command"], entry.status, entry.fields.get("mysql_rows")) for entry in entries] == [
        ("COM_STMT_EXECUTE", "OK", None),
        ("COM_STMT_FETCH", "OK", 2),
    ]


def test_query_attributes_are_passed_over():
    caps = USUAL | QUERY_ATTRIBUTES
    kinds = b"\x08\0" + text("n") + b"\xfe\0" + text("s") + b"\x06\0" + text("nothing")
    body = b"\x03\x01" + b"\x04" + b"\x01" + kinds + struct.pack("<q", 7) + text("value")
    entries = read(
        (SERVER, greeting(caps)), (CLIENT, login(caps)), (SERVER, packet(2, ok())),
        (CLIENT, command(3, b"\0\x01SELECT 1")), (SERVER, answer(ok())),
        (CLIENT, command(3, body + b"SELECT 2")), (SERVER, answer(ok())),
    )  # fmt: skip
    assert [entry.fields["mysql_query"] for entry in entries[1:]] == ["SELECT 1", "SELECT 2"]


def test_what_mariadb_adds_is_read():
    bulk = struct.pack("<IH", 0xFFFFFFFF, 128) + b"\x03\0"
    entries = read(
        (CLIENT, command(0x16, "INSERT INTO a VALUES (?)")),
        (SERVER, answer(b"\0" + struct.pack("<IHHBH", 9, 0, 1, 0, 0), column("?"), eof())),
        (CLIENT, command(0xFA, bulk)),
        (SERVER, answer(ok(4))),
        (CLIENT, query("ALTER TABLE a ADD b int")),
        (SERVER, answer(b"\xff\xff\xff\x01\x01\x02\0\0\0\x04copy", b"\xff\xff\xff\x01\x02\x02\0\0\0\x04copy", ok())),
    )
    assert [(entry.summary, entry.status) for entry in entries] == [
        ("COM_STMT_PREPARE INSERT INTO a VALUES (?)", "OK"),
        ("INSERT INTO a VALUES (?)", "OK"),
        ("ALTER TABLE a ADD b int", "OK"),
    ]
    assert (entries[1].fields["mysql_statement_id"], entries[1].fields["mysql_affected_rows"]) == (9, 4)
    assert entries[2].fields["mysql_progress_reports"] == 2


def test_cached_column_definitions_of_mariadb_need_not_be_sent():
    (entry,) = read(
        (CLIENT, command(0x17, EXECUTE)), (SERVER, answer(b"\x02\0", eof(), b"\0\0" + row("a", "b"), eof()))
    )
    assert (entry.status, entry.fields["mysql_columns"], entry.fields["mysql_rows"]) == ("OK", 2, 1)


def test_commands_of_a_pipeline_are_answered_in_their_order():
    entries = read(
        (CLIENT, query("SELECT 1") + query("SELECT 2") + command(0x0E)),
        (SERVER, answer(ok(1)) + answer(error(1064, "42000", "no")) + answer(ok())),
    )
    assert outline(entries) == [("SELECT 1", "OK", ""), ("SELECT 2", "1064", ""), ("COM_PING", "OK", "")]


def test_a_stream_of_replication_is_one_entry():
    (entry,) = read(
        (CLIENT, command(0x12, struct.pack("<IHI", 4, 0, 1) + b"binlog.000001")),
        (SERVER, answer(*[b"\0event"] * 300, first=1)),
    )
    assert (entry.summary, entry.fields["mysql_rows"]) == ("COM_BINLOG_DUMP", 300)


def test_a_message_of_more_than_16_megabytes_is_one_message():
    driver = Driver()
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
    driver = Driver()
    for piece in SIGNED_IN:
        driver.piece(*piece)
    driver.piece(SERVER, packet(0, error(4031, "HY000", "The client was disconnected because of inactivity")))
    entry = driver.close()[-1]
    assert (entry.status, entry.failed, entry.request) == ("4031", True, None)


def test_behind_missing_bytes_pairing_begins_again_with_the_next_command():
    driver = Driver()
    driver.piece(CLIENT, query("SELECT 1"))
    driver.piece(SERVER, answer(b"\x01", column("a"), eof()))
    driver.piece(SERVER, b"rest of a row" + answer(eof(), first=9), gap=500)
    driver.piece(CLIENT, query("SELECT 2"))
    driver.piece(SERVER, answer(ok()))
    assert outline(driver.close()) == [("SELECT 1", "", MISSING), ("SELECT 2", "OK", "")]


def test_in_a_pipeline_with_missing_bytes_nothing_is_paired_before_a_silence():
    driver = Driver()
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
    driver = Driver()
    driver.piece(CLIENT, command(0x0E))
    driver.piece(SERVER, answer(ok()))
    driver.piece(CLIENT, command(0x0E), gap=40)
    driver.piece(SERVER, answer(ok()))
    driver.piece(CLIENT, command(0x17, EXECUTE))
    driver.piece(SERVER, answer(ok()))
    why = "the text of prepared statement 3 is missing, as bytes of the connection are"
    assert outline(driver.close())[-1] == ("COM_STMT_EXECUTE 3, text not captured", "OK", why)


def test_packets_out_of_order_are_marked_with_their_place_and_reading_goes_on():
    driver = Driver()
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
    driver = Driver()
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
    driver = Driver()
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
    driver = Driver()
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
    driver = Driver()
    for direction, data in ((SERVER, greeting(caps)), (CLIENT, login(caps)), (SERVER, packet(2, ok()))):
        driver.piece(direction, data)
    for _ in range(2):
        driver.piece(CLIENT, b"\x04\0\0\0\x30\0\0zstd")
        driver.piece(SERVER, b"\x04\0\0\x01\x30\0\0zstd")
    entries = driver.close()[1:]
    assert outline(entries) == [("compressed", "", UNREAD)] * 2
    assert all(entry.request and entry.response for entry in entries)


def test_a_huge_value_costs_no_memory():
    driver = Driver()
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
    driver = Driver()
    driver.piece(CLIENT, query("SELECT n"))
    driver.piece(SERVER, answer(b"\x01", column("n"), eof()))
    rows = b"".join(packet(4 + number, row("12345678")) for number in range(256)) * 4000
    begin = time.process_time()
    for start in range(0, len(rows), 65_536):
        driver.piece(SERVER, rows[start : start + 65_536])
    driver.piece(SERVER, packet(4, eof()))
    assert driver.close()[0].fields["mysql_rows"] == 256 * 4000
    assert time.process_time() - begin < 6


def test_the_probe_knows_the_beginnings_and_declines_others():
    def ask(client: bytes = b"", server: bytes = b"", connection: Connection = NEW) -> Confidence:
        return Mysql().probe(Opening(connection, client, server, True, True))

    assert ask(server=greeting()) is ask(login()) is ask(query("SELECT 1")) is Confidence.SURE
    assert ask(server=greeting()[:9]) is ask(login()[:20]) is ask(command(0x0E)) is Confidence.UNDECIDED
    assert ask(command(0x0E), answer(ok()), OLD) is Confidence.LIKELY
    assert ask(b"GET / HTTP/1.1\r\n\r\n") is ask(server=b"HTTP/1.1 200 OK\r\n") is Confidence.NO


@pytest.mark.parametrize("field", Mysql.fields, ids=lambda field: field.name)
def test_every_field_has_a_meaning_and_an_example_that_compiles(field: Any):
    assert compile_filter(field.example, Catalogue(Mysql.fields), now_ns=0).text == field.example
    assert field.meaning


def test_every_declared_field_is_filled_by_some_conversation_and_no_other_field_is():
    seen = set()
    for talk in SAMPLES.values():
        for entry in read(*talk):
            seen |= entry.fields.keys()
    slow = ok(1, insert_id=7, status=AUTOCOMMIT | 1 << 11, warnings=2)
    for pieces in (
        [(CLIENT, query("SELECT '" + "y" * HELD + "'"))],
        [(CLIENT, query("INSERT INTO a VALUES (1)")), (SERVER, answer(slow))],
        [(CLIENT, command(0x17, EXECUTE))],
    ):
        seen |= read(*pieces)[0].fields.keys()
    assert seen == {field.name for field in Mysql.fields}


def test_results_of_several_statements_are_added_up():
    (entry,) = read(
        (CLIENT, query("a; b; c")),
        (SERVER, answer(ok(2, status=MORE_RESULTS), b"\x01", column("1"), eof(), row("1"), eof(MORE_RESULTS), ok(3))),
    )
    fields = entry.fields
    assert (fields["mysql_affected_rows"], fields["mysql_rows"], fields["mysql_results"]) == (5, 1, 3)


# What real clients logged.


def recorded(name: str) -> tuple[list[dict[str, Any]], list[Entry]]:
    calls = json.loads((RECORDED / f"{name}.json").read_text())["calls"]
    dissection = dissect_file(RECORDED / f"{name}.pcap")
    assert dissection.warnings == []
    entries = dissection.of("mysql")
    assert [entry.malformed for entry in entries if entry.malformed] == []
    return calls, sorted(entries, key=lambda entry: (entry.start_ns, (entry.request or entry.response)[0]))


def said(call: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """Say of an entry what the client says of its call."""
    fields = entry.fields
    names = {
        "command": "command",
        "query": "query",
        "connection": "connection_id",
        "user": "user",
        "database": "database",
        "statement": "statement_id",
        "parameters": "parameters",
        "columns": "columns",
        "rows": "rows",
        "affected": "affected_rows",
        "insert_id": "insert_id",
        "file": "local_file",
        "bytes": "local_bytes",
        "version": "server_version",
        "unknown": "statement_unknown",
    }
    told: dict[str, Any] = {
        key: fields.get(f"mysql_{name}", type(call[key])()) for key, name in names.items() if key in call
    }
    if "results" in call:
        told["results"] = fields.get("mysql_results", 1)
    if "error" in call:
        parts = (
            ("error_code", "sqlstate", "error_message") if len(call["error"]) == 3 else ("error_code", "error_message")
        )
        told["error"] = [fields.get(f"mysql_{part}") for part in parts]
    else:
        assert not entry.failed
    return told


@pytest.mark.parametrize(
    "name",
    ["queries", "several_results", "prepared", "small_commands", "local_file", "logins", "compressed", "real_client"],
)
def test_commands_are_those_that_the_clients_logged(name: str):
    calls, entries = recorded(name)
    if name in {"compressed", "real_client"}:
        entries = [entry for entry in entries if entry.fields["mysql_command"] == "COM_QUERY"]
    for call in calls:
        if call.get("command") == "COM_STMT_EXECUTE" and call.get("unknown"):
            del call["query"]
        if "version" in call:
            call["version"] = call["version"].removeprefix("5.5.5-")
    assert [said(call, entry) for call, entry in zip(calls, entries, strict=True)] == calls


def test_an_encrypted_session_is_told_by_its_request_alone():
    assert outline(recorded("encrypted")[1]) == [("SSLRequest", "", "")]


def test_what_proves_a_user_is_in_no_entry():
    for entry in recorded("logins")[1]:
        if entry.fields["mysql_command"] in {"HandshakeResponse", "Handshake"}:
            assert entry.request_body == b""
            assert entry.response_body == b"" or entry.response_body[4] in {0, 0xFF}
            assert "open sesame" not in repr(entry)


# Any bytes.

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
