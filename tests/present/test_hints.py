"""Calls as text."""

from __future__ import annotations

from kubeshark_mcp.present.hints import call_text


def test_a_call_reads_like_one():
    assert call_text("list_api_calls", {"kfl": 'method == "GET"', "limit": 5}) == (
        'list_api_calls(kfl="method == \\"GET\\"", limit=5)'
    )
