"""Workloads and addresses: of a snapshot, or of the raw capture as the Kubernetes objects beside it say."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.contract import AddressEntry, AddressOwner, AddressRecord, WorkloadQuery, WorkloadRecord
from kubeshark_mcp.hub.identities import load_identities
from kubeshark_mcp.hub.snapshots import SnapshotRoom
from kubeshark_mcp.hub.times import from_ns, to_ns
from kubeshark_mcp.identity.selection import WorkloadFilter
from kubeshark_mcp.identity.table import IdentityTable
from kubeshark_mcp.kfl.regex import searcher
from kubeshark_mcp.model.workload import Tenure


class WorkloadRoom:
    """Answers who had which address."""

    def __init__(self, snapshots: SnapshotRoom) -> None:
        self._snapshots = snapshots

    def workloads(self, query: WorkloadQuery, resources: list[Path]) -> list[WorkloadRecord]:
        """Give workloads with their addresses."""
        if (query.name is None) != (query.namespace is None):
            raise UsageError("A single workload is looked up by name and namespace together: give both, or name_regex.")
        return [
            WorkloadRecord(
                name=workload.name,
                namespace=workload.namespace,
                kind=workload.kind,
                node=workload.node,
                labels=dict(workload.labels),
                ips=[AddressRecord(ip=t.address, timestamp=_since(t)) for t in tenures],
            )
            for workload, tenures in self._table(query, resources).workloads(_filter(query))
        ]

    def addresses(self, query: WorkloadQuery, resources: list[Path]) -> list[AddressEntry]:
        """Give addresses with the workloads that had them."""
        owners: dict[str, list[AddressOwner]] = {}
        for tenure in self._table(query, resources).tenures(_filter(query)):
            workload = tenure.workload
            owners.setdefault(tenure.address, []).append(
                AddressOwner(
                    name=workload.name, namespace=workload.namespace, kind=workload.kind, timestamp=_since(tenure)
                )
            )
        return [AddressEntry(ip=address, records=records) for address, records in owners.items()]

    def _table(self, query: WorkloadQuery, resources: list[Path]) -> IdentityTable:
        if query.snapshot_id is not None:
            folder = self._snapshots.completed(query.snapshot_id)
            resources = sorted(folder.glob("resources*.json"))
        if not resources:
            raise UsageError(
                "No Kubernetes objects are known here, so addresses have no names: start the server with "
                "--resources FILE, written by `kubectl get pods,services,endpointslices,nodes -A -o json`."
            )
        return load_identities(resources)


def _filter(query: WorkloadQuery) -> WorkloadFilter:
    return WorkloadFilter(
        name=query.name or "",
        namespace=query.namespace or "",
        namespaces=tuple(query.namespaces or ()),
        named=searcher(query.name_regex) if query.name_regex else None,
        labels=query.labels or {},
        kind=query.type or "",
        time_ns=None if query.timestamp is None else to_ns(query.timestamp),
        address=query.ip or "",
    )


def _since(tenure: Tenure) -> datetime | None:
    return from_ns(tenure.since_ns) if tenure.since_ns > 0 else None
