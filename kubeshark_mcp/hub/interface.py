"""What every Hub can be asked; EmbeddedHub and RemoteHub implement it, toolsets use nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from kubeshark_mcp.errors import NotFoundError, UnsupportedError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import contract_analysis as a
from kubeshark_mcp.hub import contract_views as v
from kubeshark_mcp.hub.contract_cloud import CloudJob, CloudStatus
from kubeshark_mcp.hub.contract_filters import FieldUse, FilterCheck, FilterPlan
from kubeshark_mcp.hub.contract_remote import HubPrompt, HubTools, Outcome, Plan, StartRequest
from kubeshark_mcp.model.field import Field

NO_ENTRIES = "This Hub cannot {}: export a PCAP of the snapshot and open it with --pcap."
"""What a Hub says that lists entries, but does not hand them out."""
NO_CLOUD = "This Hub has no cloud storage to {}: copy the workspace's folder, or export a PCAP, instead."
"""What a Hub says that keeps its snapshots where they are."""


class Hub(ABC):
    """A source of answers about traffic. All methods may raise errors of `kubeshark_mcp.errors` and nothing else.

    Methods are coroutines; an implementation that blocks runs its work in a thread. Cancelling a call stops its work.
    """

    @abstractmethod
    async def status(self) -> c.Status:
        """Say what this Hub is, whether it answers, and what can be done next."""

    @abstractmethod
    async def close(self) -> None:
        """Release files, threads and connections; running jobs are marked as interrupted."""

    @abstractmethod
    async def data_boundaries(self) -> c.Boundaries:
        """Give the time window of the raw capture (L4), by node."""

    @abstractmethod
    async def l7_boundaries(self) -> c.Boundaries:
        """Give the time window of dissected entries (L7), by node."""

    @abstractmethod
    async def create_snapshot(self, request: c.SnapshotRequest) -> c.Snapshot:
        """Begin to keep a part of the raw capture."""

    @abstractmethod
    async def snapshot(self, snapshot_id: str) -> c.Snapshot:
        """Give one snapshot."""

    @abstractmethod
    async def snapshots(self) -> list[c.Snapshot]:
        """Give all snapshots, newest first."""

    @abstractmethod
    async def delete_snapshot(self, snapshot_id: str) -> c.Deleted:
        """Delete a snapshot with its dissections."""

    @abstractmethod
    async def export_pcap(self, request: c.ExportRequest) -> c.Export:
        """Write the asked-for packets of a snapshot as a capture file."""

    @abstractmethod
    async def start_dissection(self, snapshot_id: str, name: str | None = None) -> c.Dissection:
        """Begin to dissect a snapshot."""

    @abstractmethod
    async def dissection(self, snapshot_id: str, name: str | None = None) -> c.Dissection:
        """Give the state of a dissection."""

    @abstractmethod
    async def dissections(self, snapshot_id: str | None = None) -> list[c.Dissection]:
        """Give all dissections, of one snapshot or of all."""

    @abstractmethod
    async def stop_dissection(self, snapshot_id: str, name: str) -> c.Deleted:
        """Cancel a running dissection."""

    @abstractmethod
    async def delete_dissection(self, snapshot_id: str, name: str) -> c.Deleted:
        """Delete the entries of a dissection."""

    @abstractmethod
    async def databases(self) -> list[c.Database]:
        """Give what can be queried."""

    @abstractmethod
    async def workloads(self, query: c.WorkloadQuery) -> list[c.WorkloadRecord]:
        """Give workloads with their addresses."""

    @abstractmethod
    async def addresses(self, query: c.WorkloadQuery) -> list[c.AddressEntry]:
        """Give addresses with the workloads that had them."""

    @abstractmethod
    async def calls(self, query: c.CallQuery) -> c.CallPage:
        """Give entries that match."""

    @abstractmethod
    async def call(self, request: c.CallRequest) -> c.CallDetail:
        """Give one entry in full."""

    @abstractmethod
    async def stats(self, query: c.StatsQuery) -> c.Stats:
        """Give counts, error rates and latency percentiles."""

    @abstractmethod
    async def flows(self, query: c.FlowQuery) -> c.FlowPage:
        """Give L4 flows."""

    @abstractmethod
    async def flow_summary(self, snapshot_id: str | None = None) -> c.FlowSummary:
        """Give the L4 picture as a whole."""

    @abstractmethod
    async def dissection_enabled(self) -> bool:
        """Tell whether new raw capture is dissected as it arrives."""

    @abstractmethod
    async def set_dissection_enabled(self, enabled: bool) -> bool:
        """Switch dissection of new raw capture on or off; gives the new state."""

    @abstractmethod
    async def file_url(self, path: str) -> str:
        """Give the full URL of a file whose relative path this Hub returned."""

    @abstractmethod
    async def fetch_file(self, path: str, destination: Path) -> int:
        """Copy such a file to `destination` (written under a temporary name, renamed when whole); gives its size."""

    @abstractmethod
    async def fields(self) -> list[Field]:
        """Give every KFL field that this Hub knows."""

    @abstractmethod
    async def check_filter(self, kfl: str, database: str | None = None) -> FilterCheck:
        """Say whether a filter is valid, against the fields that a database has where one is named."""

    @abstractmethod
    async def explain_filter(self, kfl: str, database: str | None = None) -> FilterPlan:
        """Say how a filter runs on a database and what each clause leaves."""

    @abstractmethod
    async def field_use(self, names: list[str], database: str | None = None) -> list[FieldUse]:
        """Say how often fields are filled in a database, and with what."""

    async def edition(self, database: str) -> str:
        """Give what stays the same exactly as long as the calls of a database do, named in full; "" if nobody can tell.

        Cheap, for whoever keeps answers; it is no question, so it is neither recorded nor asked of a Hub elsewhere.
        """
        return ""

    # Analysis needs the entries themselves: a Hub that only lists them has none.

    async def diagnose(self, query: a.DiagnosisQuery) -> a.Diagnosis:
        """Say what is abnormal, the likeliest cause first."""
        raise UnsupportedError(NO_ENTRIES.format("diagnose"))

    async def verify_claim(self, query: a.ClaimQuery) -> a.Verified:
        """Check a claim about entries."""
        raise UnsupportedError(NO_ENTRIES.format("check claims"))

    async def compare(self, query: v.ComparisonQuery) -> v.Comparison:
        """Say what differs between two times."""
        raise UnsupportedError(NO_ENTRIES.format("compare times"))

    async def trace_call(self, query: v.TraceQuery) -> v.Trace:
        """Follow one call through services."""
        raise UnsupportedError(NO_ENTRIES.format("follow a call"))

    async def service_map(self, query: v.MapQuery) -> v.ServiceMap:
        """Say who calls whom."""
        raise UnsupportedError(NO_ENTRIES.format("draw the service map"))

    async def timeline(self, query: v.TimelineQuery) -> v.Timeline:
        """Say what happened, in order."""
        raise UnsupportedError(NO_ENTRIES.format("tell the timeline"))

    async def cut_evidence(self, request: v.CutRequest) -> v.Cut:
        """Write the smallest capture that still shows some entries."""
        raise UnsupportedError(NO_ENTRIES.format("cut evidence out"))

    async def source_of(self, handle: str) -> v.Source:
        """Say where an entry was read: its packets, and the SHA-256 of their capture file."""
        raise UnsupportedError(NO_ENTRIES.format("name the packets of an entry"))

    # Snapshots in object storage.

    async def cloud_status(self) -> CloudStatus:
        """Say whether object storage is set up and answers, and which snapshots lie there."""
        raise UnsupportedError(NO_CLOUD.format("ask"))

    async def upload_snapshot(self, snapshot_id: str) -> CloudJob:
        """Begin to copy a completed snapshot into the storage."""
        raise UnsupportedError(NO_CLOUD.format("upload to"))

    async def download_snapshot(self, snapshot_id: str) -> CloudJob:
        """Begin to copy a snapshot that is not here from the storage."""
        raise UnsupportedError(NO_CLOUD.format("download from"))

    async def cloud_job(self, job_id: str) -> CloudJob:
        """Give the state of such a job."""
        raise UnsupportedError(NO_CLOUD.format("copy to or from"))

    # What follows only Hubs elsewhere have; the answers here are those of a Hub on this machine.

    async def status_in(self, release_namespace: str) -> c.Status:
        """Say what the Kubeshark in a namespace of the cluster is."""
        location = (await self.status()).location
        raise UsageError(
            f'release_namespace "{release_namespace}" means a Kubeshark in a cluster, but this server reads '
            f"captures on this machine ({location}); leave it out."
        )

    async def tools(self) -> HubTools:
        """Give which of our tools this Hub cannot answer, and which it has beside them. Never fails."""
        return HubTools()

    async def call_tool(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Call a tool that only this Hub has; gives its JSON value."""
        raise NotFoundError(f'This Hub has no tool "{name}" of its own.')

    async def prompts(self) -> list[HubPrompt]:
        """Give the prompts that this Hub has. Never fails."""
        return []

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> str:
        """Give the text of a prompt of this Hub, with its arguments in it."""
        raise NotFoundError(f'This Hub has no prompt "{name}".')

    async def plan_start(self, request: StartRequest) -> Plan:
        """Say what starting Kubeshark would do; changes nothing."""
        raise UnsupportedError("There is no cluster to start Kubeshark in: run the server with --cluster.")

    async def plan_stop(self, release_namespace: str | None = None) -> Plan:
        """Say what stopping Kubeshark would do; changes nothing."""
        raise UnsupportedError("There is no cluster to stop Kubeshark in: run the server with --cluster.")

    async def carry_out(self, plan: Plan, report: Callable[[float, float | None, str], Awaitable[None]]) -> Outcome:
        """Do what a plan says. report: gets progress (done, total, message). Cancelling ends the work."""
        raise UnsupportedError("There is no cluster to change: run the server with --cluster.")
