"""Packets for Wireshark."""

from __future__ import annotations

from typing import Annotated

from kubeshark_mcp.plugin import Answer, Field, Time, ToolContext, Toolset, check_window, contract, tool


class PcapToolset(Toolset):
    """Export of packets."""

    name = "pcap"

    @tool(title="Export packets", idempotent=True)
    async def export_snapshot_pcap(
        self,
        context: ToolContext,
        id: Annotated[str, Field(description="of the snapshot")],
        nodes: list[str] | None = None,
        bpf_filter: Annotated[str | None, Field(description="tcpdump syntax: host 10.0.0.1 and port 80")] = None,
        start_time: Time | None = None,
        end_time: Time | None = None,
    ) -> Answer:
        """Write packets of a snapshot as a capture file; gives a path for download_file."""
        check_window(start_time, end_time, ("start_time", "end_time"))
        request = contract.ExportRequest(
            snapshot_id=id, nodes=nodes, bpf_filter=bpf_filter, start=start_time, end=end_time
        )
        export = await context.hub.export_pcap(request)
        counted = [f"{export.packets:,} packets"] if export.packets is not None else []
        counted += [context.show.size(export.size_bytes)] if export.size_bytes is not None else []
        lines = [f"path: {export.path}", ", ".join(counted)]
        if export.packets == 0:
            lines.append("No packet matches: widen the filter, the nodes or the window.")
        lines.append(context.hint("download_file", path=export.path))
        return Answer("\n".join(filter(None, lines)), {"path": export.path, "packets": export.packets})
