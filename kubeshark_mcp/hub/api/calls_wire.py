"""API calls as they travel: compact, full, or raw as KFL sees them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import repeat
from typing import Any

from orjson import Fragment
from pydantic import BaseModel

from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.api import wire
from kubeshark_mcp.present.calls import CallPrinter
from kubeshark_mcp.present.fencing import clean, text_of
from kubeshark_mcp.present.redaction import Redactor
from kubeshark_mcp.present.times import Clock
from kubeshark_mcp.store.remembering import Remembered

Row = Mapping[str, Any]
Texts = tuple[tuple[str, str], ...]
GROUPS = {"node": ("node_name", "remote_node_name", "node_id"), "ns": ("dst.namespace",), "worker": ("worker",)}


@dataclass(frozen=True, slots=True)
class CallWriter:
    """Writes calls, without their secrets where a redactor is given."""

    redactor: Redactor | None = None
    _remembered: Callable[[Texts], Row] = field(init=False, repr=False, compare=False)
    _texts: Remembered[bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep what was redacted and written: the same calls, paths and summaries come again and again."""
        object.__setattr__(self, "_remembered", lru_cache(_REMEMBERED)(lambda texts: self._safe(dict(texts))))
        object.__setattr__(self, "_texts", Remembered(TEXT_BYTES, lambda text: _OF_A_KEY + 2 * len(text)))

    def page(self, found: c.CallPage, form: str, group_by: str | None) -> wire.Json:
        """Give a page of calls; in groups, calls of one group lie together and `groups` counts them."""
        rows = found.rows if form == "compact" else [self._safe(row) for row in found.rows]
        answer: wire.Json = {"calls": [], "total": found.total, "truncated": found.cursor is not None}
        if group_by is not None:
            names = [_first(row, GROUPS[group_by]) for row in rows]
            rows = [row for _, row in sorted(zip(names, rows, strict=True), key=lambda pair: pair[0])]
            answer["groups"] = {name: names.count(name) for name in sorted(set(names))}
        writers = {"compact": self._compact, "full": full, "raw": raw}
        answer["calls"] = [writers[form](row) for row in rows]
        answer["db"] = found.database
        if found.cursor is not None:
            answer["cursor"] = found.cursor
        return wire.with_notes(answer, found.warnings, found.empty)

    def written(self, found: c.CallPage) -> wire.Json:
        """Give a compact page as `page` does, its calls as JSON that was written: for those that were shown before."""
        answer: wire.Json = {"calls": [], "total": found.total, "truncated": found.cursor is not None}
        answer["calls"] = [Fragment(self._text(row)) for row in found.rows]
        answer["db"] = found.database
        if found.cursor is not None:
            answer["cursor"] = found.cursor
        return wire.with_notes(answer, found.warnings, found.empty)

    def _text(self, row: Row) -> bytes:
        """Give a compact call as JSON; what it is made of says whether it is the same as one before."""
        made_of = tuple(map(row.get, _SHOWN, repeat(_ABSENT)))
        try:
            known = self._texts.known(made_of)
        except TypeError:  # another Hub gave a list or a map where a text or a number belongs
            return wire.to_json(self._compact(row))
        if known is None:
            known = wire.to_json(self._compact(row))
            self._texts.keep(made_of, known)
        return known

    def is_short(self, found: c.CallPage) -> bool:
        """Tell whether a compact page is written in a moment, so that a thread for it costs more than it gives."""
        if len(found.rows) > _SHORT_ROWS:
            return False
        return sum([len(str(row.get(name, ""))) for row in found.rows for name in _CAPTURED]) <= _SHORT_TEXT

    def detail(self, found: c.CallDetail) -> wire.Json:
        """Give one call: bodies as text where they are text, else as base64 (then `…_body_encoding` says so)."""
        answer: wire.Json = {"entry": raw(self._safe(found.entry))}
        for name, body in (("req_body", found.request_body), ("resp_body", found.response_body)):
            answer.update(self._body(name, body))
        answer["truncated"] = found.truncated
        if found.flow is not None:
            answer["l4_flow"] = wire.flow(found.flow)
        if found.connection is not None:
            answer["l4_conn"] = raw(self._safe(found.connection))
        if found.pcap is not None and self.redactor is None:
            answer["pcap"] = b64encode(found.pcap).decode()
        elif found.pcap is not None:
            answer["warnings"] = ["pcap is left out, because its packets hold the secrets that are redacted here"]
        return answer

    def told(self, found: BaseModel) -> wire.Json:
        """Give any other answer as it is, its times as RFC 3339; its texts may quote what was captured."""
        answer: wire.Json = found.model_dump(mode="json")
        return answer if self.redactor is None else self.redactor.row(answer)

    def _body(self, name: str, body: bytes) -> wire.Json:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            if self.redactor is None:
                return {name: b64encode(body).decode(), f"{name}_encoding": "base64"}
            text = text_of(body)
        return {name: text if self.redactor is None else self.redactor.text(clean(text))}

    def _compact(self, row: Row) -> wire.Json:
        """Redact what a compact call shows, and nothing else of it: a page is read often, and each text costs."""
        if self.redactor is None:
            return compact(row)
        texts = tuple([(name, text) for name in _CAPTURED if isinstance(text := row.get(name), str)])
        long = sum([len(text) for _, text in texts]) > _LONGEST_REMEMBERED
        return compact(row, self._safe(dict(texts)) if long else self._remembered(texts))

    def _safe(self, row: Row) -> Row:
        return row if self.redactor is None else CallPrinter(Clock(), self.redactor).safe_row(row)


_ENDS = {
    side: tuple(f"{side}.{part}" for part in ("ip", "port", "pod.name", "pod.namespace", "namespace"))
    for side in ("src", "dst")
}
"""Columns of both ends."""
COMPACT_COLUMNS = (
    *(name for names in _ENDS.values() for name in names),
    *("id", "protocol", "method", "path", "status_code", "elapsed_time", "dst.service.name"),
    *("summary", "status", "failed", "malformed", "node_name", "node_id", "remote_node_name", "worker"),
)
"""Columns that a compact call, and what calls are grouped by, are made of."""
_CAPTURED = ("method", "path", "_summary", "_status", "_malformed")
"""Those of them that hold text from the wire; the others are addresses, numbers and names of Kubernetes objects."""
_SHOWN = (
    *(name for names in _ENDS.values() for name in names),
    *("_id", "id", "timestamp", "protocol", "status_code", "elapsed_time", "_failed"),
    *("dst.service.name", "remote_node_name", "node_name", *_CAPTURED),
)
"""All that a compact call is made of."""
_ABSENT = object()
TEXT_BYTES = 4 << 20
"""What calls that are kept as JSON may take, roughly."""
_OF_A_KEY = 800
"""Bytes of what a call was made of, without its texts."""
_REMEMBERED = 4096
"""Calls whose redacted texts are kept ..."""
_LONGEST_REMEMBERED = 1024
"""... unless they have more characters than this."""
_SHORT_ROWS = 100
_SHORT_TEXT = 32_768
"""Rows, and characters of captured text in all, of a page that is written in about a millisecond."""


def raw(row: Row) -> wire.Json:
    """Give a call with all its KFL fields under their names, evidence under `_` names.

    `timestamp` has a fraction of milliseconds here, because evidence is compared with packets to the microsecond.
    """
    moment = row.get("timestamp")
    exact = {"timestamp": wire.exact_milliseconds(moment)} if isinstance(moment, datetime) else {}
    return {**row, **exact, "id": row.get("_id", row.get("id")), "ts": moment}


def compact(row: Row, safe: Row | None = None) -> wire.Json:
    """Give what a list of calls shows. safe: its captured texts, where those of the row are not to be shown."""
    texts = row if safe is None else safe
    summary = str(texts.get("_summary") or "")
    verb, _, rest = summary.partition(" ")
    get, latency = row.get, row.get("elapsed_time")
    answer = {
        "id": get("_id", get("id")),
        "ts": get("timestamp"),
        "src": _end(row, "src"),
        "dst": _end(row, "dst"),
        "proto": get("protocol", ""),
        "method": texts.get("method") or verb,
        "path": texts.get("path") or rest,
        "status": get("status_code") or texts.get("_status") or "",
        "latency_ms": round(latency / 1000, 3) if isinstance(latency, int | float) else None,
        "summary": summary,
    }
    if get("_failed"):
        answer["failed"] = True
    if malformed := texts.get("_malformed"):
        answer["malformed"] = malformed
    return answer


def full(row: Row) -> wire.Json:
    """Give what a list of calls shows, with headers, sizes and where the call was seen. Bodies: one call at a time."""
    return {
        **compact(row),
        "conn_id": row.get("conn_id"),
        "flow_id": row.get("flow_id"),
        "node_id": row.get("node_id", ""),
        "req_headers": row.get("request.headers") or {},
        "resp_headers": row.get("response.headers") or {},
        "req_size": (row.get("request_headers_size") or 0) + (row.get("request_body_size") or 0),
        "resp_size": (row.get("response_headers_size") or 0) + (row.get("response_body_size") or 0),
        "worker": row.get("worker", ""),
        **({"tcp_metrics": metrics} if (metrics := _tcp_metrics(row)) else {}),
        **({"packets": row["_packets"]} if row.get("_packets") else {}),
        **({"sightings": row["_sightings"]} if row.get("_sightings") else {}),
    }


def _end(row: Row, side: str) -> wire.Json:
    ip, port, pod, pod_namespace, namespace = _ENDS[side]
    get = row.get
    end = {
        "ip": get(ip, ""),
        "port": get(port, 0),
        "pod": get(pod, ""),
        "ns": get(pod_namespace) or get(namespace) or "",
    }
    if side == "dst":
        end["svc"] = get("dst.service.name", "")
        end["node"] = get("remote_node_name") or get("node_name") or ""
    return end


def _tcp_metrics(row: Row) -> wire.Json:
    return {name.removeprefix("tcp_"): row[name] for name in row if name.startswith("tcp_") and name not in _KINDS}


_KINDS = frozenset(["tcp_conn", "tcp_flow"])


def _first(row: Row, names: tuple[str, ...]) -> str:
    return next((str(row[name]) for name in names if row.get(name)), "")
