"""Who had which address, and when."""

from __future__ import annotations

from typing import Annotated, Literal

from kubeshark_mcp.plugin import Answer, Field, Time, ToolContext, Toolset, contract, tool

SnapshotId = Annotated[str | None, Field(description="the live data by default")]
Labels = Annotated[dict[str, str] | None, Field(description="all must match")]
MOST = 500
"""Rows of one answer; a larger cluster is asked by namespace, name or label."""
At = Annotated[Time | None, Field(description="who had it then")]


class WorkloadsToolset(Toolset):
    """Pods, services and their addresses."""

    name = "workloads"

    @tool(title="List workloads", read_only=True)
    async def list_workloads(
        self,
        context: ToolContext,
        snapshot_id: SnapshotId = None,
        name: Annotated[str | None, Field(description="with namespace: one workload")] = None,
        namespace: str | None = None,
        namespaces: list[str] | None = None,
        name_regex: str | None = None,
        labels: Labels = None,
        type: Literal["pod", "service"] | None = None,
        timestamp: At = None,
    ) -> Answer:
        """List pods and services with their addresses, or look one up by name and namespace."""
        query = contract.WorkloadQuery(
            snapshot_id=snapshot_id,
            name=name,
            namespace=namespace,
            namespaces=namespaces,
            name_regex=name_regex,
            labels=labels,
            type=type,
            timestamp=timestamp,
        )
        workloads = await context.hub.workloads(query)
        if not workloads:
            return Answer(context.show.empty(_nothing("workload", query), tool="list_ips"), {"total": 0})
        rows = [
            (
                one.namespace,
                one.name,
                one.kind,
                one.node,
                " ".join(_since(context, record) for record in one.ips),
                ",".join(f"{key}={value}" for key, value in one.labels.items()),
            )
            for one in workloads[:MOST]
        ]
        table = context.show.captured_table(("namespace", "name", "kind", "node", "ips", "labels"), rows)
        return Answer(f"{_shown(context, len(workloads), 'workloads')}\n{table}", {"total": len(workloads)})

    @tool(title="List addresses", read_only=True)
    async def list_ips(
        self,
        context: ToolContext,
        snapshot_id: SnapshotId = None,
        ip: str | None = None,
        namespaces: list[str] | None = None,
        name_regex: str | None = None,
        labels: Labels = None,
        timestamp: At = None,
    ) -> Answer:
        """List addresses with the workloads that had them, or say who had one address."""
        query = contract.WorkloadQuery(
            snapshot_id=snapshot_id,
            ip=ip,
            namespaces=namespaces,
            name_regex=name_regex,
            labels=labels,
            timestamp=timestamp,
        )
        addresses = await context.hub.addresses(query)
        if not addresses:
            return Answer(context.show.empty(_nothing("address", query), tool="list_workloads"), {"total": 0})
        rows = [
            (entry.ip, owner.namespace, owner.name, owner.kind, owner.timestamp)
            for entry in addresses[:MOST]
            for owner in entry.records
        ]
        rows += [(entry.ip, "", "(unknown)", "", None) for entry in addresses[:MOST] if not entry.records]
        table = context.show.captured_table(("ip", "namespace", "name", "kind", "since"), rows)
        return Answer(f"{_shown(context, len(addresses), 'addresses')}\n{table}", {"total": len(addresses)})


def _shown(context: ToolContext, total: int, noun: str) -> str:
    narrow = "; narrow with namespaces, name_regex or labels" if total > MOST else ""
    return context.show.shown(min(total, MOST), total, noun) + narrow


def _since(context: ToolContext, record: contract.AddressRecord) -> str:
    return f"{record.ip} since {context.show.time(record.timestamp)}" if record.timestamp else record.ip


def _nothing(noun: str, query: contract.WorkloadQuery) -> str:
    asked = query.model_dump(exclude_none=True, mode="json")
    conditions = ", ".join(f"{name}={value}" for name, value in asked.items())
    if not conditions:
        return f"No {noun} is known: there are no Kubernetes objects beside the capture, and no traffic that names any."
    return f"No {noun} matches {conditions}. Leave a condition out to see what there is."
