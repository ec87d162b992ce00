from __future__ import annotations

from kubeshark_mcp.dissect.pairing import Pipeline, Transactions


def test_a_pipeline_answers_in_order():
    pipeline: Pipeline[str] = Pipeline()
    assert [pipeline.ask(name) for name in "abc"] == [None, None, None]
    assert (pipeline.next, pipeline.answer(), pipeline.next, len(pipeline)) == ("a", "a", "b", 2)
    assert pipeline.flush() == ["b", "c"]
    assert (pipeline.next, pipeline.answer(), pipeline.flush()) == (None, None, [])


def test_a_full_pipeline_gives_back_the_oldest():
    pipeline: Pipeline[int] = Pipeline(limit=2)
    assert [pipeline.ask(number) for number in range(4)] == [None, None, 0, 1]
    assert pipeline.flush() == [2, 3]


def test_transactions_answer_by_their_identifier():
    waiting: Transactions[int, str] = Transactions()
    waiting.ask(7, "a")
    waiting.ask(8, "b")
    assert (waiting.get(8), waiting.answer(8), waiting.answer(8)) == ("b", "b", None)
    assert waiting.flush() == ["a"]
    assert len(waiting) == 0


def test_an_identifier_used_again_gives_back_the_one_before_and_a_full_table_the_oldest():
    waiting: Transactions[int, str] = Transactions(limit=2)
    waiting.ask(1, "a")
    assert waiting.ask(1, "b") == "a"
    waiting.ask(2, "c")
    assert waiting.ask(3, "d") == "b"
    assert waiting.flush() == ["c", "d"]
