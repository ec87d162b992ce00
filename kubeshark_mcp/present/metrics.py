"""TCP metrics of connections and flows: all of them, in every format, by the names of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from kubeshark_mcp.model.stream import TcpMetrics

METRICS = tuple(metric.name for metric in fields(TcpMetrics))
"""Names of the metrics; the KFL field of one is its name behind `tcp_`."""
FIELDS = frozenset(f"tcp_{name}" for name in METRICS)
"""Their KFL fields."""

_DEFAULTS = {metric.name: metric.default for metric in fields(TcpMetrics)}
_MEASURED = frozenset({"tcp_conn", "tcp_flow"})


def metrics_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give the metrics of a connection or flow of TCP, None for what was not seen; nothing for other entries."""
    if row.get("protocol") not in _MEASURED:
        return {}
    nested = row.get("tcp_metrics")
    if isinstance(nested, Mapping):
        return {name: nested.get(name, _DEFAULTS[name]) for name in METRICS}
    return {name: row.get(f"tcp_{name}", _DEFAULTS[name]) for name in METRICS}


def gathered(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give the row with its metrics in one place, `tcp_metrics`, instead of one field each."""
    metrics = metrics_of(row)
    if not metrics:
        return dict(row)
    return {name: value for name, value in row.items() if name not in FIELDS} | {"tcp_metrics": metrics}


def told_columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give the metrics that a table of these rows shows: those that tell something in one of them."""
    found = [metrics for row in rows if (metrics := metrics_of(row))]
    return [name for name in METRICS if any(metrics[name] not in (None, 0, -1) for metrics in found)]
