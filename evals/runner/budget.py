"""What the tools cost a model, against the committed baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from evals.outcomes import Outcome, Result

BASELINE = Path(__file__).resolve().parent.parent / "baseline.json"
GROWTH = 1.05
"""More than a twentieth on top of the baseline fails."""
CALLS_AT_MOST = 5
TOKENS_AT_MOST = 4000
"""For a small incident whose dissection is there; a person with tshark alone takes 9 commands and 13,000 tokens."""
FOUND_AT_LEAST = 0.7


def read_baseline(path: Path = BASELINE) -> dict[str, Any]:
    """Read the committed numbers; empty where there are none yet."""
    return dict(orjson.loads(path.read_bytes())) if path.exists() else {}


def write_baseline(results: Sequence[Result], schema: int, path: Path = BASELINE) -> None:
    """Keep what was measured: which incidents the investigator solves, at what cost, and the size of schemas."""
    solved = {
        result.case: {
            "found": bool(result.scores.get("found")),
            "passed": result.outcome is Outcome.PASS,
            "calls": result.cost.calls_after_dissection,
            "tokens": result.cost.result_tokens_after_dissection,
        }
        for result in results
        if (result.suite, result.arm) == ("rca", "investigator") and result.executed
    }
    known = read_baseline(path).get("investigator", {})  # cases that were not run keep what is known of them
    kept = {"schema_tokens": schema, "investigator": {**known, **solved}}
    path.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")


def check_schema(tokens: int, baseline: dict[str, Any]) -> Result:
    """Fail where the declarations of all tools grew by more than a twentieth."""
    allowed = int(baseline.get("schema_tokens", tokens) * GROWTH)
    reasons = []
    if tokens > allowed:
        reasons = [f"tools declare {tokens:,} tokens; the baseline allows {allowed:,}. Shorten, or commit a new one."]
    outcome = Outcome.FAIL if reasons else Outcome.PASS
    return Result("budget", "schema tokens", "reference", outcome, "schema", reasons=reasons, scores={"tokens": tokens})


def check_investigator(results: Sequence[Result]) -> list[Result]:
    """Fail where small incidents take more than they should: the mean over all, and no wild single case."""
    small = [each for each in results if each.arm == "investigator" and each.executed and each.kind != "healthy"]
    if not small:
        return []
    calls = max(each.cost.calls_after_dissection for each in small)
    tokens = sum(each.cost.result_tokens_after_dissection for each in small) / len(small)
    found = sum(each.scores.get("found", 0.0) for each in small) / len(small)
    checks = [
        ("calls", calls <= CALLS_AT_MOST, f"an incident took {calls} calls, {CALLS_AT_MOST} are allowed", calls),
        ("tokens", tokens <= TOKENS_AT_MOST, f"mean {tokens:,.0f} tokens, {TOKENS_AT_MOST:,} are allowed", tokens),
        ("found", found >= FOUND_AT_LEAST, f"found {found:.0%}, at least {FOUND_AT_LEAST:.0%} must be", found),
    ]
    return [
        Result(
            "budget",
            f"investigator {name}",
            "investigator",
            Outcome.PASS if holds else Outcome.FAIL,
            "investigator",
            reasons=[] if holds else [reason],
            scores={"measured": round(value, 3)},
        )
        for name, holds, reason, value in checks
    ]
