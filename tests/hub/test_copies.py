"""Copies of snapshots of a Hub elsewhere."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fake_hub import SNAPSHOT, FakeHub

from kubeshark_mcp.errors import HubError, NotFoundError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.copies import MOST_BYTES, Copies, objects_of
from kubeshark_mcp.identity.kubernetes import from_kubernetes


class Slow(FakeHub):
    """Hands out packets when it is told to; has the snapshots that it is given."""

    def __init__(self, *snapshots: c.Snapshot) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.there = list(snapshots)

    async def snapshots(self) -> list[c.Snapshot]:
        return self.there

    async def snapshot(self, snapshot_id: str) -> c.Snapshot:
        return next(one for one in self.there if one.id == snapshot_id)

    async def fetch_file(self, path: str, destination: Path) -> int:
        await self.go.wait()
        return destination.write_bytes(b"no capture")


async def test_a_question_does_not_wait_longer_than_clients_do(tmp_path):
    hub = Slow(SNAPSHOT)
    copies = Copies(hub, tmp_path, wait=0.01)
    with pytest.raises(
        HubError, match=r"snapshot s1 \(123,456 bytes\).*of node node-a are being fetched. Ask the same"
    ):
        await copies.of("s1")
    await copies.close()
    assert [path.name for path in (tmp_path / "elsewhere").glob("fetched-*")] == []


async def test_a_failure_that_nobody_waited_for_is_told_to_the_next_who_asks(tmp_path):
    hub = Slow(SNAPSHOT)
    copies = Copies(hub, tmp_path, wait=0.01)
    with pytest.raises(HubError, match="Ask the same"):
        await copies.of("s1")
    hub.go.set()
    await asyncio.gather(*copies._making.values(), return_exceptions=True)
    with pytest.raises(HubError, match="The fetched packets could not be used"):
        await copies.of("s1")
    assert copies._making == {}
    await copies.close()


async def test_packets_that_cannot_be_used_leave_no_copy_and_can_be_asked_for_again(tmp_path):
    hub = Slow(SNAPSHOT)
    hub.go.set()
    copies = Copies(hub, tmp_path)
    for _ in range(2):
        with pytest.raises(HubError, match="The fetched packets could not be used"):
            await copies.of("s1")
    here = await copies.here()
    assert [one.status for one in await here.snapshots() if one.status is c.JobStatus.COMPLETED] == []
    await copies.close()


@pytest.mark.parametrize(
    ("snapshots", "error", "says"),
    [
        ([], NotFoundError, "has no snapshot: create one"),
        ([SNAPSHOT.model_copy(update={"size_bytes": MOST_BYTES + 1})], UsageError, "create one of a smaller window"),
        ([SNAPSHOT.model_copy(update={"status": c.JobStatus.PENDING})], NotFoundError, "has no snapshot"),
    ],
)
async def test_what_cannot_be_fetched_is_said_before_anything_is(tmp_path, snapshots, error, says):
    with pytest.raises(error, match=says):
        await Copies(Slow(*snapshots), tmp_path).of(None)
    assert not (tmp_path / "elsewhere").exists()


async def test_a_snapshot_that_is_being_made_is_not_fetched_yet(tmp_path):
    hub = Slow(SNAPSHOT.model_copy(update={"status": c.JobStatus.IN_PROGRESS}))
    with pytest.raises(UsageError, match="s1 is in_progress"):
        await Copies(hub, tmp_path).of("s1")


async def test_folders_of_killed_processes_are_removed_after_a_day(tmp_path):
    base = tmp_path / "elsewhere"
    for name in ("fetched-old", "fetched-new"):
        (base / name).mkdir(parents=True)
    os.utime(base / "fetched-old", (1, 1))
    hub = Slow(SNAPSHOT)
    hub.go.set()
    copies = Copies(hub, tmp_path)
    with pytest.raises(HubError):
        await copies.of("s1")
    await copies.close()
    assert [path.name for path in base.glob("fetched-*")] == ["fetched-new"]


def test_workloads_of_a_hub_are_objects_that_identity_reads():
    since = datetime(2026, 11, 1, tzinfo=UTC)
    records = [
        c.WorkloadRecord(
            name="web-1", namespace="shop", kind="pod", node="n1", labels={"app": "web"},
            ips=[c.AddressRecord(ip="10.0.0.5", timestamp=since)],
        ),
        c.WorkloadRecord(name="web", namespace="shop", kind="Service", ips=[c.AddressRecord(ip="10.96.0.5")]),
        c.WorkloadRecord(name="n1", namespace="", kind="node", ips=[c.AddressRecord(ip="192.168.0.1")]),
        c.WorkloadRecord(name="", namespace="shop", kind="pod", ips=[c.AddressRecord(ip="10.0.0.6")]),
    ]  # fmt: skip
    found = from_kubernetes(objects_of(records))
    assert [(one.address, one.workload.name, one.workload.kind, one.workload.node) for one in found.tenures] == [
        ("10.0.0.5", "web-1", "pod", "n1"), ("10.96.0.5", "web", "service", ""), ("192.168.0.1", "n1", "node", ""),
    ]  # fmt: skip
