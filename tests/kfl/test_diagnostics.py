from __future__ import annotations

from kubeshark_mcp.kfl.diagnostics import KflError, Source, printable, quoted


def test_a_diagnostic_knows_line_column_and_the_offending_text():
    found = Source("a &&\n  b == 1").diagnostic("Wrong.", 7, 8, replacement="c")
    assert (found.line, found.column, found.offending, found.replacement) == (2, 3, "b", "c")


def test_a_caret_stands_below_the_offending_text_also_in_a_long_line():
    source = Source("x" * 500 + "bad" + "y" * 500)
    line, caret = source.caret(source.diagnostic("Wrong.", 500, 503)).split("\n")
    assert len(line) <= 160
    assert line[caret.index("^") : caret.rindex("^") + 1] == "bad"


def test_an_error_gives_its_first_place_and_at_most_five_in_words():
    source = Source("abcdefg")
    found = tuple(source.diagnostic(f"Wrong {at}.", at, at + 1) for at in range(7))
    error = KflError(source, found, corrected="http", dialect="the older KFL")
    assert (error.line, error.column, error.offending, error.suggestion) == (1, 1, "a", None)
    assert str(error).count("Wrong") == 5
    assert "… and 2 more errors" in str(error)
    assert str(error).endswith("Corrected filter: http")


def test_a_message_can_always_be_printed():
    assert printable("a\0\ud800\u202eb") == "a���b"
    assert quoted("x" * 100) == "`" + "x" * 59 + "…`"
