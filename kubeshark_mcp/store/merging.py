"""What the sightings of a call know together: one row a call, and one identity for the connections that carried it.

Identities belong to connections, not to calls, so they are merged once for all connections that saw the same calls;
every entry of such a connection, joined or not, takes the merged identity.
"""

from __future__ import annotations

from collections.abc import Collection
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
CREATE OR REPLACE TABLE calls AS
SELECT gid, arg_max(_id, (
        (((asked AND answered)::BIGINT * 2 + sound::BIGINT) * 1048576 + weight) * 1099511627776
        + 1099511627775 - distance // 8388608, -_id)) AS _id,
    arg_min(timestamp, distance) AS timestamp,
    arg_min(elapsed, distance) FILTER (asked AND answered) AS elapsed,
    arg_min(first_byte, distance) FILTER (asked AND answered) AS first_byte,
    count(*) AS sightings, min(connection) AS anchor
FROM rows JOIN members USING (_id) GROUP BY gid
"""
"""The most complete sighting gives the row; the one nearest to the client gives the time and how long it took."""

_TABLES = (
    "CREATE TABLE pairs (connection BIGINT, anchor BIGINT)",
    "CREATE TABLE met (connection BIGINT, _id BIGINT, protocol UTINYINT, distance BIGINT)",
    "CREATE TABLE numbered (connection BIGINT, conn_id BIGINT, flow_id BIGINT, group_id BIGINT)",
)
_PAIRS = """
INSERT INTO pairs
SELECT DISTINCT connection, anchor FROM rows JOIN members USING (_id) JOIN (SELECT gid, anchor FROM calls) USING (gid)
"""
_MET = """
INSERT INTO met
SELECT connection, min(_id), arg_min(protocol, _id), min(distance) FROM rows SEMI JOIN members USING (_id)
GROUP BY connection
"""
_NUMBERED = """
INSERT INTO numbered
WITH legs AS (
    SELECT gid, connection, rows._id = calls._id AS chosen, conn_id, flow_id, group_id,
        row_number() OVER (PARTITION BY gid ORDER BY distance) + kind AS depth
    FROM rows JOIN members ON members._id = rows._id JOIN (SELECT gid, _id FROM calls) AS calls USING (gid)
    WHERE whole),
numbers AS (
    SELECT gid, max(conn_id) FILTER (chosen) AS conn_id, arg_max(flow_id, depth) AS flow_id,
        arg_max(group_id, depth) AS group_id FROM legs GROUP BY gid)
SELECT connection, min(numbers.conn_id), min(numbers.flow_id), min(numbers.group_id)
FROM legs JOIN numbers USING (gid) GROUP BY connection
"""
"""The numbers by which a connection seen at several places goes: its row's conn_id, the flow behind the translation."""
_CALL_ROWS = "SELECT _id, timestamp, elapsed, first_byte, sightings FROM calls ORDER BY _id"
_MAP = "SELECT members._id, calls._id AS _joined_into FROM members JOIN calls USING (gid) ORDER BY ALL"

_CANONICAL = """
CREATE TABLE canonical AS
SELECT connection, min(conn_id) AS conn_id, min(flow_id) AS flow_id, min(group_id) AS group_id
FROM numbered GROUP BY connection
"""
_LINKS = """
CREATE TABLE links AS
WITH every AS (SELECT DISTINCT connection, anchor FROM pairs)
SELECT connection AS a, anchor AS b FROM every UNION SELECT anchor, connection FROM every
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
FROM met GROUP BY connection
"""

_KNOWN = Template("""
SELECT chosen.connection, chosen.distance, chosen.set_id, raw._server_kind AS kind, $columns
FROM $raw AS raw JOIN (
    SELECT * FROM representatives JOIN set_of USING (connection) WHERE protocol = $number AND set_id % $shares = $share
) AS chosen USING (_id)
""")
_WEIGHED = ("src.pod.name", "src.name")
"""Columns that tell how much a sighting knows of the client."""
_SHARE = 50_000
"""Connections whose identities are merged at once, about."""


def prepare_calls(shop: Workshop) -> None:
    """Make the empty tables into which `add_calls` puts what it finds."""
    for statement in _TABLES:
        shop.run(statement)


def add_calls(shop: Workshop, part: int) -> tuple[int, int]:
    """Make calls of the `members` of one part: files of calls and of what they stand for; give calls and sightings."""
    for statement in (_CALLS, _PAIRS, _MET, _NUMBERED):
        shop.run(statement)
    shop.write(_CALL_ROWS, shop.piece("calls", part))
    shop.write(_MAP, shop.piece("map", part))
    ((calls, sightings),) = shop.run("SELECT count(*), coalesce(sum(sightings), 0)::BIGINT FROM calls")
    return calls, sightings


def merge_identities(shop: Workshop) -> None:
    """Make `canonical` (numbers of connections), `set_of` (connection -> set_id) and `identities` (by set_id)."""
    for statement in (_CANONICAL, _LINKS, _SETS, _REPRESENTATIVES, "DROP TABLE pairs", "DROP TABLE met"):
        shop.run(statement)
    for _ in range(_LONGEST_CHAIN):
        shop.run(_SPREAD)
        if not shop.run(_SETTLED):
            break
        shop.run("CREATE OR REPLACE TABLE set_of AS SELECT * FROM spread")
    columns = merged_columns(shop)
    ((size,),) = shop.run("SELECT count(*) FROM representatives")
    shares = max(1, -(-size // _SHARE))
    for share in range(shares):
        _merge_share(shop, columns, share, shares)
    for table in ("links", "spread", "representatives", "numbered"):
        shop.run(f"DROP TABLE {table}")


def _merge_share(shop: Workshop, columns: list[str], share: int, shares: int) -> None:
    protocols = list(shop.files)
    parts = [
        _KNOWN.substitute(
            number=number,
            share=share,
            shares=shares,
            raw=shop.raw(protocols[number]),
            columns=_chosen(list(dict.fromkeys([*columns, *_WEIGHED])), shop.columns[protocols[number]]),
        )
        for (number,) in shop.run("SELECT DISTINCT protocol FROM representatives ORDER BY protocol")
    ]
    union = " UNION ALL BY NAME ".join(parts)
    ranked = f"SELECT *, row_number() OVER (PARTITION BY set_id ORDER BY distance) AS rank FROM ({union})"  # noqa: S608
    shop.run(f"CREATE OR REPLACE TABLE known AS {ranked}")
    merged = ", ".join(f"{_merged(name)} AS {quoted(name)}" for name in columns)
    begin = "INSERT INTO identities" if share else "CREATE TABLE identities AS"
    shop.run(f"{begin} SELECT set_id, {merged or 'count(*) AS size'} FROM known GROUP BY set_id")  # noqa: S608
    shop.run("DROP TABLE known")


def merged_columns(shop: Workshop) -> list[str]:
    """Give the columns of this folder that belong to identities and have a value somewhere."""
    filled = {name for protocol in shop.files for name in shop.filled(protocol)}
    return [name for name in MERGED if name in filled]


def _chosen(columns: list[str], present: Collection[str]) -> str:
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
