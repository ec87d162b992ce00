"""Rough token counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.present.tokens import rough_tokens


def test_words_digits_and_signs_are_counted_as_encodings_cut_them():
    assert rough_tokens("GET /orders/12345 -> 500") == 1 + 1 + 1 + 1 + 2 + 1 + 1


def test_nothing_costs_nothing():
    assert rough_tokens("") == 0


@given(st.text(), st.text())
def test_more_text_never_costs_less(first, second):
    assert rough_tokens(first + " " + second) >= rough_tokens(first)
