"""MySQL: conversations as they should be, what a probe says, and the fields of entries."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.frames import HELD
from kubeshark_mcp.dissect.protocols.mysql import Mysql
from kubeshark_mcp.kfl import Catalogue, compile_filter
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, Span
from tests.dissect.driver import MysqlDriver, outline
from tests.dissect.samples.mysql import (
    AUTOCOMMIT,
    CLIENT,
    DEPRECATE_EOF,
    EXECUTE,
    PREPARED,
    PROTOCOL_41,
    QUERY_ATTRIBUTES,
    SAMPLES,
    SERVER,
    SSL,
    USUAL,
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
    text,
)

NEW, OLD = MysqlDriver.new, MysqlDriver.old
read = MysqlDriver.read
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
    driver = MysqlDriver()
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
    driver = MysqlDriver()
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
