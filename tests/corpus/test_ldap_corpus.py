"""LDAP against captures of other projects, what tshark says of them and what Zeek's logs say."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import CAPTURES, Case, Dissection, differences, dissect_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {}
"""Captures where we say something else than tshark, each with the reason."""

NESTED = {"ldap/zeek__ldap__missing_krbtgt_ldap_request.pcapng"}
"""Zeek writes a set of several as nested pairs."""

ROWS = 400
"""Rows of a list that the ground truth keeps."""


@cache
def dissected(file: str, rules: tuple[str, ...]) -> Dissection:
    return dissect_file(CAPTURES / file, rules)


def asked(entry: Entry) -> tuple[Any, ...]:
    """Give what tshark's row says of a request: packet, id, operation, search base or name, scope."""
    assert entry.request is not None
    fields = entry.fields
    name = fields.get("ldap_dn", "") if fields["ldap_type"] not in {"delRequest", "extendedReq"} else ""
    sasl = {"simple": "simple", "anonymous": "simple", "unauthenticated": "simple"}
    how = fields.get("ldap_auth", "")
    return (
        entry.request.last_packet,
        fields["ldap_message_id"],
        fields["ldap_type"],
        name,
        fields.get("ldap_scope", ""),
        sasl.get(how, how),
    )


def row_asked(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        row["f"], row["id"], row["op"], row.get("base", row.get("name", "")), row.get("scope", ""), row.get("auth", "")
    )  # fmt: skip


def responses(entry: Entry) -> int:
    """Give how many responses an entry stands for."""
    fields = entry.fields
    parts = ("ldap_entries", "ldap_references", "ldap_intermediate_responses")
    return sum(fields.get(name, 0) for name in parts) + ("ldap_result" in fields)


def disagreement(case: Case, entries: list[Entry]) -> list[str]:
    entries = [entry for entry in entries if entry.fields.get("ldap_type", "encrypted") != "encrypted"]
    requests = [entry for entry in entries if entry.request is not None]
    summary = case.summary.get("ldap", {})
    found = []
    for name, ours in (("requests", len(requests)), ("responses", sum(map(responses, entries)))):
        if ours != summary.get(name, 0):
            found.append(f"{name}: {ours} here, {summary.get(name, 0)} there")
    if len(rows := case.rows("ldap.request")) < ROWS:
        found += differences("requests", map(asked, requests), map(row_asked, rows))
    if len(rows := case.rows("ldap.response")) < ROWS:
        found += differences(
            "results",
            (
                (e.response.last_packet, e.fields["ldap_message_id"], e.status)
                for e in entries
                if e.response and e.status
            ),
            ((row["f"], row["id"], row["result"]) for row in rows if "result" in row),
        )
    return found


@pytest.mark.parametrize("case", parameters("ldap"))
def test_messages_agree_with_tshark(case: Case):
    result = dissected(case.file, case.decode_as)
    assert result.warnings == []
    found = disagreement(case, result.of("ldap"))
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


def zeek_records(case: Case, log: str) -> list[dict[str, str]]:
    expected = json.loads((CAPTURES / "expected.json").read_text())
    tests = expected.get(case.file, {}).get("tests", [])
    found = [test["baselines"].get(log, {}).get("records", []) for test in tests]
    return max(found, key=len, default=[])


@pytest.mark.parametrize("case", parameters("ldap"))
def test_searches_agree_with_zeek(case: Case):
    records = [record for record in zeek_records(case, "ldap_search.log") if "filter" in record]
    if not records or case.file in NESTED:
        pytest.skip("Zeek has no list of searches for it")
    entries = [e for e in dissected(case.file, case.decode_as).of("ldap") if "ldap_filter" in e.fields]
    ours = [(e.fields["ldap_message_id"], e.fields["ldap_dn"], e.fields["ldap_filter"]) for e in entries]
    theirs = [(int(r["message_id"]), r.get("base_object", ""), r["filter"]) for r in records if "message_id" in r]
    if theirs:
        assert differences("searches", ours, theirs) == []
    assert sorted(search[2] for search in ours) == sorted(record["filter"] for record in records)
