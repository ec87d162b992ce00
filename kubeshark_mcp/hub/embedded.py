"""The embedded Hub: answers from capture files on this machine, with nothing else needed."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubeshark_mcp import __version__
from kubeshark_mcp.errors import UnsupportedError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import contract_analysis as a
from kubeshark_mcp.hub import contract_views as v
from kubeshark_mcp.hub.cloud.answers import CloudAnswers
from kubeshark_mcp.hub.contract_filters import FieldUse, FilterCheck, FilterPlan
from kubeshark_mcp.hub.jobs import JobBoard
from kubeshark_mcp.hub.threaded import threaded
from kubeshark_mcp.hub.workspace import Workspace

if TYPE_CHECKING:
    # The rooms bring numpy, pyarrow and duckdb with them: each is imported by the first question that needs it, so
    # that a server starts as fast as the SDK alone.
    from kubeshark_mcp.hub.analysis import AnalysisRoom
    from kubeshark_mcp.hub.calls import CallRoom
    from kubeshark_mcp.hub.cloud.room import CloudRoom
    from kubeshark_mcp.hub.cutting import CuttingRoom
    from kubeshark_mcp.hub.databases import DatabaseRoom
    from kubeshark_mcp.hub.dissections import DissectionRoom
    from kubeshark_mcp.hub.files import FileRoom
    from kubeshark_mcp.hub.filters import FilterRoom
    from kubeshark_mcp.hub.flowroom import FlowRoom
    from kubeshark_mcp.hub.queries import Language
    from kubeshark_mcp.hub.snapshots import SnapshotRoom
    from kubeshark_mcp.hub.sources import CaptureSource
    from kubeshark_mcp.hub.views import ViewRoom
    from kubeshark_mcp.hub.who import WorkloadRoom
    from kubeshark_mcp.model.field import Field


class EmbeddedHub(CloudAnswers):
    """A Hub over a workspace folder and the captures it was given."""

    def __init__(
        self,
        workspace: Path,
        sources: Sequence[CaptureSource] = (),
        resources: Sequence[Path] = (),
        settings: dict[str, Any] | None = None,
        keep_duplicates: bool = False,
        key_logs: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._workspace = Workspace(workspace)
        self._given = list(sources)
        self._resources = list(resources)
        for source in self._given:
            if not source.path.is_file():
                raise UsageError(f"The capture {str(source.path)!r} is not a file that can be read: check the path.")
        self._key_logs = list(key_logs)
        for path in self._key_logs:
            if not path.is_file():
                raise UsageError(f"The key log {str(path)!r} is not a file that can be read: check the path.")
        self._settings = settings or {}
        self._keep_duplicates = keep_duplicates
        self._cloud_environment = os.environ if environment is None else environment
        self._board = JobBoard(self._workspace.jobs, environment)

    @functools.cached_property
    def _snapshots(self) -> SnapshotRoom:
        from kubeshark_mcp.hub.snapshots import SnapshotRoom

        return SnapshotRoom(self._workspace, self._board)

    @functools.cached_property
    def _dissections(self) -> DissectionRoom:
        from kubeshark_mcp.hub.dissections import DissectionRoom

        return DissectionRoom(self._workspace, self._board, self._snapshots)

    @functools.cached_property
    def _files(self) -> FileRoom:
        from kubeshark_mcp.hub.files import FileRoom

        return FileRoom(self._workspace, self._snapshots)

    @functools.cached_property
    def _language(self) -> Language:
        from kubeshark_mcp.dissect.discovery import load_protocols
        from kubeshark_mcp.hub.queries import Language

        return Language(load_protocols())

    @functools.cached_property
    def _databases(self) -> DatabaseRoom:
        from kubeshark_mcp.hub.databases import DatabaseRoom

        return DatabaseRoom(self._workspace, self._snapshots, self._dissections, self._language)

    @functools.cached_property
    def _calls(self) -> CallRoom:
        from kubeshark_mcp.hub.calls import CallRoom

        return CallRoom(self._databases, self._snapshots, self._keep_duplicates)

    @functools.cached_property
    def _flows(self) -> FlowRoom:
        from kubeshark_mcp.hub.flowroom import FlowRoom

        return FlowRoom(self._workspace, self._board, self._snapshots, self._dissections, self._databases)

    @functools.cached_property
    def _filters(self) -> FilterRoom:
        from kubeshark_mcp.hub.filters import FilterRoom

        return FilterRoom(self._language, self._databases)

    @functools.cached_property
    def _workloads(self) -> WorkloadRoom:
        from kubeshark_mcp.hub.who import WorkloadRoom

        return WorkloadRoom(self._snapshots)

    @functools.cached_property
    def _analysis(self) -> AnalysisRoom:
        from kubeshark_mcp.hub.analysis import AnalysisRoom

        return AnalysisRoom(self._workspace, self._databases, self._snapshots, self._calls.stats)

    @functools.cached_property
    def _views(self) -> ViewRoom:
        from kubeshark_mcp.hub.views import ViewRoom

        return ViewRoom(self._analysis)

    @functools.cached_property
    def _cutting(self) -> CuttingRoom:
        from kubeshark_mcp.hub.cutting import CuttingRoom

        return CuttingRoom(self._workspace, self._databases, self._snapshots)

    @functools.cached_property
    def _cloud(self) -> CloudRoom:
        from kubeshark_mcp.hub.cloud.room import CloudRoom

        return CloudRoom(self._workspace, self._board, self._snapshots, self._cloud_environment)

    def redaction_key(self) -> bytes:
        """Give the key of redaction hashes: the same secret shows the same hash in every answer of this workspace."""
        return self._workspace.redaction_key()

    def _sources(self) -> list[CaptureSource]:
        from kubeshark_mcp.hub.sources import raw_sources

        return raw_sources(self._workspace, self._given)

    def _resource_files(self) -> list[Path]:
        from kubeshark_mcp.hub.sources import resource_files

        return resource_files(self._sources(), self._resources)

    @threaded
    def status(self) -> c.Status:
        """Say what captures there are and what can be done next."""
        sources, snapshots = self._sources(), self._snapshots.all()
        dissections = self._dissections.all()
        steps = []
        if not sources and not snapshots:
            steps.append("There is no capture: start the server with --pcap FILE, or put captures under raw/NODE/.")
        elif not snapshots:
            steps.append("Look at the time window of the raw capture, create a snapshot of it, then dissect that.")
        elif not dissections:
            steps.append("Start a dissection of a snapshot: it never starts by itself.")
        else:
            steps.append("List or count the calls of a dissection.")
        resources = [str(path) for path in self._resource_files()]
        details = {
            "captures": [f"{source.node}: {source.path}" for source in sources],
            "kubernetes objects": resources or "none (addresses stay unnamed: pass --resources FILE)",
            "snapshots": len(snapshots),
            "dissections": len(dissections),
        }
        return c.Status(
            running=True,
            kind="embedded",
            location=str(self._workspace.root),
            version=__version__,
            details=details,
            next_steps=steps,
        )

    @threaded
    def close(self) -> None:
        """Stop workers and release files."""
        self._board.close()
        if "_databases" in self.__dict__:
            self._databases.close()

    @threaded
    def data_boundaries(self) -> c.Boundaries:
        """Give the window of each node's raw capture."""
        from kubeshark_mcp.hub.boundaries import of_captures

        return of_captures(self._workspace, self._sources())

    @threaded
    def l7_boundaries(self) -> c.Boundaries:
        """Give the window of the newest dissection's entries."""
        from kubeshark_mcp.hub.boundaries import of_entries

        return of_entries(self._databases)

    @threaded
    def create_snapshot(self, request: c.SnapshotRequest) -> c.Snapshot:
        """Begin to copy a window of the raw capture."""
        return self._snapshots.create(request, self._sources(), self._resource_files(), self._key_logs)

    @threaded
    def snapshot(self, snapshot_id: str) -> c.Snapshot:
        """Give one snapshot."""
        return self._snapshots.get(snapshot_id)

    @threaded
    def snapshots(self) -> list[c.Snapshot]:
        """Give all snapshots."""
        return self._snapshots.all()

    @threaded
    def delete_snapshot(self, snapshot_id: str) -> c.Deleted:
        """Delete a snapshot with its dissections."""
        self._snapshots.get(snapshot_id)
        self._dissections.forget_all(snapshot_id)
        self._snapshots.delete(snapshot_id)
        return c.Deleted(success=True, id=snapshot_id)

    @threaded
    def export_pcap(self, request: c.ExportRequest) -> c.Export:
        """Write packets of a snapshot as a capture file of the workspace."""
        return self._files.export(request)

    @threaded
    def start_dissection(self, snapshot_id: str, name: str | None = None) -> c.Dissection:
        """Start a worker that dissects."""
        return self._dissections.start(snapshot_id, name, self._settings)

    @threaded
    def dissection(self, snapshot_id: str, name: str | None = None) -> c.Dissection:
        """Give the state of a dissection."""
        return self._dissections.get(snapshot_id, name)

    @threaded
    def dissections(self, snapshot_id: str | None = None) -> list[c.Dissection]:
        """Give the dissections of one snapshot or of all."""
        if snapshot_id is None:
            return self._dissections.all()
        self._snapshots.get(snapshot_id)
        return self._dissections.of(snapshot_id)

    @threaded
    def stop_dissection(self, snapshot_id: str, name: str) -> c.Deleted:
        """Ask a worker to stop."""
        self._dissections.stop(snapshot_id, name)
        return c.Deleted(success=True, id=f"{snapshot_id}/{name}")

    @threaded
    def delete_dissection(self, snapshot_id: str, name: str) -> c.Deleted:
        """Delete the entries of a dissection."""
        self._dissections.delete(snapshot_id, name)
        return c.Deleted(success=True, id=f"{snapshot_id}/{name}")

    @threaded
    def databases(self) -> list[c.Database]:
        """Give what can be queried."""
        return self._databases.all()

    async def edition(self, database: str) -> str:
        """Identify the entries of a dissection that was asked about; a look at five files is not worth a thread."""
        return self._databases.edition(database) if "_databases" in self.__dict__ else ""

    @threaded
    def workloads(self, query: c.WorkloadQuery) -> list[c.WorkloadRecord]:
        """Give workloads."""
        return self._workloads.workloads(query, self._resource_files())

    @threaded
    def addresses(self, query: c.WorkloadQuery) -> list[c.AddressEntry]:
        """Give addresses."""
        return self._workloads.addresses(query, self._resource_files())

    async def calls(self, query: c.CallQuery) -> c.CallPage:
        """Give a page of entries, in a thread unless that would take longer than the page."""
        at_once = self._calls.page_at_once(query) if "_calls" in self.__dict__ else None
        return at_once or await self._page(query)

    @threaded
    def _page(self, query: c.CallQuery) -> c.CallPage:
        return self._calls.page(query)

    @threaded
    def call(self, request: c.CallRequest) -> c.CallDetail:
        """Give one entry in full."""
        return self._calls.one(request)

    @threaded
    def stats(self, query: c.StatsQuery) -> c.Stats:
        """Give numbers over entries."""
        return self._calls.stats(query)

    @threaded
    def flows(self, query: c.FlowQuery) -> c.FlowPage:
        """Give L4 flows."""
        return self._flows.page(query, self._sources(), self._resource_files())

    @threaded
    def flow_summary(self, snapshot_id: str | None = None) -> c.FlowSummary:
        """Give the L4 picture."""
        return self._flows.summary(snapshot_id, self._sources(), self._resource_files())

    @threaded
    def diagnose(self, query: a.DiagnosisQuery) -> a.Diagnosis:
        """Say what is abnormal."""
        return self._analysis.diagnose(query)

    @threaded
    def verify_claim(self, query: a.ClaimQuery) -> a.Verified:
        """Check a claim."""
        return self._analysis.verify(query)

    @threaded
    def compare(self, query: v.ComparisonQuery) -> v.Comparison:
        """Say what differs between two times."""
        return self._views.compare(query)

    @threaded
    def trace_call(self, query: v.TraceQuery) -> v.Trace:
        """Follow one call through services."""
        return self._views.trace(query)

    @threaded
    def service_map(self, query: v.MapQuery) -> v.ServiceMap:
        """Say who calls whom."""
        return self._views.service_map(query)

    @threaded
    def timeline(self, query: v.TimelineQuery) -> v.Timeline:
        """Say what happened, in order."""
        return self._views.timeline(query)

    @threaded
    def cut_evidence(self, request: v.CutRequest) -> v.Cut:
        """Write the smallest capture that still shows some entries."""
        return self._cutting.cut(request)

    @threaded
    def source_of(self, handle: str) -> v.Source:
        """Say where an entry was read."""
        return self._cutting.source(handle)

    async def dissection_enabled(self) -> bool:
        """Tell that captures are dissected on request only."""
        return False

    async def set_dissection_enabled(self, enabled: bool) -> bool:
        """Refuse to dissect continuously: captures on this machine do not grow."""
        if enabled:
            raise UnsupportedError(
                "This Hub answers from finished captures, so there is nothing to dissect as it arrives: "
                "create a snapshot and start its dissection instead."
            )
        return False

    async def file_url(self, path: str) -> str:
        """Give the file's own URL on this machine."""
        return self._files.url(path)

    @threaded
    def fetch_file(self, path: str, destination: Path) -> int:
        """Copy an exported file."""
        return self._files.copy(path, destination)

    async def fields(self) -> list[Field]:
        """Give every KFL field."""
        return list(self._language.fields)

    @threaded
    def check_filter(self, kfl: str, database: str | None = None) -> FilterCheck:
        """Check a filter."""
        return self._filters.check(kfl, database)

    @threaded
    def explain_filter(self, kfl: str, database: str | None = None) -> FilterPlan:
        """Explain a filter."""
        return self._filters.explain(kfl, database)

    @threaded
    def field_use(self, names: list[str], database: str | None = None) -> list[FieldUse]:
        """Tell how fields are filled."""
        return self._filters.use(names, database)
