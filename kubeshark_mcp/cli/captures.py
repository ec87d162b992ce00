"""`entries`, `flows` and `export`: the engine on capture files, without a server or a workspace."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from kubeshark_mcp.cli import options as o
from kubeshark_mcp.cli.console import progress_bar, reporting_errors, say, table, warn
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.present.times import Clock


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSONL = "jsonl"
    JSON = "json"


Files = Annotated[
    list[str],
    typer.Argument(help="Capture files: pcap or pcapng, plain or gzip; NODE=FILE names the node; - reads stdin."),
]
Resources = Annotated[
    list[Path] | None,
    typer.Option(help="Output of `kubectl get pods,services,endpointslices,nodes -A -o json`.", dir_okay=False),
]
DecodeAs = Annotated[
    list[str] | None, typer.Option("--decode-as", help="Take a port for a protocol: tcp.port==8123,http. Repeatable.")
]
KeepDuplicates = Annotated[
    bool, typer.Option("--keep-duplicates", help="Show each sighting of a call apart instead of one entry a call.")
]


def entries(
    files: Files,
    kfl: Annotated[str | None, typer.Option(help="KFL filter, such as 'http && status_code >= 500'.")] = None,
    resources: Resources = None,
    keylog: o.KeyLogFiles = None,
    decode_as: DecodeAs = None,
    enabled_dissectors: o.EnabledDissectors = None,
    port_mapping: o.PortMapping = None,
    output: Annotated[Format, typer.Option("--format", help="How to write the entries.")] = Format.TABLE,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many entries.")] = None,
    keep_duplicates: KeepDuplicates = False,
) -> None:
    """Dissect captures and print their entries, in order of time.

    Examples:

      kubeshark-mcp entries node-a.pcap node-b.pcap --resources resources.json

      kubeshark-mcp entries incident.pcap --kfl 'http && status_code >= 500' --format jsonl | jq .path
    """
    from kubeshark_mcp.hub.offline import Offline, checked_dissectors

    with reporting_errors(), tempfile.TemporaryDirectory(prefix="kubeshark-") as scratch:
        dissectors = checked_dissectors(enabled_dissectors, port_mapping or [])
        offline = Offline(
            files, resources or [], decode_as or [], Path(scratch), key_logs=keylog or [], dissectors=dissectors
        )
        offline.check(kfl)
        with progress_bar("dissecting") as progress:
            outcome = offline.dissect(progress)
        rows = offline.entries(kfl, limit, keep_duplicates)
        _write(rows, output, ENTRY_COLUMNS)
        for warning in outcome.warnings:
            warn(warning)


def flows(
    files: Files,
    resources: Resources = None,
    output: Annotated[Format, typer.Option("--format", help="How to write the flows.")] = Format.TABLE,
    keep_duplicates: KeepDuplicates = False,
) -> None:
    """Print the connections of captures: who spoke to whom, how much, and how it went.

    Examples:

      kubeshark-mcp flows node-a.pcap

      kubeshark-mcp flows *.pcap --format jsonl | jq 'select(.conn_state == "refused")'
    """
    from kubeshark_mcp.hub.offline import Offline

    with reporting_errors(), tempfile.TemporaryDirectory(prefix="kubeshark-") as scratch:
        offline = Offline(files, resources or [], [], Path(scratch), layer4_only=True)
        with progress_bar("reading") as progress:
            outcome = offline.dissect(progress)
        _write(offline.entries("tcp_conn || udp_conn", None, keep_duplicates), output, FLOW_COLUMNS)
        for warning in outcome.warnings:
            warn(warning)


def export(
    files: Files,
    write: Annotated[Path, typer.Option("-w", "--write", help="The capture file to write.")],
    bpf: Annotated[
        str | None, typer.Option(help="BPF filter as in tcpdump, such as 'host 10.0.0.7 and port 6379'.")
    ] = None,
    nodes: Annotated[str | None, typer.Option(help="Only these nodes, separated by commas.")] = None,
    start: Annotated[str | None, typer.Option(help="From this time (RFC 3339, Unix seconds or milliseconds).")] = None,
    end: Annotated[str | None, typer.Option(help="Up to this time.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Write a part of captures as a new capture, merged by time.

    Examples:

      kubeshark-mcp export node-a.pcap node-b.pcap -w redis.pcap --bpf 'port 6379'

      kubeshark-mcp export big.pcap -w minute.pcap --start 2026-01-31T10:00:00Z --end 2026-01-31T10:01:00Z
    """
    from kubeshark_mcp.hub.offline import export_files

    with reporting_errors():
        if write.exists() and not overwrite:
            raise UsageError(f"{str(write)!r} exists already: choose another name or add --overwrite.")
        clock = Clock()
        window = (clock.parse(start, "--start") if start else None, clock.parse(end, "--end") if end else None)
        with progress_bar("writing") as progress:
            exported = export_files(files, write, bpf, nodes, window, progress)
        say(f"wrote {exported.packets} packets, {exported.bytes} bytes to {write}")


ENTRY_COLUMNS = {
    "time": lambda row: row["timestamp"],
    "proto": lambda row: row.get("protocol", ""),
    "source": lambda row: _end(row, "src"),
    "destination": lambda row: _end(row, "dst"),
    "summary": lambda row: row.get("summary", ""),
    "status": lambda row: row.get("status", ""),
    "ms": lambda row: f"{row['elapsed_time'] / 1000:.1f}" if row.get("answered") else "",
    "seen": lambda row: row.get("sightings", 1),
}
FLOW_COLUMNS = {
    "time": lambda row: row["timestamp"],
    "proto": lambda row: "tcp" if row.get("tcp_conn") else "udp",
    "client": lambda row: _end(row, "src"),
    "server": lambda row: _end(row, "dst"),
    "state": lambda row: row.get("conn_state", ""),
    "l7": lambda row: ",".join(row.get("conn_l7_detected", [])),
    "pkts out": lambda row: row.get("conn_local_pkts", 0),
    "bytes out": lambda row: row.get("conn_local_bytes", 0),
    "pkts in": lambda row: row.get("conn_remote_pkts", 0),
    "bytes in": lambda row: row.get("conn_remote_bytes", 0),
    "retrans": lambda row: row.get("tcp_retransmissions", ""),
}


def _end(row: dict[str, Any], side: str) -> str:
    name, namespace = row.get(f"{side}.name", ""), row.get(f"{side}.namespace", "")
    host = f"{namespace}/{name}" if name else row.get(f"{side}.dns") or row.get(f"{side}.ip", "")
    port = row.get(f"{side}.port", 0)
    return f"{host}:{port}" if port and side == "dst" else str(host)


def _write(rows: Iterator[dict[str, Any]], output: Format, columns: dict[str, Any]) -> None:
    if output is Format.TABLE:
        _write_table(rows, columns)
        return
    import orjson

    if output is Format.JSON:
        say("[")
    for number, row in enumerate(rows):
        row["timestamp"] = _utc(row["timestamp"])
        text = orjson.dumps(row, default=_plain).decode()
        say(text if output is Format.JSONL or not number else "," + text)
    if output is Format.JSON:
        say("]")


TABLE_ROWS = 1000
"""Rows that are aligned together: a table of any length is written in parts, so that it streams."""


def _write_table(rows: Iterator[dict[str, Any]], columns: dict[str, Any]) -> None:
    part: list[list[Any]] = []
    empty = True
    for row in rows:
        empty = False
        cells = [cell(row) for cell in columns.values()]
        cells[0] = _local(cells[0])
        part.append(cells)
        if len(part) == TABLE_ROWS:
            say(table(list(columns), part))
            part.clear()
    if part:
        say(table(list(columns), part))
    if empty:
        say("no entries")


def _utc(nanoseconds: int) -> str:
    """Write Unix nanoseconds as RFC 3339 in UTC, whole."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def _local(nanoseconds: int) -> str:
    moment = datetime.fromtimestamp(nanoseconds / 1e9, UTC).astimezone()
    return moment.isoformat(timespec="milliseconds")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"cannot write a {type(value).__name__} as JSON")
