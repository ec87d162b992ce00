"""Captures dissected for one command."""

from __future__ import annotations

from pathlib import Path

from kubeshark_mcp.cli.dissected import dissected

INCIDENT = Path(__file__).resolve().parents[2] / "examples" / "incident"


def test_facts_and_entries_of_files_and_nothing_left_behind():
    with dissected([f"n1={INCIDENT / 'node-a.pcap'}"], [INCIDENT / "resources.json"]) as offline:
        facts = offline.facts()
        assert list(facts.coverage.nodes) == ["n1"]
        number = int(facts.calls.id[0])
        rows = offline.rows([number, 99_999_999])
        assert rows.keys() == {number}
        assert rows[number]["packets"]
        assert offline.rows([]) == {}
        ((node, name, digest),) = offline.hashes()
        assert (node, name, len(digest)) == ("n1", "node-a.pcap", 64)
        scratch = offline._scratch
    assert not scratch.exists()
