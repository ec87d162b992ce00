"""AMQP against captures of other projects, what tshark says of them and what those projects expect."""

from __future__ import annotations

from collections import Counter

import pytest

from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Span
from tests.corpus.harness import Case, Dissection, differences, expected, of_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {}
"""Captures where we say something else, each with the reason."""


def dissected(case: Case) -> Dissection:
    return of_file(case.file, case.decode_as)


def methods(entries: list[Entry]) -> list[tuple[str, int, Span, Entry]]:
    """Give each method with its channel and place: that of an entry, and its answer where there is one."""
    found = []
    for entry in entries:
        name = entry.fields.get("amqp_method", "")
        if name and name != "Protocol-Header":
            halves = [entry.request, entry.response]
            first, second = halves if entry.fields["amqp_sender"] == "client" else reversed(halves)
            channel = entry.fields["amqp_channel"]
            found += [(name, channel, first, entry)] if first is not None else []
            answer = f"{name}-{'Empty' if entry.status == 'EMPTY' else 'Ok'}"
            found += [(answer, channel, second, entry)] if second is not None else []
    return found


def disagreement(case: Case, entries: list[Entry]) -> list[str]:
    ours, rows = methods(entries), case.rows("amqp.method")
    found = differences(
        "methods",
        ((span.first_packet, channel, name) for name, channel, span, _ in ours),
        ((row["f"], row["channel"], row["method"]) for row in rows),
    )
    for key in ("exchange", "routing_key", "queue", "reply_code", "reply_text"):
        mine = {(span.first_packet, name): entry.fields.get(f"amqp_{key}") for name, _, span, entry in ours}
        found += [
            f"packet {row['f']}: {key} {mine.get((row['f'], row['method']))!r} here, {row[key]!r} there"
            for row in rows
            if key in row and mine.get((row["f"], row["method"])) != row[key]
        ]
    return found


@pytest.mark.parametrize("case", parameters("amqp"))
def test_methods_agree_with_tshark(case: Case):
    result = dissected(case)
    assert result.warnings == []
    found = disagreement(case, result.of("amqp"))
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


@pytest.mark.parametrize("case", parameters("amqp"))
def test_frames_agree_with_the_project_that_the_capture_comes_from(case: Case):
    theirs = [row["fields"] for row in (expected().get(case.file) or {}).get("messages", ()) if "fields" in row]
    if not theirs:
        pytest.skip("that project expects no list of messages")
    entries = dissected(case).of("amqp")
    named = Counter(
        f"{row['class_id']}.{row['method_id']}"
        for row in theirs
        if row["frame_type"] == "Method" and "method_id" in row
    )
    ours = Counter(name.replace("-", "") for name, _, _, _ in methods(entries))
    assert ours == named
    sizes = Counter(row["body_size"] for row in theirs if row["frame_type"] == "Header")
    assert Counter(e.fields["amqp_body_size"] for e in entries if "amqp_body_size" in e.fields) == sizes
    routes = {
        (row.get("exchange", ""), row.get("routing_key", "")) for row in theirs if row.get("method_id") == "Publish"
    }
    assert routes == {
        (e.fields["amqp_exchange"], e.fields["amqp_routing_key"])
        for e in entries
        if e.fields["amqp_method"] == "Basic.Publish"
    }
