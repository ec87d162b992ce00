"""HTTP/1 against captures of other projects and what tshark says of them."""

from __future__ import annotations

import pytest

from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import Case, differences, dissect_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {
    "http/zeek__261__variant-01-chunk_2pow64_overflow.pcap": "behind a chunk size of 2^64 the next request is read",
}
"""Captures where we say something else than tshark, each with the reason."""

UNKNOWN_TO_TSHARK = frozenset({"QUERY"})
"""Methods whose requests tshark 4.0 does not show as HTTP."""

TEXT_LIMIT = 300
"""Characters of a text that the ground truth keeps."""


def disagreement(case: Case, entries: list[Entry]) -> list[str]:
    """Compare messages whose header is whole: tshark shows no others."""
    asked = [
        entry
        for entry in entries
        if "method" in entry.fields
        and entry.fields["method"] not in UNKNOWN_TO_TSHARK
        and "request header" not in entry.malformed
    ]
    answered = [e for e in entries if "status_code" in e.fields and "response header" not in e.malformed]
    summary = case.summary.get("http", {})
    found = []
    for name, ours in (("requests", len(asked)), ("responses", len(answered))):
        if ours != summary.get(name, 0):
            found.append(f"{name}: {ours} here, {summary.get(name, 0)} there")
    requests, responses = case.rows("http.request"), case.rows("http.response")
    if len(requests) < 400:
        found += differences(
            "methods", (entry.fields["method"] for entry in asked), (row["method"] for row in requests)
        )
        found += differences(
            "urls", (entry.fields["url"][:TEXT_LIMIT] for entry in asked), (row["uri"] for row in requests)
        )
        hosts = (entry.fields["request.headers"].get("host") for entry in asked)
        found += differences("hosts", hosts, (row.get("host") for row in requests))
    if len(responses) < 400:
        codes = (entry.fields["status_code"] for entry in answered)
        found += differences("codes", codes, (row["code"] for row in responses))
        types = (entry.fields["response.headers"].get("content-type") for entry in answered)
        found += differences("types", types, (row.get("ctype") for row in responses))
    return found


@pytest.mark.parametrize("case", parameters("http"))
def test_messages_agree_with_tshark(case: Case):
    result = dissect_file(case.path, case.decode_as)
    assert result.warnings == []
    found = disagreement(case, result.of("http"))
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []
