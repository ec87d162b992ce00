"""Flows after the join: what connections seen at several places sent is counted once.

A flow's entry was made from connections as each place saw them. Where some of these turned out to be one, the flows
they belong to are summed up anew from the joined connections; a flow to a service's address whose connections all went
to pods is left out, for the flows to the pods hold the same packets.
"""

from __future__ import annotations

from pathlib import Path
from string import Template

from kubeshark_mcp.store.columns import HEAVY, quoted
from kubeshark_mcp.store.files import SUFFIX
from kubeshark_mcp.store.workshop import Workshop

FLOW_COLUMNS = ("local_pkts", "local_bytes", "remote_pkts", "remote_bytes")
"""Columns that a flow sums up, named `flow_…` there and `conn_…` at the connections."""
_RATES = {
    "flow_local_pps": "local_pkts",
    "flow_local_bps": "local_bytes",
    "flow_remote_pps": "remote_pkts",
    "flow_remote_bps": "remote_bytes",
}

_SUMS = Template("""
CREATE OR REPLACE TABLE sums AS
SELECT flow_id, $sums FROM read_parquet('$connections') WHERE flow_id IN (
    SELECT flow_id FROM read_parquet('$connections') WHERE sightings > 1) GROUP BY flow_id
""")

_FLOWS = Template("""
SELECT $columns FROM $raw AS r LEFT JOIN sums USING (flow_id)
WHERE sums.flow_id IS NOT NULL OR r.flow_id NOT IN (SELECT flow_id FROM touched)
QUALIFY sums.flow_id IS NULL OR row_number() OVER (PARTITION BY flow_id ORDER BY r.timestamp, r._id) = 1
""")


def sum_flows(shop: Workshop, protocol: str, joined: Path, path: Path) -> bool:
    """Write the flows of a protocol anew if one of their connections was joined; tell whether that was so."""
    connections = protocol.replace("_flow", "_conn")
    source = joined / f"{connections}-joined-000{SUFFIX}"
    if not source.exists() or "flow_id" not in shop.columns[protocol] or "flow_id" not in shop.columns[connections]:
        return False
    known = shop.columns[connections]
    summed = [name for name in FLOW_COLUMNS if f"conn_{name}" in known and f"flow_{name}" in shop.columns[protocol]]
    sums = ", ".join(f"sum(conn_{name})::BIGINT AS {name}" for name in summed)
    shop.run(_SUMS.substitute(sums=sums or "count(*) AS size", connections=str(source).replace("'", "''")))
    shop.run(
        f"CREATE OR REPLACE TABLE touched AS SELECT DISTINCT flow_id FROM {shop.raw(connections)} "  # noqa: S608
        "WHERE _connection IN (SELECT connection FROM canonical) AND flow_id IS NOT NULL"
    )
    columns = [_column(name, summed) for name in shop.columns[protocol] if name not in HEAVY]
    shop.write(_FLOWS.substitute(columns=", ".join(columns), raw=shop.raw(protocol)), path)
    return True


def _column(name: str, summed: list[str]) -> str:
    own = quoted(name)
    base = name.removeprefix("flow_")
    if name.startswith("flow_") and base in summed:
        return f"coalesce(sums.{base}, r.{own}) AS {own}"
    if (of := _RATES.get(name)) in summed:
        return f"coalesce((r.{own} * sums.{of} / nullif(r.flow_{of}, 0))::BIGINT, r.{own}) AS {own}"
    return f"r.{own}"
