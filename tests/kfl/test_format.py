from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import EvaluationError, evaluate


def test_the_verbs_of_format():
    assert evaluate('"%s|%d|%x|%X|%o|%b|%.1f|%e".format(l)', {"l": ["a", -7, b"\xab", "z", 8, 2, 1.25, 1.0]}) == (
        "a|-7|ab|7A|10|10|1.2|1.000000e+00"
    )


@pytest.mark.parametrize(
    ("template", "value"), [("%d", 1.5), ("%b", "x"), ("%o", True), ("%x", 1.5), ("%f", "1"), ("%E", 1.0)]
)
def test_a_verb_that_does_not_fit_the_value_is_refused(template: str, value: object):
    with pytest.raises(EvaluationError):
        evaluate("t.format([v])", {"t": template, "v": value})


def test_a_text_that_would_be_too_long_is_refused():
    with pytest.raises(EvaluationError, match="too large"):
        evaluate("('%s' + '%s').format([t, t])", {"t": "a" * (9 * 1024 * 1024)})
