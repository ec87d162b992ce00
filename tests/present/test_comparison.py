from __future__ import annotations

from kubeshark_mcp.present.budget import BUDGET
from kubeshark_mcp.present.comparison import comparison_text
from kubeshark_mcp.present.tokens import rough_tokens


def difference(**more):
    made = {
        "change": "errors", "where": "a/b -> c/d http GET /x", "before": 0.0, "after": 0.5, "unit": "share of calls",
        "p": 0.00001, "weight": 1.0, "worse": True,
    }  # fmt: skip
    return made | more


def test_a_difference_is_a_line_with_both_numbers_and_its_chance():
    found = {
        "differences": [
            difference(),
            difference(change="latency", before=1.23456, after=2345.6, unit="ms p95", p=0.004),
            difference(change="edge gained", before=None, after=4, unit="calls", p=None, worse=False),
        ]
    }
    assert comparison_text(found).splitlines() == [
        "worse errors: a/b -> c/d http GET /x: 0.0% -> 50.0% of calls (p <0.0001)",
        "worse latency: a/b -> c/d http GET /x: 1.23 -> 2,346 ms p95 (p 0.004)",
        "edge gained: a/b -> c/d http GET /x: none -> 4 calls",
    ]


def test_a_thousand_differences_stay_within_the_budget_unless_all_are_wanted():
    found = {"differences": [difference(where=f"client -> server http GET /path/{n}") for n in range(1000)]}
    brief = comparison_text(found)
    assert rough_tokens(brief) <= BUDGET
    assert brief.endswith("more differences: format=full)")
    assert len(comparison_text(found, brief=False).splitlines()) == 1000


def test_no_difference_is_an_answer():
    assert comparison_text({"differences": []}) == "Nothing differs beyond chance."
