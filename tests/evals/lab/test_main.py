"""The command line: `python -m evals.lab`."""

from __future__ import annotations

import pytest

from evals.lab.__main__ import main
from evals.lab.discovery import names


def test_list_has_a_line_for_each_incident(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == names()
    assert {line.split()[1] for line in lines} == {"small", "medium", "large"}
    assert {line.split()[2] for line in lines} >= {"healthy", "packet_loss", "lock_contention"}


def test_verify_without_anything_to_verify_fails(tmp_path, capsys):
    assert main(["verify", "--out", str(tmp_path)]) == 1
    assert main(["verify", "tiber", "--out", str(tmp_path)]) == 1
    assert "tiber: FAILS" in capsys.readouterr().out


def test_build_of_an_unknown_incident_says_which_there_are(tmp_path):
    with pytest.raises(ValueError, match="no incident 'nile'"):
        main(["build", "nile", "--out", str(tmp_path)])


def test_large_ones_are_not_built_among_those_that_are_kept():
    with pytest.raises(ValueError, match=r"weser as medium is too big for .* --out"):
        main(["build", "weser"])


def test_an_unknown_size_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["build", "tiber", "--size", "huge"])
    assert "invalid choice: 'huge'" in capsys.readouterr().err
