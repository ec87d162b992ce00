"""The embedded Hub on the project's own incident: what it says agrees with what the clients logged."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kubeshark_mcp.errors import ConflictError, NotFoundError, StoreError, UnsupportedError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.sources import CaptureSource

from .conftest import RESOURCES, SOURCES, ended


async def test_every_call_is_one_entry_and_knows_its_service_and_its_pod(incident):
    counts = (await incident.hub.dissection(incident.snapshot)).stats.protocol_counts
    calls = {name: counts[name] for name in ("http", "redis", "dns")}
    assert calls == {name: incident.truth["calls"][name] for name in calls}
    page = await incident.hub.calls(c.CallQuery(kfl='http && dst.service.name == "orders"', limit=1000))
    assert {row["dst.pod.name"].rsplit("-", 2)[0] for row in page.rows} == {"orders"}
    assert {len(row["_sightings"]) for row in page.rows if row.get("src.service.name") == "storefront"} == {2}


async def test_sightings_can_be_shown_apart(incident):
    apart = await incident.hub.calls(c.CallQuery(kfl="http && status_code == 502", keep_duplicates=True, limit=1000))
    joined = await incident.hub.calls(c.CallQuery(kfl="http && status_code == 502", limit=1000))
    assert (apart.total, joined.total) == (80, 40)


async def test_status_tells_the_captures_and_the_next_step(incident):
    status = await incident.hub.status()
    assert status.running
    assert status.kind == "embedded"
    assert status.details["captures"] == [f"{source.node}: {source.path}" for source in SOURCES]
    assert status.next_steps == ["List or count the calls of a dissection."]


async def test_boundaries_of_raw_capture_hold_those_of_the_entries(incident):
    raw, dissected = await incident.hub.data_boundaries(), await incident.hub.l7_boundaries()
    assert [(node.name, node.packets) for node in raw.nodes] == [("node-a", 4425), ("node-b", 3904)]
    assert raw.oldest <= dissected.oldest <= dissected.newest <= raw.newest
    assert [node.name for node in dissected.nodes] == ["node-a", "node-b"]


async def test_a_window_outside_the_data_is_refused_with_the_window_that_there_is(incident):
    before = datetime(2001, 1, 1, tzinfo=UTC)
    with pytest.raises(UsageError, match="lies outside the raw capture, which covers 2026-"):
        await incident.hub.create_snapshot(c.SnapshotRequest(name="x", start=before, end=before + timedelta(hours=1)))
    boundaries = await incident.hub.data_boundaries()
    with pytest.raises(UsageError, match="before it starts"):
        await incident.hub.create_snapshot(c.SnapshotRequest(name="x", start=boundaries.newest, end=boundaries.oldest))
    assert len(await incident.hub.snapshots()) == 1


async def test_a_part_of_the_window_and_one_node_make_a_smaller_snapshot(incident):
    boundaries = await incident.hub.data_boundaries()
    middle = boundaries.oldest + timedelta(seconds=10)
    made = await incident.hub.create_snapshot(
        c.SnapshotRequest(name="part", start=middle, end=middle + timedelta(seconds=5), nodes=["node-b"])
    )
    part = await ended(lambda: incident.hub.snapshot(made.id))
    whole = await incident.hub.snapshot(incident.snapshot)
    assert part.status is c.JobStatus.COMPLETED
    assert part.nodes == ["node-b"]
    assert 0 < part.packet_count < whole.packet_count
    assert middle == part.start
    deleted = await incident.hub.delete_snapshot(made.id)
    assert deleted == c.Deleted(success=True, id=made.id)
    with pytest.raises(NotFoundError, match=f"no snapshot '{made.id}'; there are {incident.snapshot}"):
        await incident.hub.snapshot(made.id)


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", ".x"])
async def test_ids_that_lead_elsewhere_are_refused(incident, name):
    with pytest.raises((UsageError, NotFoundError)):
        await incident.hub.snapshot(name)


async def test_an_unknown_node_is_named_with_those_that_there_are(incident):
    with pytest.raises(UsageError, match="no node 'node-z' here; there are node-a, node-b"):
        await incident.hub.create_snapshot(c.SnapshotRequest(name="x", nodes=["node-z"]))


async def test_a_finished_dissection_is_not_done_twice_under_one_name(incident):
    with pytest.raises(ConflictError, match="is completed already"):
        await incident.hub.start_dissection(incident.snapshot)
    await incident.hub.start_dissection(incident.snapshot, "again")
    again = await ended(lambda: incident.hub.dissection(incident.snapshot, "again"))
    first = await incident.hub.dissection(incident.snapshot, "default")
    assert again.stats == first.stats
    assert {d.name for d in await incident.hub.dissections(incident.snapshot)} == {"default", "again"}
    await incident.hub.delete_dissection(incident.snapshot, "again")
    assert [d.name for d in await incident.hub.dissections(incident.snapshot)] == ["default"]


async def test_continuous_dissection_is_off_and_cannot_be_switched_on(incident):
    assert await incident.hub.dissection_enabled() is False
    assert await incident.hub.set_dissection_enabled(False) is False
    with pytest.raises(UnsupportedError, match="create a snapshot and start its dissection instead"):
        await incident.hub.set_dissection_enabled(True)


async def test_a_second_server_sees_snapshots_and_dissections_of_the_first(incident):
    other = EmbeddedHub(incident.workspace, SOURCES, RESOURCES)
    try:
        assert await other.snapshots() == await incident.hub.snapshots()
        mine, theirs = [await hub.calls(c.CallQuery(kfl="redis", limit=7)) for hub in (incident.hub, other)]
        assert mine == theirs
    finally:
        await other.close()


async def test_a_dissection_that_is_stopped_leaves_nothing_and_can_be_started_again(incident):
    await incident.hub.start_dissection(incident.snapshot, "stopped")
    await incident.hub.stop_dissection(incident.snapshot, "stopped")
    stopped = await ended(lambda: incident.hub.dissection(incident.snapshot, "stopped"))
    assert stopped.status in {c.JobStatus.CANCELLED, c.JobStatus.COMPLETED}
    folder = incident.workspace / "snapshots" / incident.snapshot / "dissections"
    assert not list(folder.glob(".building-*"))
    if stopped.status is c.JobStatus.COMPLETED:
        await incident.hub.delete_dissection(incident.snapshot, "stopped")
    await incident.hub.start_dissection(incident.snapshot, "stopped")
    again = await ended(lambda: incident.hub.dissection(incident.snapshot, "stopped"))
    assert again.status is c.JobStatus.COMPLETED
    await incident.hub.delete_dissection(incident.snapshot, "stopped")


async def test_closing_the_server_interrupts_its_work_and_the_next_one_says_so(tmp_path: Path):
    hub = EmbeddedHub(tmp_path, SOURCES, RESOURCES)
    made = await hub.create_snapshot(c.SnapshotRequest(name="x"))
    await ended(lambda: hub.snapshot(made.id))
    await hub.start_dissection(made.id)
    await hub.close()
    other = EmbeddedHub(tmp_path, SOURCES, RESOURCES)
    found = await ended(lambda: other.dissection(made.id))
    assert found.status in {c.JobStatus.FAILED, c.JobStatus.COMPLETED}
    assert found.status is c.JobStatus.COMPLETED or "interrupted" in found.errors[0]
    await other.close()


def test_a_capture_that_is_no_file_is_refused_at_the_start(tmp_path: Path):
    with pytest.raises(UsageError, match=r"missing.pcap' is not a file that can be read"):
        EmbeddedHub(tmp_path / "w", [CaptureSource(tmp_path / "missing.pcap", "n")])


def test_a_workspace_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot be used|cannot be written"):
        EmbeddedHub(tmp_path / "file" / "w")


async def test_nothing_to_read_is_said_with_the_way_out(tmp_path: Path):
    hub = EmbeddedHub(tmp_path / "w")
    assert (await hub.status()).next_steps == [
        "There is no capture: start the server with --pcap FILE, or put captures under raw/NODE/."
    ]
    for question in (hub.create_snapshot(c.SnapshotRequest(name="x")), hub.flows(c.FlowQuery())):
        with pytest.raises(UsageError, match="There is no raw capture here: name some with --pcap FILE"):
            await question
    with pytest.raises(NotFoundError, match="Nothing is dissected yet: create a snapshot"):
        await hub.calls(c.CallQuery())
    await hub.close()


async def test_making_the_hub_imports_nothing_heavy(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from kubeshark_mcp.hub.embedded import EmbeddedHub;"
        f"EmbeddedHub(Path({str(tmp_path)!r}));"
        "print([n for n in ('numpy', 'pyarrow', 'duckdb', 'celpy', 'cypcap') if n in sys.modules])"
    )
    process = await asyncio.create_subprocess_exec(
        __import__("sys").executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert (await process.communicate())[0].decode().strip() == "[]"


async def test_a_question_does_not_hold_up_others(incident):
    started = time.monotonic()
    answers = await asyncio.gather(*(incident.hub.calls(c.CallQuery(kfl="http", limit=100)) for _ in range(8)))
    assert len({answer.total for answer in answers}) == 1
    assert time.monotonic() - started < 60
