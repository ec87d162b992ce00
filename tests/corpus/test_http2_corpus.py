"""HTTP/2 and gRPC against captures of other projects and what tshark says of them."""

from __future__ import annotations

import pytest

from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import Case, cases, differences, dissect_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {
    "grpc/deepflow__http__grpc-unknown.pcap": "begins in the middle of a connection, where tshark finds no protocol",
}
"""Captures where we say something else than tshark, each with the reason."""

NOT_TRAILERS = {
    "http2/suricata__http2-continuation.pcap": "CONTINUATION frames of its header section count as trailers there",
}
"""Captures whose trailers are counted otherwise, each with the reason."""

TEXT_LIMIT = 300
"""Characters of a text that the ground truth keeps."""


def disagreement(case: Case, entries: list[Entry]) -> list[str]:
    """Compare requests with responses by stream; a request that came by HTTP/1.1 counts there."""
    entries = [entry for entry in entries if "http2_stream" in entry.fields]
    asked = [e for e in entries if "request.headers" in e.fields and "http2_upgraded" not in e.fields]
    answered = [e for e in entries if "response.headers" in e.fields]
    summary = case.summary.get("http2", {})
    found = []
    for name, ours in (("requests", len(asked)), ("responses", len(answered))):
        if ours != summary.get(name, 0):
            found.append(f"{name}: {ours} here, {summary.get(name, 0)} there")
    if len(requests := case.rows("http2.request")) < 400:
        found += differences(
            "requests",
            (request_of(entry) for entry in asked),
            (
                tuple(str(row.get(k, ""))[:TEXT_LIMIT] for k in ("sid", "method", "path", "authority"))
                for row in requests
            ),
        )
    if len(responses := case.rows("http2.response")) < 400:
        found += differences(
            "responses",
            ((e.fields["http2_stream"], e.fields.get("status_code"), ctype(e, "response")) for e in answered),
            ((row["sid"], row["code"], row.get("ctype", "")) for row in responses),
        )
    trailers = sum(name in e.fields for e in entries for name in ("request.trailers", "response.trailers"))
    if trailers != summary.get("trailers", 0) and case.file not in NOT_TRAILERS:
        found.append(f"trailers: {trailers} here, {summary.get('trailers', 0)} there")
    if len(messages := case.rows("grpc.message")) < 400:
        counts = ("grpc_request_messages", "grpc_response_messages")
        sizes = ("grpc_request_bytes", "grpc_response_bytes")
        found += differences(
            "gRPC messages and their bytes",
            [tuple(sum(e.fields.get(name, 0) for e in entries for name in names) for names in (counts, sizes))],
            [(len(messages), sum(row["len"] for row in messages))],
        )
    return found


def request_of(entry: Entry) -> tuple[str, ...]:
    fields = entry.fields
    authority = fields["request.headers"].get(":authority", "")
    texts = (str(fields["http2_stream"]), fields.get("method", ""), fields.get("url", ""), authority)
    return tuple(text[:TEXT_LIMIT] for text in texts)


def ctype(entry: Entry, half: str) -> str:
    return entry.fields[f"{half}.headers"].get("content-type", "")[:TEXT_LIMIT]


@pytest.mark.parametrize("case", [*parameters("http2"), *(parameters("grpc") if cases("grpc") else [])])
def test_messages_agree_with_tshark(case: Case):
    result = dissect_file(case.path, case.decode_as)
    assert result.warnings == []
    found = disagreement(case, result.of("http2"))
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


@pytest.mark.parametrize("case", [*parameters("http2"), *(parameters("grpc") if cases("grpc") else [])])
def test_it_is_found_without_being_told_where(case: Case):
    """The same entries come without decode_as."""
    told = dissect_file(case.path, case.decode_as).of("http2")
    assert [(e.summary, e.status) for e in dissect_file(case.path).of("http2")] == [(e.summary, e.status) for e in told]
