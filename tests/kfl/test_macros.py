from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import EvaluationError, evaluate


def test_macros_nest_and_each_sees_its_own_variable():
    text = "l.map(x, l.filter(y, y > x).map(z, z * 10 + x))"
    assert evaluate(text, {"l": [1, 2, 3]}) == [[21, 31], [32], []]


def test_a_variable_is_the_outer_one_again_after_an_inner_macro_of_the_same_name():
    assert evaluate("l.map(x, size(l.filter(x, x > 1)) + x)", {"l": [1, 2]}) == [2, 3]


def test_keeping_long_values_in_lists_costs_steps():
    with pytest.raises(EvaluationError, match="too many loop steps"):
        evaluate('t.split("").map(x, t.split(""))', {"t": "a" * 20_000})
