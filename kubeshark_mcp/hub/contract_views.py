"""The shapes of views of traffic: comparisons, traces, service maps, timelines, and evidence cut out of captures."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from kubeshark_mcp.hub.contract import Shape


class ComparisonQuery(Shape):
    """Two times to compare: database against baseline, or two windows of one database.

    database: `SNAPSHOT/DISSECTION`, `SNAPSHOT` or None for the newest; baseline: None for the same database.
    """

    database: str | None = None
    baseline: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    baseline_start: datetime | None = None
    baseline_end: datetime | None = None


class Side(Shape):
    """One side of a comparison: what it rests on."""

    database: str
    start: datetime | None
    end: datetime | None
    calls: int
    connections: int


class DifferenceRow(Shape):
    """One change, from before to after (None: not there).

    where: `client -> server protocol [endpoint]`. p: corrected chance of seeing this without a change, None where it is
    no matter of chance. worse: more errors, slower, lost.
    """

    change: str
    where: str
    before: float | None
    after: float | None
    unit: str
    p: float | None
    weight: float
    worse: bool


class Comparison(Shape):
    """Differences, weightiest first. compared: how many things were looked at; noise: those that may be chance."""

    before: Side
    after: Side
    differences: list[DifferenceRow] = Field(default_factory=list)
    compared: int = 0
    noise: int = 0


class TraceQuery(Shape):
    """Which call to follow. id: of an entry, or its handle `SNAPSHOT/DISSECTION#ENTRY` (names the database too)."""

    id: str
    database: str | None = None


class HopRow(Shape):
    """One call of a trace, in the order of the ladder.

    depth: 0 for the outermost. elapsed_us: as its own client saw it, None unanswered; own_us: of that, what its server
    did not spend waiting for calls of its own. wire_us: of that, on the network (round trip of its connection), None
    where it was not measured. offset_us: since the first call began. by: how it is known to belong here: a header's
    name, or `time`. asked: this is the call that was asked about.
    """

    depth: int
    handle: str
    client: str
    server: str
    protocol: str
    endpoint: str
    status: str
    start: datetime
    offset_us: int
    elapsed_us: int | None
    own_us: int | None
    wire_us: int | None
    failed: bool
    by: str
    asked: bool = False


class Trace(Shape):
    """Calls that belong together. header: what carried the id, "" for none; confidence: high, medium or low.

    cut: there are more calls than are given.
    """

    database: str
    hops: list[HopRow]
    header: str
    confidence: str
    cut: bool = False


class MapQuery(Shape):
    """Which part of the service graph. service: only the ways that lead to it and from it."""

    database: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    service: str | None = None


class LinkRow(Shape):
    """Calls of one protocol from a client to a server; `tcp` or `udp` where connections alone were seen.

    nxdomain: DNS answers that a name does not exist, which search domains cause all the time; not among `failed`.
    per_second: over the window. p50_us, p95_us: over answered calls, None without any. connections, refused,
    unreachable, resets, segments, retransmissions: of the TCP connections between the two, on the first link of each
    pair only. outside: the server is not in the cluster.
    """

    client: str
    server: str
    protocol: str
    calls: int
    failed: int
    unanswered: int
    nxdomain: int
    per_second: float
    p50_us: int | None
    p95_us: int | None
    request_bytes: int
    response_bytes: int
    outside: bool
    connections: int = 0
    refused: int = 0
    unreachable: int = 0
    resets: int = 0
    segments: int = 0
    retransmissions: int = 0


class ServiceMap(Shape):
    """Who calls whom in a window, busiest link first."""

    database: str
    start: datetime | None
    end: datetime | None
    links: list[LinkRow] = Field(default_factory=list)
    service: str | None = None


class TimelineQuery(Shape):
    """Which window to tell."""

    database: str | None = None
    start: datetime | None = None
    end: datetime | None = None


class EventRow(Shape):
    """Something that happened. what: finding, over, pod, failures, recovery or capture; handle: entry that shows it."""

    at: datetime
    what: str
    text: str
    handle: str = ""
    place: int = 0


class Timeline(Shape):
    """Events in order of time; of events at one time causes come before effects."""

    database: str
    start: datetime | None
    end: datetime | None
    events: list[EventRow] = Field(default_factory=list)


class CutRequest(Shape):
    """What to cut out: entries by id or handle, or those that a filter selects (the first `limit`).

    scrub: secrets in payloads are overwritten by filler of the same length, and checksums made right again.
    """

    ids: list[str] = Field(default_factory=list)
    kfl: str | None = None
    database: str | None = None
    limit: int = 100
    scrub: bool = False


class Cut(Shape):
    """A capture of evidence. path: as `Export.path`. sha256: of the file, hexadecimal.

    entries: that it shows; left_out: selected entries beyond the limit. names: addresses that the file gives names for.
    masked: payload bytes that were overwritten; opaque: protocols whose payload was overwritten whole, because nobody
    can tell the secrets in it.
    """

    path: str
    packets: int
    size_bytes: int
    sha256: str
    database: str
    entries: int
    left_out: int = 0
    names: int = 0
    masked: int = 0
    opaque: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


class Source(Shape):
    """Where an entry was read: capture file of the snapshot, its SHA-256, and the packets by half.

    packets: `request`, `response` -> first and last number, from 1.
    """

    node: str
    file: str
    sha256: str
    packets: dict[str, list[int]] = Field(default_factory=dict)
