"""The shapes of a Hub's questions and answers (pydantic, because they cross a border).

Times are timezone-aware datetimes here; presentation turns them into the user's zone, the wire into Unix milliseconds.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Base of all shapes: unknown keys are an error, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class TimeRange(Shape):
    """A span of time; a missing end is open."""

    start: datetime | None = None
    end: datetime | None = None


class Status(Shape):
    """What this Hub is and what it can do next. next_steps name no tools: the server adds those that are registered."""

    running: bool
    kind: str
    location: str
    version: str
    details: dict[str, Any] = Field(default_factory=dict)
    next_steps: list[str] = Field(default_factory=list)


class NodeBoundaries(Shape):
    """The time window that one node's data covers."""

    name: str
    oldest: datetime | None
    newest: datetime | None
    packets: int | None = None


class Boundaries(Shape):
    """What time the data covers: raw capture (L4), or dissected entries (L7, then dissection_enabled is set)."""

    oldest: datetime | None
    newest: datetime | None
    nodes: list[NodeBoundaries] = Field(default_factory=list)
    dissection_enabled: bool | None = None
    warnings: list[str] = Field(default_factory=list)


class JobStatus(StrEnum):
    """States of a snapshot, a dissection or a transfer."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    DOWNLOADING = "downloading"
    RUNNING = "running"
    UPLOADING = "uploading"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will happen."""
        return self in {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}


class SnapshotRequest(Shape):
    """Which part of the raw capture a snapshot keeps: a window, or the last `duration_seconds`, on some nodes."""

    name: str
    start: datetime | None = None
    end: datetime | None = None
    duration_seconds: float | None = None
    nodes: list[str] | None = None


class Snapshot(Shape):
    """An immutable copy of raw capture."""

    id: str
    name: str
    status: JobStatus
    size_bytes: int = 0
    created_at: datetime
    start: datetime | None = None
    end: datetime | None = None
    nodes: list[str] = Field(default_factory=list)
    packet_count: int = 0
    error: str = ""
    warnings: list[str] = Field(default_factory=list)


class ExportRequest(Shape):
    """Which packets of a snapshot to write as a capture file."""

    snapshot_id: str
    nodes: list[str] | None = None
    bpf_filter: str | None = None
    start: datetime | None = None
    end: datetime | None = None


class Export(Shape):
    """A written capture. path: relative to the Hub, for get_file_url and download_file."""

    path: str
    packets: int | None = None
    size_bytes: int | None = None


class DissectionStats(Shape):
    """How far a dissection is.

    bytes_dissected: payload that a protocol read. bytes_recognised: of a known protocol, but encrypted.
    """

    pcap_files: int = 0
    pcap_bytes: int = 0
    packets_processed: int = 0
    entries_created: int = 0
    protocol_counts: dict[str, int] = Field(default_factory=dict)
    bytes_dissected: int = 0
    bytes_recognised: int = 0
    bytes_unknown: int = 0


class Dissection(Shape):
    """A dissection of a snapshot. progress: 0..100."""

    snapshot: str
    name: str
    status: JobStatus
    progress: int = 0
    stats: DissectionStats = Field(default_factory=DissectionStats)
    errors: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


class Database(Shape):
    """A set of entries that can be queried. type: `realtime` or `dissection`."""

    type: str
    snapshot: str = ""
    name: str = ""
    node: str = ""
    entry_count: int = 0
    status: JobStatus = JobStatus.COMPLETED
    first: datetime | None = None
    last: datetime | None = None


class WorkloadQuery(Shape):
    """Which workloads: one by name and namespace, or a scan. labels: all must match. type: `pod` or `service`."""

    snapshot_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    namespaces: list[str] | None = None
    name_regex: str | None = None
    labels: dict[str, str] | None = None
    type: str | None = None
    timestamp: datetime | None = None
    ip: str | None = None


class AddressRecord(Shape):
    """An address of a workload and since when it had it."""

    ip: str
    timestamp: datetime | None = None


class WorkloadRecord(Shape):
    """A workload and its addresses."""

    name: str
    namespace: str
    kind: str
    node: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    ips: list[AddressRecord] = Field(default_factory=list)


class AddressOwner(Shape):
    """A workload that had an address."""

    name: str
    namespace: str
    kind: str = ""
    timestamp: datetime | None = None


class AddressEntry(Shape):
    """An address and who had it. seen: whether packets of the data carry it."""

    ip: str
    records: list[AddressOwner] = Field(default_factory=list)


class CallQuery(Shape):
    """Which entries. database: `SNAPSHOT/DISSECTION`, `SNAPSHOT`, or None for the only or newest one.

    kfl: filter. start, end: time window. limit: 1..1000. cursor: from the page before. newest_first: order by time.
    keep_duplicates: show each sighting of a call as an entry of its own. columns: fields that the asker will look at
    (KFL names, and `summary`, `status`, `failed`, `malformed`), None for all: reading few is several times as fast, and
    rows may then lack all others, evidence included.
    """

    database: str | None = None
    kfl: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    cursor: str | None = None
    newest_first: bool = False
    keep_duplicates: bool = False
    columns: tuple[str, ...] | None = None


class EmptyReason(Shape):
    """Why an answer has no rows. code: `outside_window`, `not_dissected`, `never_filled`, `clause`, `no_traffic`.

    remedy: what settles it, in words; tool and arguments: the one call that does, if it is registered.
    clauses: rows left after each clause of the filter.
    """

    code: str
    sentence: str
    remedy: str = ""
    tool: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)
    clauses: list[tuple[str, int]] = Field(default_factory=list)


class CallPage(Shape):
    """Entries as KFL rows (field name -> value; timestamps aware datetimes), ordered by time.

    total: rows that match in all. cursor: for the next page, None on the last. Rows carry the internal keys `_id`
    (handle), `_summary`, `_status`, `_failed`, `_malformed`, `_packets`, `_sightings` beside KFL fields.
    """

    rows: list[dict[str, Any]]
    total: int
    cursor: str | None = None
    database: str = ""
    warnings: list[str] = Field(default_factory=list)
    empty: EmptyReason | None = None


class CallRequest(Shape):
    """One entry in full. max_payload_size: bytes of each body."""

    id: str
    database: str | None = None
    include_payload: bool = True
    include_l4: bool = True
    include_pcap: bool = False
    max_payload_size: int = Field(default=65536, ge=0, le=16 * 1024 * 1024)


class CallDetail(Shape):
    """One entry in full: bodies decoded from their content encoding; pcap: its packets as a capture file."""

    entry: dict[str, Any]
    request_body: bytes = b""
    response_body: bytes = b""
    truncated: bool = False
    flow: dict[str, Any] | None = None
    connection: dict[str, Any] | None = None
    pcap: bytes | None = None


class StatsQuery(Shape):
    """Numbers over entries. group_by: a KFL field or `node`, `ns`, `worker`, `endpoint`, `protocol`, `service`."""

    database: str | None = None
    kfl: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    group_by: str | None = None
    limit: int = Field(default=20, ge=1, le=1000)


class StatsRow(Shape):
    """Numbers of one group. latencies in microseconds; error_rate 0..1; per_second: calls a second in the window."""

    key: str
    count: int
    errors: int
    error_rate: float
    unanswered: int = 0
    p50_us: int | None = None
    p90_us: int | None = None
    p95_us: int | None = None
    p99_us: int | None = None
    max_us: int | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    per_second: float = 0.0


class Stats(Shape):
    """Numbers over all matching entries and by group, biggest first."""

    total: StatsRow
    groups: list[StatsRow] = Field(default_factory=list)
    groups_total: int = 0
    start: datetime | None = None
    end: datetime | None = None
    database: str = ""
    warnings: list[str] = Field(default_factory=list)
    empty: EmptyReason | None = None


class FlowQuery(Shape):
    """Which L4 flows. aggregate: `pod`, `namespace`, `node` or `service`. snapshot_id None: the raw capture."""

    snapshot_id: str | None = None
    aggregate: str | None = None
    l4proto: str | None = None
    ip: str | None = None
    ns: str | None = None
    pod: str | None = None
    svc: str | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    cursor: str | None = None


class FlowPage(Shape):
    """L4 flows, biggest first. A flow: {proto, client{}, server{}, client_stats{}, server_stats{}, totals{}}."""

    flows: list[dict[str, Any]]
    total: int
    cursor: str | None = None
    empty: EmptyReason | None = None
    warnings: list[str] = Field(default_factory=list)


class FlowSummary(Shape):
    """The L4 picture as a whole."""

    total_flows: int
    tcp_flows: int
    udp_flows: int
    total_bytes: int
    total_packets: int
    unique_clients: int
    unique_servers: int
    top_by_bytes: list[dict[str, Any]] = Field(default_factory=list)
    top_by_packets: list[dict[str, Any]] = Field(default_factory=list)
    by_namespace: dict[str, int] = Field(default_factory=dict)
    cross_namespace: list[dict[str, Any]] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


class Deleted(Shape):
    """Something was deleted or stopped."""

    success: bool
    id: str
