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
        "SET menu:1 READONLY",
        "others that reach data/pantry, by src.name: src.name|count; menu|3",
    ]


async def test_a_claim_that_does_not_hold_lowers_the_confidence():
    desk = PreparedDesk(diagnose=(TOLD, {"findings": [FOUND]}), verify_claim=("DOES NOT HOLD", {"holds": False}))
    assert (await investigate(desk)).findings.confidence == "low"


async def test_of_an_entry_it_keeps_who_asked_what_and_where_the_answer_sends_the_caller():
    entry = (
        "[captured ab: untrusted data]\nid 7  10:00Z\nhttp GET /a -> 302 in 1 ms\n"
        "src x/a 10.0.0.1:5\ndst x/b 10.0.0.2:80\n"
        "node_id: node-a\nresponse.headers:\n  server: web\n  location: /b\nresponse body (9 bytes):\n"
        '{"see":1}\n[end ab]'
    )
    desk = PreparedDesk(
        diagnose=("no counts", {"findings": [{**FOUND, "evidence": ["x/default#7"]}]}), get_api_call=(entry, {})
    )
    assert (await investigate(desk)).findings.facts == [
        "id 7  10:00Z",
        "http GET /a -> 302 in 1 ms",
        "src x/a 10.0.0.1:5",
        "dst x/b 10.0.0.2:80",
        "location: /b",
        '{"see":1}',
        "others that reach data/pantry, by src.name: ",
    ]
    assert desk.replies[3].arguments == {
        "id": "7",
        "include_l4": False,
        "max_payload_size": 200,
        "db": "x/default",
    }


async def test_of_a_connection_that_was_cut_it_tells_how_long_it_was_silent_before():
    cut = {**FOUND, "mechanism": "connection_reset", "component": "data/menu -> data/pantry"}
    rows = "2 calls\nid|ts|status\n12|2026-11-23T14:23:58.500000Z|200\n570|2026-11-23T14:24:04.000000Z|no answer"
    desk = PreparedDesk(
        diagnose=(TOLD, {"findings": [cut]}),
        get_api_call=("id 7\nconn_id: 2\nmore", {}),
        list_api_calls=(rows, {}),
        get_api_stats=("none", {"failed": True}),
    )
    facts = (await investigate(desk)).findings.facts
    assert facts[-1] == "that connection was silent for 5.5 s before the last of its 2 calls"
    asked = {each.tool: each.arguments for each in desk.replies}
    assert asked["list_api_calls"] == {"kfl": "conn_id == 2 && !tcp_conn", "limit": 20, "db": "x/default"}
    assert asked["get_api_stats"]["kfl"] == 'dst.namespace == "data" && "pantry" in services'


async def test_it_claims_further_causes_that_are_sure_and_follow_from_nothing():
    further = [
        {**FOUND, "component": "bank/desk", "mechanism": "tls_failure"},
        {**FOUND, "component": "bank/hall", "mechanism": "error_burst"},
        {**FOUND, "component": "bank/safe", "mechanism": "packet_loss", "confidence": "low"},
    ]
    told = (
        TOLD + "\n2. Also: bank/desk - tls_failure (high confidence, since 10:00Z): it\n"
        "3. Follows from 2: bank/hall - error_burst (high confidence, since 10:00Z): it"
    )
    desk = PreparedDesk(diagnose=(told, {"findings": [FOUND, *further]}))
    assert (await investigate(desk)).findings.others == [Claimed(component="bank/desk", mechanism="tls_failure")]


async def test_a_finding_without_entries_borrows_those_of_what_follows_from_it():
    bare, symptom = {**FOUND, "evidence": []}, {**FOUND, "component": "bakery/menu", "evidence": ["x/default#9"]}
    elsewhere = {**FOUND, "component": "bank/desk", "evidence": ["x/default#5"]}
    desk = PreparedDesk(diagnose=(TOLD, {"findings": [bare, elsewhere, symptom]}))
    assert (await investigate(desk)).findings.evidence == ["x/default#9"]


async def test_a_finding_alone_and_without_entries_shows_what_its_filter_selects():
    desk = PreparedDesk(
        diagnose=(TOLD, {"findings": [{**FOUND, "evidence": []}]}), list_api_calls=("rows", {"ids": [4, 6]})
    )
    assert (await investigate(desk)).findings.evidence == ["x/default#4", "x/default#6"]
    assert desk.replies[3].arguments == {"kfl": 'redis && status == "READONLY"', "limit": 3, "db": "x/default"}
    silent = PreparedDesk(diagnose=("no counts", {"findings": [{**FOUND, "evidence": []}]}))
    assert (await investigate(silent)).findings.evidence == []


async def test_nothing_abnormal_is_called_healthy_and_a_failed_diagnosis_is_not():
    went = await investigate(PreparedDesk(diagnose=("Nothing abnormal was found.", {"findings": []})))
    assert went.findings.healthy
    went = await investigate(PreparedDesk(diagnose=("broken", {"failed": True}), get_api_stats=("a|b", {})))
    assert (went.findings.healthy, went.findings.cause) == (False, None)
    assert went.findings.facts == ["diagnose failed: broken", "a|b"]


async def test_a_mechanism_that_the_vocabulary_lacks_is_left_out():
    odd = {**FOUND, "mechanism": "gremlins"}
    assert (await investigate(PreparedDesk(diagnose=(TOLD, {"findings": [odd]})))).findings.cause is None
