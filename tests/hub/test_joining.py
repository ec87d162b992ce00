"""Joining as a piece of work: here or in a process of its own, it is the same, and whoever watches can stop it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeshark_mcp.hub.crew import Crew
from kubeshark_mcp.hub.dissecting import Dissecting
from kubeshark_mcp.hub.joining import Joining
from kubeshark_mcp.hub.runs import Run, Share
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.store.files import MANIFEST

RECORDED = Path(__file__).resolve().parents[1] / "recordings" / "sightings"


@pytest.fixture
def entries(tmp_path: Path) -> Path:
    """Give the folder of entries that two nodes saw, before they are joined."""
    sources = [CaptureSource(RECORDED / f"{name}.pcap", name) for name in ("node-a", "node-b")]
    Dissecting(Run(sources, []), Share(0, 0, 2, 0), tmp_path / "entries", [])(lambda outcome: None)
    return tmp_path / "entries"


def test_a_process_of_its_own_joins_what_this_one_would(entries):
    here = Joining(entries)(lambda told: None)
    with Crew(2) as crew:
        [apart] = crew.run([Joining(entries)], lambda number, told: None)
    assert apart == here
    assert here.calls > 0
    assert (entries / MANIFEST).is_file()


def test_whoever_watches_stops_it(entries):
    class Enough(Exception):
        pass

    def stop(number: int, told: None) -> None:
        raise Enough

    with pytest.raises(Enough), Crew(2) as crew:
        crew.run([Joining(entries)], stop)
    assert not (entries / MANIFEST).exists()
