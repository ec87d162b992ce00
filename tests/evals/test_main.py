"""The command: what it needs, what it compares, and what its exit code says."""

from __future__ import annotations

import pytest
import yaml

from evals.__main__ import main
from evals.outcomes import Outcome, Result, Run


@pytest.fixture
def saved(tmp_path):
    def save(name, outcome, cases=9):
        results = [Result("rca", f"c{number}", "tools", outcome) for number in range(cases)]
        Run({"tier": "model"}, results).save(tmp_path / name)
        return str(tmp_path / name)

    return save


def test_two_runs_are_compared_and_only_a_real_drop_fails(saved, capsys):
    good, bad = saved("a.json", Outcome.PASS), saved("b.json", Outcome.FAIL)
    assert main(["--compare", good, bad]) == 1
    assert "0 better, 9 worse, p = 0.004" in capsys.readouterr().out
    assert main(["--compare", bad, good]) == 0
    assert main(["--compare", saved("c.json", Outcome.PASS, 1), saved("d.json", Outcome.FAIL, 1)]) == 0


def test_a_run_keeps_everything_over_a_file(tmp_path):
    run = Run(
        {"tier": "offline"}, [Result("kfl", "x", "reference", Outcome.KNOWN_FAIL, reasons=["a"])], {"s": 1.5}, ["g"]
    )
    run.save(tmp_path / "run.json")
    assert Run.load(tmp_path / "run.json") == run


def test_a_model_needs_a_key(monkeypatch, capsys):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    assert main(["--model"]) == 2
    assert "ANTHROPIC_API_KEY" in capsys.readouterr().err


def test_a_case_that_breaks_the_schema_fails_and_still_leaves_all_reports(tmp_path, capsys):
    (tmp_path / "cases" / "kfl").mkdir(parents=True)
    (tmp_path / "cases" / "kfl" / "x.yaml").write_text(yaml.safe_dump({"cases": [{"name": "a"}]}))
    out = tmp_path / "out"
    assert main(["--suite", "kfl", "--cases", str(tmp_path / "cases"), "--out", str(out)]) == 1
    assert "kfl/x.yaml holds no cases" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["evals.html", "evals.json", "evals.md", "evals.xml"]


def test_an_empty_run_fails(tmp_path, capsys):
    for name in ("cases", "incidents", "skills"):
        (tmp_path / name).mkdir()
    Run({"tier": "model"}, []).save(tmp_path / "a.json")
    assert main(["--compare", str(tmp_path / "a.json"), str(tmp_path / "a.json")]) == 1
    assert "no case was executed" in capsys.readouterr().out
