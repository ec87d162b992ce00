from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.kfl import evaluate

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(texts, texts.filter(bool))
def test_split_and_join_undo_each_other(text: str, separator: str):
    assert evaluate("t.split(s).join(s) == t", {"t": text, "s": separator}) is True


@given(texts, st.integers(0, 12))
def test_a_text_is_its_beginning_and_the_rest(text: str, at: int):
    if at <= len(text):
        assert (
            evaluate("t.substring(0, i) + t.substring(i) == t && t.charAt(i).size() <= 1", {"t": text, "i": at}) is True
        )


@given(texts, texts)
def test_what_is_contained_has_an_index(text: str, part: str):
    assert (
        evaluate("t.contains(p) == (t.indexOf(p) >= 0) && (t.indexOf(p) <= t.lastIndexOf(p))", {"t": text, "p": part})
        is True
    )


@given(texts)
def test_reversed_twice_is_the_same_and_casing_keeps_the_length(text: str):
    assert evaluate("t.reverse().reverse() == t && size(t.lowerAscii()) == size(t)", {"t": text}) is True
