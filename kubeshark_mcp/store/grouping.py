"""Which rows are sightings of one call: SQL that groups rows by `_match`, place and time.

Rows of one `_match` are cut into sessions where nothing was seen for longer than the tolerance; connections are also
cut where their TCP sequence numbers do not touch (the same client port, another connection). Within a session the k-th
row at one place (capture, point, server address) joins the k-th at another, so two rows at one place never become one.

Outside TCP a message has no sequence number, and a client may send the same question to two servers. There, other
server addresses join only when one of them is known to be a service's and the others are all the same.

Nearly all calls are seen once at each place, within the tolerance: these are grouped without sorting anything.
"""

from __future__ import annotations

from string import Template

from kubeshark_mcp.store.columns import CONNECTIONS, FLOWS
from kubeshark_mcp.store.workshop import Workshop

_EVERY_ROW = Template("""
SELECT _id, '$protocol' AS protocol, $whole AS whole, _match AS match, _match_response AS match_response,
    _connection AS connection, hash(_capture, _point, _server) AS place, hash(_server) AS server,
    coalesce(_server_kind, '') = 'service' AS service, (_connection >> 33) & 7 = 0 AS tcp, timestamp,
    CASE WHEN $whole THEN greatest(_request_end, _response_end, timestamp) ELSE timestamp END AS reach,
    _sequence AS sequence, _sequence_end AS sequence_end, _request_first IS NOT NULL AS asked, $answered AS answered,
    $elapsed AS elapsed, $first_byte AS first_byte, $malformed IS NULL AS sound, $weight AS weight,
    ((((_request_first IS NULL)::BIGINT * 4 + _near) * 2 + (NOT $answered)::BIGINT) * 68719476736
        + CASE WHEN $answered THEN 68719476735 - least($elapsed, 68719476735) ELSE (timestamp // 1000) % 68719476736 END
    ) * 8388608 + _id % 8388608 AS distance
FROM $raw WHERE _match IS NOT NULL
""")
"""distance: orders sightings from the client's side to the server's. A request that was seen comes first, then the
client's node, then what took longest (a call takes longer the nearer to the client it is measured, whatever the clocks
say), then what came first. weight: 0..2^20-1, how much of it was captured."""

_ADOPTED = """
CREATE TABLE adopted AS
SELECT lone._id, min(other.match) AS match
FROM (SELECT _id, match_response FROM every_row WHERE NOT asked AND match_response IS NOT NULL) AS lone
JOIN (SELECT match, match_response FROM every_row WHERE asked) AS other USING (match_response) GROUP BY lone._id
"""
"""A response whose request was not seen here takes the match of the same response where the request was seen."""

_SEEN = """
CREATE TABLE seen AS
WITH adapted AS (
    SELECT _id, coalesce(adopted.match, every_row.match) AS match, place, server, service, tcp, whole, timestamp, reach,
        sequence, sequence_end
    FROM every_row LEFT JOIN adopted USING (_id)),
often AS (SELECT match FROM adapted GROUP BY match HAVING count(*) > 1 AND min(place) <> max(place))
SELECT adapted.* FROM adapted SEMI JOIN often USING (match)
"""

_PLAIN = Template("""
CREATE TABLE plain AS
SELECT match, min(_id) AS gid FROM (
    SELECT match, count(*) AS turns, min(_id) AS _id, min(timestamp) AS first, max(timestamp) AS last,
        bool_and(tcp) AS tcp, any_value(server) AS server
    FROM seen WHERE NOT whole GROUP BY match, place)
GROUP BY match
HAVING max(turns) = 1 AND max(last) - min(first) <= $tolerance AND (bool_and(tcp) OR min(server) = max(server))
""")

_REST = "CREATE TABLE rest AS SELECT seen.* FROM seen ANTI JOIN plain USING (match)"

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
CREATE TABLE members AS
WITH compared AS (
    SELECT *, tcp OR NOT (
        coalesce(min(server) FILTER (service) OVER t <> max(server) FILTER (service) OVER t, false)
        OR coalesce(min(server) FILTER (NOT service) OVER t <> max(server) FILTER (NOT service) OVER t, false)
    ) AS one FROM turns
    WINDOW t AS (PARTITION BY match, session, cluster, turn)),
grouped AS (
    SELECT _id, min(_id) OVER g AS gid, count(*) OVER g AS size FROM compared
    WINDOW g AS (PARTITION BY match, session, cluster, turn, CASE WHEN one THEN 0 ELSE server END))
SELECT _id, gid FROM grouped WHERE size > 1 UNION ALL SELECT seen._id, plain.gid FROM seen JOIN plain USING (match)
"""


def group_sightings(shop: Workshop, tolerance_ns: int) -> bool:
    """Make the view `every_row` and the table `members` (_id, gid), one row a sighting; False if nothing joins."""
    parts = [_every_row(shop, protocol) for protocol in shop.files if protocol not in FLOWS]
    if not parts:
        return False
    shop.run("CREATE VIEW every_row AS " + " UNION ALL ".join(parts))
    shop.run(_ADOPTED)
    shop.run(_SEEN)
    if not shop.run("SELECT 1 FROM seen LIMIT 1"):
        return False
    shop.run(_PLAIN.substitute(tolerance=int(tolerance_ns)))
    shop.run(_REST)
    shop.run(_TURNS.substitute(tolerance=int(tolerance_ns)))
    shop.run(_MEMBERS)
    for table in ("seen", "plain", "rest", "turns", "adopted"):
        shop.run(f"DROP TABLE {table}")
    return bool(shop.run("SELECT 1 FROM members LIMIT 1"))


def _every_row(shop: Workshop, protocol: str) -> str:
    columns = shop.columns[protocol]

    def named(name: str) -> str:
        return name if name in columns else f"_{name}"

    whole = protocol in CONNECTIONS
    packets = [f"coalesce({name}, 0)" for name in ("conn_local_pkts", "conn_remote_pkts") if name in columns]
    captured = " + ".join(packets) if whole and packets else "1048575 - least(_missing, 1048575)"
    return _EVERY_ROW.substitute(
        protocol=protocol,
        raw=shop.raw(protocol),
        whole="true" if whole else "false",
        answered=named("answered"),
        elapsed=named("elapsed_time"),
        first_byte=named("first_byte_time"),
        malformed=named("malformed"),
        weight=f"least({captured}, 1048575)",
    )
