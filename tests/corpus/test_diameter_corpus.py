"""Diameter over TCP and SCTP against captures of other projects and what tshark says of them."""

from __future__ import annotations

from typing import Any

import pytest

from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import Case, differences, dissect_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {}
"""Captures where we say something else than tshark, each with the reason."""


def request(entry: Entry) -> tuple[Any, ...]:
    fields = entry.fields
    return (
        entry.request.last_packet if entry.request else 0,
        fields["diameter_method"],
        fields["diameter_command_code"],
        fields["diameter_application_id"],
        f"0x{fields['diameter_hop_by_hop']:08x}",
        f"0x{fields['diameter_end_to_end']:08x}",
        fields.get("diameter_session"),
        fields.get("diameter_origin_host"),
    )


def answer(entry: Entry) -> tuple[Any, ...]:
    fields = entry.fields
    return (
        entry.response.last_packet if entry.response else 0,
        fields["diameter_command_code"],
        f"0x{fields['diameter_hop_by_hop']:08x}",
        fields["diameter_response_avps"].get("Session-Id"),
        fields.get("diameter_result"),
        fields.get("diameter_answered_by"),
    )


@pytest.mark.parametrize("case", parameters("diameter"))
def test_messages_agree_with_tshark(case: Case):
    result = dissect_file(case.path, case.decode_as)
    assert result.warnings == []
    entries = result.of("diameter")
    asked = [
        (r["f"], r["cmd"], r["code"], r["app"], r["hbh"], r["e2e"], r.get("session"), r.get("origin_host"))
        for r in case.rows("diameter.request")
    ]
    answered = [
        (r["f"], r["code"], r["hbh"], r.get("session"), r.get("result"), r.get("origin_host"))
        for r in case.rows("diameter.answer")
    ]
    found = differences("requests", [request(entry) for entry in entries if entry.request], asked)
    found += differences("answers", [answer(entry) for entry in entries if entry.response], answered)
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


@pytest.mark.parametrize("case", parameters())
def test_no_capture_of_another_protocol_is_taken_for_diameter(case: Case):
    if "diameter" in case.summary:
        pytest.skip("it is Diameter")
    entries = dissect_file(case.path, case.decode_as).entries
    assert [entry.summary for entry in entries if entry.protocol == "diameter"] == []
