"""Which rows are sightings of one call: SQL that groups rows by `_match`, place and time.

Rows of one `_match` are cut into sessions where nothing was seen for longer than the tolerance; connections are also
cut where their TCP sequence numbers do not touch (the same client port, another connection). Within a session the k-th
row at one place (capture, point, server address) joins the k-th at another, so two rows at one place never become one.

Outside TCP a message has no sequence number, and a client may send the same question to two servers. There, other
server addresses join only when one of them is known to be a service's and the others are all the same.

Nearly all calls are seen once at each place, within the tolerance: these are grouped without sorting anything.

All rows of one match are grouped together, so what repeats is split by match into parts that fit into memory, and each
part is grouped on its own.
"""

from __future__ import annotations

from string import Template

from kubeshark_mcp.store.columns import CONNECTIONS, FLOWS
from kubeshark_mcp.store.workshop import MEMORY_LIMIT, Workshop

PART_ROWS = 250_000
"""Rows that are grouped at once, about."""
COUNTED_ROWS = 250_000
"""Rows whose matches are counted at once, about: nearly all matches differ, and each takes some 100 bytes of memory."""
_COUNTING_MEMORY = "96MB"
"""What the database may take for that: it holds little, and what it has read would else stay beside what it counts."""
_NUMBERS = ("conn_id", "flow_id", "conn_group_id")

_EVERY_ROW = Template("""
SELECT _id, $number::UTINYINT AS protocol, $whole AS whole, _match AS match, _match_response AS match_response,
    _connection AS connection, hash(_capture, _point, _server) AS place, hash(_server) AS server,
    coalesce(_server_kind, '') = 'service' AS service, (_connection >> 33) & 7 = 0 AS tcp, timestamp,
    CASE WHEN $whole THEN greatest(_request_end, _response_end, timestamp) ELSE timestamp END AS reach,
    _sequence AS sequence, _sequence_end AS sequence_end, _request_first IS NOT NULL AS asked, $answered AS answered,
    $elapsed AS elapsed, $first_byte AS first_byte, $malformed IS NULL AS sound, $weight AS weight,
    ((((_request_first IS NULL)::BIGINT * 4 + _near) * 2 + (NOT $answered)::BIGINT) * 68719476736
        + CASE WHEN $answered THEN 68719476735 - least($elapsed, 68719476735) ELSE (timestamp // 1000) % 68719476736 END
    ) * 8388608 + _id // 68719476736 % 16 * 524288 + _id % 524288 AS distance,
    $conn_id AS conn_id, $flow_id AS flow_id, $conn_group_id AS group_id,
    CASE coalesce(_server_kind, '') WHEN 'pod' THEN 2000 WHEN 'service' THEN 0 ELSE 1000 END AS kind
FROM $raw WHERE _match IS NOT NULL
""")
"""distance: orders sightings from the client's side to the server's. A request that was seen comes first, then the
client's node, then what took longest (a call takes longer the nearer to the client it is measured, whatever the clocks
say), then what came first; of equals, that of the earlier task (the upper bits of the id, see `EntryWriter`) and id.
weight: 0..2^20-1, how much of it was captured."""

_LONE = """
CREATE TABLE lone AS SELECT _id, match_response FROM every_row WHERE NOT asked AND match_response IS NOT NULL
"""
_ADOPTED = """
CREATE TABLE adopted AS
SELECT lone._id, min(other.match) AS match
FROM (SELECT match, match_response FROM every_row WHERE asked AND match_response IS NOT NULL) AS other
JOIN lone USING (match_response) GROUP BY lone._id
"""
"""A response whose request was not seen here takes the match of the same response where the request was seen."""
_NONE_ADOPTED = "CREATE TABLE adopted (_id BIGINT, match BIGINT)"

_OFTEN = Template("""
INSERT INTO often
SELECT match, count(*) AS size FROM (
    SELECT coalesce(adopted.match, every_row.match) AS match, place FROM every_row LEFT JOIN adopted USING (_id))
WHERE match % $turns = $turn
GROUP BY match HAVING count(*) > 1 AND min(place) <> max(place)
""")

_REPEATED = """
SELECT every_row.* REPLACE (coalesce(adopted.match, every_row.match) AS match)
FROM every_row LEFT JOIN adopted USING (_id) SEMI JOIN often ON often.match = coalesce(adopted.match, every_row.match)
"""

_PLAIN = Template("""
CREATE TABLE plain AS
SELECT match, min(_id) AS gid FROM (
    SELECT match, count(*) AS turns, min(_id) AS _id, min(timestamp) AS first, max(timestamp) AS last,
        bool_and(tcp) AS tcp, any_value(server) AS server
    FROM rows WHERE NOT whole GROUP BY match, place)
GROUP BY match
HAVING max(turns) = 1 AND max(last) - min(first) <= $tolerance AND (bool_and(tcp) OR min(server) = max(server))
""")

_REST = """
CREATE TABLE rest AS
SELECT _id, match, place, server, service, tcp, whole, timestamp, reach, sequence, sequence_end
FROM rows ANTI JOIN plain USING (match)
"""

_TURNS = Template("""
CREATE TABLE turns AS
WITH breaks AS (
    SELECT *, coalesce(timestamp > max(reach) OVER (PARTITION BY match ORDER BY timestamp, _id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + $tolerance, false)::INT AS is_new FROM rest),
sessions AS (
    SELECT * EXCLUDE (is_new), sum(is_new) OVER (PARTITION BY match ORDER BY timestamp, _id ROWS UNBOUNDED PRECEDING)
        AS session FROM breaks),
relative AS (
    SELECT *, coalesce((sequence - first_value(sequence) OVER (PARTITION BY match, session ORDER BY timestamp, _id)
        + 6442450944) % 4294967296 - 2147483648, 0) AS start FROM sessions),
edges AS (
    SELECT *, coalesce(start > max(start + sequence_end - sequence) OVER (PARTITION BY match, session
        ORDER BY start, _id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false)::INT AS is_new FROM relative),
clusters AS (
    SELECT * EXCLUDE (is_new, start), sum(is_new) OVER (PARTITION BY match, session ORDER BY start, _id
        ROWS UNBOUNDED PRECEDING) AS cluster FROM edges)
SELECT *, row_number() OVER (PARTITION BY match, session, cluster, place ORDER BY timestamp, _id) AS turn FROM clusters
""")

_MEMBERS = """
CREATE OR REPLACE TABLE members AS
WITH compared AS (
    SELECT *, tcp OR NOT (
        coalesce(min(server) FILTER (service) OVER t <> max(server) FILTER (service) OVER t, false)
        OR coalesce(min(server) FILTER (NOT service) OVER t <> max(server) FILTER (NOT service) OVER t, false)
    ) AS one FROM turns
    WINDOW t AS (PARTITION BY match, session, cluster, turn)),
grouped AS (
    SELECT _id, min(_id) OVER g AS gid, count(*) OVER g AS size FROM compared
    WINDOW g AS (PARTITION BY match, session, cluster, turn, CASE WHEN one THEN 0 ELSE server END))
SELECT _id, gid FROM grouped WHERE size > 1 UNION ALL SELECT rows._id, plain.gid FROM rows JOIN plain USING (match)
"""


def split_rows(shop: Workshop) -> int:
    """Find the rows that may be sightings of one call; give how many parts they make, 0 when nothing repeats."""
    found = [_every_row(shop, number, protocol) for number, protocol in enumerate(shop.files) if protocol not in FLOWS]
    if not found:
        return 0
    shop.run("CREATE VIEW every_row AS " + " UNION ALL ".join(found))
    shop.run(_LONE)
    shop.run(_ADOPTED if shop.run("SELECT 1 FROM lone LIMIT 1") else _NONE_ADOPTED)
    _count_matches(shop)
    ((size,),) = shop.run("SELECT coalesce(sum(size), 0)::BIGINT FROM often")
    parts: int = -(-size // PART_ROWS)
    if parts == 1:
        shop.run(f"CREATE TABLE rows AS {_REPEATED}")
    elif parts:
        shop.split(f"SELECT *, match % {parts:d} AS part FROM ({_REPEATED})", "part")  # noqa: S608
    for table in ("lone", "adopted", "often"):
        shop.run(f"DROP TABLE {table}")
    return parts


def _count_matches(shop: Workshop) -> None:
    """Make the table `often` of matches that were seen at several places."""
    shop.run("CREATE TABLE often (match BIGINT, size BIGINT)")
    ((rows,),) = shop.run("SELECT count(*) FROM every_row")
    turns: int = -(-rows // COUNTED_ROWS)
    shop.run("SET threads = 1")  # each thread has a table of its own, and room for it to grow
    shop.run(f"SET memory_limit = '{_COUNTING_MEMORY}'")
    for turn in range(turns):
        shop.run(_OFTEN.substitute(turns=turns, turn=turn))
    shop.run(f"SET memory_limit = '{MEMORY_LIMIT}'")
    shop.run("SET threads = 2")


def group_part(shop: Workshop, part: int, parts: int, tolerance_ns: int) -> bool:
    """Make the tables `rows` of one part and `members` (_id, gid), one row a sighting; False if nothing joins."""
    if parts > 1:
        relation = shop.share("part", part)
        if relation is None:
            return False
        shop.run(f"CREATE OR REPLACE TABLE rows AS SELECT * FROM {relation}")  # noqa: S608
    shop.run(_PLAIN.substitute(tolerance=int(tolerance_ns)))
    shop.run(_REST)
    shop.run(_TURNS.substitute(tolerance=int(tolerance_ns)))
    shop.run(_MEMBERS)
    for table in ("plain", "rest", "turns"):
        shop.run(f"DROP TABLE {table}")
    return bool(shop.run("SELECT 1 FROM members LIMIT 1"))


def _every_row(shop: Workshop, number: int, protocol: str) -> str:
    columns = shop.columns[protocol]

    def named(name: str) -> str:
        return name if name in columns else f"_{name}"

    whole = protocol in CONNECTIONS
    packets = [f"coalesce({name}, 0)" for name in ("conn_local_pkts", "conn_remote_pkts") if name in columns]
    captured = " + ".join(packets) if whole and packets else "1048575 - least(_missing, 1048575)"
    return _EVERY_ROW.substitute(
        {name: name if whole and name in columns else "NULL::BIGINT" for name in _NUMBERS},
        number=number,
        raw=shop.raw(protocol),
        whole="true" if whole else "false",
        answered=named("answered"),
        elapsed=named("elapsed_time"),
        first_byte=named("first_byte_time"),
        malformed=named("malformed"),
        weight=f"least({captured}, 1048575)",
    )
