"""The page for people: everything is told, and nothing captured acts."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.present.redaction import Redactor
from kubeshark_mcp.present.report import Report, report_html

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOSTILE = (
    "'\"></style></title></svg><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
)


def clock(moment: datetime | None) -> str:
    return "-" if moment is None else moment.isoformat()


def finding(text: str = "", **more: Any) -> dict[str, Any]:
    made = {
        "mechanism": "cache_failure", "meaning": "a cache stopped" + text, "component": "data/redis" + text,
        "kind": "workload", "title": "redis refuses writes" + text, "confidence": "high", "onset": NOON, "end": None,
        "chain": ["data/redis" + text, "shop/orders"], "explains": [2], "evidence": ["s/d#7" + text],
        "claims": [{"kfl": "redis" + text, "measure": "count", "value": 200, "meaning": "refused" + text, "of": text}],
        "refuted_by": "writes" + text, "before": None, "after": None, "unit": "",
    }  # fmt: skip
    return made | more


def report(text: str = "", *findings: dict[str, Any], **more: Any) -> Report:
    link = {
        "client": "shop/orders" + text, "server": "data/redis" + text, "protocol": "redis" + text, "calls": 10,
        "failed": 5, "unanswered": 0, "nxdomain": 0, "per_second": 1.0, "p50_us": 1, "p95_us": 2, "request_bytes": 3,
        "response_bytes": 4, "outside": False, "connections": 1, "refused": 0, "unreachable": 0, "resets": 0,
        "segments": 9, "retransmissions": 0,
    }  # fmt: skip
    coverage = {
        "start": NOON, "end": NOON, "calls": 1234, "connections": 5, "workloads": 2, "nodes": ["n1"],
        "limits": ["no capture of n2" + text],
    }  # fmt: skip
    entry = {
        "time": NOON, "protocol": "redis", "summary": "SET k" + text, "status": "OOM", "src.ip": "10.0.0.1",
        "dst.ip": "10.0.0.2", "packets": {"request": [4, 5]}, "capture": {"file": "n1.pcap" + text},
    }  # fmt: skip
    event = {"at": NOON, "what": "finding", "text": "cache_failure" + text, "handle": "s/d#7" + text, "place": 1}
    diagnosis = {
        "coverage": coverage, "findings": list(findings), "suffering": [], "normal": ["port scans" + text],
        "unasked": ["gRPC" + text], "broken": ["odd" + text],
    }  # fmt: skip
    return Report(
        title="What happened" + text, diagnosis=diagnosis, service_map={"links": [link]}, timeline={"events": [event]},
        entries={"s/d#7" + text: entry}, files=[("n1", "n1.pcap" + text, "ab" * 32)], made="made" + text, **more,
    )  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def plain(text: str) -> str:
    return text


def test_verdict_findings_evidence_normal_and_limits_are_told():
    low = finding(confidence="low", title="perhaps nothing")
    effect = finding(component="shop/orders", chain=[], explains=[])
    page = report_html(report("", finding(), effect, low), clock, plain)
    told = " ".join(" ".join(Tags(page).texts).split())
    for sentence in (
        "data/redis: a cache stopped", "redis refuses writes", "2 findings", "1,234 calls", "follows from 1",
        "count 200", "redis SET k OOM", "n1.pcap request 4-5", "Would be refuted by: writes", "port scans",
        "no capture of n2", "not looked for: gRPC", "the detector odd failed", "ab" * 32, "perhaps nothing",
        "1 hints of low confidence",
    ):  # fmt: skip
        assert sentence in told, sentence


def test_a_healthy_time_has_a_verdict_too():
    page = report_html(report(), clock, plain)
    assert "Nothing abnormal was found." in page
    assert "<h2>Findings</h2>" not in page


def test_the_comparison_with_the_baseline_is_shown():
    row = {
        "change": "errors", "where": "a -> b", "before": 0.0, "after": 0.5, "unit": "share of calls", "p": 0.001,
        "weight": 1.0, "worse": True,
    }  # fmt: skip
    page = report_html(
        report("", finding(), comparison={"differences": [row], "compared": 9, "noise": 8}), clock, plain
    )
    assert "Against the baseline" in page
    assert "9 things compared, 8 of them within chance" in page


def test_captured_text_stays_text():
    found = Tags(report_html(report(HOSTILE, finding(HOSTILE)), clock, plain))
    assert not found.tags & {"script", "img", "iframe", "object", "a", "link"}
    assert not any(name.startswith("on") or name in {"href", "src"} for name in found.attributes)


def test_secrets_are_redacted_everywhere():
    secret = " password=hunter22-hunter22"
    page = report_html(report(secret, finding(secret)), clock, Redactor(b"key").text)
    assert "hunter22" not in page
    assert "&lt;redacted" in page


def test_a_browser_runs_nothing_of_it_and_complains_of_nothing(tmp_path: Path):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no chromium is installed; scripts/install-servers.sh installs it")
    page = tmp_path / "report.html"
    page.write_text(report_html(report(HOSTILE, finding(HOSTILE)), clock, plain))
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
        "--virtual-time-budget=1500",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"chromium does not run here: {done.stderr[-200:]}")
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None
    assert title[1].startswith("What happened'")
    assert "CONSOLE" not in done.stderr
    assert 'class="ks-map"' in done.stdout
