from __future__ import annotations

from kubeshark_mcp.dissect.base import Context, Settings
from kubeshark_mcp.dissect.frames import HELD, Frame
from kubeshark_mcp.dissect.mysql_exchange import MISSING, QUIET_NS, Await, Exchange, Session
from kubeshark_mcp.dissect.pairing import WAITING
from kubeshark_mcp.dissect.wire_mysql import Failure, Outcome
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Span
from tests.dissect.conversation import connection


def begin(limit: int = 100) -> tuple[Session, list[Entry]]:
    entries: list[Entry] = []
    return Session(Context(connection(), Settings(body_limit=limit), entries.append)), entries


def frame(body: bytes, offset: int = 0, size: int = 0) -> Frame:
    return Frame(body, Span(offset, size or len(body), 1, 1, 1, 1), size or len(body))


PING = frame(b"\x01\0\0\0\x0e")


def ping(session: Session) -> Exchange:
    exchange = Exchange(session, "COM_PING", Await.SIMPLE)
    exchange.ask(PING)
    return exchange


def test_an_exchange_without_an_answer_says_so_by_its_fields():
    session, _ = begin()
    entry = ping(session).close()
    assert (entry.summary, entry.status, entry.request_body) == ("COM_PING", "", PING.body)
    assert entry.fields == {
        "mysql": True,
        "mysql_command": "COM_PING",
        "mysql_success": False,
        "mysql_request_size": 5,
        "mysql_total_size": 5,
    }


def test_what_needs_no_answer_succeeds():
    exchange = Exchange(begin()[0], "COM_QUIT", Await.NOTHING)
    exchange.ask(PING)
    assert exchange.close().fields["mysql_success"] is True


def test_the_next_packet_of_the_answer_is_known_by_its_number():
    exchange = ping(begin()[0])
    assert exchange.sequence == 1
    exchange.ask(frame(b"\0\0\0\xff"))
    assert exchange.sequence == 0


def test_bodies_are_cut_at_the_limit_and_what_is_not_shown_is_counted():
    exchange = Exchange(begin(limit=6)[0], "COM_QUERY", Await.RESULT)
    exchange.ask(frame(b"\0\0\0\0ab"))
    exchange.ask(frame(b"\0\0\0\1secret", 6), shown=False)
    exchange.hear(frame(b"hidden"), shown=False)
    exchange.hear(frame(b"1234", 6))
    exchange.hear(Frame(b"9999", Span(10, 4, 2, 3, 2, 3), 4))
    entry = exchange.close()
    assert (entry.request_body, entry.response_body) == (b"\0\0\0\0ab", b"123499")
    assert (entry.response, entry.fields["mysql_request_size"]) == (Span(0, 14, 1, 3, 1, 3), 16)


def test_a_request_longer_than_what_is_kept_is_marked():
    exchange = Exchange(begin()[0], "COM_QUERY", Await.RESULT)
    exchange.ask(frame(b"x" * HELD, size=HELD + 1))
    assert exchange.fields["mysql_truncated"] is True


def test_outcomes_are_added_up_and_an_error_wins():
    exchange = ping(begin()[0])
    exchange.succeed(Outcome(2, 1 << 64, 0x0801, 3, b""))
    exchange.succeed(Outcome(-1, 0, 0x10, 1, b""))
    exchange.hear(PING)
    exchange.fail(Failure(1064, "", "no"))
    entry = exchange.close()
    wanted = {
        "mysql_affected_rows": 2,
        "mysql_insert_id": (1 << 63) - 1,
        "mysql_warnings": 4,
        "mysql_slow": True,
        "mysql_no_index": True,
        "mysql_transaction": False,
        "mysql_results": 2,
        "mysql_error_code": 1064,
        "mysql_success": False,
    }
    assert wanted.items() <= entry.fields.items()
    assert "mysql_sqlstate" not in entry.fields
    assert (entry.status, entry.failed) == ("1064", True)


def test_what_waits_is_marked_when_bytes_are_missing_and_not_when_the_connection_ends():
    lost, lost_entries = begin()
    ended, ended_entries = begin()
    for session in (lost, ended):
        session.ask(ping(session))
    lost.lose()
    ended.flush()
    assert [entry.malformed for entry in lost_entries + ended_entries] == [MISSING, ""]


def test_adrift_commands_are_emitted_unanswered_until_the_client_speaks_again():
    session, entries = begin()
    session.lose()
    session.ask(ping(session))
    session.settle(quiet_ns=0)
    session.ask(ping(session))
    assert ([entry.malformed for entry in entries], len(session.waiting)) == ([MISSING], 1)


def test_only_silence_settles_a_client_that_does_not_wait():
    session, _ = begin()
    session.ask(ping(session))
    session.ask(ping(session))
    session.lose()
    session.settle(quiet_ns=QUIET_NS - 1)
    assert session.adrift
    session.settle(quiet_ns=QUIET_NS)
    assert not session.adrift


def test_too_many_waiting_commands_are_let_go():
    session, entries = begin()
    for _ in range(WAITING + 1):
        session.ask(ping(session))
    assert (len(entries), len(session.waiting), session.adrift) == (WAITING + 1, 0, True)


def test_what_comes_without_a_command_is_emitted_before_the_next_one():
    session, entries = begin()
    session.lone = Exchange(session, "", Await.UNKNOWN)
    session.lone.hear(PING)
    session.ask(ping(session))
    assert ([entry.response for entry in entries], session.lone) == ([PING.span], None)


def test_an_exchange_that_ends_leaves_its_place():
    session, entries = begin()
    session.ask(ping(session))
    waiting = session.waiting.next
    assert waiting is not None
    session.finish(waiting)
    session.lone = Exchange(session, "", Await.UNKNOWN)
    session.lone.hear(PING)
    session.finish(session.lone)
    assert (len(entries), len(session.waiting), session.lone) == (2, 0, None)


def test_what_cannot_be_read_belongs_to_the_answer_that_is_awaited():
    session, entries = begin()
    session.ask(ping(session))
    session.unread(PING, Direction.SERVER, "why")
    session.unread(PING, Direction.CLIENT, "why not")
    session.unread(None, Direction.CLIENT, "nothing")
    session.flush()
    session.unread(PING, Direction.SERVER, "alone")
    assert [(entry.summary, entry.malformed, entry.request is None) for entry in entries] == [
        ("unreadable", "why not", False),
        ("COM_PING", "why", False),
        ("unreadable", "alone", True),
    ]
