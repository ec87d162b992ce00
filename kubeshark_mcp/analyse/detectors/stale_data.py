"""Replicas that no longer follow what they copy, and go on answering."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Calls, Connections, Facts
from kubeshark_mcp.analyse.filters import both
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.subjects import edges_of, entries_of, server_filter, short

FEEDS = ("REPLCONF", "PSYNC", "SYNC", "START_REPLICATION", "COM_BINLOG_DUMP", "COM_BINLOG_DUMP_GTID")
"""Commands with which a replica follows its source: Redis, PostgreSQL (streaming replication protocol), MySQL."""
WRITES = frozenset({
    "APPEND", "COPY", "DECR", "DECRBY", "DEL", "DELETE", "EXPIRE", "FLUSHALL", "FLUSHDB", "GETSET", "HDEL",
    "HINCRBY", "HMSET", "HSET", "INCR", "INCRBY", "INCRBYFLOAT", "INSERT", "LPOP", "LPUSH", "LREM", "LSET", "MERGE",
    "MSET", "MSETNX", "PEXPIRE", "PSETEX", "RENAME", "REPLACE", "RPOP", "RPUSH", "SADD", "SET", "SETEX", "SETNX",
    "SETRANGE", "SREM", "TRUNCATE", "UNLINK", "UPDATE", "XADD", "ZADD", "ZINCRBY", "ZREM",
})  # fmt: skip
"""First words of commands and statements that change what a replica has to copy."""
QUIET_NS = 5 * 10**9
"""Silence from which a feed is over: a Redis replica acknowledges each second, the others each ten or when asked."""
PAUSES = 3
"""... and this many times the longest pause that it made before."""
LEAST = 5
"""Changes at the source, and answers of the replica, since the feed ended."""


class StaleData(Detector):
    """A replication feed that ended and did not begin anew while its source changes and the replica answers.

    A feed is a connection on which one server sent another a command of FEEDS. It is over where its last packet is
    QUIET_NS and PAUSES times its longest pause before the end of the capture, on whatever connection of the pair. A
    replica that no longer answers, or a source that nobody writes to, is no stale data. Feeds that began before the
    capture are seen where the protocol tells (Redis acknowledges with REPLCONF).
    """

    name = "stale_data"
    looks_for = "replicas that no longer follow"
    mechanisms = frozenset({Mechanism.STALE_DATA})
    protocols = frozenset({"redis", "postgresql", "mysql"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each replica that was left behind."""
        calls = facts.calls
        feeds = np.flatnonzero(_first_words(calls, frozenset(FEEDS)) & ~calls.outside)
        ends = [column.taken(feeds) for column in (calls.client, calls.server, calls.protocol)]
        for (replica, source, protocol), places in groups(*ends):
            rows = feeds[places]
            over = _over(facts, replica, source, rows)
            if over is not None:
                yield from self._judged(facts, Edge(replica, source, protocol), rows, over)

    def _judged(self, facts: Facts, feed: Edge, rows: Int64, over: int) -> Iterator[Finding]:
        calls = facts.calls
        late = (calls.start_ns >= over) & calls.protocol.equal(feed.protocol) & calls.answered & ~calls.failed
        reads = np.flatnonzero(late & calls.server.equal(feed.client) & ~calls.client.equal(feed.server))
        written = late & calls.server.equal(feed.server) & ~calls.client.equal(feed.client)
        written &= _first_words(calls, WRITES)
        changes = np.flatnonzero(written)
        if len(reads) < LEAST or len(changes) < LEAST:
            return
        asked = counted(
            facts,
            both(server_filter(facts, feed.client, feed.protocol), "answered"),
            "answers since then",
            (over, None),
        )
        busy = counted(facts, server_filter(facts, feed.server, feed.protocol), "calls to the source", (over, None))
        yield Finding(
            self.name,
            Mechanism.STALE_DATA,
            Component(Kind.WORKLOAD, feed.client),
            f"{short(feed.client)} no longer follows {short(feed.server)}: the connection on which it copied went "
            f"silent, and since then {short(feed.server)} took {len(changes)} changes while {short(feed.client)} gave "
            f"{asked.value:.0f} answers that do not know of them",
            Confidence.HIGH if min(len(reads), len(changes)) >= 2 * LEAST else Confidence.MEDIUM,
            1.0,
            onset_ns=over,
            affected=(*edges_of(calls, reads), feed),
            entries=(*entries_of(calls, rows[-1:]), *entries_of(calls, reads, 2)),
            claims=(asked, busy),
            refuted_by=f"traffic from {short(feed.client)} to {short(feed.server)} after that",
            facts={"source": feed.server, "changes": len(changes)},
        )


def _first_words(calls: Calls, wanted: frozenset[str]) -> Mask:
    """Tell which calls begin with one of these words."""
    return calls.endpoint.matching([text.partition(" ")[0].upper() in wanted for text in calls.endpoint.values])


def _over(facts: Facts, replica: str, source: str, rows: Int64) -> int | None:
    """Give when a feed was last heard of, None where it may still be alive."""
    links, times = facts.connections, np.sort(facts.calls.start_ns[rows])
    pair = links.client.equal(replica) & links.server.equal(source) & _spoke(links)
    if not pair.any():
        return None
    last = int((links.start_ns + links.elapsed_us * 1000)[pair].max())
    usual = int(np.diff(times).max()) if len(times) > 1 else 0
    return last if facts.coverage.end_ns - last > max(QUIET_NS, PAUSES * usual) else None


def _spoke(links: Connections) -> Mask:
    """Tell which connections carried anything both ways: attempts in vain are no feed."""
    spoke: Mask = (links.bytes_out > 0) & (links.bytes_in > 0) & ~links.state.equal("refused", "syn_sent")
    return spoke
