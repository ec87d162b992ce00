"""Flows after the join: what connections seen at several places sent is counted once.

A flow's entry was made from connections as each place saw them. Where some of these turned out to be one, the flows
they belong to are summed up anew from the joined connections; a flow to a service's address whose connections all went
to pods is left out, for the flows to the pods hold the same packets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

from kubeshark_mcp.store.columns import HEAVY, quoted
from kubeshark_mcp.store.files import SUFFIX
from kubeshark_mcp.store.workshop import Workshop

_TRAFFIC = ("local_pkts", "local_bytes", "remote_pkts", "remote_bytes")
_SUMMED: Mapping[str, str] = {
    **{f"flow_{name}": f"sum(conn_{name})::BIGINT" for name in _TRAFFIC},
    "flow_connections": "count(*)",
    "flow_failed_connections": "count(*) FILTER (failed)",
    "flow_l7_detected": "list_sort(list_distinct(flatten(list(conn_l7_detected))))",
    **{
        f"tcp_{name}": f"sum(tcp_{name})::BIGINT"
        for name in (
            "retransmissions", "fast_retransmissions", "zero_window_events", "window_full_events", "out_of_order",
            "dup_acks", "missing_segments", "rst_count", "fin_count", "keepalive_count", "rtt_samples", "goodput_bytes",
        )
    },
}  # fmt: skip
"""Columns of a flow, and what they are of its connections; averages stay as one place saw them."""
_RATES = {
    "flow_local_pps": "flow_local_pkts",
    "flow_local_bps": "flow_local_bytes",
    "flow_remote_pps": "flow_remote_pkts",
    "flow_remote_bps": "flow_remote_bytes",
}

_WORDS = re.compile(r"[a-z_][a-z_0-9]+")
_FUNCTIONS = ("sum", "count", "list_sort", "list_distinct", "flatten", "list")

_SUMS = Template("""
CREATE OR REPLACE TABLE sums AS
SELECT flow_id, $sums FROM read_parquet('$connections') SEMI JOIN touched USING (flow_id) GROUP BY flow_id
""")

_FLOWS = Template("""
SELECT $columns FROM $raw AS r LEFT JOIN sums USING (flow_id)
WHERE sums.flow_id IS NOT NULL OR r.flow_id NOT IN (SELECT flow_id FROM touched)
QUALIFY sums.flow_id IS NULL OR row_number() OVER (PARTITION BY flow_id ORDER BY r.timestamp, r._id) = 1
""")


def sum_flows(shop: Workshop, protocol: str, joined: Path, path: Path) -> bool:
    """Write the flows of a protocol anew if one of their connections was joined; tell whether that was so."""
    connections = protocol.replace("_flow", "_conn")
    source = joined / f"{connections}-joined-*{SUFFIX}"
    if (
        not any(joined.glob(source.name))
        or "flow_id" not in shop.columns[protocol]
        or "flow_id" not in shop.columns[connections]
    ):
        return False
    known = shop.columns[connections]
    summed = {
        name: expression
        for name, expression in _SUMMED.items()
        if name in shop.columns[protocol] and set(_WORDS.findall(expression)) <= {*known, *_FUNCTIONS}
    }
    sums = ", ".join(f"{expression} AS {name}" for name, expression in summed.items())
    shop.run(
        f"CREATE OR REPLACE TABLE touched AS SELECT DISTINCT flow_id FROM {shop.raw(connections)} "  # noqa: S608
        "WHERE _connection IN (SELECT connection FROM canonical) AND flow_id IS NOT NULL"
    )
    shop.run(_SUMS.substitute(sums=sums or "count(*) AS size", connections=str(source).replace("'", "''")))
    columns = [_column(name, summed) for name in shop.columns[protocol] if name not in HEAVY]
    shop.write(
        _FLOWS.substitute(columns=", ".join(columns), raw=shop.raw(protocol)),
        path,
        shop.filled(protocol) | summed.keys(),
    )
    return True


def _column(name: str, summed: Mapping[str, str]) -> str:
    own = quoted(name)
    if name in summed:
        return f"coalesce(sums.{name}, r.{own}) AS {own}"
    if (of := _RATES.get(name)) in summed:
        return f"coalesce((r.{own} * sums.{of} / nullif(r.{of}, 0))::BIGINT, r.{own}) AS {own}"
    return f"r.{own}"
