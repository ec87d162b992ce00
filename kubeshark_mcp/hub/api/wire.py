"""The Hub's answers as they travel: the contract's field names, times as Unix milliseconds.

What the published contract has no name for travels beside it (`warnings`, `cursor`, `empty`, `nodes`), so that another
kubeshark-mcp loses nothing and a client that does not know it need not care.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import contract_cloud as cloud
from kubeshark_mcp.model.field import Field

Json = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(moment: datetime | None) -> int | None:
    """Give Unix milliseconds of an aware datetime."""
    return None if moment is None else (moment - _EPOCH) // _MILLISECOND


def exact_milliseconds(moment: datetime) -> float:
    """Give Unix milliseconds of an aware datetime, exact to its microsecond."""
    whole, rest = divmod((moment - _EPOCH) // timedelta(microseconds=1), 1000)
    return whole + rest / 1000 if rest else whole


def to_json(value: Any) -> bytes:
    """Write an answer: aware datetimes as Unix milliseconds, bytes as base64, text that is no Unicode marked."""
    try:
        return orjson.dumps(value, default=_other, option=_OPTIONS)
    except orjson.JSONEncodeError:
        # Lone surrogates and numbers of more than 64 bits cannot be written: rare enough to be mended only then.
        return orjson.dumps(_mended(value), default=_other, option=_OPTIONS)


_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


def _other(value: Any) -> Any:
    if isinstance(value, datetime):
        return milliseconds(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return b64encode(value).decode()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, Mapping):
        return {_mended(key): _mended(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(item) for item in value]
    return value


def with_notes(answer: Json, warnings: Sequence[str] = (), empty: c.EmptyReason | None = None) -> Json:
    """Add what there is to say about an answer."""
    if warnings:
        answer["warnings"] = list(warnings)
    if empty is not None:
        answer["empty"] = empty.model_dump()
    return answer


def boundaries(found: c.Boundaries) -> Json:
    """Give data boundaries."""
    answer: Json = {
        "cluster": {"oldest_ts": found.oldest, "newest_ts": found.newest},
        "nodes": [
            {
                "name": node.name,
                "oldest_ts": node.oldest,
                "newest_ts": node.newest,
                **({} if node.packets is None else {"packets": node.packets}),
            }
            for node in found.nodes
        ],
    }
    if found.dissection_enabled is not None:
        answer["dissection_enabled"] = found.dissection_enabled
    return with_notes(answer, found.warnings)


def snapshot(found: c.Snapshot) -> Json:
    """Give a snapshot."""
    answer = {
        "id": found.id,
        "name": found.name,
        "status": found.status,
        "size_bytes": found.size_bytes,
        "created_at": found.created_at,
        "start_ts": found.start,
        "end_ts": found.end,
        "node_count": len(found.nodes),
        "packet_count": found.packet_count,
        "nodes": found.nodes,
        **({"error": found.error} if found.error else {}),
    }
    return with_notes(answer, found.warnings)


def cloud_status(found: cloud.CloudStatus) -> Json:
    """Give the state of object storage, with the snapshots in it where they are known."""
    answer: Json = {"enabled": found.enabled, "provider": found.provider, "connected": found.connected}
    answer |= {name: text for name in ("location", "problem", "advice") if (text := getattr(found, name))}
    if found.snapshots is not None:
        answer["snapshots"] = [
            {
                **snapshot(one.snapshot),
                "stored_bytes": one.size_bytes,
                "files": one.files,
                "uploaded_at": one.uploaded_at,
                "local": one.local,
            }
            for one in found.snapshots
        ]
        answer["snapshots_total"] = found.snapshots_total
    return with_notes(answer, found.warnings)


def cloud_job(found: cloud.CloudJob) -> Json:
    """Give the state of a transfer; what is not known is left out."""
    answer = found.model_dump(exclude={"warnings"}, exclude_none=True)
    if not found.error:
        del answer["error"]
    return with_notes(answer, found.warnings)


def dissection(found: c.Dissection) -> Json:
    """Give a dissection."""
    answer = found.model_dump(exclude={"warnings"})
    return with_notes(answer, found.warnings)


def database(found: c.Database) -> Json:
    """Give a database: a realtime one by its node, a dissection by snapshot and name."""
    place = {"node": found.node} if found.type == "realtime" else {"snapshot": found.snapshot, "name": found.name}
    return {
        "type": found.type,
        **place,
        "entry_count": found.entry_count,
        "status": found.status,
        "first_ts": found.first,
        "last_ts": found.last,
    }


def workload(found: c.WorkloadRecord) -> Json:
    """Give a workload; an address that was never given a time has none."""
    return {
        "name": found.name,
        "namespace": found.namespace,
        "kind": found.kind,
        **({"node": found.node} if found.node else {}),
        "labels": found.labels,
        "ips": [_timed({"ip": record.ip}, record.timestamp) for record in found.ips],
    }


def address(found: c.AddressEntry) -> Json:
    """Give an address and who had it."""
    return {
        "ip": found.ip,
        "records": [
            _timed({"name": one.name, "namespace": one.namespace, "kind": one.kind}, one.timestamp)
            for one in found.records
        ],
    }


def _timed(answer: Json, timestamp: datetime | None) -> Json:
    return answer if timestamp is None else {**answer, "timestamp": timestamp}


def flow(found: Mapping[str, Any]) -> Json:
    """Give an L4 flow: the times of its sides as ISO 8601, as the contract has them."""
    return {name: _iso(value) if name in {"client_stats", "server_stats"} else value for name, value in found.items()}


def _iso(side: Any) -> Any:
    if not isinstance(side, Mapping) or not isinstance(side.get("timestamp"), datetime):
        return side
    return {**side, "timestamp": side["timestamp"].isoformat()}


def flow_summary(found: c.FlowSummary) -> Json:
    """Give the L4 picture under the contract's names."""
    answer = found.model_dump(exclude={"total_packets", "top_by_packets", "warnings"})
    answer["total_pkts"] = found.total_packets
    answer["top_by_pkts"] = found.top_by_packets
    return with_notes(answer, found.warnings)


def stats(found: c.Stats) -> Json:
    """Give numbers over calls."""
    answer = found.model_dump(exclude={"warnings", "empty"})
    return with_notes(answer, found.warnings, found.empty)


def field(found: Field) -> Json:
    """Give a KFL field; default: what an entry without it has, where that is not its type's."""
    answer: Json = {
        "name": found.name,
        "type": found.type.value,
        "meaning": found.meaning,
        "example": found.example,
        "group": found.group,
        "aliases": list(found.aliases),
    }
    return answer if found.default is None else {**answer, "default": found.default}
