"""What options can be."""

from __future__ import annotations

from kubeshark_mcp.cli.options import ListFormat, Transport


def test_choices_are_the_words_that_the_documentation_uses():
    assert [*Transport] == ["stdio", "http"]
    assert [*ListFormat] == ["table", "json"]
