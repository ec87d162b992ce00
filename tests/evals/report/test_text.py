"""Markdown and JUnit say the same as the run."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from evals.outcomes import Outcome, Result, Run
from evals.report.junit import junit
from evals.report.summary import compare
from evals.report.text import cut, markdown

RUN = Run(
    {"tier": "offline"},
    [
        Result("rca", "elbe", "investigator", Outcome.PASS, "lock_contention", scores={"found": 1.0}),
        Result("rca", "ebro", "investigator", Outcome.KNOWN_FAIL, "silent_drop", reasons=["fact\nmissing"]),
        Result("kfl", "dns/x", "reference", Outcome.FAIL, "dns", reasons=["refused <\x00>"]),
        Result("kfl", "dns/y", "reference", Outcome.SET_UP_FAIL, "dns"),
    ],
    {"schema tokens": 7000},
)


def test_the_tables_name_every_suite_and_why_cases_did_not_pass():
    told = markdown(RUN)
    assert "| investigator | rca |  | 1/2 | 50% (9% to 91%) | 100% |" in told
    assert "- **rca/ebro** (investigator, silent_drop): known fail\n  - fact missing" in told
    assert "- schema tokens: 7,000" in told
    assert "What did not pass" not in markdown(RUN, details=False)


def test_a_comparison_names_its_pairs():
    assert "2 better" not in markdown(RUN, compare(RUN, RUN))
    assert "3 cases in both; 0 better, 0 worse, p = 1.000" in markdown(RUN, compare(RUN, RUN))


def test_junit_keeps_the_outcomes_apart():
    root = ET.fromstring(junit(RUN))
    assert [(each.get("name"), each.get("failures"), each.get("errors"), each.get("skipped")) for each in root] == [
        ("investigator.rca", "0", "0", "1"),
        ("reference.kfl", "1", "1", "0"),
    ]
    assert root[1][0][0].text == "fail\nrefused <>"


def test_reasons_are_cut_to_a_line():
    assert cut("a\n b") == "a b"
    assert len(cut("x" * 1000)) == 261
