"""Is there anything to ask, and what next."""

from __future__ import annotations

from typing import Annotated

from kubeshark_mcp.plugin import Answer, Field, ToolContext, Toolset, tool


class StatusToolset(Toolset):
    """What this server is connected to."""

    name = "status"

    @tool(title="Check status", read_only=True)
    async def check_kubeshark_status(
        self,
        context: ToolContext,
        release_namespace: Annotated[str | None, Field(description="only for a Hub in a cluster")] = None,
    ) -> Answer:
        """Say what traffic source this server has, whether it answers, and what to do next. Call it first."""
        hub = context.hub
        status = await (hub.status_in(release_namespace) if release_namespace else hub.status())
        lines = [
            f"{'Running' if status.running else 'Not running'}: {status.kind} Hub {status.version}, {status.location}"
        ]
        lines += [f"{name}: {value}" for name, value in status.details.items()]
        lines += [f"- {step}" for step in status.next_steps]
        lines += filter(None, [context.hint("get_data_boundaries")])
        return Answer("\n".join(lines), {"running": status.running, "kind": status.kind})
