from __future__ import annotations

from kubeshark_mcp.present.budget import fitting
from kubeshark_mcp.present.tokens import rough_tokens


def test_lines_are_kept_as_far_as_the_budget_reaches_and_the_others_counted():
    lines = [f"line number {number} of many" for number in range(100)]
    kept = fitting(lines, "({} more)", 50)
    assert kept[:-1] == lines[: len(kept) - 1]
    assert kept[-1] == f"({101 - len(kept)} more)"
    assert sum(rough_tokens(line) + 1 for line in kept[:-1]) <= 50


def test_all_is_kept_that_fits_and_one_line_always():
    assert fitting(["a", "b"], "({} more)") == ["a", "b"]
    assert fitting(["word " * 500, "b"], "({} more)", 5) == ["word " * 500, "(1 more)"]
    assert fitting([], "({} more)") == []
