"""Entries as compact table, in full, or raw: KFL rows in, clean and redacted text out (the caller fences it)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubeshark_mcp.present.fencing import clean, clean_line, cut, text_of
from kubeshark_mcp.present.metrics import FIELDS, gathered, metrics_of, told_columns
from kubeshark_mcp.present.redaction import Redactor
from kubeshark_mcp.present.tables import pipe_table
from kubeshark_mcp.present.times import Clock

FORMS = ("compact", "full", "raw")
COLUMNS = ("id", "ts", "src", "dst", "svc", "node", "proto", "call", "status", "ms", "note")
"""Columns of the compact table. src, dst: `namespace/pod ip:port`. ms: latency. `!` before a status: it failed."""

_GROUPS = {"node": ("node_name", "local_node_name"), "ns": ("dst.namespace",), "worker": ("worker",)}
_CALL_WIDTH = 160
_WHO = ("name", "namespace")


@dataclass(frozen=True, slots=True)
class CallPrinter:
    """Prints entries for one user."""

    clock: Clock
    redactor: Redactor

    def page(self, rows: Sequence[Mapping[str, Any]], form: str = "compact", group_by: str | None = None) -> str:
        """Print a page of entries, in groups where asked for."""
        safe = [self.safe_row(_in_table(row) if form == "compact" else row) for row in rows]
        if group_by is None:
            return self._rows(safe, form)
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in safe:
            groups.setdefault(_first(row, _GROUPS[group_by]) or "(none)", []).append(row)
        return "\n\n".join(
            f"{group_by} {name} ({len(members)}):\n{self._rows(members, form)}"
            for name, members in sorted(groups.items())
        )

    def one(
        self,
        row: Mapping[str, Any],
        request_body: bytes = b"",
        response_body: bytes = b"",
        flow: Mapping[str, Any] | None = None,
        connection: Mapping[str, Any] | None = None,
    ) -> str:
        """Print one entry with its evidence, fields and bodies, and what else its L4 flow and connection know."""
        safe = self.safe_row(row)
        parts = [*self._head(safe), *self._fields(gathered(safe))]
        for name, body, headers in (
            ("request body", request_body, "request.headers"),
            ("response body", response_body, "response.headers"),
        ):
            if body:
                parts.append(f"{name} ({len(body):,} bytes):\n{self.body(body, _content_type(row, headers))}")
        for name, record in (("l4_flow", flow), ("l4_conn", connection)):
            if record:
                own = {key: value for key, value in _filled(gathered(record)).items() if row.get(key) != value}
                parts.append(f"{name}: {self.json(self.safe_row(own))}")
        return "\n".join(parts)

    def body(self, data: bytes, content_type: str = "") -> str:
        """Print a body: text redacted; what is no text as a short view of its printable parts."""
        if b"\0" in data[:4096] and not content_type.startswith("text/"):
            shown = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in data[:512])
            return f"(binary) {self.redactor.text(shown)}"
        return self.redactor.text(clean(text_of(data)))

    def safe_row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Clean and redact every text of a row."""
        cleaned = {name: _cleaned(value) for name, value in row.items()}
        return self.redactor.row(cleaned)

    def _rows(self, rows: Sequence[Mapping[str, Any]], form: str) -> str:
        if form == "raw":
            return "\n".join(self.json(_filled(gathered(row))) for row in rows)
        if form == "full":
            return "\n\n".join("\n".join([*self._head(row), *self._fields(gathered(row))]) for row in rows)
        metrics = told_columns(rows)
        cells = [self._cells(row) + [metrics_of(row).get(name) for name in metrics] for row in rows]
        return pipe_table((*COLUMNS, *metrics), cells)

    def _cells(self, row: Mapping[str, Any]) -> list[object]:
        return [
            row.get("_id", row.get("id", "")),
            self._time(row.get("timestamp")),
            endpoint(row, "src"),
            endpoint(row, "dst"),
            _service(row),
            _first(row, ("node_name", "remote_node_name", "local_node_name")),
            row.get("protocol", ""),
            cut(str(_derived(row, "summary") or ""), _CALL_WIDTH),
            _status(row),
            _milliseconds(row),
            _note(row),
        ]

    def _head(self, row: Mapping[str, Any]) -> list[str]:
        latency = _milliseconds(row)
        lines = [
            f"id {row.get('_id', row.get('id', ''))}  {self._time(row.get('timestamp'))}",
            f"{row.get('protocol', '')} {_derived(row, 'summary') or ''} -> {_status(row) or 'no status'}"
            + (f" in {latency:g} ms" if latency is not None else ""),
            f"src {endpoint(row, 'src')}",
            f"dst {endpoint(row, 'dst')}" + (f" svc {service}" if (service := _service(row)) else ""),
        ]
        if malformed := _derived(row, "malformed"):
            lines.append(f"malformed: {malformed}")
        if row.get("_packets"):
            lines.append(f"packets: {self._told(row['_packets'])}")
        lines += [f"sighting: {self._told(sighting)}" for sighting in _sightings(row)]
        if row.get("_joined_into"):
            lines.append(f"joined into: {row['_joined_into']}")
        return lines

    def _fields(self, row: Mapping[str, Any]) -> list[str]:
        """Print the other fields that hold something, maps one pair a line."""
        lines = []
        for name, value in row.items():
            if name.startswith("_") or name in _SAID or not _is_told(value):
                continue
            if isinstance(value, Mapping):
                lines.append(f"{name}:")
                lines += [f"  {key}: {clean_line(self._told(item))}" for key, item in value.items()]
            else:
                lines.append(f"{name}: {self._told(value)}")
        return lines

    def _told(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        return self._time(value) if isinstance(value, datetime) else self.json(value)

    def _time(self, value: Any) -> str:
        return self.clock.text(value) if isinstance(value, datetime) else str(value or "")

    def json(self, value: Any) -> str:
        """Write a value as compact JSON, times in the user's zone."""

        def other(item: Any) -> Any:
            return self._time(item) if isinstance(item, datetime) else str(item)

        return json.dumps(value, default=other, ensure_ascii=False, separators=(",", ":"))


_SAID = frozenset(
    [
        "id",
        "timestamp",
        "protocol",
        "elapsed_time",
        "src.ip",
        "src.port",
        "dst.ip",
        "dst.port",
        "src.pod.name",
        "src.pod.namespace",
        "dst.pod.name",
        "dst.pod.namespace",
        "src.name",
        "src.namespace",
        "dst.name",
        "dst.namespace",
        "dst.service.name",
        "dst.service.namespace",
        "node_name",
        "namespaces",
        "pods",
        "services",
        "http",
        "dns",
        "redis",
        "tcp",
        "udp",
        "summary",
        "status",
        "failed",
        "malformed",
        "answered",
        "sightings",
    ]
)
"""Fields whose content the first lines of an entry have."""


_TABLE = frozenset(
    [
        *(f"{side}.{part}" for side in ("src", "dst") for part in ("ip", "port", "dns", "name", "namespace")),
        *(f"{side}.{kind}.{part}" for side in ("src", "dst") for kind in ("pod", "service") for part in _WHO),
        *(f"{mark}{name}" for mark in ("", "_") for name in ("summary", "status", "failed", "malformed", "answered")),
        *("_id", "id", "timestamp", "protocol", "elapsed_time", "sightings", "_sightings", "worker"),
        *(name for names in _GROUPS.values() for name in names),
        *("remote_node_name", "tcp_metrics", *FIELDS),
    ]
)
"""All that the compact table and its groups are made of."""


def _in_table(row: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a table does not show: to take the secrets out of its headers takes most of the time."""
    return {name: value for name, value in row.items() if name in _TABLE}


def endpoint(row: Mapping[str, Any], side: str) -> str:
    """Print one end of an entry: `namespace/pod ip:port`, with the DNS name where no pod or service is known."""
    name = row.get(f"{side}.pod.name") or row.get(f"{side}.name") or ""
    namespace = row.get(f"{side}.pod.namespace") or row.get(f"{side}.namespace") or ""
    who = f"{namespace}/{name}" if namespace and name else name or row.get(f"{side}.dns") or ""
    address, port = row.get(f"{side}.ip") or "", row.get(f"{side}.port")
    where = f"[{address}]:{port}" if port and ":" in address else f"{address}:{port}" if port else address
    return f"{who} {where}".strip()


def _service(row: Mapping[str, Any]) -> str:
    name, namespace = row.get("dst.service.name") or "", row.get("dst.service.namespace") or ""
    return f"{namespace}/{name}" if name and namespace else name


def _derived(row: Mapping[str, Any], name: str) -> Any:
    """Give what is derived from an entry and is no KFL field: `_summary`, or `summary` where that is declared."""
    return row.get(f"_{name}", row.get(name))


def _status(row: Mapping[str, Any]) -> str:
    status = str(_derived(row, "status") or "")
    if not status and _derived(row, "answered") is False:
        status = "no answer"
    return f"!{status or 'failed'}" if _derived(row, "failed") else status


def _sightings(row: Mapping[str, Any]) -> list[Any]:
    """Give the places where a call was seen; they arrive as a list or as JSON text."""
    found = row.get("_sightings")
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            return [found]
    return list(found) if isinstance(found, list | tuple) else []


def _milliseconds(row: Mapping[str, Any]) -> float | None:
    elapsed = row.get("elapsed_time")
    return round(elapsed / 1000, 3) if isinstance(elapsed, int | float) and elapsed else None


def _note(row: Mapping[str, Any]) -> str:
    seen = len(_sightings(row)) or row.get("sightings") or 0
    notes = [f"seen {seen}x"] if seen > 1 else []
    notes += ["malformed"] if _derived(row, "malformed") else []
    return ", ".join(notes)


def _first(row: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((str(row[name]) for name in names if row.get(name)), "")


def _is_told(value: Any) -> bool:
    """Tell whether a field holds more than its type's default."""
    return value not in (None, "", 0, 0.0, False, b"", (), [], {})


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what holds a default, and what is there under its KFL name as well."""
    return {
        name: value
        for name, value in row.items()
        if _is_told(value) and not (name.startswith("_") and row.get(name[1:]) == value)
    }


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bytes):
        return clean(text_of(value))
    if isinstance(value, Mapping):
        return {clean_line(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value


def _content_type(row: Mapping[str, Any], headers: str) -> str:
    found = row.get(headers) or {}
    return next((str(value).lower() for name, value in found.items() if str(name).lower() == "content-type"), "")
