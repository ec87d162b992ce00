"""What the sightings of a call know together: one row a call, and one identity for the connections that carried it.

Identities belong to connections, not to calls, so they are merged once for all connections that saw the same calls;
every entry of such a connection, joined or not, takes the merged identity.
"""

from __future__ import annotations

from string import Template

from kubeshark_mcp.store.columns import quoted
from kubeshark_mcp.store.workshop import Workshop

CLIENT = (
    "src.pod.name", "src.pod.namespace", "src.service.name", "src.service.namespace", "src.name", "src.namespace",
    "src.dns", "local_labels", "local_annotations", "local_node_name", "local_process_name", "local_resolution_status",
)  # fmt: skip
"""Known by any sighting: taken as a whole from the one that knows most."""
SERVER = (
    "dst.ip", "dst.port", "dst.pod.name", "dst.pod.namespace", "dst.name", "dst.namespace", "dst.dns", "remote_labels",
    "remote_annotations", "remote_node_name", "remote_process_name", "remote_resolution_status",
)  # fmt: skip
"""Known by the sighting behind the address translation: the one whose server address is a pod's."""
SERVICE = ("dst.service.name", "dst.service.namespace")
"""Known by the sighting before the translation: the one whose server address is a service's."""
UNITED = ("namespaces", "pods", "services", "dns_resolutions")
"""Lists to which every sighting adds."""
MERGED = (*CLIENT, *SERVER, *SERVICE, *UNITED)

_CALLS = """
CREATE TABLE calls AS
SELECT gid, arg_max(_id, (((asked AND answered)::BIGINT * 2 + sound::BIGINT) * 1048576 + weight) * 1099511627776
        + 1099511627775 - distance // 8388608) AS _id,
    arg_min(timestamp, distance) AS timestamp,
    arg_min(elapsed, distance) FILTER (asked AND answered) AS elapsed,
    arg_min(first_byte, distance) FILTER (asked AND answered) AS first_byte,
    count(*) AS sightings, min(connection) AS anchor
FROM members JOIN every_row USING (_id) GROUP BY gid
"""
"""The most complete sighting gives the row; the one nearest to the client gives the time and how long it took."""

_LINKS = """
CREATE TABLE links AS
WITH pairs AS (
    SELECT DISTINCT connection, anchor FROM members JOIN calls USING (gid)
    JOIN (SELECT _id, connection FROM every_row) AS e ON e._id = members._id)
SELECT connection AS a, anchor AS b FROM pairs UNION SELECT anchor, connection FROM pairs
"""
_SETS = "CREATE TABLE set_of AS SELECT a AS connection, min(b) AS set_id FROM links GROUP BY a"
_SPREAD = """
CREATE OR REPLACE TABLE spread AS
SELECT links.a AS connection, min(set_of.set_id) AS set_id
FROM links JOIN set_of ON set_of.connection = links.b GROUP BY ALL
"""
_SETTLED = "SELECT 1 FROM spread JOIN set_of USING (connection) WHERE spread.set_id < set_of.set_id LIMIT 1"
_LONGEST_CHAIN = 32
"""Connections are linked in stars, rarely in chains; this many steps are far more than any capture needs."""

_REPRESENTATIVES = """
CREATE TABLE representatives AS
SELECT connection, min(_id) AS _id, arg_min(protocol, _id) AS protocol, min(distance) AS distance
FROM members JOIN every_row USING (_id) GROUP BY connection
"""

_KNOWN = Template("""
SELECT chosen.connection, row_number() OVER (PARTITION BY set_id ORDER BY distance) AS rank, set_id,
    raw._server_kind AS kind, $columns
FROM (SELECT * FROM representatives WHERE protocol = '$protocol') AS chosen JOIN set_of USING (connection)
JOIN $raw AS raw USING (_id)
""")


def merge_identities(shop: Workshop) -> None:
    """Make `calls` (one row a joined call), `set_of` (connection -> set_id) and `identities` (by set_id)."""
    for statement in (_CALLS, _LINKS, _SETS, _REPRESENTATIVES):
        shop.run(statement)
    for _ in range(_LONGEST_CHAIN):
        shop.run(_SPREAD)
        if not shop.run(_SETTLED):
            break
        shop.run("CREATE OR REPLACE TABLE set_of AS SELECT * FROM spread")
    columns = merged_columns(shop)
    parts = [
        _KNOWN.substitute(protocol=protocol, raw=shop.raw(protocol), columns=_chosen(columns, shop.columns[protocol]))
        for (protocol,) in shop.run("SELECT DISTINCT protocol FROM representatives")
    ]
    shop.run("CREATE TABLE known AS " + " UNION ALL BY NAME ".join(parts))
    merged = ", ".join(f"{_merged(name)} AS {quoted(name)}" for name in columns)
    shop.run(f"CREATE TABLE identities AS SELECT set_id, {merged or 'count(*) AS size'} FROM known GROUP BY set_id")  # noqa: S608
    for table in ("known", "links", "spread"):
        shop.run(f"DROP TABLE {table}")


def merged_columns(shop: Workshop) -> list[str]:
    """Give the columns of this folder that belong to identities."""
    present = {name for names in shop.columns.values() for name in names}
    return [name for name in MERGED if name in present]


def _chosen(columns: list[str], present: list[str]) -> str:
    return ", ".join(f"raw.{quoted(name)}" if name in present else f"NULL AS {quoted(name)}" for name in columns)


def _merged(name: str) -> str:
    """Give the expression by which a column of several sightings becomes one value."""
    column = quoted(name)
    if name in UNITED:
        return f"list_sort(list_distinct(flatten(list({column}) FILTER ({column} IS NOT NULL))))"
    if name in CLIENT:
        knowing = '("src.pod.name" IS NOT NULL)::INT * 4 + ("src.name" IS NOT NULL)::INT * 2'
        return f"arg_max_null({column}, ({knowing}) * 1000 - rank)"
    if name in SERVER:
        return f"arg_max_null({column}, CASE kind WHEN 'pod' THEN 2000 WHEN 'service' THEN 0 ELSE 1000 END + rank)"
    knowing = f"({column} IS NOT NULL)::INT * 4 + (kind = 'service')::INT * 2"
    return f"arg_max_null({column}, ({knowing}) * 1000 - rank)"
