"""`doctor`: says what works and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeshark_mcp.cli.doctor import examine, report

RECORDED = Path(__file__).resolve().parents[1] / "recordings" / "sightings"


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


def test_captures_are_reported_on(capsys: pytest.CaptureFixture[str]):
    report([f"first={RECORDED / 'node-a.pcap'}", str(RECORDED / "node-b.pcap")])
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("node-a.pcap (first): 769 packets, ")
    assert any(line.startswith("node-b.pcap (node-b): 155 packets, ") for line in told)
    assert any(line.startswith("clocks: the clock of ") for line in told)
    assert "100.0 % dissected" in told[-2] + told[-1]
