"""Questions that are given up."""

from __future__ import annotations

import threading
from contextvars import copy_context

import pytest

from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.store.cancelling import CancelledQuestionError, Question, check_cancelled, stoppable


def test_without_a_question_nothing_is_cancelled():
    stops: list[str] = []
    with stoppable(lambda: stops.append("stop")):
        check_cancelled()
    assert stops == []


def test_what_is_being_done_for_a_question_is_stopped_and_nothing_more_begins():
    question, stops = Question(), []
    with question.current():
        with pytest.raises(CancelledQuestionError, match="cancelled before"), stoppable(lambda: stops.append("stop")):
            question.cancel()
        with pytest.raises(CancelledQuestionError), stoppable(lambda: stops.append("late")):
            stops.append("begun")
        with pytest.raises(StoreError):
            check_cancelled()
    assert stops == ["stop"]
    check_cancelled()


def test_a_statement_of_the_database_is_interrupted_and_others_go_on(write, make):
    from kubeshark_mcp.store.database import Database

    database = Database([write([make.http(make.connection())])])
    question = Question()
    endless = "SELECT count(*) FROM range(100000000000) AS a WHERE (a.range * 7) % 11 = 3"
    outcome: list[BaseException] = []
    begun = threading.Event()

    def ask() -> None:
        begun.set()
        try:
            database.query(endless)
        except StoreError as error:
            outcome.append(error)

    with question.current():
        context = copy_context()
    thread = threading.Thread(target=context.run, args=(ask,))
    thread.start()
    begun.wait()
    assert database.query("SELECT count(*) FROM entries") == [(1,)]
    question.cancel()
    thread.join(10)
    assert not thread.is_alive()
    assert ["cancelled" in str(error) for error in outcome] == [True]
    assert database.query("SELECT count(*) FROM entries") == [(1,)]


def test_what_does_not_stop_at_once_is_stopped_again():
    question, calls, third = Question(), [], threading.Event()

    def stop() -> None:
        calls.append(1)
        if len(calls) == 3:
            third.set()

    def work() -> None:
        with question.current(), stoppable(stop):
            question.cancel()
            third.wait(10)

    with pytest.raises(CancelledQuestionError):
        work()
    assert third.is_set()
