"""The demo: names the cause on the project's incident, and reports on whatever capture it is given."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

from demo import show  # noqa: E402
from investigate import find_cause  # noqa: E402


def demo(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "examples" / "demo.py"), "--out", str(out), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=True, cwd=out)


def test_the_demo_names_the_cause_with_its_evidence(tmp_path):
    done = demo(tmp_path)
    report = (tmp_path / "demo-report.md").read_text()
    assert "data/redis (redis) answers \"OOM command not allowed when used memory > 'maxmemory'.\": 200 calls" in report
    assert "it took along shop/orders, shop/storefront" in report
    assert "batch/reporter" in report
    assert (tmp_path / "demo.pcap").stat().st_size > 100_000
    assert "Traceback" not in done.stderr
    end = " ".join(done.stdout[-600:].split())
    assert "200 calls failed; it took along shop/orders, shop/storefront. Report: " in end


def test_with_another_capture_in_its_place_it_reports_that_one(tmp_path):
    recording = ROOT / "tests" / "recordings" / "redis" / "resp2.pcap"
    demo(tmp_path, "--pcap", str(recording))
    report = (tmp_path / "demo-report.md").read_text()
    assert "maxmemory" not in report
    assert report.startswith("# Demo report")


def row(source: str, target: str, status: int, second: int) -> dict:
    return {
        "protocol": "http",
        "src.name": source,
        "dst.name": target,
        "status_code": status,
        "status": str(status),
        "answered": True,
        "timestamp": f"2026-01-01T00:00:{second:02}+00:00",
    }


def test_what_was_captured_is_shown_as_it_is_and_never_taken_for_markup():
    said = row("web", "api[/bold]", 500, 1) | {"status": "[/red] [blink]500"}
    console = Console(file=StringIO(), width=200)
    show(console, find_cause([said]))
    shown = console.file.getvalue()
    assert "api[/bold]" in shown
    assert "[/red] [blink]500" in shown


def test_the_deepest_failing_callee_is_the_cause():
    rows = [row("web", "api", 502, 3), row("api", "store", 500, 5), row("web", "static", 404, 1)]
    finding = find_cause(rows)
    assert [(suspect.caller, suspect.callee) for suspect in finding.suspects] == [("api", "store"), ("web", "api")]
    assert finding.sentence().startswith("Since ")


@pytest.mark.parametrize("rows", [[], [row("a", "b", 200, 1)], [row("a", "b", 404, 1), row("a", "b", 401, 2)]])
def test_nothing_is_named_where_no_server_failed(rows):
    assert find_cause(rows) is None


def test_a_cycle_of_failures_ends():
    assert find_cause([row("a", "b", 500, 1), row("b", "a", 500, 2)]) is not None
