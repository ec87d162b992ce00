"""Start and stop Kubeshark in a cluster; only with --cluster and --allow-destructive."""

from __future__ import annotations

from typing import Annotated

from kubeshark_mcp.plugin import Answer, Field, KubesharkError, ToolContext, Toolset, contract_remote, tool

ReleaseNamespace = Annotated[str | None, Field(description="where Kubeshark itself is; that of --release-namespace")]


class LifecycleToolset(Toolset):
    """Kubeshark in the cluster: on and off."""

    name = "lifecycle"
    cluster_only = True

    @tool(title="Start Kubeshark", destructive=True, open_world=True)
    async def start_kubeshark(
        self,
        context: ToolContext,
        namespaces: Annotated[str | None, Field(description="to capture, separated by commas; all by default")] = None,
        pod_regex: Annotated[str | None, Field(description="names of pods to capture")] = None,
        release_namespace: ReleaseNamespace = None,
        values: Annotated[
            dict[str, str] | None, Field(description='storage: {"tap.delayedDissection.storageSize": "50Gi"}')
        ] = None,
    ) -> Answer:
        """Install Kubeshark in the cluster, or change what it captures; waits up to 120 s until its Hub is ready."""
        request = contract_remote.StartRequest(
            namespaces=tuple(name.strip() for name in (namespaces or "").split(",") if name.strip()),
            pod_regex=pod_regex,
            release_namespace=release_namespace,
            values=values or {},
        )
        return await _carried_out(context, await context.hub.plan_start(request))

    @tool(title="Stop Kubeshark", destructive=True, idempotent=True, open_world=True)
    async def stop_kubeshark(self, context: ToolContext, release_namespace: ReleaseNamespace = None) -> Answer:
        """Remove Kubeshark from the cluster, with its captured traffic that is not on lasting storage."""
        return await _carried_out(context, await context.hub.plan_stop(release_namespace))


async def _carried_out(context: ToolContext, plan: contract_remote.Plan) -> Answer:
    """Ask the person, do it, and tell what came of it."""
    await context.confirm("\n".join(plan.lines) + "\nDo it?")
    outcome = await context.hub.carry_out(plan, context.report)
    lines = [*outcome.lines, *(f"plan: {line}" for line in plan.lines)]
    lines.append(
        f"exit code: {'still running when no longer needed' if outcome.exit_code is None else outcome.exit_code}"
    )
    if outcome.output:
        lines.append(f"output:\n{context.show.captured(outcome.output, 4000)}")
    lines.append(context.hint("check_kubeshark_status"))
    text = "\n".join(filter(None, lines))
    if not outcome.success:
        raise KubesharkError(text)
    return Answer(text, {"success": True, "exit_code": outcome.exit_code})
