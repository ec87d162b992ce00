"""One behaviour of all Hubs: the same question has the same answer, whichever way it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conformance_questions import QUESTIONS, outcome

from kubeshark_mcp.errors import NotFoundError
from kubeshark_mcp.hub import contract as c


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """What the embedded Hub answers in process, asked once."""
    return {}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_the_same_question_has_the_same_answer(name, way, incident, expected):
    if name not in expected:
        expected[name] = await outcome(QUESTIONS[name](incident.hub, incident.snapshot))
    async with way() as hub:
        assert await outcome(QUESTIONS[name](hub, incident.snapshot)) == expected[name]


async def test_exported_packets_are_the_same_bytes(way, incident, tmp_path: Path):
    request = c.ExportRequest(snapshot_id=incident.snapshot, bpf_filter="tcp port 6379")
    expected = await incident.hub.export_pcap(request)
    await incident.hub.fetch_file(expected.path, tmp_path / "expected.pcap")
    async with way() as hub:
        export = await hub.export_pcap(request)
        assert await hub.fetch_file(export.path, tmp_path / "one.pcap") == expected.size_bytes
    assert (tmp_path / "one.pcap").read_bytes() == (tmp_path / "expected.pcap").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["expected.pcap", "one.pcap"]


async def test_a_file_that_is_not_there_leaves_nothing(way, tmp_path: Path):
    async with way() as hub:
        with pytest.raises(NotFoundError):
            await hub.fetch_file("/mcp/files/nope.pcap", tmp_path / "one.pcap")
    assert list(tmp_path.iterdir()) == []
