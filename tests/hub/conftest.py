"""One dissected incident for all tests of the hub: made once in each test process."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.sources import CaptureSource

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the fake Hub: tests are imported without packages
INCIDENT = Path(__file__).resolve().parents[2] / "examples" / "incident"
SOURCES = [CaptureSource(INCIDENT / f"node-{name}.pcap", f"node-{name}") for name in "ab"]
RESOURCES = [INCIDENT / "resources.json"]


@dataclass(frozen=True)
class Incident:
    """A Hub over the project's own incident, with a snapshot and its dissection; truth: what the clients logged."""

    hub: EmbeddedHub
    workspace: Path
    snapshot: str
    truth: dict[str, Any]

    @property
    def database(self) -> str:
        return f"{self.snapshot}/default"


async def ended(look, seconds: float = 60.0):
    """Wait until a job has ended."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not (state := await look()).status.ended:
        assert asyncio.get_running_loop().time() < deadline, state
        await asyncio.sleep(0.02)
    return state


async def prepared(workspace: Path) -> Incident:
    hub = EmbeddedHub(workspace, SOURCES, RESOURCES)
    made = await hub.create_snapshot(c.SnapshotRequest(name="The incident"))
    snapshot = await ended(lambda: hub.snapshot(made.id))
    assert snapshot.status is c.JobStatus.COMPLETED, snapshot
    await hub.start_dissection(made.id)
    dissection = await ended(lambda: hub.dissection(made.id))
    assert dissection.status is c.JobStatus.COMPLETED, dissection
    truth = json.loads((INCIDENT / "truth" / "truth.json").read_text())
    return Incident(hub, workspace, made.id, truth)


@pytest.fixture(scope="session")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Incident]:
    one = asyncio.run(prepared(tmp_path_factory.mktemp("incident") / "workspace"))
    yield one
    asyncio.run(one.hub.close())
