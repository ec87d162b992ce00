"""A small rule for finding the first cause among calls: what failed, where it began, and who else it took along.

Calls are KFL rows. An edge is a caller and a callee that speak one protocol. A failure counts against the callee when
it said so itself (HTTP 5xx, an error of the database) or never answered; a client's own mistakes (4xx, NXDOMAIN) do
not. Of the failing edges the deepest is the cause: its callee calls nobody whose failures began before its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Row = dict[str, Any]
LAYER_4 = {"tcp_conn", "udp_conn", "tcp_flow", "udp_flow"}


@dataclass(slots=True)
class Suspect:
    """One failing edge."""

    caller: str
    callee: str
    namespace: str
    protocol: str
    failed: list[Row] = field(default_factory=list)
    total: int = 0
    before: int = 0

    @property
    def first(self) -> Row:
        """Give its first failure."""
        return self.failed[0]

    @property
    def since(self) -> datetime:
        """Give the time of its first failure."""
        return datetime.fromisoformat(self.first["timestamp"])

    @property
    def says(self) -> str:
        """Give the commonest outcome of its failures."""
        words: dict[str, int] = defaultdict(int)
        for row in self.failed:
            words[outcome(row)] += 1
        return max(words, key=lambda word: words[word])

    def cells(self) -> list[str]:
        """Give the cells of its line in a table."""
        since = self.since.astimezone().isoformat(timespec="milliseconds")
        counts = [str(len(self.failed)), str(self.total), f"{self.before} good"]
        return [since, self.caller, self.callee, self.protocol, *counts, self.says]


@dataclass(frozen=True, slots=True)
class Finding:
    """The cause and all edges that fail, deepest first; callers: of the cause, with calls before and after it began."""

    suspects: list[Suspect]
    callers: list[tuple[str, int, int, int]]

    @property
    def cause(self) -> Suspect:
        """Give the deepest failing edge."""
        return self.suspects[0]

    def sentence(self) -> str:
        """Say it in one sentence."""
        cause = self.cause
        hurt = [s.callee for s in self.suspects[1:] if s.callee != cause.callee]
        chain = f"; it took along {', '.join(dict.fromkeys(hurt))}" if hurt else ""
        since = cause.since.astimezone().isoformat(timespec="seconds")
        told = sum(len(s.failed) for s in self.suspects if s.callee == cause.callee)
        return f"Since {since} {cause.callee} ({cause.protocol}) answers {cause.says!r}: {told} calls failed{chain}."


def end(row: Row, side: str) -> str:
    """Name one end of a call: its owner where the pods of one are told apart by a hash, else pod, service, address."""
    labels = row.get("local_labels" if side == "src" else "remote_labels") or {}
    namespace = row.get(f"{side}.namespace", "")
    service = row.get(f"{side}.service.name") if side == "dst" else ""
    name = (
        labels.get("app") or service or row.get(f"{side}.name") or row.get(f"{side}.dns") or row.get(f"{side}.ip", "?")
    )
    return f"{namespace}/{name}" if namespace else str(name)


def outcome(row: Row) -> str:
    """Give what a call came to, in the server's words where it has some."""
    for name in ("redis_error", "postgresql_error_message", "mysql_error_message", "mongodb_error_message"):
        if row.get(name):
            return str(row[name])
    return str(row.get("status") or ("no answer" if not row.get("answered") else "failed"))


def is_the_servers(row: Row) -> bool:
    """Tell whether a failure counts against the callee."""
    if row["protocol"] == "http":
        return int(row.get("status_code", 0)) >= 500 or not row.get("answered", False)
    if row["protocol"] == "dns":
        return row.get("status") not in {"NOERROR", "NXDOMAIN"}
    return bool(row.get("failed"))


def find_cause(rows: Iterable[Row]) -> Finding | None:
    """Find the deepest failing edge; None when nothing failed on the server's side."""
    edges: dict[tuple[str, str, str], Suspect] = {}
    calls = sorted((row for row in rows if row["protocol"] not in LAYER_4), key=lambda row: row["timestamp"])
    for row in calls:
        caller, callee = end(row, "src"), end(row, "dst")
        edge = edges.setdefault(
            (caller, callee, row["protocol"]), Suspect(caller, callee, row.get("dst.namespace", ""), row["protocol"])
        )
        edge.total += 1
        if is_the_servers(row):
            edge.failed.append(row)
        elif not edge.failed:
            edge.before += 1
    failing = [edge for edge in edges.values() if edge.failed]
    if not failing:
        return None
    ordered = sorted(failing, key=lambda edge: (_depth(edge, failing), edge.since))
    cause = ordered[0]
    return Finding(ordered, _callers(calls, cause))


def _depth(edge: Suspect, failing: Sequence[Suspect], seen: frozenset[str] = frozenset()) -> int:
    """Count the failing calls beneath an edge: 0 when its callee depends on nothing that fails."""
    beneath = [other for other in failing if other.caller == edge.callee and other.callee not in seen]
    return max((1 + _depth(other, failing, seen | {edge.callee}) for other in beneath), default=0)


def _callers(calls: Sequence[Row], cause: Suspect) -> list[tuple[str, int, int, int]]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in calls:
        if end(row, "dst") == cause.callee and row["protocol"] == cause.protocol:
            entry = counts[end(row, "src")]
            entry[row["timestamp"] >= cause.first["timestamp"]] += 1
            entry[2] += int(row.get(f"{cause.protocol}_request_size", row.get("request_body_size", 0)))
    return sorted(((name, *numbers) for name, numbers in counts.items()), key=lambda item: -item[3])  # type: ignore[misc]
