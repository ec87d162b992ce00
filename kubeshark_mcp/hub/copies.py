"""Copies of snapshots of a Hub elsewhere: its packets fetched, with its names for addresses, and dissected here.

WORKSPACE/elsewhere/DIGEST is a workspace for each Hub, by its address. A copy is a snapshot in it called
`copy of SNAPSHOT`; snapshots do not change, so a copy is made once. Only the newest few are kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson

from kubeshark_mcp.errors import CaptureError, HubError, KubesharkError, NotFoundError, UnsupportedError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.interface import Hub
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.hub.workspace import storing

MOST_COPIES = 4
"""Copies that are kept of one Hub."""
MOST_BYTES = 4 << 30
"""Largest snapshot that is fetched."""
WAIT_SECONDS = 45.0
"""How long a question waits for a copy; making it goes on after that. MCP clients commonly wait for a minute."""
_LOOK_SECONDS = 0.1

J = TypeVar("J", c.Snapshot, c.Dissection)


class Copies:
    """Makes and keeps copies of snapshots of one Hub. wait: seconds that a question waits."""

    def __init__(self, hub: Hub, workspace: Path, wait: float = WAIT_SECONDS) -> None:
        self._hub = hub
        self._base = workspace / "elsewhere"
        self._root = self._base
        self._wait = wait
        self._here: EmbeddedHub | None = None
        self._making: dict[str, asyncio.Task[str]] = {}
        self._stage: dict[str, str] = {}

    async def here(self) -> EmbeddedHub:
        """Give the Hub that answers from the copies."""
        if self._here is None:
            location = (await self._hub.status()).location
            self._root = self._base / hashlib.sha256(location.encode()).hexdigest()[:16]
            self._here = await asyncio.to_thread(EmbeddedHub, self._root)
        return self._here

    async def of(self, snapshot_id: str | None) -> str:
        """Give the id of the copy of a snapshot, of the newest without an id; makes it where there is none.

        Raises HubError with how far it is when that takes longer than a question waits.
        """
        original = await self._original(snapshot_id)
        made = await self._made()
        task = self._making.get(original.id)
        if original.id in made:
            if task is not None and task.done():
                del self._making[original.id]  # or a copy that is deleted later would be taken for one that is there
            return made[original.id]
        if task is None:
            task = self._making[original.id] = asyncio.create_task(self._make(original))
        try:
            return await asyncio.wait_for(asyncio.shield(task), self._wait)
        except TimeoutError:
            stage = self._stage.get(original.id, "begun")
            raise HubError(
                f"This takes the packets of snapshot {original.id} ({original.size_bytes:,} bytes) to this machine, "
                f"which is under way: {stage}. Ask the same again in a minute."
            ) from None
        finally:
            if task.done():  # how it ended has been told; one that ended meanwhile tells the next who asks
                self._making.pop(original.id, None)

    async def _original(self, snapshot_id: str | None) -> c.Snapshot:
        if snapshot_id is not None:
            original = await self._hub.snapshot(snapshot_id)
        else:
            there = [one for one in await self._hub.snapshots() if one.status is c.JobStatus.COMPLETED]
            if not there:
                raise NotFoundError(
                    "This Hub lists calls and hands out packets of snapshots, and has no snapshot: create one of the "
                    "window in question with create_snapshot, then ask again."
                )
            original = max(there, key=lambda one: one.created_at)
        if original.status is not c.JobStatus.COMPLETED:
            raise UsageError(f"Snapshot {original.id} is {original.status.value}: ask again when it is completed.")
        if original.size_bytes > MOST_BYTES:
            raise UsageError(
                f"Snapshot {original.id} has {original.size_bytes:,} bytes, more than the {MOST_BYTES:,} that are "
                "fetched for analysis: create one of a smaller window or of fewer nodes."
            )
        return original

    async def _made(self) -> dict[str, str]:
        """Give completed copies that are dissected: id of the original -> id of the copy."""
        here = await self.here()
        dissected = {one.snapshot for one in await here.dissections() if one.status is c.JobStatus.COMPLETED}
        copies = [one for one in await here.snapshots() if one.id in dissected and one.name.startswith(_NAME)]
        return {one.name.removeprefix(_NAME): one.id for one in reversed(copies)}

    async def _make(self, original: c.Snapshot) -> str:
        here = await self.here()
        scratch = await asyncio.to_thread(_scratch, self._base)
        try:
            sources = await self._fetched(original, scratch)
            objects = scratch / "objects.json"
            objects.write_bytes(orjson.dumps(await self._objects(original)))
            self._tell(original, "packets are here, and are indexed")
            # A Hub of its own for the time of the import: what it is given is its raw capture.
            importer = await asyncio.to_thread(EmbeddedHub, self._root, sources, [objects])
            try:
                copy = await importer.create_snapshot(c.SnapshotRequest(name=f"{_NAME}{original.id}"))
                await _ended(lambda: importer.snapshot(copy.id))
            except CaptureError as error:
                raise HubError(f"The fetched packets could not be used: {error}") from error
            finally:
                await importer.close()
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
        self._tell(original, "calls are dissected")
        await here.start_dissection(copy.id)
        await _ended(lambda: here.dissection(copy.id))
        await self._drop_oldest(here)
        return copy.id

    def _tell(self, original: c.Snapshot, stage: str) -> None:
        self._stage[original.id] = stage

    async def _fetched(self, original: c.Snapshot, scratch: Path) -> list[CaptureSource]:
        """Fetch the packets, of each node apart where there are several: sightings of a call are joined by that."""
        nodes = list(original.nodes)
        if len(nodes) > 1:
            try:
                return [
                    CaptureSource(await self._one(original, [node], scratch, number), node)
                    for number, node in enumerate(nodes)
                ]
            except UnsupportedError:
                pass  # this Hub writes all nodes into one file
        return [CaptureSource(await self._one(original, None, scratch, 0), nodes[0] if len(nodes) == 1 else "cluster")]

    async def _one(self, original: c.Snapshot, nodes: Sequence[str] | None, scratch: Path, number: int) -> Path:
        of_node = f" of node {nodes[0]}" if nodes else ""
        self._tell(original, f"packets{of_node} are being fetched")
        export = await self._hub.export_pcap(
            c.ExportRequest(snapshot_id=original.id, nodes=None if nodes is None else list(nodes))
        )
        path = scratch / f"{number}.pcap"
        await self._hub.fetch_file(export.path, path)
        return path

    async def _objects(self, original: c.Snapshot) -> dict[str, Any]:
        try:
            found = await self._hub.workloads(c.WorkloadQuery(snapshot_id=original.id))
        except KubesharkError:
            return objects_of([])  # addresses stay without names, and the answer says so
        return objects_of(found)

    async def _drop_oldest(self, here: EmbeddedHub) -> None:
        copies = [one for one in await here.snapshots() if one.name.startswith(_NAME)]
        for one in sorted(copies, key=lambda one: one.created_at, reverse=True)[MOST_COPIES:]:
            await here.delete_snapshot(one.id)

    async def close(self) -> None:
        """Stop what is being made, and leave the copies."""
        for task in self._making.values():
            task.cancel()
        await asyncio.gather(*self._making.values(), return_exceptions=True)
        if self._here is not None:
            await self._here.close()


_NAME = "copy of "
_FETCHED = "fetched-"
_STALE_SECONDS = 86_400.0


def _scratch(base: Path) -> Path:
    """Make a folder for fetched packets, and remove those that killed processes left behind."""
    with storing(base):
        for left in base.glob(f"{_FETCHED}*"):
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=_FETCHED, dir=base))


async def _ended(look: Callable[[], Awaitable[J]]) -> J:
    """Wait for a job; raises HubError when it failed."""
    while not (state := await look()).status.ended:
        await asyncio.sleep(_LOOK_SECONDS)
    if state.status is not c.JobStatus.COMPLETED:
        why = state.error if isinstance(state, c.Snapshot) else "; ".join(state.errors)
        raise HubError(f"The fetched packets could not be used: {why or state.status.value}.")
    return state


def objects_of(workloads: Sequence[c.WorkloadRecord]) -> dict[str, Any]:
    """Give workloads as the Kubernetes objects that they stand for, as far as a Hub tells: names, addresses, labels."""
    return {"kind": "List", "apiVersion": "v1", "items": [_object(one) for one in workloads if one.name]}


def _object(one: c.WorkloadRecord) -> dict[str, Any]:
    addresses = [address.ip for address in one.ips]
    metadata = {"name": one.name, "namespace": one.namespace, "labels": one.labels}
    if one.kind.lower() == "service":
        return {"kind": "Service", "metadata": metadata, "spec": {"clusterIPs": addresses}}
    if one.kind.lower() == "node":
        internal = [{"type": "InternalIP", "address": address} for address in addresses]
        return {"kind": "Node", "metadata": metadata, "status": {"addresses": internal}}
    status = {"podIPs": [{"ip": address} for address in addresses]}
    return {"kind": "Pod", "metadata": metadata, "spec": {"nodeName": one.node}, "status": status}
