from __future__ import annotations

import struct

import pytest

from kubeshark_mcp.dissect.base import Context, Settings
from kubeshark_mcp.dissect.frames import Frame, FrameError
from kubeshark_mcp.dissect.mysql_answers import Answers
from kubeshark_mcp.dissect.mysql_exchange import Await, Session
from kubeshark_mcp.dissect.mysql_requests import Requests
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Span
from tests.dissect.conversation import connection
from tests.dissect.samples.mysql import (
    COMPRESS,
    EXECUTE,
    MORE_RESULTS,
    PREPARED,
    USUAL,
    ZSTD,
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
)


class Talk:
    """Both sides without the cutting of bytes."""

    def __init__(self, *, signed_in: bool = True) -> None:
        self.entries: list[Entry] = []
        self.session = Session(Context(connection(), Settings(), self.entries.append))
        self.session.logged_in = signed_in
        self.requests, self.answers = Requests(self.session), Answers(self.session)

    def ask(self, data: bytes) -> Talk:
        self.requests.take(Frame(data, Span(0, len(data), 1, 1, 1, 1), len(data)), data[3])
        return self

    def hear(self, *payloads: bytes, first: int = 1) -> Talk:
        for index, payload in enumerate(payloads):
            data = packet(first + index, payload)
            self.answers.take(Frame(data, Span(0, len(data), 1, 1, 1, 1), len(data)), data[3])
        return self

    @property
    def only(self) -> Entry:
        (entry,) = self.entries
        return entry


@pytest.mark.parametrize("behind_columns", [[eof()], []])
@pytest.mark.parametrize("last", [eof(), ended()])
def test_rows_are_read_with_and_without_eof_packets(behind_columns: list[bytes], last: bytes):
    talk = Talk().ask(query("SELECT 1")).hear(b"\x01", column("a"), *behind_columns, row("1"), row("2"), last)
    assert (talk.only.status, talk.only.fields["mysql_rows"], talk.only.fields["mysql_columns"]) == ("OK", 2, 1)


def test_rows_can_be_taken_many_at_once():
    talk = Talk().ask(query("SELECT 1"))
    assert talk.answers.counts is None
    talk.hear(b"\x01", column("a"), eof())
    exchange = talk.answers.counts
    assert exchange is not None
    talk.answers.run(exchange, Frame(b"", Span(0, 12, 1, 1, 1, 1), 12), 2)
    talk.hear(eof(), first=6)
    assert talk.only.fields["mysql_rows"] == 2


def test_column_definitions_can_be_taken_many_at_once():
    talk = Talk().ask(query("SELECT 1")).hear(b"\x02")
    exchange = talk.answers.counts
    assert exchange is not None
    talk.answers.run(exchange, Frame(b"", Span(0, 60, 1, 1, 1, 1), 60), 2)
    talk.hear(eof(), row("1", "2"), eof(), first=4)
    assert (talk.only.status, talk.only.fields["mysql_rows"]) == ("OK", 1)


def test_a_result_may_fail_in_its_middle():
    talk = (
        Talk().ask(query("SELECT 1")).hear(b"\x01", column("a"), eof(), row("1"), error(1317, "70100", "interrupted"))
    )
    assert (talk.only.status, talk.only.fields["mysql_rows"], talk.only.fields["mysql_sqlstate"]) == (
        "1317",
        1,
        "70100",
    )


def test_another_result_follows_while_the_server_says_so():
    talk = Talk().ask(query("a;b")).hear(ok(1, status=MORE_RESULTS))
    assert talk.entries == []
    talk.hear(ok(2), first=2)
    assert (talk.only.fields["mysql_results"], talk.only.fields["mysql_affected_rows"]) == (2, 3)


def test_a_statement_gets_its_number_from_the_answer():
    talk = Talk().ask(command(0x16, "SELECT ?")).hear(PREPARED, column("?"), eof(), column("a"), eof())
    assert talk.session.statements.get(3) is not None
    assert talk.only.fields["mysql_statement_id"] == talk.session.prepared == 3


def test_a_statement_without_definitions_is_prepared_at_once():
    talk = Talk().ask(command(0x16, "DO 1")).hear(b"\0" + struct.pack("<IHHBH", 3, 0, 0, 0, 1))
    assert (talk.only.status, talk.only.fields["mysql_warnings"]) == ("OK", 1)


@pytest.mark.parametrize("code", [0x16, 0x0E, 0x03])
def test_an_answer_of_another_form_is_marked(code: int):
    talk = Talk().ask(command(code, b"SELECT 1" if code != 0x0E else b"")).hear(b"\xfc" if code == 3 else b"\x07hello")
    talk.session.flush()
    assert talk.only.malformed == "the answer cannot be read"


def test_fields_and_text_and_events_end_in_their_way():
    fields = Talk().ask(command(0x04, b"t\0")).hear(column("a"), column("b"), eof())
    text = Talk().ask(command(0x09)).hear(b"\xffUptime")
    events = Talk().ask(command(0x12)).hear(b"\0event", b"\0event", eof())
    assert (fields.only.fields["mysql_columns"], text.only.status, events.only.fields["mysql_rows"]) == (2, "OK", 2)


def test_a_session_forgets_its_statements_when_it_begins_anew():
    talk = Talk()
    talk.session.statements.put(3, "SELECT ?", 1)
    talk.ask(command(0x1F)).hear(ok())
    assert len(talk.session.statements) == 0


@pytest.mark.parametrize(("capability", "method"), [(COMPRESS, "zlib"), (ZSTD, "zstd"), (0, "")])
def test_compression_begins_with_the_login_that_agrees_on_it(capability: int, method: str):
    talk = Talk(signed_in=False).hear(greeting(USUAL | capability)[4:], first=0).ask(login(USUAL | capability))
    talk.hear(ok(), first=2)
    assert (talk.session.compression, talk.only.fields.get("mysql_compression", "")) == (method, method)


def test_the_last_method_of_a_login_counts():
    talk = Talk(signed_in=False).hear(greeting()[4:], first=0).ask(login()).hear(b"\xfe", first=2)
    exchange = talk.session.waiting.next
    assert exchange is not None
    assert exchange.fields["mysql_auth"] == "mysql_old_password"
    talk.hear(b"\x02second_factor\0data", first=3)
    assert exchange.fields["mysql_auth"] == "second_factor"
    assert exchange.entry.response_body == b""


def test_an_answer_with_another_number_is_not_for_this_command_but_an_error_is():
    other = Talk().ask(query("SELECT 1")).hear(ok(), first=7)
    assert (other.entries[0].malformed != "", other.session.adrift) == (True, True)
    failed = Talk().ask(query("SELECT 1")).hear(error(1053, "08S01", "Server shutdown in progress"), first=0)
    assert failed.only.status == "1053"


def test_a_number_that_jumps_within_an_answer_is_an_error():
    talk = Talk().ask(query("SELECT 1")).hear(b"\x01")
    with pytest.raises(FrameError, match="packet 9 comes where 2 is to come"):
        talk.hear(column("a"), first=9)


def test_the_beginning_of_an_answer_tells_what_it_is_where_the_command_is_missing():
    talks = {
        Await.FIELDS: Talk().hear(column("a")),
        Await.COLUMNS: Talk().hear(b"\x02"),
        Await.UNKNOWN: Talk().hear(b"\x01x", first=9),
    }
    for awaits, talk in talks.items():
        assert talk.session.lone is not None
        assert talk.session.lone.awaits is awaits
    assert Talk().hear(ok()).only.status == "OK"
    lone = talks[Await.UNKNOWN].session.lone
    assert lone is not None
    assert lone.entry.malformed == "the beginning of the answer was not captured, at byte 0 of the stream"


def test_a_cursor_ends_the_answer_behind_the_columns():
    talk = Talk().ask(command(0x17, EXECUTE)).hear(b"\x01", column("a"), eof(0x42))
    assert talk.only.status == "OK"


def test_the_short_eof_of_before_protocol_41_ends_definitions_and_rows():
    entry = Talk().ask(query("SELECT 1")).hear(b"\x01", b"\x01t\x01c\x03\x0b\0\0", b"\xfe", b"\x011", b"\xfe").only
    assert (entry.fields["mysql_rows"], entry.status, entry.malformed) == (1, "OK", "")


def test_a_login_of_which_only_the_server_was_captured_has_its_outcome():
    talk = Talk(signed_in=False).hear(greeting()[4:], first=0).hear(ok(), first=2).hear(error(1146, "42S02", "none"))
    login_, failed = talk.entries
    assert (login_.fields["mysql_command"], login_.status, login_.failed) == ("Handshake", "OK", False)
    assert (failed.fields["mysql_error_code"], failed.failed) == (1146, True)


def test_a_login_whose_numbers_leap_is_not_read_on():
    talk = Talk(signed_in=False).hear(greeting()[4:], first=0)
    with pytest.raises(FrameError, match="packet 3 comes where 1 is to come"):
        talk.hear(ok(), first=3)
