"""A Hub's JSON about windows, snapshots, dissections, databases and workloads, as the contract's shapes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kubeshark_mcp.errors import HubError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.remote import reading as r

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def boundaries(answer: Any, tool: str) -> c.Boundaries:
    """Read data boundaries; where only the nodes have times, the whole is what they cover."""
    found = r.one_of(answer, tool, ("cluster", "nodes", "oldest_ts", "newest_ts"))
    whole = r.record(found.get("cluster")) or found
    nodes = [
        c.NodeBoundaries(
            name=r.text(r.first(node, "name", "node")),
            oldest=r.moment(r.first(node, "oldest_ts", "oldest")),
            newest=r.moment(r.first(node, "newest_ts", "newest")),
            packets=r.number(node["packets"]) if "packets" in node else None,
        )
        for node in _by_name(found.get("nodes"))
    ]
    oldest = r.moment(r.first(whole, "oldest_ts", "oldest"))
    newest = r.moment(r.first(whole, "newest_ts", "newest"))
    return c.Boundaries(
        oldest=oldest or next(iter(r.ordered(node.oldest for node in nodes)), None),
        newest=newest or next(reversed(r.ordered(node.newest for node in nodes)), None),
        nodes=sorted(nodes, key=lambda node: node.name),
        dissection_enabled=r.flag(r.first(found, "dissection_enabled", "enabled")),
        warnings=r.warnings(found),
    )


def _by_name(value: Any) -> list[dict[str, Any]]:
    """Give nodes as a list, also those that are keys of an object."""
    if isinstance(value, dict):
        return [{"name": name, **r.record(one)} for name, one in value.items()]
    return r.records(value)


def snapshot(answer: Any, tool: str, known: c.SnapshotRequest | None = None) -> c.Snapshot:
    """Read one snapshot. known: what was asked for, where the answer to creating it says less."""
    found = r.one_of(_inside(answer, "snapshot"), tool, ("id", "snapshot_id"))
    return c.Snapshot(
        id=r.text(r.first(found, "id", "snapshot_id")),
        name=r.text(r.first(found, "name")) or (known.name if known else ""),
        status=r.job_status(r.first(found, "status", "state")),
        size_bytes=r.number(r.first(found, "size_bytes", "size")),
        created_at=r.moment(r.first(found, "created_at", "created", "created_ts")) or _EPOCH,
        start=r.moment(r.first(found, "start_ts", "start", "start_time")) or (known.start if known else None),
        end=r.moment(r.first(found, "end_ts", "end", "end_time")) or (known.end if known else None),
        nodes=r.texts(found.get("nodes")),
        packet_count=r.number(r.first(found, "packet_count", "packets")),
        error=r.text(r.first(found, "error", "error_message")),
        warnings=[*r.warnings(found), *_node_count(found)],
    )


def _node_count(found: dict[str, Any]) -> list[str]:
    count = r.number(found.get("node_count"))
    return [f"{count} nodes, which this Hub does not name"] if count and not r.texts(found.get("nodes")) else []


def _inside(answer: Any, name: str) -> Any:
    """Take an object out of an envelope such as `{"success": true, "snapshot": {...}}`."""
    return answer[name] if isinstance(answer, dict) and isinstance(answer.get(name), dict) else answer


def snapshots(answer: Any) -> list[c.Snapshot]:
    """Read a list of snapshots, newest first."""
    found = [snapshot(one, "list_snapshots") for one in r.listed(answer, "list_snapshots", "snapshots", "items")]
    return sorted(found, key=lambda one: one.created_at, reverse=True)


def done(answer: Any, tool: str, what: str) -> c.Deleted:
    """Read the answer of something that deletes or stops; an answer without a word of failure is a success."""
    found = r.record(answer)
    if found.get("success") is False:
        raise HubError(
            f"The Hub's {tool} did not succeed: {r.text(r.first(found, 'error', 'message')) or 'no reason'}."
        )
    return c.Deleted(success=True, id=r.text(found.get("id")) or what)


def export(answer: Any) -> c.Export:
    """Read where an exported capture is: a path alone, or an object with it."""
    if isinstance(answer, str) and answer.strip():
        return c.Export(path=answer.strip())
    found = r.one_of(answer, "export_snapshot_pcap", ("path", "url", "file", "download_path", "pcap_path"))
    packets, size = r.first(found, "packets", "packet_count"), r.first(found, "size_bytes", "size")
    return c.Export(
        path=r.text(r.first(found, "path", "download_path", "pcap_path", "file", "url")),
        packets=None if packets is None else r.number(packets),
        size_bytes=None if size is None else r.number(size),
    )


def dissection(answer: Any, tool: str, snapshot_id: str = "") -> c.Dissection:
    """Read the state of a dissection. snapshot_id: what was asked for, where the answer does not repeat it."""
    found = r.one_of(_inside(answer, "dissection"), tool, ("name", "status", "state", "snapshot", "dissection"))
    status = r.job_status(r.first(found, "status", "state"))
    progress = min(100, max(0, r.number(r.first(found, "progress", "percent"))))
    counted = r.record(r.first(found, "stats", "statistics"))
    errors = [*r.texts(found.get("errors")), *r.texts(found.get("error"))]
    return c.Dissection(
        snapshot=r.text(r.first(found, "snapshot", "snapshot_id")) or snapshot_id,
        name=r.text(r.first(found, "name", "dissection", "dissection_name")) or "default",
        status=status,
        progress=100 if status is c.JobStatus.COMPLETED else progress,
        stats=c.DissectionStats(
            **{
                name: r.number(counted.get(name))
                for name in c.DissectionStats.model_fields
                if name != "protocol_counts"
            },
            protocol_counts={
                str(name): r.number(count) for name, count in r.record(counted.get("protocol_counts")).items()
            },
        ),
        errors=errors,
        warnings=r.warnings(found),
    )


def dissections(answer: Any) -> list[c.Dissection]:
    """Read a list of dissections."""
    tool = "list_snapshot_dissections"
    return [dissection(one, tool) for one in r.listed(answer, tool, "dissections", "items")]


def databases(answer: Any) -> list[c.Database]:
    """Read what can be queried."""
    return [
        c.Database(
            type=r.text(one.get("type")) or ("realtime" if one.get("node") else "dissection"),
            snapshot=r.text(r.first(one, "snapshot", "snapshot_id")),
            name=r.text(r.first(one, "name", "dissection")),
            node=r.text(r.first(one, "node", "node_name")),
            entry_count=r.number(r.first(one, "entry_count", "entries")),
            status=r.job_status(r.first(one, "status", "state") or "completed"),
            first=r.moment(r.first(one, "first_ts", "first", "oldest_ts")),
            last=r.moment(r.first(one, "last_ts", "last", "newest_ts")),
        )
        for one in r.listed(answer, "list_databases", "databases", "items")
    ]


def workloads(answer: Any) -> list[c.WorkloadRecord]:
    """Read workloads: a list, or the single one that was looked up."""
    return [
        c.WorkloadRecord(
            name=r.text(one.get("name")),
            namespace=r.text(r.first(one, "namespace", "ns")),
            kind=r.text(r.first(one, "kind", "type")),
            node=r.text(r.first(one, "node", "node_name")),
            labels=r.labels(one.get("labels")),
            ips=_addresses(r.first(one, "ips", "addresses", "ip")),
        )
        for one in _listed_or_one(answer, "list_workloads", "workloads", "name")
    ]


def _listed_or_one(answer: Any, tool: str, name: str, key: str) -> list[dict[str, Any]]:
    if isinstance(answer, dict) and name not in answer and answer.get(key) is not None:
        return [answer]
    return r.listed(answer, tool, name, "items")


def _addresses(value: Any) -> list[c.AddressRecord]:
    items = value if isinstance(value, list) else [value] if value else []
    read = [
        c.AddressRecord(ip=r.text(one.get("ip")), timestamp=r.moment(r.first(one, "timestamp", "ts")))
        if isinstance(one, dict)
        else c.AddressRecord(ip=r.text(one))
        for one in items
    ]
    return [one for one in read if one.ip]


def addresses(answer: Any) -> list[c.AddressEntry]:
    """Read addresses with those who had them: a list, or the single one that was looked up."""
    return [
        c.AddressEntry(
            ip=r.text(r.first(one, "ip", "address")),
            records=[
                c.AddressOwner(
                    name=r.text(owner.get("name")),
                    namespace=r.text(r.first(owner, "namespace", "ns")),
                    kind=r.text(r.first(owner, "kind", "type")),
                    timestamp=r.moment(r.first(owner, "timestamp", "ts")),
                )
                for owner in r.records(r.first(one, "records", "workloads", "owners"))
            ],
        )
        for one in _listed_or_one(answer, "list_ips", "ips", "ip")
    ]
