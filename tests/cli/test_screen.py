"""Tables and texts on a terminal and in a pipe."""

from __future__ import annotations

import pytest

from kubeshark_mcp.cli.screen import show_table, show_text, spread


def test_an_option_takes_every_name_that_follows_it():
    options = ("--with",)
    assert spread(["a", "--with", "b", "c"], options) == ["a", "--with", "b", "--with", "c"]
    assert spread(["a", "--with", "b", "--format", "json"], options) == ["a", "--with", "b", "--format", "json"]
    assert spread(["--with", "-", "--", "-x"], options) == ["--with", "-", "--", "-x"]
    assert spread(["a", "--with"], options) == ["a", "--with"]


def test_in_a_pipe_a_table_is_aligned_and_without_colours(capsys: pytest.CaptureFixture[str]):
    show_table(("name", "calls"), [["a\x1b[31m\nb", 7], ["c", None]], lambda row: "red")
    assert capsys.readouterr().out == "name  calls\na b   7\nc\n"
    show_text("red \x1b[31mtext", [("red", "red")])
    assert capsys.readouterr().out == "red text\n"


def test_on_a_terminal_rows_have_colours_and_captured_markup_has_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "80", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    show_table(("name", "calls"), [["[bold]a[/]", 7]], lambda row: "red")
    out = capsys.readouterr().out
    assert "[bold]a[/]" in out
    assert "\x1b[31m" in out
    show_text("Limit: x", [("Limit", "yellow")])
    assert "\x1b[33m" in capsys.readouterr().out
