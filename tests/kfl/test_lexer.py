from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import KflError
from kubeshark_mcp.kfl.diagnostics import Source
from kubeshark_mcp.kfl.lexer import LONGEST_TEXT, Token, tokens


def test_tokens_know_their_places():
    assert tokens(Source("a.b >= 5u // end")) == [
        Token("name", "a", 0, 1),
        Token(".", ".", 1, 2),
        Token("name", "b", 2, 3),
        Token(">=", ">=", 4, 6),
        Token("literal", 5, 7, 9),
        Token("end", None, 16, 16),
    ]


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("", 1, "empty"),
        ("  ", 1, "empty"),
        ("a = 5", 3, "`==`"),
        ("a & b", 3, "`&&`"),
        ("a\0", 2, "null byte"),
        ("a == “x”", 6, "straight quotes"),
        ("'abc", 1, "not closed"),
        ("'ab\nc'", 1, "not closed"),
        ("'a\\qb'", 3, "not an escape"),
        ("'\\ud800'", 2, "not a Unicode character"),
        ("a\ud800", 2, "surrogate"),
        ("99999999999999999999", 1, "64 bits"),
        ("x" * (LONGEST_TEXT + 1), 1, "shorten"),
    ],
)
def test_text_that_is_no_token_is_refused_with_its_place(text: str, column: int, part: str):
    with pytest.raises(KflError) as raised:
        tokens(Source(text))
    assert raised.value.column == column
    assert part in str(raised.value)
    assert str(raised.value).encode()
