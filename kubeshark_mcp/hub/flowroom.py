"""L4 flows of the raw capture, of a snapshot, or of a dissection: whatever is there already is used."""

from __future__ import annotations

import base64
import hashlib
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from kubeshark_mcp.errors import ConflictError, HubError, UsageError
from kubeshark_mcp.hub.contract import EmptyReason, FlowPage, FlowQuery, FlowSummary, JobStatus
from kubeshark_mcp.hub.databases import DatabaseRoom
from kubeshark_mcp.hub.dissections import DissectionRoom
from kubeshark_mcp.hub.flows import COLUMNS, SUMMARY_COLUMNS, Flow, collect, summarise
from kubeshark_mcp.hub.jobs import Job, JobBoard, Reporter
from kubeshark_mcp.hub.queries import EntryBase
from kubeshark_mcp.hub.snapshots import SnapshotRoom, captures_in
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.hub.workspace import Workspace, building
from kubeshark_mcp.store.cancelling import check_cancelled

CONNECTIONS = "tcp_conn || udp_conn"
POLL_S = 0.05


class FlowRoom:
    """Answers questions about connections."""

    def __init__(
        self,
        workspace: Workspace,
        board: JobBoard,
        snapshots: SnapshotRoom,
        dissections: DissectionRoom,
        databases: DatabaseRoom,
    ) -> None:
        self._workspace = workspace
        self._board = board
        self._snapshots = snapshots
        self._dissections = dissections
        self._databases = databases

    def page(self, query: FlowQuery, sources: list[CaptureSource], resources: list[Path]) -> FlowPage:
        """Give flows, biggest first."""
        base = self._base(query.snapshot_id, sources, resources)
        flows = collect(base.rows(CONNECTIONS, None, COLUMNS), query)
        mark = _mark(query)
        offset = _read_cursor(query.cursor, mark)
        shown = flows[offset : offset + query.limit]
        more = offset + len(shown) < len(flows)
        return FlowPage(
            flows=[flow.as_dict() for flow in shown],
            total=len(flows),
            cursor=_write_cursor(offset + len(shown), mark) if more else None,
            empty=None if flows else self._why_empty(base, query),
        )

    def summary(self, snapshot_id: str | None, sources: list[CaptureSource], resources: list[Path]) -> FlowSummary:
        """Give the L4 picture as a whole."""
        base = self._base(snapshot_id, sources, resources)
        return summarise(collect(base.rows(CONNECTIONS, None, SUMMARY_COLUMNS)), [])

    def _why_empty(self, base: EntryBase, query: FlowQuery) -> EmptyReason:
        everything: list[Flow] = collect(base.rows(CONNECTIONS, None, COLUMNS))
        if not everything:
            return EmptyReason(code="no_traffic", sentence="The capture holds no TCP or UDP packets.")
        asked = {
            name: value for name in ("l4proto", "ip", "ns", "pod", "svc") if (value := getattr(query, name)) is not None
        }
        conditions = ", ".join(f"{name}={value}" for name, value in asked.items())
        return EmptyReason(
            code="clause",
            sentence=f"None of the {len(everything)} flows has {conditions}.",
            remedy="List the workloads and addresses that there are.",
            tool="list_workloads",
        )

    def _base(self, snapshot_id: str | None, sources: list[CaptureSource], resources: list[Path]) -> EntryBase:
        if snapshot_id is not None:
            folder = self._snapshots.completed(snapshot_id)
            for dissection in self._dissections.of(snapshot_id):
                if dissection.status is JobStatus.COMPLETED:
                    return self._databases.base(dissection)
            sources, resources = captures_in(folder), sorted(folder.glob("resources*.json"))
        if not sources:
            raise UsageError("There is no raw capture here: name some with --pcap FILE, or put it under raw/NODE/.")
        return self._databases.open(self._counted(sources, resources))

    def _counted(self, sources: list[CaptureSource], resources: list[Path]) -> Path:
        """Give the folder with the connection entries of these captures, made by a worker on first use."""
        arguments = {
            "sources": [[str(source.path.resolve()), source.node] for source in sources],
            "resources": [str(path.resolve()) for path in resources],
        }
        stamps = [(p.stat().st_size, p.stat().st_mtime_ns) for p in (*(s.path for s in sources), *resources)]
        digest = hashlib.sha256(orjson.dumps([arguments, stamps])).hexdigest()[:16]
        folder = flows_folder(self._workspace, digest)
        key = f"flows-{digest}"
        started = False
        while not folder.is_dir():
            job = self._board.find(key)
            if job is None or job.status.ended:
                if folder.is_dir():  # completed between the two looks
                    break
                if started and job is not None:
                    raise HubError(f"The connections could not be counted: {job.error}")
                started = True
                with suppress(ConflictError):  # another process was faster: its worker does as well
                    self._board.start(Job(key, "flows", {**arguments, "digest": digest}), self._workspace.root)
            check_cancelled()
            time.sleep(POLL_S)
        if started:
            self._board.forget(key)
        return folder


def flows_folder(workspace: Workspace, digest: str) -> Path:
    """Give the folder for the connections of captures, by what these are."""
    return workspace.index / f"flows-{digest}"


def count_connections(workspace: Workspace, arguments: dict[str, Any], report: Reporter) -> dict[str, Any]:
    """Do the work of a flows job."""
    from kubeshark_mcp.hub.pipeline import Pipeline, Run

    sources = [CaptureSource(Path(path), node) for path, node in arguments["sources"]]
    run = Run(sources, [Path(path) for path in arguments["resources"]], layer4_only=True)
    with building(flows_folder(workspace, arguments["digest"])) as target:
        outcome = Pipeline(run, target, lambda fraction, stats: report(fraction, asdict(stats))).dissect()
    return asdict(outcome)


def _mark(query: FlowQuery) -> str:
    asked = query.model_dump_json(exclude={"limit", "cursor"})
    return hashlib.sha256(asked.encode()).hexdigest()[:12]


def _write_cursor(offset: int, mark: str) -> str:
    return base64.urlsafe_b64encode(f"{mark}:{offset}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None, mark: str) -> int:
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        found, _, offset = text.partition(":")
        position = int(offset)
    except ValueError as error:
        raise UsageError(f"{cursor[:40]!r} is not a cursor: use the one that the page before gave.") from error
    if found != mark or position < 0:
        raise UsageError(f"The cursor {cursor[:40]!r} belongs to another question: repeat the one that gave it.")
    return position
