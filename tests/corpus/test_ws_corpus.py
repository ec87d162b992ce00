"""WebSocket against captures of other projects and what tshark says of them."""

from __future__ import annotations

import pytest

from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import Case, cases, differences, dissect_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {}
"""Captures where we say something else than tshark, each with the reason."""

LISTED = 400
"""Rows that the ground truth keeps."""
TEXT_LIMIT = 200
"""Characters of a text that the ground truth keeps."""

OPCODES = {1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}


def messages(case: Case) -> list[tuple[int, int, str, int, int]]:
    """Give (stream, last packet, opcode, bytes, frames) of the messages that tshark's frames make.

    Fragments follow on the first of their direction; the mask bit tells the direction.
    """
    found = []
    begun: dict[tuple[int, int], list[int]] = {}
    for row in case.rows("websocket.frame"):
        key, opcode = (row["s"], row["mask"]), row["opcode"]
        if opcode >= 8:
            found.append((row["s"], row["f"], OPCODES[opcode], row["len"], 1))
            continue
        if opcode:
            begun[key] = [opcode, 0, 0]
        part = begun[key]
        part[1] += row["len"]
        part[2] += 1
        if row["fin"]:
            found.append((row["s"], row["f"], OPCODES[part[0]], part[1], part[2]))
    return found


def outline(entry: Entry) -> tuple[int, int, str, int, int]:
    span, fields = entry.request or entry.response, entry.fields
    assert span is not None
    length = fields.get("ws_request_payload_length", 0) + fields.get("ws_response_payload_length", 0)
    return entry.connection.number, span.last_packet, fields["ws_opcode"], length, fields.get("ws_fragments", 1)


def text_of(entry: Entry) -> str:
    fields = entry.fields
    return str(fields.get("ws_request_payload_data") or fields.get("ws_response_payload_data") or "")


def shown(text: str) -> str:
    """Give a text as tshark shows it: without what does not print, cut."""
    return "".join(letter for letter in text if letter.isprintable() and letter != " ")[: TEXT_LIMIT // 2]


def disagreement(case: Case, entries: list[Entry]) -> list[str]:
    frames = sum(entry.fields.get("ws_fragments", 1) for entry in entries)
    count = case.summary.get("websocket", {}).get("frames", 0)
    found = [] if frames == count else [f"frames: {frames} here, {count} there"]
    if len(case.rows("websocket.frame")) < LISTED:
        found += differences("messages", map(outline, entries), messages(case))
        texts = [row["text"] for row in case.rows("websocket.frame") if row.get("text") and row["fin"]]
        ours = [shown(text_of(entry)) for entry in entries if text_of(entry)]
        found += differences("texts", ours, map(shown, texts))
    return found


@pytest.mark.parametrize("case", parameters("websocket"))
def test_messages_agree_with_tshark(case: Case):
    result = dissect_file(case.path, case.decode_as)
    assert result.warnings == []
    found = disagreement(case, result.of("ws"))
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


@pytest.mark.skipif(not cases(), reason="no captures")
def test_nothing_else_is_taken_for_websocket():
    claimed = [
        case.file
        for case in cases()
        if "websocket" not in case.summary and dissect_file(case.path, case.decode_as).of("ws")
    ]
    assert claimed == []
