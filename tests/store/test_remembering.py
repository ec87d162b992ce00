"""Remembered answers: bounded, made once at a time, and never somebody else's failure."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.store.cancelling import CancelledQuestionError, Question
from kubeshark_mcp.store.remembering import Remembered, bytes_of


def test_an_answer_is_made_once_and_the_one_not_asked_for_longest_is_forgotten():
    made = []

    def maker(key):
        return lambda: made.append(key) or key * 3

    answers = Remembered(6, len)
    assert [answers.get(key, maker(key)) for key in ("a", "b", "a", "c", "a", "b")] == [
        "aaa", "bbb", "aaa", "ccc", "aaa", "bbb",
    ]  # fmt: skip
    assert made == ["a", "b", "c", "b"]


def test_what_is_heavier_than_the_room_is_given_and_not_kept():
    answers = Remembered(2, len)
    assert [answers.get("k", lambda: "long") for _ in range(2)] == ["long", "long"]
    assert answers.known("k") is None
    answers.keep("k", "ab")
    assert answers.known("k") == "ab"
    assert Remembered(0, lambda _: 1).get("k", lambda: 7) == 7


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5)), max_size=60))
def test_it_never_holds_more_than_its_room_and_always_gives_the_answer_of_the_key(asked):
    answers = Remembered(8, lambda answer: answer[1])
    weights = dict(asked)
    for key, _ in asked:
        assert answers.get(key, lambda key=key: (key, weights[key])) == (key, weights[key])
        held = [found for key in weights if (found := answers.known(key)) is not None]
        assert sum(weight for _, weight in held) <= 8


def started(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def ask_beside(answers, make, others):
    """Have one thread make an answer, and others ask for it before it is done; gives what the others got."""
    begun, go, got = threading.Event(), threading.Event(), []

    def slowly():
        begun.set()
        go.wait()
        return make()

    def first():
        try:
            answers.get("k", slowly)
        except RuntimeError as error:
            got.append(f"the maker: {error}")

    threads = [started(first)]
    begun.wait()
    threads += [started(lambda: got.append(answers.get("k", lambda: "anew"))) for _ in range(others)]
    while len(answers._makings["k"].waiting) < others:
        threading.Event().wait(0.001)
    go.set()
    for thread in threads:
        thread.join()
    return got


@pytest.mark.parametrize("room", [0, 10])
def test_those_who_ask_at_the_same_time_get_the_one_answer(room):
    made = []
    assert ask_beside(Remembered(room, len), lambda: made.append(1) or "once", 5) == ["once"] * 5
    assert made == [1]


def test_a_failure_is_the_makers_own():
    def fails():
        raise RuntimeError("gone")

    assert sorted(ask_beside(Remembered(10, len), fails, 3)) == ["anew", "anew", "anew", "the maker: gone"]


def test_who_waits_for_anothers_answer_can_be_cancelled():
    answers: Remembered[str] = Remembered(10, len)
    begun, go, question = threading.Event(), threading.Event(), Question()
    maker = started(lambda: answers.get("k", lambda: (begun.set(), go.wait(), "late")[-1]))
    begun.wait()
    ended = []

    def waits():
        try:
            with question.current():
                answers.get("k", lambda: "never")
        except CancelledQuestionError as error:
            ended.append(error)

    waiter = started(waits)
    while not answers._makings["k"].waiting:
        threading.Event().wait(0.001)
    question.cancel()
    waiter.join()
    go.set()
    maker.join()
    assert [type(error) for error in ended] == [CancelledQuestionError]
    assert answers.known("k") == "late"


def test_the_weight_of_rows_grows_with_what_they_hold():
    light, heavy = [{"path": "/", "n": 1}], [{"path": "/" * 1000, "n": 1}]
    assert bytes_of(heavy) - bytes_of(light) == 999
    assert bytes_of([{"h": {"k": "v" * 500}}]) > 500
    assert bytes_of(light * 100) > 100 * (bytes_of(light) - 100)
