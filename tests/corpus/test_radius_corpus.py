"""RADIUS against captures of other projects and what tshark says of them."""

from __future__ import annotations

from typing import Any

import pytest

from kubeshark_mcp.dissect.wire_radius_dictionary import CODES
from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import Case, differences, dissect_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {}
"""Captures where we say something else than tshark, each with the reason."""

_CODES = {name: code for code, name in CODES.items()}


def halves(entries: list[Entry]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Give requests and answers in tshark's words: packet, code, identifier, length, and what the answer belongs to."""
    requests, answers = [], []
    for entry in entries:
        fields = entry.fields
        if entry.request is not None:
            requests.append((entry.request.first_packet, fields["radius_code"], fields["radius_identifier"]))
        if entry.response is not None:
            asked = entry.request.first_packet if entry.request is not None else None
            answers.append((
                entry.response.first_packet, _CODES[fields["radius_result"]], fields["radius_identifier"], asked,
            ))  # fmt: skip
    return requests, answers


@pytest.mark.parametrize("case", parameters("radius"))
def test_messages_agree_with_tshark(case: Case):
    result = dissect_file(case.path, case.decode_as)
    assert result.warnings == []
    entries = result.of("radius")
    requests, answers = halves(entries)
    asked, answered = case.rows("radius.request"), case.rows("radius.response")
    found = differences("requests", requests, [(row["f"], row["code"], row["id"]) for row in asked])
    found += differences("answers", answers, [(r["f"], r["code"], r["id"], r.get("reqframe")) for r in answered])
    users = {row["f"]: row["user"] for row in asked if "user" in row}
    ours = {entry.request.first_packet: entry.fields.get("radius_user") for entry in entries if entry.request}
    found += [
        f"packet {frame}: {ours.get(frame)} here, {user} there"
        for frame, user in users.items()
        if ours.get(frame) != user
    ]
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


@pytest.mark.parametrize("case", parameters("radius"))
def test_as_many_attributes_as_tshark_counts_and_no_password(case: Case):
    entries = dissect_file(case.path, case.decode_as).of("radius")
    rows = {row["f"]: row for row in case.rows("radius.request") + case.rows("radius.response")}
    for entry in entries:
        for span, name in ((entry.request, "radius_request"), (entry.response, "radius_response")):
            if span is None or entry.malformed:
                continue
            attributes = entry.fields[f"{name}_attributes"]
            assert sum(text.count("; ") + 1 for text in attributes.values()) == rows[span.first_packet]["n_avp"]
            assert attributes.get("User-Password", "16 bytes") == "16 bytes"
