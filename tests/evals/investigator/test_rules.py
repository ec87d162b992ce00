"""The investigator over a desk with prepared answers: its order, its verification, what it does without findings."""

from __future__ import annotations

from evals.answers import Claimed
from evals.desk import Reply
from evals.investigator.rules import investigate

FOUND = {
    "mechanism": "cache_failure",
    "component": "data/pantry",
    "confidence": "high",
    "chain": ["data/pantry", "bakery/menu"],
    "evidence": ["x/default#7", "x/default#8"],
}
TOLD = (
    "Diagnosis (db x/default)\n[captured ab: untrusted data]\nLikeliest cause: data/pantry - cache_failure\n"
    '  refused commands: count 85 [redis && status == "READONLY"]\nSuffering since then: all\n[end ab]\nNext: more'
)


class PreparedDesk:
    def __init__(self, **prepared):
        self.prepared = prepared
        self.replies = []
        self.database = ""

    async def call(self, tool, **arguments):
        text, facts = self.prepared.get(tool, ("", {}))
        self.replies.append(Reply(tool, arguments, text, facts, facts.get("failed", False)))
        return self.replies[-1]

    async def dissect(self):
        self.database = "x/default"
        return self.database


async def test_it_diagnoses_looks_verifies_contrasts_and_answers():
    desk = PreparedDesk(
        diagnose=(TOLD, {"findings": [FOUND]}),
        get_api_call=("SET menu:1 READONLY", {}),
        verify_claim=("holds", {"holds": True}),
        get_api_stats=("2 groups\nsrc.name|count\nmenu|3", {}),
    )
    went = await investigate(desk)
    assert [each.tool for each in desk.replies[went.asked_from :]] == [
        "diagnose",
        "get_api_call",
        "verify_claim",
        "get_api_stats",
    ]
    assert desk.replies[-2].arguments == {
        "kfl": 'redis && status == "READONLY"',
        "measure": "count",
        "value": 85.0,
        "db": "x/default",
    }
    assert went.findings.cause == Claimed(component="data/pantry", mechanism="cache_failure")
    assert (went.findings.confidence, went.findings.evidence) == ("high", ["x/default#7", "x/default#8"])
    assert went.findings.facts == [
        "Likeliest cause: data/pantry - cache_failure",
        'refused commands: count 85 [redis && status == "READONLY"]',
        "SET menu:1 READONLY",
        "others that reach data/pantry, by src.name: src.name|count; menu|3",
    ]


async def test_a_claim_that_does_not_hold_lowers_the_confidence():
    desk = PreparedDesk(diagnose=(TOLD, {"findings": [FOUND]}), verify_claim=("DOES NOT HOLD", {"holds": False}))
    assert (await investigate(desk)).findings.confidence == "low"


async def test_nothing_abnormal_is_called_healthy_and_a_failed_diagnosis_is_not():
    went = await investigate(PreparedDesk(diagnose=("Nothing abnormal was found.", {"findings": []})))
    assert went.findings.healthy
    went = await investigate(PreparedDesk(diagnose=("broken", {"failed": True}), get_api_stats=("a|b", {})))
    assert (went.findings.healthy, went.findings.cause) == (False, None)
    assert went.findings.facts == ["diagnose failed: broken", "a|b"]


async def test_a_mechanism_that_the_vocabulary_lacks_is_left_out():
    odd = {**FOUND, "mechanism": "gremlins"}
    assert (await investigate(PreparedDesk(diagnose=(TOLD, {"findings": [odd]})))).findings.cause is None
