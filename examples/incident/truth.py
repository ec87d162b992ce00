"""The ground truth beside the recording: the callers' own logs, cut to the window, and what really went wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]

EVIDENCE = (
    ("orders answers 503 on node-a (seen before and after translation)", "node-a", "http.response.code == 503"),
    ("the gateway receives 502 from the storefront on node-b", "node-b", "http.response.code == 502"),
    ("Redis refuses writes, at the pod, on node-b", "node-b", 'resp.error contains "OOM command not allowed"'),
    (
        "refused writes that orders got",
        "node-b",
        'resp.error contains "OOM command not allowed" && ip.dst == 10.244.1.11',
    ),
    (
        "refused writes that the reporter got",
        "node-b",
        'resp.error contains "OOM command not allowed" && ip.dst == 10.244.1.20',
    ),
    (
        "rows that the reporter sends to Redis, none with an expiry",
        "node-b",
        'tcp.dstport == 6379 && ip.src == 10.244.1.20 && resp.bulk_string.value contains "report:"',
    ),
)


def write_truth(calls: Path, out: Path, start: datetime, end: datetime) -> None:
    """Write `truth/*.jsonl` (calls that began inside the window) and `truth/truth.json`."""
    folder = out / "truth"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    logs: dict[str, Rows] = {}
    for path in sorted(calls.glob("*.jsonl")):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        rows = [row for row in rows if start.timestamp() <= row["t"] <= end.timestamp()]
        if rows:
            logs[path.stem] = rows
            text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
            (folder / path.name).write_text(text)
    (folder / "truth.json").write_text(json.dumps(summary(logs, out, start, end), indent=2) + "\n")


def summary(logs: dict[str, Rows], out: Path, start: datetime, end: datetime) -> dict[str, Any]:
    """Tell what happened, by the logs; the counts of the evidence are tshark's."""
    refused = [row for rows in logs.values() for row in rows if row.get("error", "").startswith("OOM")]
    onset = min((row["t"] for row in refused), default=None)
    return {
        "window": [_utc(start.timestamp()), _utc(end.timestamp())],
        "component": {"culprit": "batch/reporter", "where": "data/redis", "hurt": ["shop/orders", "shop/storefront"]},
        "mechanism": (
            "The reporter stores row after row in the shared Redis under keys without expiry. When used_memory "
            "passes maxmemory (policy noeviction) Redis refuses every write with an OOM error, at first on and off; "
            "reads go on. orders answers 503 to each PUT of a cart and POST of an order whose write is refused, and "
            "the storefront turns that into 502 for the gateway."
        ),
        "onset": _utc(onset) if onset else None,
        "not_the_cause": [
            "404 for unknown products and carts, 401 without a token, 402 for declined cards: before and after",
            "GET /api/reports/daily takes 1.4 s and is healthy: its query is slow before and after alike",
            "NXDOMAIN: search domains with ndots:5",
            "fewer calls to payments after the onset: orders fail before they are paid",
        ],
        "calls": _distinct(logs),
        "requests": {name: _counts(rows) for name, rows in logs.items()},
        "evidence": [
            {"what": what, "file": f"{node}.pcap", "tshark": query, "packets": _count(out / f"{node}.pcap", query)}
            for what, node, query in EVIDENCE
        ],
    }


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _counts(rows: Rows) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        status = str(row.get("status", row.get("rcode", "")))
        by_status = found.setdefault(row["protocol"], {})
        by_status[status] = by_status.get(status, 0) + 1
    return found


def _distinct(logs: dict[str, Rows]) -> dict[str, int]:
    """Sum the calls by protocol, each counted once: a caller's log for all but DNS, which the server logs.

    The storefront logs what it was asked; what it asked in turn is each line that names an upstream server.
    """
    rows = [row for name, rows in logs.items() if name not in {"storefront", "dns_server"} for row in rows]
    found = {protocol: sum(row["protocol"] == protocol for row in rows) for protocol in ("http", "redis", "postgresql")}
    found["http"] += sum(bool(row["server"]) for row in logs.get("storefront", []))
    return found | {"dns": len(logs.get("dns_server", []))}


def _count(path: Path, query: str) -> int | None:
    if shutil.which("tshark") is None:
        return None
    command = ("tshark", "-n", "-r", str(path), "-Y", query, "-T", "fields", "-e", "frame.number")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return len(done.stdout.split())
