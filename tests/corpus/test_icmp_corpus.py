"""ICMP and ICMPv6 against captures of other projects and what tshark says of them."""

from __future__ import annotations

from typing import Any

import pytest

from kubeshark_mcp.dissect.wire_icmp import REPLIES
from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import Case, dissect_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {}
"""Captures where we say something else than tshark, each with the reason."""

_REPLY_TO = {(version, request): reply for (version, reply), request in REPLIES.items()}


def messages(entries: list[Entry]) -> dict[int, dict[str, Any]]:
    """Give what we say of each packet in tshark's words."""
    found: dict[int, dict[str, Any]] = {}
    for entry in entries:
        fields = entry.fields
        row = {"code": fields["icmp_code"], "id": fields.get("icmp_id"), "seq": fields.get("icmp_sequence")}
        if entry.request is not None:
            found[entry.request.first_packet] = {**row, "type": fields["icmp_type_number"]}
        if entry.response is not None:
            kind = fields["icmp_type_number"]
            reply = _REPLY_TO.get((fields["icmp_version"], kind), kind)
            found[entry.response.first_packet] = {**row, "type": reply}
            if entry.request is not None:
                found[entry.response.first_packet]["resp_to"] = entry.request.first_packet
    return found


def told(entry_row: dict[str, Any], row: dict[str, Any]) -> bool:
    """Compare what both sides name; tshark names identifiers of the quoted echo as well, and not those of RFC 8335."""
    names = ["type", "code"] + (["id", "seq", "resp_to"] if row["type"] in {0, 8, 128, 129} else [])
    return all(entry_row.get(name) == row.get(name) for name in names)


@pytest.mark.parametrize("case", parameters("icmp"))
def test_messages_agree_with_tshark(case: Case):
    result = dissect_file(case.path, case.decode_as)
    assert result.warnings == []
    ours = messages(result.of("icmp"))
    theirs = {row["f"]: row for row in case.rows("icmp") + case.rows("icmpv6")}
    found = sorted(ours.keys() ^ theirs.keys())
    found += [frame for frame in ours.keys() & theirs.keys() if not told(ours[frame], theirs[frame])]
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


@pytest.mark.parametrize("case", parameters())
def test_every_capture_has_the_echoes_that_tshark_counts(case: Case):
    wanted = [case.summary.get(name, {}) for name in ("icmp", "icmpv6")]
    if not any(wanted):
        pytest.skip("no ICMP")
    echoes = [
        entry for entry in dissect_file(case.path, case.decode_as).of("icmp") if "Echo" in entry.fields["icmp_type"]
    ]
    echoes = [entry for entry in echoes if not entry.fields["icmp_type"].startswith("Extended")]
    for name, half in (("echo_requests", "request"), ("echo_replies", "response")):
        assert sum(getattr(entry, half) is not None for entry in echoes) == sum(part.get(name, 0) for part in wanted)
