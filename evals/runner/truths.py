"""Truths proved once more where the investigator worked: every filter as a claim, tshark and the baseline beside it."""

from __future__ import annotations

import asyncio
import shutil
import time

from evals.desk import Desk
from evals.lab.verify import Check, ToolFailedError, by_tshark, verify_baseline
from evals.outcomes import Cost, Outcome, Result
from evals.suites import RcaCase


async def check_truth(case: RcaCase, desk: Desk) -> Result:
    """Count what each piece of evidence selects; all must hold, or the truth (or the server) is wrong."""
    begun = time.monotonic()
    checks: list[Check] = []
    reasons: list[str] = []
    for each in case.truth.evidence:
        reply = await desk.call("list_api_calls", kfl=each.kfl, limit=1, db=desk.database)
        if reply.failed:
            reasons.append(f"refused: {each.kfl}: {reply.text[:300]}")
            continue
        found = int(reply.facts.get("total", 0))
        checks.append(Check("kubeshark", "fault", each.kfl, each.meaning, each.expect, found))
    try:
        checks += await verify_baseline(case.folder, case.truth)
        if shutil.which("tshark"):
            for each in case.truth.evidence:
                if each.tshark is not None:
                    checks.append(await asyncio.to_thread(by_tshark, case.folder, each))
    except (ToolFailedError, ValueError, OSError) as failure:
        reasons.append(str(failure))
    if case.truth.name != case.folder.name:
        reasons.append(f"the truth in {case.folder.name} is named {case.truth.name!r}")
    reasons += [str(check) for check in checks if not check.holds]
    scores = {"checks": float(len(checks)), "hold": float(sum(check.holds for check in checks))}
    outcome = Outcome.FAIL if reasons else Outcome.PASS
    cost = Cost(seconds=round(time.monotonic() - begun, 2))
    return Result("rca", case.name, "truth", outcome, case.kind, reasons=reasons, scores=scores, cost=cost)
