from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kubeshark_mcp.present.diagnosis import BUDGET, diagnosis_text
from kubeshark_mcp.present.tokens import rough_tokens

ONSET = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def finding(**more: Any) -> dict[str, Any]:
    made = {
        "mechanism": "cache_failure",
        "meaning": "a cache stopped",
        "component": "data/redis",
        "confidence": "high",
        "title": "redis refuses writes",
        "symptom": False,
        "onset": ONSET,
        "end": None,
        "before": 0.0,
        "after": 0.5,
        "unit": "share failed",
        "chain": ["data/redis", "shop/orders"],
        "affected": ["shop/orders -> data/redis"],
        "explains": [2],
        "evidence": ["s/d#7"],
        "refuted_by": "writes that succeed",
        "claims": [
            {"kfl": "redis && failed", "measure": "count", "value": 200, "meaning": "refused commands", "of": ""}
        ],
    }
    return made | more


def diagnosis(*findings: dict[str, Any], **more: Any) -> dict[str, Any]:
    made = {
        "findings": list(findings), "coverage": {"limits": []},
        "suffering": [], "broken": [], "normal": [], "unasked": [],
    }  # fmt: skip
    return made | more


def text(found: dict[str, Any], brief: bool = True) -> str:
    return diagnosis_text(found, lambda moment: moment.isoformat() if moment else "-", brief)


def test_the_cause_is_told_in_full_and_what_follows_from_it_in_a_line() -> None:
    second = finding(mechanism="error_burst", component="shop/orders", title="orders answers 503", explains=[])
    shown = text(diagnosis(finding(), second, suffering=[{"workload": "edge/gate", "calls": 9, "failed": 4}]))
    assert shown.splitlines() == [
        "Likeliest cause: data/redis - cache_failure "
        "(high confidence, since 2026-01-02T03:04:05+00:00): a cache stopped",
        "  redis refuses writes",
        "  share failed: 0 before, 0.5 after",
        "  chain: data/redis <- shop/orders",
        "  seen on: shop/orders -> data/redis",
        "  refused commands: count 200 [redis && failed]",
        "  evidence: s/d#7",
        "  would be refuted by: writes that succeed",
        "  Follows from it: orders answers 503 (error_burst, since 2026-01-02T03:04:05+00:00)",
        "Suffering since then: edge/gate 4 of 9 calls failed",
    ]


def test_a_symptom_is_not_called_a_cause() -> None:
    echo = finding(symptom=True, confidence="medium", title="web answers 502, as what it calls fails too")
    assert text(diagnosis(echo)).startswith("Symptom of what was not seen: data/redis - cache_failure (medium")
    assert text(diagnosis(echo | {"confidence": "low"})).startswith("No cause was found, only symptoms of one.")


def test_nothing_abnormal_is_said_with_what_was_checked() -> None:
    hint = finding(confidence="low", title="a few resets")
    shown = text(diagnosis(hint, normal=["errors", "latency"], unasked=["brokers: no kafka was seen"]))
    assert shown.splitlines() == [
        "Nothing abnormal was found.",
        "Only hints, low confidence: cache_failure at data/redis (a few resets)",
        "Looked for and normal: errors; latency",
        "Not looked for: brokers: no kafka was seen",
    ]


def test_a_brief_diagnosis_keeps_to_its_budget_and_counts_what_it_leaves_out() -> None:
    many = diagnosis(*(finding(title="words and words " * 10, explains=[]) for _ in range(60)))
    shown = text(many)
    assert rough_tokens(shown) < BUDGET
    assert shown.splitlines()[-1].endswith("more lines: format=full)")
    assert "more lines" not in text(many, brief=False)
    assert text(many, brief=False).count("would be refuted by") == 60
