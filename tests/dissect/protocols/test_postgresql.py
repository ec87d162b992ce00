"""PostgreSQL: conversations, what real clients logged, streams with holes, secrets, hostile bytes, time and memory."""

from __future__ import annotations

import json
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.base import Confidence, Context, Opening, Settings
from kubeshark_mcp.dissect.frames import HELD
from kubeshark_mcp.dissect.postgresql_pairing import MISMATCH, MISSING, QUIET_NS, UNSEEN
from kubeshark_mcp.dissect.protocols.postgresql import Postgresql
from kubeshark_mcp.kfl import Catalogue, compile_filter
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Connection, Direction, Endpoint, Piece, Span
from tests.corpus.harness import dissect_file
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

RECORDED = Path(__file__).resolve().parents[2] / "recordings" / "postgresql"
NEW = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 5432), from_start=True)
OLD = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 5432))
SESSION = {"postgresql_user": "app", "postgresql_database": "shop", "postgresql_application_name": "orders"}


class Driver:
    """Feeds one dissector; packets are numbered from 1, which is also their time."""

    def __init__(self, connection: Connection = NEW, settings: Settings | None = None):
        self.entries: list[Entry] = []
        self.connection = connection
        self.dissector = Postgresql().open(Context(connection, settings or Settings(), self.entries.append))
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


def outline(entries: list[Entry]) -> list[tuple[str, str, str]]:
    return [(entry.summary, entry.status, entry.malformed) for entry in entries]


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
    driver = Driver()
    driver.piece(CLIENT, SSL)
    driver.piece(SERVER, b"S")
    assert driver.dissector.hand_over is not None
    assert (driver.dissector.hand_over.protocol, driver.dissector.hand_over.rest) == ("", [])
    assert outline(driver.close()) == [("SSLRequest", "accepted", "")]


def test_bytes_behind_the_agreement_are_handed_over_with_their_packets():
    driver = Driver()
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
    driver = Driver()
    driver.piece(CLIENT, query("SELECT 1"))
    driver.piece(SERVER, columns("a") + row("1"))
    driver.piece(SERVER, done("SELECT 9") + IDLE, gap=500)
    driver.piece(CLIENT, query("SELECT 2"))
    driver.piece(SERVER, columns("a") + row("2") + done("SELECT 1") + IDLE)
    assert outline(driver.close()) == [("SELECT 1", "", MISSING), ("SELECT 9", "OK", ""), ("SELECT 2", "OK", "")]


def test_in_a_pipeline_with_missing_bytes_nothing_is_paired_before_a_silence():
    driver = Driver()
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
    driver = Driver()
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
    driver = Driver()
    driver.piece(CLIENT, parse("s1", "SELECT 1") + SYNC)
    driver.piece(SERVER, PARSED + IDLE)
    driver.piece(CLIENT, query("SELECT 2"), gap=40)
    driver.piece(SERVER, done("SELECT 1") + IDLE)
    assert ("Parse SELECT 1", "OK", UNSEEN) in outline(driver.close())


def test_a_message_that_never_ends_keeps_what_was_read():
    entries = read((CLIENT, query("SELECT 1")[:-4]), how="end")
    assert outline(entries) == [("unreadable", "", "10 bytes of the message were seen: the capture ends")]


def test_bytes_that_are_no_message_are_marked_with_their_place_and_reading_goes_on():
    driver = Driver()
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
    driver = Driver()
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
    driver = Driver()
    text = query("SELECT '" + "y" * 300_000 + "'")
    for begin in range(0, len(text), 1400):
        driver.piece(CLIENT, text[begin : begin + 1400])
    driver.piece(SERVER, done("SELECT 1") + IDLE)
    (entry,) = driver.close()
    assert entry.fields["postgresql_truncated"] is True
    assert entry.fields["postgresql_request_size"] == len(text)
    assert (len(entry.summary), entry.status) == (200, "OK")


def test_a_million_rows_are_counted_in_a_moment():
    driver = Driver()
    driver.piece(CLIENT, query("SELECT n"))
    rows = row("12345678") * 1_000_000
    begin = time.process_time()
    for start in range(0, len(rows), 65_536):
        driver.piece(SERVER, rows[start : start + 65_536])
    driver.piece(SERVER, done("SELECT 1000000") + IDLE)
    assert driver.close()[0].fields["postgresql_rows"] == 1_000_000
    assert time.process_time() - begin < 5


def test_pipelines_without_end_are_bounded():
    driver = Driver()
    for _ in range(20_000):
        driver.piece(CLIENT, parse("", "SELECT 1") + bind("") + execute())
    assert len(driver.dissector._conversation.operations) < 5000  # type: ignore[attr-defined]
    assert len(driver.close()) >= 20_000


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


# What real clients logged.


def recorded(name: str) -> tuple[list[dict[str, Any]], list[Entry]]:
    calls = json.loads((RECORDED / f"{name}.json").read_text())["calls"]
    dissection = dissect_file(RECORDED / f"{name}.pcap")
    assert dissection.warnings == []
    entries = dissection.of("postgresql")
    assert [entry.malformed for entry in entries if entry.malformed] == []
    order = {
        id(entry): (entry.request or entry.response)[2:1:-1] + (entry.request or entry.response)[:1]
        for entry in entries
    }
    return calls, sorted(entries, key=lambda entry: order[id(entry)])


def result(entry: Entry) -> dict[str, Any]:
    """Say what came of an execution in the words of the log."""
    fields = entry.fields
    if entry.status == "aborted":
        return {"aborted": True}
    if entry.failed:
        return {"error": [fields["postgresql_error_code"], fields["postgresql_error_message"]]}
    return {"tag": fields.get("postgresql_tag", ""), "rows": fields.get("postgresql_rows", 0)}


def said(call: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """Give of a call what an entry can say, and fill in what its client does not say."""
    ours = result(entry)
    if "error" in call:
        return {"error": [call["error"][0], call["error"][1] or ours.get("error", [0, 0])[1]]}
    if "count" in call:
        counted = entry.fields.get("postgresql_rows_affected", 0) or entry.fields.get("postgresql_rows", 0)
        return ours if call["count"] == counted else {"count": call["count"]}
    if "aborted" in call:
        return {"aborted": True}
    return {"tag": call.get("tag", ours.get("tag")) or "", "rows": call.get("rows", ours.get("rows"))}


@pytest.mark.parametrize(
    "name",
    ["psql", "extended", "prepared", "pipeline", "copying", "sessions", "notifications", "cursors", "replication"],
)
def test_executions_are_those_that_the_clients_logged(name: str):
    calls, entries = recorded(name)
    asked = [call for call in calls if "query" in call]
    executions = [
        entry
        for entry in entries
        if "postgresql_query" in entry.fields and entry.fields["postgresql_command"] != "Parse"
    ]
    for process in {call.get("process") for call in asked}:
        mine = [entry for entry in executions if process in {None, entry.fields["postgresql_process_id"]}]
        log = [call for call in asked if call.get("process") == process]
        unlogged = [entry for entry in mine if entry.status == ""]
        mine = [entry for entry in mine if entry.status]
        assert [entry.fields["postgresql_query"] for entry in mine] == [call["query"] for call in log]
        assert [result(entry) for entry in mine] == [said(*each) for each in zip(log, mine, strict=True)]
        assert len(unlogged) == sum("shut_down" in call and call["process"] == process for call in calls)


@pytest.mark.parametrize("name", ["extended", "prepared", "sessions", "replication"])
def test_logins_are_those_that_the_clients_logged(name: str):
    calls, entries = recorded(name)
    logins = [entry for entry in entries if entry.fields["postgresql_command"] == "StartupMessage"]
    ours = [
        (
            entry.fields["postgresql_user"],
            entry.fields["postgresql_database"],
            entry.fields.get("postgresql_error_message", ""),
            entry.fields.get("postgresql_process_id", 0),
        )
        for entry in logins
        if entry.fields["postgresql_application_name"] in {"recorder", "asyncpg"}
    ]
    log = [call for call in calls if "login" in call]
    theirs = [(each["login"], each["database"], each.get("refused", ""), each.get("process", 0)) for each in log]
    assert ours == theirs


def test_methods_of_logins_are_named():
    methods = {
        (entry.fields["postgresql_user"], entry.fields.get("postgresql_auth"))
        for entry in recorded("sessions")[1]
        if entry.fields["postgresql_command"] == "StartupMessage"
    }
    assert methods == {
        ("app", "SCRAM-SHA-256"),
        ("nobody", "SCRAM-SHA-256"),
        ("postgres", "SCRAM-SHA-256"),
        ("old", "MD5"),
        ("guest", None),
    }


def test_passwords_and_their_proofs_are_in_no_entry():
    secrets = (b"open sesame", b"md5 here", b"master", b"md5", b"r=", b"p=", b"v=", b"s=")
    for entry in recorded("sessions")[1]:
        if entry.fields["postgresql_command"] in {"StartupMessage", "CancelRequest"}:
            kept = entry.request_body + entry.response_body
            assert [secret for secret in secrets if secret in kept] == []


def test_copied_data_is_counted_as_the_client_counted_it():
    calls, entries = recorded("copying")
    copied = [entry for entry in entries if entry.fields["postgresql_command"] == "COPY" and not entry.failed]
    log = [call for call in calls if "copied" in call]
    assert [entry.fields["postgresql_rows_affected"] for entry in copied] == [call["copied"] for call in log]
    assert copied[-1].fields["postgresql_copy_bytes"] == log[-1]["copied_bytes"]


def test_a_cancelled_query_a_cancellation_and_a_session_shut_down_are_told():
    calls, entries = recorded("sessions")
    (cancels,) = [call["cancels"] for call in calls if "cancels" in call]
    (shut_down,) = [call for call in calls if "shut_down" in call]
    cancellations = [entry for entry in entries if entry.fields["postgresql_command"] == "CancelRequest"]
    assert [entry.fields["postgresql_process_id"] for entry in cancellations] == [cancels]
    ended = [entry for entry in entries if entry.status == shut_down["shut_down"]]
    assert [entry.fields["postgresql_process_id"] for entry in ended] == [shut_down["process"]]
    asked = [entry.status for entry in entries if entry.fields["postgresql_command"] == "SSLRequest"]
    assert asked == ["refused"] * sum(call.get("encryption_refused", False) for call in calls)


def test_notifications_and_notices_are_those_that_the_clients_heard():
    calls, entries = recorded("notifications")
    heard = [
        (entry.fields["postgresql_process_id"], entry.summary.removeprefix("NotificationResponse "))
        for entry in entries
        if entry.fields["postgresql_command"] == "NotificationResponse"
    ]
    assert heard == [(each["process"], f"{each['channel']} {each['payload']}") for each in calls if "channel" in each]
    notices = [entry.fields["postgresql_notice"] for entry in entries if "postgresql_notice" in entry.fields]
    assert notices == [call["notice"] for call in calls if "notice" in call]


def test_a_parse_alone_is_told_as_such():
    calls, entries = recorded("prepared")
    alone = [entry for entry in entries if entry.fields["postgresql_command"] == "Parse"]
    assert [entry.fields["postgresql_query"] for entry in alone] == [
        call["prepared_only"] for call in calls if "prepared_only" in call
    ]


def test_a_replication_stream_is_one_entry_with_its_changes():
    calls, entries = recorded("replication")
    (changes,) = [call["changes"] for call in calls if "changes" in call]
    (stream,) = [entry for entry in entries if entry.summary.startswith("START_REPLICATION")]
    assert stream.status == "OK"
    assert stream.fields["postgresql_copy_messages"] >= changes


def test_an_encrypted_session_is_told_by_its_request_alone():
    assert outline(recorded("encrypted")[1]) == [("SSLRequest", "accepted", "")]


# Any bytes.

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
