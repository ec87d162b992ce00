"""Every handle that a diagnosis names resolves, and every number it claims is confirmed, on every recorded incident."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import contract_analysis as a
from kubeshark_mcp.hub import contract_views as v
from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.sources import CaptureSource, node_of

from .conftest import ended

INCIDENTS = sorted(path.parent for path in (Path(__file__).parents[2] / "evals" / "incidents").glob("*/truth.yaml"))
FAST = 3
PATIENCE = 600.0
"""Seconds that a job may take on a machine that has much else to do."""
_TIMES = (a.Measure.FIRST_AT, a.Measure.LAST_AT)


async def dissected(folder: Path, workspace: Path) -> EmbeddedHub:
    sources = [CaptureSource(path, node_of(path)) for path in sorted(folder.glob("*.pcap.zst"))]
    hub = EmbeddedHub(workspace, sources, [folder / "resources.json"])
    made = await hub.create_snapshot(c.SnapshotRequest(name=folder.name))
    await ended(lambda: hub.snapshot(made.id), PATIENCE)
    await hub.start_dissection(made.id)
    assert (await ended(lambda: hub.dissection(made.id), PATIENCE)).status is c.JobStatus.COMPLETED
    return hub


async def unconfirmed(hub: EmbeddedHub, finding: a.FindingRow, database: str) -> list[str]:
    """Give the claims of a finding that the entries do not confirm."""
    wrong = []
    for claim in finding.claims:
        timely = claim.measure in _TIMES
        query = a.ClaimQuery(
            kfl=claim.kfl, measure=claim.measure, of=claim.of or None, start=claim.start, end=claim.end,
            tolerance=0.001, database=database, value=None if timely else claim.value,
            at=datetime.fromtimestamp(claim.value / 1000, UTC) if timely else None,
        )  # fmt: skip
        verified = await hub.verify_claim(query)
        if not verified.holds:
            wrong.append(f"{finding.detector}: {claim} but {verified.found}")
    return wrong


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param(folder, id=folder.name, marks=[] if number < FAST else [pytest.mark.slow])
        for number, folder in enumerate(INCIDENTS)
    ],
)
async def test_evidence_resolves_and_claims_hold(folder: Path, tmp_path: Path):
    hub = await dissected(folder, tmp_path / "workspace")
    try:
        found = await hub.diagnose(a.DiagnosisQuery())
        assert found.broken == []
        handles = [handle for finding in found.findings for handle in finding.evidence]
        handles += [event.handle for event in (await hub.timeline(v.TimelineQuery())).events if event.handle]
        for handle in dict.fromkeys(handles):
            database, _, number = handle.rpartition("#")
            assert database == found.database
            entry = (await hub.call(c.CallRequest(id=handle, include_payload=False, include_l4=False))).entry
            assert int(number) in {entry["_id"], *(seen["id"] for seen in entry.get("_sightings", []))}
            assert (await hub.source_of(handle)).sha256
        wrong = [claim for finding in found.findings for claim in await unconfirmed(hub, finding, found.database)]
        assert wrong == []
    finally:
        await hub.close()
