"""Why there are no rows."""

from __future__ import annotations

from kubeshark_mcp.present.empty import empty_answer


def test_the_remedy_call_is_named_when_it_is_registered():
    answer = empty_answer(
        "Snapshot s1 is not dissected.", tool="start_snapshot_dissection", arguments={"snapshot_id": "s1"},
        registered=lambda name: True,
    )  # fmt: skip
    assert answer == 'Snapshot s1 is not dissected.\nNext: start_snapshot_dissection(snapshot_id="s1")'


def test_a_tool_that_is_not_registered_is_never_named():
    answer = empty_answer("Nothing is dissected.", remedy="Dissect a snapshot.", tool="start_snapshot_dissection")
    assert answer == "Nothing is dissected.\nDissect a snapshot."


def test_each_clause_says_how_many_rows_it_left():
    answer = empty_answer("No call matches.", clauses=[("http", 120), ("status_code == 599", 0)])
    assert answer == "No call matches.\nRows left after each clause: http -> 120; status_code == 599 -> 0"
