"""Tables, progress and errors of the command line."""

from __future__ import annotations

import pytest

from kubeshark_mcp.cli.console import progress_bar, reporting_errors, table
from kubeshark_mcp.errors import CaptureError, FilterError, UsageError


@pytest.mark.parametrize(("error", "code"), [(UsageError, 2), (FilterError, 2), (CaptureError, 1)])
def test_errors_of_ours_are_a_sentence_and_a_code(error, code, capsys):
    with pytest.raises(SystemExit) as ended, reporting_errors():
        raise error("It is wrong: do this.")
    assert ended.value.code == code
    assert capsys.readouterr().err == "error: It is wrong: do this.\n"


def test_a_reader_that_went_away_is_no_failure(monkeypatch):
    def interrupted() -> None:
        with reporting_errors():
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(SystemExit) as ended:
        interrupted()
    assert ended.value.code == 0


def test_columns_are_aligned_and_terminal_escapes_are_not_printed():
    text = table(["a", "number"], [["x\x1b[31m", 1], ["longer", 20]], right=frozenset({1}))
    assert text.splitlines() == ["a       number", "------  ------", "x\ufffd[31m       1", "longer      20"]


def test_there_is_no_progress_bar_in_a_pipe(capsys):
    with progress_bar("working") as progress:
        progress(0.5)
    assert capsys.readouterr() == ("", "")
