from __future__ import annotations

from kubeshark_mcp.dissect.base import Context, Settings
from kubeshark_mcp.dissect.frames import Frame
from kubeshark_mcp.dissect.pairing import WAITING
from kubeshark_mcp.dissect.postgresql_pairing import (
    HELD_BACK,
    MISSING,
    NEGOTIATION,
    QUIET_NS,
    Conversation,
    Preparation,
)
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Span
from tests.dissect.conversation import connection

QUERY, SYNC = ord("Q"), ord("S")
FRAME = Frame(b"Q\0\0\0\x04", Span(0, 5, 1, 1, 1, 1), 5)


def begin() -> tuple[Conversation, list[Entry]]:
    entries: list[Entry] = []
    return Conversation(Context(connection(), Settings(), entries.append)), entries


def test_an_entry_is_emitted_once():
    conversation, entries = begin()
    exchange = conversation.exchange("Query", FRAME)
    conversation.emit(exchange)
    conversation.emit(exchange)
    assert len(entries) == 1


def test_what_waits_is_marked_when_bytes_are_missing_and_not_when_the_connection_ends():
    lost, lost_entries = begin()
    ended, ended_entries = begin()
    for conversation in (lost, ended):
        conversation.wait(QUERY, conversation.exchange("Query", FRAME))
    lost.lose()
    ended.flush()
    assert [entry.malformed for entry in lost_entries + ended_entries] == [MISSING, ""]
    assert (lost.adrift, lost.gaps, len(lost.operations)) == (True, True, 0)


def test_adrift_requests_are_emitted_unanswered():
    conversation, entries = begin()
    conversation.lose()
    conversation.wait(QUERY, conversation.exchange("Query", FRAME))
    conversation.wait(SYNC, None)
    assert ([entry.malformed for entry in entries], len(conversation.operations)) == ([MISSING], 0)


def test_a_ready_server_settles_a_client_that_waits_for_answers():
    conversation, _ = begin()
    conversation.lose()
    conversation.settle(quiet_ns=0)
    assert conversation.adrift
    conversation.ready = True
    conversation.settle(quiet_ns=0)
    assert not conversation.adrift


def test_only_silence_settles_a_client_that_does_not_wait():
    conversation, _ = begin()
    for _ in range(2):
        conversation.wait(QUERY, conversation.exchange("Query", FRAME))
    conversation.lose()
    conversation.ready = True
    conversation.settle(quiet_ns=QUIET_NS - 1)
    assert conversation.adrift
    conversation.settle(quiet_ns=QUIET_NS)
    assert not conversation.adrift


def test_too_many_waiting_messages_are_let_go():
    conversation, entries = begin()
    for _ in range(WAITING + 1):
        conversation.wait(QUERY, conversation.exchange("Query", FRAME))
    assert (len(entries), len(conversation.operations), conversation.adrift) == (WAITING + 1, 0, True)


def test_answered_requests_are_not_held_back_without_end():
    conversation, entries = begin()
    for _ in range(HELD_BACK + 3):
        conversation.finish(conversation.exchange("Query", FRAME))
    assert (len(entries), len(conversation.done)) == (3, HELD_BACK)


def test_an_exchange_is_open_up_to_the_next_sync():
    conversation, _ = begin()
    exchange = conversation.exchange("Bind", FRAME)
    assert conversation.is_open(exchange)
    conversation.wait(SYNC, None)
    assert not conversation.is_open(exchange)


def test_a_parse_is_held_back_until_its_statement_is_executed_or_gone():
    conversation, entries = begin()
    used, unused = conversation.exchange("Parse", FRAME), conversation.exchange("Parse", FRAME)
    for exchange, name in ((used, "used"), (unused, "unused")):
        exchange.name_statement(name, "SELECT 1", gaps=False)
        exchange.prepares = True
        conversation.prepare(name, "SELECT 1")
        conversation.hold_prepared(exchange)
    execution = conversation.exchange("Execute", FRAME)
    execution.name_statement("used", "SELECT 1", gaps=False)
    conversation.execute(execution)
    conversation.flush()
    assert [entry.summary for entry in entries] == ["Parse SELECT 1"]
    assert entries[0].fields["postgresql_statement"] == "unused"


def test_a_parse_that_another_text_replaces_is_emitted_and_one_said_again_is_not():
    conversation, entries = begin()
    for text in ("SELECT 1", "SELECT 1", "SELECT 2"):
        exchange = conversation.exchange("Parse", FRAME)
        exchange.name_statement("", text, gaps=False)
        exchange.prepares = True
        conversation.prepare("", text)
        conversation.hold_prepared(exchange)
    assert [entry.summary for entry in entries] == ["Parse SELECT 1"]


def test_a_parse_whose_statement_is_closed_already_is_emitted():
    conversation, entries = begin()
    exchange = conversation.exchange("Parse", FRAME)
    exchange.name_statement("s", "SELECT 1", gaps=False)
    conversation.hold_prepared(exchange)
    assert len(entries) == 1
    assert Preparation() == Preparation(None, executed=False)


def test_what_cannot_be_read_belongs_to_the_answer_that_is_awaited():
    conversation, entries = begin()
    exchange = conversation.exchange("Query", FRAME)
    conversation.wait(QUERY, exchange)
    conversation.unread(FRAME, Direction.SERVER, "why")
    conversation.unread(FRAME, Direction.CLIENT, "why not")
    conversation.unread(None, Direction.CLIENT, "nothing")
    assert exchange.entry.malformed == "why"
    assert exchange.entry.response == FRAME.span
    assert [(entry.summary, entry.malformed) for entry in entries] == [("unreadable", "why not")]


def test_a_request_for_encryption_awaits_a_single_byte():
    conversation, _ = begin()
    assert not conversation.negotiates
    conversation.wait(NEGOTIATION, conversation.exchange("SSLRequest", FRAME))
    assert conversation.negotiates
