from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks import __main__ as bench


def test_what_is_no_comparison_of_commands_is_chosen_by_its_name(monkeypatch, capsys):
    done: list[str] = []
    for name, module in {"kfl": bench.kfl, "diagnose": bench.diagnose, "served": bench.served_hub}.items():
        monkeypatch.setattr(module, "main", lambda arguments, name=name: done.append(name))
    assert bench.main(["served", "diagnose"]) == 0
    assert done == ["diagnose", "served"]
    assert "## served" in capsys.readouterr().out


def test_the_help_names_every_row(capsys):
    with pytest.raises(SystemExit):
        bench.main(["--help"])
    shown = capsys.readouterr().out.split()
    assert {"flows,", "kfl,", "diagnose,", "served,", "clients"} <= set(shown)
