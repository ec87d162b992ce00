"""Filters are judged by rows, pages by what they leave out."""

from __future__ import annotations

from evals.desk import DataSet, Reply
from evals.runner.filters import Rows, check_pages, check_reference, compare
from evals.suites import KflCase


class CountingDesk:
    """Answers with prepared totals by filter, or pages of ids."""

    database = "x/default"
    data = DataSet("mixture-a", ())

    def __init__(self, totals=None, pages=()):
        self.totals = totals or {}
        self.pages = list(pages)

    async def call(self, tool, **arguments):
        if self.pages:
            ids, cursor, total = self.pages.pop(0)
            return Reply(tool, arguments, "", {"ids": ids, "cursor": cursor, "total": total})
        total = self.totals.get(arguments["kfl"])
        return Reply(tool, arguments, "unknown field", {"total": total}, failed=total is None)


async def test_another_text_with_the_same_rows_is_right():
    rows = Rows()
    await compare(CountingDesk({"a": 5, "b": 5, "(a) && !(b)": 0, "!(a) && (b)": 0}), "a", "b", rows)
    assert (rows.same, rows.wanted) == (True, [5])


async def test_equal_counts_of_other_rows_are_wrong():
    rows = Rows()
    await compare(CountingDesk({"a": 5, "b": 5, "(a) && !(b)": 2, "!(a) && (b)": 2}), "a", "b", rows)
    assert (rows.same, rows.missing, rows.extra) == (False, [2], [2])


async def test_a_filter_that_is_refused_is_wrong_with_the_servers_words():
    rows = Rows()
    await compare(CountingDesk({"a": 5}), "a", "b", rows)
    assert (rows.same, rows.reasons) == (False, ["mixture-a: unknown field"])


async def test_a_reference_that_selects_everything_asks_for_nothing():
    case = KflCase(name="x/y", covers="dns", question="Which ones?", kfl="a")
    assert await check_reference(CountingDesk({"a": 9, "true": 9}), case) == (9, ["mixture-a: selects all 9 entries"])
    assert await check_reference(CountingDesk({"a": 3, "true": 9}), case) == (3, [])
    assert await check_reference(CountingDesk({}), case) == (0, ["mixture-a: refused: unknown field"])


async def test_pages_must_give_every_entry_once():
    assert await check_pages(CountingDesk(pages=[([1, 2], "c", 3), ([3], None, 3)])) == []
    (told,) = await check_pages(CountingDesk(pages=[([1, 2], "c", 4), ([4], None, 4)]))
    assert told == "mixture-a: pages gave 3 entries in 3 rows, 4 were announced"
    assert await check_pages(CountingDesk(pages=[([1, 2], "c", 3), ([2, 3], None, 3)])) != []
