from __future__ import annotations

import struct

from kubeshark_mcp.dissect.base import Context, Settings
from kubeshark_mcp.dissect.frames import Frame
from kubeshark_mcp.dissect.postgresql_answers import Answers
from kubeshark_mcp.dissect.postgresql_pairing import Conversation
from kubeshark_mcp.dissect.postgresql_requests import Requests
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Span
from tests.dissect.conversation import connection
from tests.dissect.samples.postgresql import (
    BOUND,
    IDLE,
    IN_TRANSACTION,
    LOGIN,
    PARSED,
    SSL,
    SYNC,
    bind,
    columns,
    done,
    error,
    execute,
    message,
    parse,
    query,
    row,
)


class Talk:
    """Both sides without the cutting of bytes."""

    def __init__(self, *first: bytes) -> None:
        self.entries: list[Entry] = []
        self.conversation = Conversation(Context(connection(), Settings(), self.entries.append))
        self.requests, self.answers = Requests(self.conversation), Answers(self.conversation)
        self.offset = 0
        for data in first:
            self.requests.begin(self.frame(data))

    def frame(self, data: bytes) -> Frame:
        self.offset += len(data)
        return Frame(data, Span(self.offset - len(data), len(data), 1, 1, 1, 1), len(data))

    def ask(self, *messages: bytes) -> Talk:
        for data in messages:
            self.requests.take(self.frame(data))
        return self

    def hear(self, *messages: bytes) -> Talk:
        for data in messages:
            self.answers.take(self.frame(data))
        return self

    def outline(self) -> list[tuple[str, str]]:
        return [(entry.summary, entry.status) for entry in self.entries]


def test_encryption_is_accepted_or_refused_by_one_byte():
    agreed = [Talk(SSL).answers.negotiated(Frame(byte, Span(0, 1, 1, 1, 1, 1), 1)) for byte in (b"S", b"G", b"N")]
    assert agreed == [True, True, False]


def test_an_entry_waits_for_the_state_of_the_transaction():
    talk = Talk().ask(query("BEGIN")).hear(done("BEGIN"))
    assert talk.entries == []
    talk.hear(IN_TRANSACTION)
    assert [entry.fields["postgresql_transaction"] for entry in talk.entries] == ["in transaction"]


def test_rows_are_counted_for_the_request_that_is_answered():
    talk = Talk().ask(query("SELECT 1")).hear(columns("a"))
    rows = row("1") * 4
    talk.answers.rows(Frame(rows, Span(0, len(rows), 1, 1, 1, 1), len(rows)), 4, ord("D"))
    talk.hear(done("SELECT 4"), IDLE)
    assert talk.entries[0].fields["postgresql_rows"] == 4


def test_an_error_passes_over_what_follows_up_to_sync():
    one = (parse("", "SELECT 1"), bind(""), execute())
    talk = Talk().ask(*one, *one, SYNC, *one, SYNC)
    talk.hear(error("42601", "no"), IDLE, PARSED, BOUND, done("SELECT 1"), IDLE)
    assert talk.outline() == [("SELECT 1", "42601"), ("SELECT 1", "aborted"), ("SELECT 1", "OK")]


def test_what_is_asked_behind_an_error_and_before_sync_is_passed_over_too():
    one = (parse("", "SELECT 1"), bind(""), execute())
    talk = Talk().ask(*one).hear(error("42601", "no")).ask(*one, SYNC).hear(IDLE)
    assert talk.outline() == [("SELECT 1", "42601"), ("SELECT 1", "aborted")]


def test_a_refused_login_is_emitted_at_once():
    talk = Talk(LOGIN).hear(error("28P01", "no", "FATAL"))
    assert talk.outline() == [("StartupMessage app@shop", "28P01")]


def test_an_old_server_refuses_encryption_with_an_error():
    talk = Talk(SSL).hear(error("0A000", "unsupported frontend protocol", "FATAL"))
    assert talk.outline() == [("SSLRequest", "0A000")]


def test_parameters_that_change_on_their_own_are_entries_and_those_of_a_login_are_not():
    parameter = message("S", "TimeZone", "UTC")
    talk = Talk(LOGIN).hear(message("R", b"\0" * 4), parameter, IDLE)
    assert talk.outline() == [("StartupMessage app@shop", "OK")]
    talk.hear(parameter)
    assert talk.outline()[1:] == [("ParameterStatus TimeZone", "")]


def test_the_end_of_a_login_that_was_not_seen_is_one_entry():
    talk = Talk().hear(message("S", "a", "b"), message("S", "c", "d"), message("K", struct.pack(">II", 7, 8)), IDLE)
    assert [(entry.fields["postgresql_command"], entry.request) for entry in talk.entries] == [
        ("ParameterStatus", None)
    ]
    assert talk.conversation.session["postgresql_process_id"] == 7


def test_a_notice_on_its_own_is_an_entry_and_in_an_answer_it_is_a_field():
    notice = error("01000", "careful", "WARNING", "N")
    talk = Talk().hear(notice).ask(query("DO 1")).hear(notice, done("DO"), IDLE)
    assert talk.outline() == [("WARNING careful", ""), ("DO 1", "OK")]
    assert [entry.fields["postgresql_notice"] for entry in talk.entries] == ["careful", "careful"]


def test_an_empty_query_and_a_function_call_are_answered():
    talk = (
        Talk()
        .ask(query(""))
        .hear(message("I"), IDLE)
        .ask(message("F", b"\0" * 12))
        .hear(message("V", b"\xff" * 4), IDLE)
    )
    assert talk.outline() == [("(empty query)", "OK"), ("FunctionCall", "OK")]


def test_a_ready_for_query_alone_tells_nothing():
    assert Talk().hear(IDLE, b"Z\0\0\0\x05?", message("Z", b"xx")).entries == []


def test_data_is_copied_in_until_the_statement_ends():
    talk = Talk().ask(query("COPY a FROM STDIN")).hear(message("G", b"\0\0\0"))
    assert talk.conversation.copying is not None
    talk.hear(done("COPY 0"))
    assert talk.conversation.copying is None
