from __future__ import annotations

import time

import pytest

from kubeshark_mcp.kfl import EvaluationError
from kubeshark_mcp.kfl.regex import matches, searcher


def test_a_pattern_that_would_explode_elsewhere_takes_linear_time():
    search = searcher("^(a+)+$")
    started = time.perf_counter()
    assert not search("a" * 100_000 + "b")
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)", "(?<!a)b", "a{1001}", "((a{100}){100}){100}", "a" * 3000])
def test_what_re2_does_not_have_is_refused_with_the_reason(pattern: str):
    with pytest.raises(EvaluationError):
        searcher(pattern)


def test_a_pattern_is_looked_for_anywhere_and_unicode_is_text():
    assert matches("naïve", "ï.")
    assert not matches("a\nb", "a.b")
    assert matches("a\0b", "\\x00")
