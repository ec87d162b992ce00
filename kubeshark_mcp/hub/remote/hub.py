"""RemoteHub: a Kubeshark Hub elsewhere, asked over HTTP by what it says it has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubeshark_mcp.errors import KubesharkError, NotFoundError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.contract_cloud import CloudJob, CloudStatus
from kubeshark_mcp.hub.contract_filters import FieldUse, FilterCheck, FilterPlan
from kubeshark_mcp.hub.contract_remote import HubPrompt, HubTools
from kubeshark_mcp.hub.remote import call_readings as calls
from kubeshark_mcp.hub.remote import cloud_readings as cloud
from kubeshark_mcp.hub.remote import reading as r
from kubeshark_mcp.hub.remote import snapshot_readings as snapshots
from kubeshark_mcp.hub.remote.analysis import RemoteAnalysis
from kubeshark_mcp.hub.remote.asking import Asking
from kubeshark_mcp.hub.remote.client import HubClient
from kubeshark_mcp.hub.remote.discovery import Discovery, prompt_text
from kubeshark_mcp.hub.remote.download import Download, file_path
from kubeshark_mcp.hub.remote.entries import Entries
from kubeshark_mcp.hub.remote.extras import checked_arguments, hub_tools
from kubeshark_mcp.hub.remote.failures import shown_url
from kubeshark_mcp.hub.remote.pages import preferred_format
from kubeshark_mcp.hub.remote.reading import reading

if TYPE_CHECKING:
    from kubeshark_mcp.model.field import Field

KFL_ARGUMENTS = ("kfl", "kfl_filter")
"""Names under which a tool that only the Hub has may take a filter."""


class RemoteHub(RemoteAnalysis):
    """A Hub over HTTP. client: the way to it. Nothing is asked before the first question, unless `check` is called."""

    kind = "remote"

    def __init__(self, client: HubClient, asking: Asking | None = None) -> None:
        self._client = client
        self._asking = asking or Asking(client)
        self._entries = Entries(self._asking)
        self._download = Download(client)

    async def check(self) -> None:
        """Make sure that the Hub answers; raises HubError otherwise. For the start, in an event loop of its own."""
        try:
            await self._asking.check()
        finally:
            await self._client.hang_up()

    async def close(self) -> None:
        """Leave the Hub."""
        await self._client.close()

    async def status(self) -> c.Status:
        """Say whether the Hub answers, what it is and what it can do."""
        access = self._client.access
        warnings = access.warnings()
        try:
            found = await self._asking.check()
        except KubesharkError as error:
            details = {"problem": str(error), **({"warning": "; ".join(warnings)} if warnings else {})}
            return c.Status(running=False, kind=self.kind, location=access.location, version="", details=details)
        details = {"Hub": found.name, **self._tool_details(found)}
        details |= {"warning": "; ".join(warnings)} if warnings else {}
        return c.Status(
            running=True,
            kind=self.kind,
            location=access.location,
            version=found.version,
            details=details,
            next_steps=await self._next_steps(),
        )

    def _tool_details(self, found: Discovery) -> dict[str, Any]:
        tools = hub_tools(found)
        return {
            "tools": len(found.tools),
            **({"of this Hub alone": ", ".join(tool.name for tool in tools.extra)} if tools.extra else {}),
            **({"prompts": len(found.prompts)} if found.prompts else {}),
        }

    async def _next_steps(self) -> list[str]:
        try:
            enabled = await self.dissection_enabled()
        except KubesharkError:
            return ["Look at the time windows of raw capture (L4) and of dissected calls (L7) first."]
        if enabled:
            return ["New capture is dissected as it arrives: look at its time window (L7), then list or count calls."]
        return ["Dissection of new capture is off: create a snapshot of the raw capture and dissect that."]

    async def tools(self) -> HubTools:
        """Give how the Hub's tools differ from ours; what was known last where it does not answer."""
        try:
            return hub_tools(await self._asking.discovery())
        except KubesharkError:
            return HubTools() if self._asking.known is None else hub_tools(self._asking.known)

    async def call_tool(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Call a tool of the Hub by its own form; a filter among the arguments is checked first."""
        discovery = await self._asking.discovery()
        extra = {tool.name: tool for tool in hub_tools(discovery).extra}
        if name not in extra:
            raise NotFoundError(f'This Hub has no tool "{name[:80]}" of its own. It has: {", ".join(extra) or "none"}.')
        checked = checked_arguments(discovery.tools[name], arguments)
        for argument in KFL_ARGUMENTS:
            if isinstance(checked.get(argument), str):
                await self._entries.compiled(checked[argument])
        return await self._asking.call(name, checked, read=extra[name].read_only)

    async def prompts(self) -> list[HubPrompt]:
        """Give the Hub's prompts; those known last where it does not answer."""
        try:
            return list((await self._asking.discovery()).prompts)
        except KubesharkError:
            return [] if self._asking.known is None else list(self._asking.known.prompts)

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> str:
        """Give the text of a prompt, with its arguments in it."""
        return prompt_text(await self._asking.discovery(), name, arguments)

    async def data_boundaries(self) -> c.Boundaries:
        """Give the window of raw capture."""
        with reading("get_data_boundaries", answer := await self._asking.ask("get_data_boundaries")):
            return snapshots.boundaries(answer, "get_data_boundaries")

    async def l7_boundaries(self) -> c.Boundaries:
        """Give the window of dissected entries."""
        with reading("get_l7_data_boundaries", answer := await self._asking.ask("get_l7_data_boundaries")):
            return snapshots.boundaries(answer, "get_l7_data_boundaries")

    async def create_snapshot(self, request: c.SnapshotRequest) -> c.Snapshot:
        """Begin a snapshot."""
        answer = await self._asking.ask(
            "create_snapshot",
            name=request.name,
            start=request.start,
            end=request.end,
            duration=None if request.duration_seconds is None else _duration(request.duration_seconds),
            nodes=request.nodes,
        )
        with reading("create_snapshot", answer):
            return snapshots.snapshot(answer, "create_snapshot", request)

    async def snapshot(self, snapshot_id: str) -> c.Snapshot:
        """Give one snapshot."""
        with reading("get_snapshot", answer := await self._asking.ask("get_snapshot", snapshot=snapshot_id)):
            return snapshots.snapshot(answer, "get_snapshot")

    async def snapshots(self) -> list[c.Snapshot]:
        """Give all snapshots."""
        with reading("list_snapshots", answer := await self._asking.ask("list_snapshots")):
            return snapshots.snapshots(answer)

    async def delete_snapshot(self, snapshot_id: str) -> c.Deleted:
        """Delete a snapshot."""
        answer = await self._asking.ask("delete_snapshot", snapshot=snapshot_id)
        return snapshots.done(answer, "delete_snapshot", snapshot_id)

    async def export_pcap(self, request: c.ExportRequest) -> c.Export:
        """Have packets written as a capture file."""
        answer = await self._asking.ask(
            "export_snapshot_pcap",
            snapshot=request.snapshot_id,
            nodes=request.nodes,
            bpf=request.bpf_filter,
            start=request.start,
            end=request.end,
        )
        with reading("export_snapshot_pcap", answer):
            return snapshots.export(answer)

    async def start_dissection(self, snapshot_id: str, name: str | None = None) -> c.Dissection:
        """Begin a dissection."""
        tool = "start_snapshot_dissection"
        with reading(tool, answer := await self._asking.ask(tool, snapshot=snapshot_id, name=name)):
            return snapshots.dissection(answer, tool, snapshot_id)

    async def dissection(self, snapshot_id: str, name: str | None = None) -> c.Dissection:
        """Give the state of a dissection."""
        tool = "get_snapshot_dissection_status"
        with reading(tool, answer := await self._asking.ask(tool, snapshot=snapshot_id, name=name)):
            return snapshots.dissection(answer, tool, snapshot_id)

    async def dissections(self, snapshot_id: str | None = None) -> list[c.Dissection]:
        """Give dissections, of one snapshot or of all."""
        tool = "list_snapshot_dissections"
        with reading(tool, answer := await self._asking.ask(tool, snapshot=snapshot_id)):
            found = snapshots.dissections(answer)
        return [one for one in found if snapshot_id is None or one.snapshot in {snapshot_id, ""}]

    async def stop_dissection(self, snapshot_id: str, name: str) -> c.Deleted:
        """Cancel a dissection."""
        answer = await self._asking.ask("stop_snapshot_dissection", snapshot=snapshot_id, name=name)
        return snapshots.done(answer, "stop_snapshot_dissection", f"{snapshot_id}/{name}")

    async def delete_dissection(self, snapshot_id: str, name: str) -> c.Deleted:
        """Delete a dissection."""
        answer = await self._asking.ask("delete_snapshot_dissection", snapshot=snapshot_id, name=name)
        return snapshots.done(answer, "delete_snapshot_dissection", f"{snapshot_id}/{name}")

    async def databases(self) -> list[c.Database]:
        """Give what can be queried."""
        with reading("list_databases", answer := await self._asking.ask("list_databases")):
            return snapshots.databases(answer)

    async def workloads(self, query: c.WorkloadQuery) -> list[c.WorkloadRecord]:
        """Give workloads."""
        given = {"snapshot" if name == "snapshot_id" else name: getattr(query, name) for name in _WORKLOADS}
        with reading("list_workloads", answer := await self._asking.ask("list_workloads", **given)):
            return snapshots.workloads(answer)

    async def addresses(self, query: c.WorkloadQuery) -> list[c.AddressEntry]:
        """Give addresses."""
        given = {"snapshot" if name == "snapshot_id" else name: getattr(query, name) for name in _ADDRESSES}
        with reading("list_ips", answer := await self._asking.ask("list_ips", **given)):
            return snapshots.addresses(answer)

    async def calls(self, query: c.CallQuery) -> c.CallPage:
        """Give a page of calls; a filter that is wrong never reaches the Hub."""
        return await self._entries.page(query)

    async def call(self, request: c.CallRequest) -> c.CallDetail:
        """Give one call in full."""
        return await self._entries.one(request)

    async def stats(self, query: c.StatsQuery) -> c.Stats:
        """Give numbers over calls."""
        return await self._entries.stats(query)

    async def flows(self, query: c.FlowQuery) -> c.FlowPage:
        """Give L4 flows."""
        declared = await self._asking.has("list_l4_flows")
        own = declared is not None and (not declared.declares or "cursor" in declared.properties)
        offset = 0
        if query.cursor is not None and not own:
            if not query.cursor.isdigit() or int(query.cursor) >= _MOST_FLOWS:
                raise UsageError(
                    f"cursor {query.cursor[:40]!r} is none of this tool: narrow by ns, pod, svc or ip instead."
                )
            offset = int(query.cursor)
        answer = await self._asking.ask(
            "list_l4_flows",
            format=preferred_format(declared, "full"),
            **{name: getattr(query, name) for name in ("aggregate", "l4proto", "ip", "ns", "pod", "svc")},
            limit=min(_MOST_FLOWS, offset + query.limit),
            snapshot=query.snapshot_id,
            cursor=query.cursor if own else None,
        )
        with reading("list_l4_flows", answer):
            return calls.flow_page(answer, query.limit, offset)

    async def flow_summary(self, snapshot_id: str | None = None) -> c.FlowSummary:
        """Give the L4 picture."""
        tool = "get_l4_flow_summary"
        with reading(tool, answer := await self._asking.ask(tool, snapshot=snapshot_id)):
            return calls.flow_summary(answer)

    async def cloud_status(self) -> CloudStatus:
        """Say what there is in the Hub's object storage."""
        tool = "get_cloud_storage_status"
        with reading(tool, answer := await self._asking.ask(tool)):
            return cloud.status(answer)

    async def upload_snapshot(self, snapshot_id: str) -> CloudJob:
        """Begin an upload."""
        tool = "upload_snapshot_to_cloud"
        with reading(tool, answer := await self._asking.ask(tool, snapshot=snapshot_id)):
            return cloud.job(answer, tool, snapshot_id, "upload")

    async def download_snapshot(self, snapshot_id: str) -> CloudJob:
        """Begin a download."""
        tool = "download_snapshot_from_cloud"
        with reading(tool, answer := await self._asking.ask(tool, snapshot=snapshot_id)):
            return cloud.job(answer, tool, snapshot_id, "download")

    async def cloud_job(self, job_id: str) -> CloudJob:
        """Give the state of a transfer."""
        tool = "get_cloud_job_status"
        with reading(tool, answer := await self._asking.ask(tool, job=job_id)):
            return cloud.job(answer, tool)

    async def dissection_enabled(self) -> bool:
        """Tell whether new capture is dissected."""
        answer = await self._asking.ask("get_dissection_status")
        found = r.flag(answer)
        if found is None:
            raise r.unknown(answer, "get_dissection_status", "no enabled in it")
        return found

    async def set_dissection_enabled(self, enabled: bool) -> bool:
        """Switch dissection of new capture."""
        answer = await self._asking.ask("enable_dissection" if enabled else "disable_dissection")
        found = r.flag(answer)
        return enabled if found is None else found

    async def file_url(self, path: str) -> str:
        """Give the full URL of a file, without any credential."""
        base = await self._client.access.base()
        below = file_path(path, base)
        return shown_url(base) + below

    async def fetch_file(self, path: str, destination: Path) -> int:
        """Download a file."""
        return await self._download.to(path, destination)

    async def fields(self) -> list[Field]:
        """Give the KFL fields that are known here."""
        return list((await self._entries.filters()).fields)

    async def check_filter(self, kfl: str, database: str | None = None) -> FilterCheck:
        """Check a filter here."""
        return (await self._entries.filters()).check(kfl)

    async def explain_filter(self, kfl: str, database: str | None = None) -> FilterPlan:
        """Count what each clause leaves."""
        return await self._entries.explain(kfl, database)

    async def field_use(self, names: list[str], database: str | None = None) -> list[FieldUse]:
        """Tell how fields are filled, where the Hub can say."""
        return await self._entries.use(names, database)


_WORKLOADS = ("snapshot_id", "name", "namespace", "namespaces", "name_regex", "labels", "type", "timestamp")
_ADDRESSES = ("snapshot_id", "ip", "namespaces", "name_regex", "labels", "timestamp")
_MOST_FLOWS = 1000


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole != seconds:
        return f"{round(seconds * 1000)}ms"
    return f"{whole // 60}m" if whole % 60 == 0 else f"{whole}s"
