"""`diagnose` and `compare` as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from kubeshark_mcp.cli import app

INCIDENT = Path(__file__).resolve().parents[2] / "examples" / "incident"
NODES = [str(INCIDENT / "node-a.pcap"), str(INCIDENT / "node-b.pcap")]
SMALL = str(Path(__file__).resolve().parents[1] / "recordings" / "http" / "curl.pcap")
RESOURCES = ["--resources", str(INCIDENT / "resources.json")]


def run(*arguments: str, code: int = 0):
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done


def test_a_diagnosis_names_the_cause_and_writes_a_report(tmp_path: Path):
    page = tmp_path / "out.html"
    done = run("diagnose", *NODES, *RESOURCES, "--report", str(page))
    assert "Likeliest cause: data/redis - cache_failure (high confidence" in done.stdout
    assert "\x1b" not in done.stdout
    text = page.read_text()
    assert "data/redis: a cache stopped serving" in text
    assert "redis SET" in text, "evidence is shown, not only named"
    assert "<svg" in text
    assert f"report: {page}" in done.stderr
    again = run("diagnose", SMALL, "--report", str(page), code=2)
    assert "exists already" in again.stderr


def test_a_diagnosis_as_json_keeps_to_a_service_and_a_baseline():
    done = run("diagnose", NODES[0], *RESOURCES, "--service", "orders", "--format", "json", "--baseline", NODES[0])
    found = json.loads(done.stdout)
    assert found["service"] == "shop/orders"
    assert found["baseline"] == "baseline"
    assert {one["confidence"] for one in found["findings"]} <= {"low"}, "what is in the baseline is no news"


def test_two_sets_of_captures_are_compared():
    done = run("compare", NODES[0], "--with", *NODES, *RESOURCES, "--format", "json")
    found = json.loads(done.stdout)
    assert found["before"]["calls"] > found["after"]["calls"] > 0
    assert any(one["change"] == "edge lost" for one in found["differences"])
    same = run("compare", SMALL, "--with", SMALL)
    assert same.stdout.startswith("0 differences; ")


def test_wrong_calls_end_with_2_and_unreadable_files_with_1(tmp_path: Path):
    assert "Missing option" in run("compare", NODES[0], code=2).output
    run("diagnose", code=2)
    assert "no file" in run("diagnose", str(tmp_path / "none.pcap"), code=1).stderr
    assert "No traffic of a workload 'nobody'" in run("diagnose", SMALL, "--service", "nobody", code=1).stderr


def test_help_teaches_by_example():
    for command in ("diagnose", "compare", "trace", "map", "timeline"):
        assert f"kubeshark-mcp {command} " in run(command, "--help").stdout
