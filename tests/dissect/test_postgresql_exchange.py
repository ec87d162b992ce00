from __future__ import annotations

from kubeshark_mcp.dissect.frames import HELD, Frame
from kubeshark_mcp.dissect.postgresql_exchange import TAGS, Exchange
from kubeshark_mcp.dissect.sql_text import Phrasebook
from kubeshark_mcp.dissect.wire_postgresql import Failure, Tag
from kubeshark_mcp.model.stream import Span
from tests.dissect.conversation import connection

SESSION = {"postgresql": True, "postgresql_user": "app"}


def exchange(limit: int = 100) -> Exchange:
    return Exchange(connection(), SESSION, "Query", limit, Phrasebook())


def frame(body: bytes, offset: int = 0, size: int = 0) -> Frame:
    return Frame(body, Span(offset, size or len(body), 1, 1, 1, 1), size or len(body))


def test_an_exchange_without_an_answer_says_so_by_its_fields():
    one = exchange()
    one.ask(frame(b"asked"))
    one.say("SELECT 1")
    entry = one.close()
    assert (entry.summary, entry.status, entry.failed, entry.request_body) == ("SELECT 1", "", False, b"asked")
    assert entry.fields == {
        **SESSION,
        "postgresql_command": "SELECT",
        "postgresql_query": "SELECT 1",
        "postgresql_request_size": 5,
        "postgresql_total_size": 5,
    }


def test_bodies_are_cut_at_the_limit_and_what_is_not_shown_is_counted():
    one = exchange(limit=6)
    one.ask(frame(b"abcd"))
    one.ask(frame(b"efgh", 4))
    one.ask(frame(b"secret", 8), shown=False)
    one.hear(frame(b"hidden"), shown=False)
    one.hear(frame(b"12345678", 6))
    one.hear(Frame(b"9999", Span(14, 4, 2, 3, 2, 3), 4))
    entry = one.close()
    assert (entry.request_body, entry.response_body) == (b"abcdef", b"123456")
    assert (entry.request, entry.response) == (Span(0, 14, 1, 1, 1, 1), Span(0, 18, 1, 3, 1, 3))
    assert (entry.fields["postgresql_request_size"], entry.fields["postgresql_response_size"]) == (14, 18)


def test_copied_data_is_added_up():
    one = exchange(limit=6)
    one.ask(frame(b"ddddeeee"))
    one.copy(2, 3)
    one.copy(5, 7)
    entry = one.close()
    assert (entry.fields["postgresql_copy_messages"], entry.fields["postgresql_copy_bytes"]) == (7, 10)
    assert (entry.request_body, one.size) == (b"ddddee", 8)


def test_a_request_longer_than_what_is_kept_is_marked():
    one = exchange()
    one.ask(frame(b"x" * HELD, size=HELD + 1))
    assert one.fields["postgresql_truncated"] is True


def test_tags_are_listed_and_rows_added_up():
    one = exchange()
    for number in range(TAGS + 5):
        one.add_tag(Tag(f"UPDATE {number}", "UPDATE", number))
    entry = one.close()
    assert entry.fields["postgresql_tag"].count(";") == TAGS - 1
    assert entry.fields["postgresql_rows_affected"] == sum(range(TAGS + 5))


def test_a_tag_names_the_command_of_a_with_statement():
    one = exchange()
    one.say("WITH x AS (SELECT 1) INSERT INTO a SELECT * FROM x")
    one.add_tag(Tag("INSERT 0 1", "INSERT", 1))
    assert one.close().fields["postgresql_command"] == "INSERT"


def test_a_failure_wins_over_what_succeeded_before():
    one = exchange()
    one.add_tag(Tag("INSERT 0 1", "INSERT", 1))
    one.hear(frame(b"error"))
    one.fail(Failure("23503", "violates", "ERROR"))
    entry = one.close()
    assert (entry.status, entry.failed, entry.fields["postgresql_success"]) == ("23503", True, False)


def test_a_failure_without_a_code_is_still_a_failure():
    one = exchange()
    one.fail(Failure("", "", ""))
    assert (one.close().status, one.entry.failed) == ("ERROR", True)


def test_what_was_passed_over_failed_without_a_code():
    one = exchange()
    one.abort()
    entry = one.close()
    assert (entry.status, entry.failed, entry.fields["postgresql_success"]) == ("aborted", True, False)


def test_the_first_notice_is_shown():
    one = exchange()
    one.notice(Failure("01000", "first", "WARNING"))
    one.notice(Failure("01000", "second", "WARNING"))
    assert one.fields["postgresql_notice"] == "first"


def test_a_statement_without_its_text_is_marked_and_malformed_only_behind_a_hole():
    before, behind = exchange(), exchange()
    before.name_statement("s", None, gaps=False)
    behind.name_statement("", None, gaps=True)
    assert before.fields["postgresql_statement_unknown"] is True
    assert (before.entry.summary, before.entry.malformed) == ("Execute s, text not captured", "")
    assert behind.entry.summary == "Execute the unnamed statement, text not captured"
    assert behind.entry.malformed == "the text of prepared statement '' is missing, as bytes of the connection are"
