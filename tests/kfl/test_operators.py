from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.kfl import EvaluationError, Uint, evaluate

ints = st.integers(-(2**63), 2**63 - 1)


@given(ints, ints)
def test_quotient_and_remainder_make_the_dividend_again_and_the_remainder_has_its_sign(a: int, b: int):
    bindings = {"a": a, "b": b}
    if b == 0 or (a, b) == (-(2**63), -1):
        with pytest.raises(EvaluationError):
            evaluate("a / b", bindings)
        return
    quotient, remainder = evaluate("a / b", bindings), evaluate("a % b", bindings)
    assert quotient * b + remainder == a
    assert abs(remainder) < abs(b)
    assert remainder == 0 or (remainder < 0) == (a < 0)


@given(ints, ints, st.sampled_from(["+", "-", "*"]))
def test_a_result_beyond_64_bits_is_an_error_and_never_wraps(a: int, b: int, sign: str):
    exact = {"+": a + b, "-": a - b, "*": a * b}[sign]
    if -(2**63) <= exact < 2**63:
        assert evaluate(f"a {sign} b", {"a": a, "b": b}) == exact
    else:
        with pytest.raises(EvaluationError, match="overflow"):
            evaluate(f"a {sign} b", {"a": a, "b": b})


def test_uint_stays_uint():
    assert type(evaluate("a + b", {"a": Uint(1), "b": Uint(2)})) is Uint
