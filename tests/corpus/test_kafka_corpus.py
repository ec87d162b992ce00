"""Kafka against captures of other projects, what tshark says of them and what those projects expect."""

from __future__ import annotations

from typing import Any

import pytest

from kubeshark_mcp.dissect.wire_kafka_api import ERRORS
from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import Case, Dissection, differences, expected, of_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {}
"""Captures where we say something else, each with the reason."""

STATUS = {"Ok": {0}, "ServerError": set(ERRORS) | {5120}, "Unknown": set()}


def dissected(case: Case) -> Dissection:
    return of_file(case.file, case.decode_as)


def number(entry: Entry, half: str) -> tuple[int, int]:
    """Give packet and length field of a half."""
    span = entry.request if half == "request" else entry.response
    return (span.last_packet, span.length - 4) if span is not None else (0, 0)


def asked(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.request is not None]


def answered(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.response is not None]


def disagreement(case: Case, entries: list[Entry]) -> list[str]:
    """Compare requests, and responses that tshark pairs and those that it does not read (`other`)."""
    requests, responses = case.rows("kafka.request"), case.rows("kafka.response")
    others = case.rows("kafka.other")
    names = ("api_key", "api_version", "correlation_id", "client_id")
    found = differences(
        "requests",
        ((*number(e, "request"), *(e.fields[f"kafka_{name}"] for name in names)) for e in asked(entries)),
        ((r["f"], r["len"], r["api_key"], r["version"], r["corr"], r["client_id"]) for r in requests),
    )
    found += differences(
        "responses",
        ((*number(e, "response"), e.fields["kafka_correlation_id"]) for e in answered(entries)),
        ((r["f"], r["len"], r["corr"]) for r in (*responses, *others)),
    )
    by_packet = {number(entry, "response")[0]: entry for entry in answered(entries)}
    for row in responses:
        entry = by_packet.get(row["f"])
        codes = {text.endswith("No Error") or "(0)" in text for text in row.get("errors", ())}
        if entry is not None and row.get("errors") and entry.failed == all(codes):
            found.append(f"packet {row['f']}: {entry.status} here, {row['errors']} there")
        if entry is not None and not set(row.get("topics", ())) <= set(entry.fields.get("kafka_topics", ())):
            found.append(f"packet {row['f']}: {entry.fields.get('kafka_topics')} here, {row['topics']} there")
    return found


@pytest.mark.parametrize("case", parameters("kafka"))
def test_requests_and_responses_agree_with_tshark(case: Case):
    result = dissected(case)
    assert result.warnings == []
    if not case.recognised_by_tshark:
        pytest.skip("tshark does not take it for Kafka")
    found = disagreement(case, result.of("kafka"))
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


def messages(case: Case) -> list[dict[str, Any]]:
    """Give the messages that DeepFlow expects."""
    found = expected().get(case.file) or {}
    return [message["fields"] for message in found.get("messages", ()) if message.get("struct") == "KafkaInfo"]


@pytest.mark.parametrize("case", parameters("kafka"))
def test_messages_agree_with_the_project_that_the_capture_comes_from(case: Case):
    theirs, entries = messages(case), dissected(case).of("kafka")
    if not theirs:
        pytest.skip("that project expects no list of messages")
    requests = [row for row in theirs if row["msg_type"] == "Request"]
    names = ("api_key_name", "api_version", "correlation_id", "client_id", "size")
    keys = ("api_key", "api_version", "correlation_id", "client_id", "req_msg_size")
    assert (
        differences(
            "requests",
            (tuple(entry.fields[f"kafka_{name}"] for name in names) for entry in asked(entries)),
            (tuple(row[key] for key in keys) for row in requests),
        )
        == []
    )
    named = {topic for row in requests if (topic := row.get("topic_name"))}
    assert named <= {topic for entry in entries for topic in entry.fields.get("kafka_topics", ())}
    groups = {group for row in requests if (group := row.get("group_id"))}
    assert groups <= {entry.fields.get("kafka_group") for entry in entries}
    by_id = {entry.fields["kafka_correlation_id"]: entry for entry in answered(entries)}
    for row in theirs:
        if row["msg_type"] == "Response":
            entry = by_id[row["correlation_id"]]
            assert entry.fields.get("kafka_error_code", 0) in STATUS[row["status"]]
            assert entry.failed == (row["status"] == "ServerError")
