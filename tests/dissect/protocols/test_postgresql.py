"""PostgreSQL: conversations as they should be, what a probe says, and the fields of entries."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.frames import HELD
from kubeshark_mcp.dissect.protocols.postgresql import Postgresql
from kubeshark_mcp.kfl import Catalogue, compile_filter
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, Span
from tests.dissect.driver import PostgresqlDriver, outline
from tests.dissect.samples.postgresql import (
    BOUND,
    CLIENT,
    IDLE,
    LOGIN,
    PARSED,
    SAMPLES,
    SERVER,
    SSL,
    SYNC,
    WELCOME,
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
    request,
    row,
)

NEW, OLD = PostgresqlDriver.new, PostgresqlDriver.old
read = PostgresqlDriver.read
SESSION = {"postgresql_user": "app", "postgresql_database": "shop", "postgresql_application_name": "orders"}


def test_a_query_and_its_answer_are_one_entry():
    asked = query("SELECT id FROM orders")
    answered = columns("id") + row("1") + row("2") + done("SELECT 2") + IDLE
    entries = read((CLIENT, LOGIN), (SERVER, WELCOME), (CLIENT, asked), (SERVER, answered))
    assert entries[1:] == [
        Entry(
            "postgresql",
            NEW,
            Span(len(LOGIN), len(asked), 3, 3, 3, 3),
            Span(len(WELCOME), len(answered), 4, 4, 4, 4),
            {
                "postgresql": True,
                **SESSION,
                "postgresql_process_id": 4711,
                "postgresql_command": "SELECT",
                "postgresql_query": "SELECT id FROM orders",
                "postgresql_columns": 1,
                "postgresql_rows": 2,
                "postgresql_tag": "SELECT 2",
                "postgresql_transaction": "idle",
                "postgresql_success": True,
                "postgresql_request_size": len(asked),
                "postgresql_response_size": len(answered),
                "postgresql_total_size": len(asked) + len(answered),
            },
            "SELECT id FROM orders",
            "OK",
            False,
            asked,
            answered,
        )
    ]


def test_a_login_bears_user_database_method_and_version_but_nothing_that_proves_who_it_is():
    proof = message("p", "SCRAM-SHA-256", struct.pack(">i", 20), b"n,,n=,r=the-nonce")
    entries = read(
        (CLIENT, LOGIN),
        (SERVER, authentication(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")),
        (CLIENT, proof),
        (SERVER, authentication(11, b"r=the-nonce,s=the-salt")),
        (CLIENT, message("p", b"c=biws,p=the-proof")),
        (SERVER, authentication(12, b"v=the-verifier") + WELCOME),
    )
    (entry,) = entries
    assert (entry.summary, entry.status) == ("StartupMessage app@shop", "OK")
    assert entry.fields["postgresql_auth"] == "SCRAM-SHA-256"
    assert entry.fields["postgresql_server_version"] == "15.4"
    assert entry.fields["postgresql_process_id"] == 4711
    assert entry.request_body == LOGIN
    everything = repr(entry)
    assert [word for word in ("nonce", "salt", "proof", "verifier") if word in everything] == []
    assert struct.pack(">I", 99) not in entry.response_body


def test_a_cancellation_names_the_process_and_hides_the_key():
    (entry,) = read((CLIENT, request(80877102, 4711, 0x5EC2E7)))
    assert (entry.summary, entry.request_body) == ("CancelRequest for process 4711", b"")
    assert entry.fields["postgresql_process_id"] == 4711


def test_encryption_that_is_agreed_to_hands_the_rest_over():
    driver = PostgresqlDriver()
    driver.piece(CLIENT, SSL)
    driver.piece(SERVER, b"S")
    assert driver.dissector.hand_over is not None
    assert (driver.dissector.hand_over.protocol, driver.dissector.hand_over.rest) == ("", [])
    assert outline(driver.close()) == [("SSLRequest", "accepted", "")]


@pytest.mark.parametrize("refused", [True, False])
def test_a_login_is_whole_where_only_the_packets_that_open_the_connection_are_missing(refused: bool):
    asked = [(CLIENT, SSL), (SERVER, b"N")] if refused else []
    talk = [*asked, (CLIENT, LOGIN), (SERVER, WELCOME), (CLIENT, query("select 1"))]
    seen, missed = (outline(read(*talk, connection=connection)) for connection in (NEW, OLD))
    assert seen == missed
    assert missed[-2:] == [("StartupMessage app@shop", "OK", ""), ("select 1", "", "")]


def test_bytes_behind_the_agreement_are_handed_over_with_their_packets():
    driver = PostgresqlDriver()
    driver.piece(CLIENT, SSL + b"\x16\x03\x01")
    driver.piece(SERVER, b"S\x16\x03\x03")
    assert driver.dissector.hand_over is not None
    rest = [(piece.direction, piece.data, list(piece.packets)) for piece in driver.dissector.hand_over.rest]
    assert rest == [(CLIENT, b"\x16\x03\x01", [1]), (SERVER, b"\x16\x03\x03", [2])]


def test_a_statement_that_is_parsed_twice_and_executed_once_is_one_entry():
    """As asyncpg does without its cache: once to learn the types, once to execute."""
    text = "SELECT $1::int"
    entries = read(
        (CLIENT, parse("", text) + describe("S") + SYNC),
        (SERVER, PARSED + message("t", 1, struct.pack(">I", 23)) + columns("int4") + IDLE),
        (CLIENT, parse("", text) + bind("", "5") + execute() + SYNC),
        (SERVER, PARSED + BOUND + row("5") + done("SELECT 1") + IDLE),
    )
    assert [(entry.summary, entry.fields["postgresql_command"], entry.status) for entry in entries] == [
        (text, "SELECT", "OK")
    ]


def test_a_statement_that_is_never_executed_is_an_entry_of_its_own():
    entries = read((CLIENT, parse("s", "SELECT 1") + SYNC), (SERVER, PARSED + IDLE))
    assert outline(entries) == [("Parse SELECT 1", "OK", "")]
    assert entries[0].fields["postgresql_command"] == "Parse"


def test_a_statement_that_cannot_be_parsed_fails_as_what_it_was():
    entries = read((CLIENT, parse("s", "SELEC 1") + SYNC), (SERVER, error("42601", "syntax error") + IDLE))
    assert outline(entries) == [("SELEC 1", "42601", "")]
    assert entries[0].failed
    assert entries[0].fields["postgresql_error_code"] == "42601"


def test_a_prepared_statement_of_before_the_capture_is_marked():
    talk = ((CLIENT, bind("s7", "1") + execute() + SYNC), (SERVER, BOUND + done("UPDATE 3") + IDLE))
    (entry,) = read(*talk, connection=OLD)
    assert (entry.summary, entry.malformed) == ("Execute s7, text not captured", "")
    assert entry.fields["postgresql_statement_unknown"] is True
    assert (entry.fields["postgresql_command"], entry.fields["postgresql_rows_affected"]) == ("UPDATE", 3)


def test_a_portal_is_executed_part_by_part():
    entries = read(
        (CLIENT, parse("", "SELECT n FROM many") + bind("", portal="p") + execute("p", 2) + SYNC),
        (SERVER, PARSED + BOUND + row("1") + row("2") + message("s") + IDLE),
        (CLIENT, execute("p", 2) + SYNC),
        (SERVER, row("3") + done("SELECT 1") + IDLE),
    )
    assert [(entry.summary, entry.status, entry.fields["postgresql_rows"]) for entry in entries] == [
        ("SELECT n FROM many", "suspended", 2),
        ("SELECT n FROM many", "OK", 1),
    ]


def test_closing_a_portal_belongs_to_its_execution_and_closing_a_statement_does_not():
    entries = read(
        (CLIENT, parse("s", "SELECT 1") + bind("s") + execute() + message("C", b"P\0") + SYNC),
        (SERVER, PARSED + BOUND + row("1") + done("SELECT 1") + message("3") + IDLE),
        (CLIENT, message("C", b"Ss\0") + SYNC),
        (SERVER, message("3") + IDLE),
    )
    assert outline(entries) == [("SELECT 1", "OK", ""), ("Close s", "OK", "")]


def test_an_error_at_the_end_of_a_transaction_belongs_to_the_last_statement():
    """A constraint that is checked at commit fails at Sync, behind CommandComplete."""
    entries = read(
        (CLIENT, parse("", "INSERT INTO a VALUES (1)") + bind("") + execute() + SYNC),
        (SERVER, PARSED + BOUND + done("INSERT 0 1") + error("23503", "violates foreign key") + IDLE),
    )
    assert outline(entries) == [("INSERT INTO a VALUES (1)", "23503", "")]
    assert entries[0].failed


def test_the_state_of_the_transaction_is_on_every_statement_of_a_pipeline():
    entries = read(
        (CLIENT, (parse("", "SELECT 1") + bind("") + execute()) * 2 + SYNC),
        (SERVER, (PARSED + BOUND + done("SELECT 1")) * 2 + b"Z\0\0\0\x05T"),
    )
    assert [entry.fields["postgresql_transaction"] for entry in entries] == ["in transaction"] * 2


def test_a_notification_in_the_middle_of_an_answer_is_an_entry_of_its_own():
    note = message("A", struct.pack(">I", 42), "jobs", "job 7")
    entries = read((CLIENT, query("SELECT 1")), (SERVER, columns("a") + row("1") + note + done("SELECT 1") + IDLE))
    assert outline(entries) == [("NotificationResponse jobs job 7", "", ""), ("SELECT 1", "OK", "")]
    assert entries[0].fields["postgresql_channel"] == "jobs"


def test_a_session_that_the_server_ends_is_an_error_without_a_request():
    (entry,) = read((SERVER, error("57P01", "terminating connection", "FATAL")), connection=OLD)
    assert (entry.summary, entry.status, entry.failed) == ("FATAL terminating connection", "57P01", True)
    assert entry.request is None


def test_the_probe_knows_the_beginnings_and_declines_others():
    def ask(client: bytes = b"", server: bytes = b"", connection: Connection = NEW) -> Confidence:
        return Postgresql().probe(Opening(connection, client, server, True, True))

    assert ask(LOGIN) is ask(SSL) is ask(request(80877104)) is ask(request(80877102, 1, 2)) is Confidence.SURE
    assert ask(LOGIN[:20]) is ask(LOGIN[:3]) is Confidence.UNDECIDED
    assert ask(query("SELECT 1"), connection=OLD) is Confidence.SURE
    assert ask(server=columns("a") + row("1") + IDLE, connection=OLD) is Confidence.SURE
    assert ask(b"GET / HTTP/1.1\r\n\r\n") is ask(server=IDLE) is Confidence.NO
    metadata_request_of_kafka = struct.pack(">IHHI", 21, 3, 0, 1) + b"\0\x05kafka\0\0\0\0"
    assert ask(metadata_request_of_kafka) is Confidence.NO


@pytest.mark.parametrize("field", Postgresql.fields, ids=lambda field: field.name)
def test_every_field_has_a_meaning_and_an_example_that_compiles(field: Any):
    assert compile_filter(field.example, Catalogue(Postgresql.fields), now_ns=0).text == field.example
    assert field.meaning


def test_every_declared_field_is_filled_by_some_conversation_and_no_other_field_is():
    seen = set()
    for talk in SAMPLES.values():
        for entry in read(*talk):
            seen |= entry.fields.keys()
    long = read((CLIENT, query("SELECT '" + "y" * HELD + "'")))[0].fields
    notice = error("01000", "careful", "WARNING", "N")
    noticed = read((CLIENT, query("DO 1")), (SERVER, notice + done("DO") + IDLE))[0].fields
    unknown = read((CLIENT, bind("s") + execute() + SYNC))[0].fields
    assert seen | long.keys() | noticed.keys() | unknown.keys() == {field.name for field in Postgresql.fields}
