"""The page: whole, safe against what cases say, and rendered by a browser where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from evals.outcomes import Cost, Outcome, Result, Run
from evals.report.charts import Bar, bars
from evals.report.page import page, write_page

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
BASELINE = {"investigator": {"elbe": {"found": True, "passed": True, "calls": 4, "tokens": 2000}}}


@pytest.fixture
def run():
    cost = Cost(calls=7, calls_after_dissection=4, result_tokens=3000, result_tokens_after_dissection=2500, seconds=5.0)
    said = [{"tool": "diagnose", "arguments": {"db": "x"}, "text": "<script>alert(1)</script>"}]
    return Run(
        {"tier": "offline"},
        [
            Result(
                "rca", "elbe", "investigator", Outcome.PASS, "lock", scores={"found": 1.0}, cost=cost, transcript=said
            ),
            Result("rca", "ebro", "investigator", Outcome.KNOWN_FAIL, "drop", scores={"found": 0.0}, cost=cost),
            Result("kfl", "dns/<b>", "reference", Outcome.FAIL, "dns", reasons=["<i>no</i>"]),
        ],
        {"schema tokens": 4414},
        ["kfl/dns: <u>failed</u>"],
    )


def test_the_page_has_charts_tables_gates_and_transcripts_and_escapes_all_of_them(run):
    made = page(run, BASELINE)
    assert made.count("<svg") >= 5
    assert '<path class="interval"' in made
    assert '<path class="mark"' in made
    assert "4,414" in made
    assert not re.search(r"<script|<b>|<i>|<u>", made)
    assert "&lt;script&gt;alert(1)" in made
    assert not re.search(r"(src|href)=", made)


def test_a_chart_without_lines_is_nothing_and_one_of_zeros_divides_by_nothing():
    assert bars("empty", []) == ""
    assert 'width="0.0"' in bars("zeros", [Bar("a", 0.0, "0")])


@pytest.mark.real
@pytest.mark.skipif(not BROWSER, reason="no chromium here to render the page")
def test_a_browser_renders_the_page(run, tmp_path):
    write_page(run, tmp_path / "page.html", BASELINE)
    picture = tmp_path / "page.png"
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}/profile",
        "--window-size=1100,900",
    ]
    command = [BROWSER, *options, f"--screenshot={picture}", f"file://{tmp_path}/page.html"]
    subprocess.run(command, capture_output=True, timeout=90, check=True)
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.stat().st_size > 20_000
