"""`doctor`: says what works and what does not."""

from __future__ import annotations

from pathlib import Path

from kubeshark_mcp.cli.doctor import examine


def test_everything_works_here(tmp_path: Path):
    findings = list(examine(tmp_path / "workspace"))
    assert [finding for finding in findings if not finding.good] == []
    assert any("http" in finding.what for finding in findings if finding.what.startswith("protocols"))
    assert not (tmp_path / "workspace" / "probe.json").exists()


def test_a_workspace_that_cannot_be_used_is_the_one_thing_told(tmp_path: Path):
    (tmp_path / "file").touch()
    bad = [finding for finding in examine(tmp_path / "file" / "w") if not finding.good]
    assert len(bad) == 1
    assert bad[0].what.startswith("workspace: ")
