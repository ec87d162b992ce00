"""Peers outside the cluster that became slow or silent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kubeshark_mcp.analyse.claims import counted, shared, timed
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.endpoints import UNREAD
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, side_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude, Measure
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.onsets import lasting, rise_of_level
from kubeshark_mcp.analyse.silences import Silence, silences
from kubeshark_mcp.analyse.slowness import RATIO, Slow, lossy, slow_kinds
from kubeshark_mcp.analyse.subjects import edges_of, entries_of, milliseconds, server_filter, several, short

STEP_US = 50_000
"""How much longer a peer outside must take: the way there is long, and not ours."""
LEAST = 5
"""Slow or unanswered calls, or connections that were not made, below which it is a hint."""
LONG_US = 1_000_000
"""Duration that is long for whoever waits for it, whatever it was before."""


class SlowExternal(Detector):
    """Calls to peers outside: slow since an onset, long from the start, without an answer.

    The statistics are those of latency_shift and no_response. Connections that nobody can read (TLS) are measured
    from their first packet to the last where they carry one exchange each: durations that move to three times and
    50 ms more. A median above 1 s from the first packet on is named too, but with less confidence.
    """

    name = "slow_external"
    looks_for = "slow or silent peers outside the cluster"
    mechanisms = frozenset({Mechanism.SLOW_EXTERNAL})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each peer and way of being slow; what is at one peer is merged by who asks."""
        calls = facts.calls
        told: set[str] = set()
        for silence in facts.derived(silences):
            if calls.outside[silence.rows[0]]:
                told.add(silence.server)
                yield self._silent(facts, silence)
        for slow in facts.derived(slow_kinds):
            if calls.outside[slow.rows[0]] and slow.rise.after - (slow.rise.before or 0) >= STEP_US:
                told.add(slow.server)
                yield self._slow(facts, slow)
        yield from self._always(facts, told)
        yield from self._unread(facts, told)

    def _found(
        self, facts: Facts, server: str, rows: Int64, title: str, confidence: Confidence, **more: Any
    ) -> Finding:
        calls = facts.calls
        return Finding(
            self.name,
            Mechanism.SLOW_EXTERNAL,
            Component(Kind.EXTERNAL, server),
            title,
            confidence,
            affected=edges_of(calls, rows),
            entries=entries_of(calls, rows),
            refuted_by=f"calls to {server} that are quick meanwhile",
            **more,
        )

    def _silent(self, facts: Facts, one: Silence) -> Finding:
        rise, silent = one.rise, one.silent
        whole = server_filter(facts, one.server, one.protocol)
        window = (rise.at_ns, int(facts.calls.start_ns[one.rows[rise.end - 1]]) + 1)
        number = counted(facts, both(whole, "!answered"), "requests without an answer", window)
        share = shared(facts, both(whole, "!answered"), whole, "share of the requests", window)
        solid = len(silent) >= LEAST and share.value >= 0.2
        return self._found(
            facts,
            one.server,
            silent,
            f"{one.server} leaves {number.value:.0f} requests ({share.value:.0%}) without an answer",
            (Confidence.HIGH if rise.at_ns else Confidence.MEDIUM) if solid else Confidence.LOW,
            score=rise.after,
            onset_ns=rise.at_ns,
            end_ns=rise.over_ns,
            magnitude=Magnitude(rise.before, rise.after, "share unanswered"),
            claims=(number, share),
            symptom=one.lost,
        )

    def _slow(self, facts: Facts, one: Slow) -> Finding:
        rise, late, calls = one.rise, one.late, facts.calls
        before = float(rise.before or 0.0)
        slow = late[calls.elapsed_us[late] > (before + rise.after) / 2]
        whole = both(server_filter(facts, one.server, one.protocol), "!failed")
        then = timed(facts, whole, Measure.P50_US, "median before", (None, rise.at_ns))
        now = timed(facts, whole, Measure.P95_US, "95th percentile since then", (rise.at_ns, None))
        times, window = calls.start_ns[one.rows], facts.coverage.end_ns - facts.coverage.start_ns
        solid = len(slow) >= LEAST and lasting(rise, times, window)
        return self._found(
            facts,
            one.server,
            slow,
            f"{one.server} takes up to {milliseconds(now.value)} (95th percentile), {milliseconds(then.value)} before",
            (Confidence.HIGH if rise.over_ns is None else Confidence.MEDIUM) if solid else Confidence.LOW,
            score=1.0 - before / max(rise.after, 1.0),
            onset_ns=rise.at_ns,
            end_ns=rise.over_ns,
            magnitude=Magnitude(before / 1000, rise.after / 1000, "ms p50"),
            claims=(then, now),
            symptom=lossy(facts, slow, one.rows[: rise.first]),
        )

    def _always(self, facts: Facts, told: set[str]) -> Iterator[Finding]:
        """Give peers whose calls take more than a second from the first packet on."""
        calls = facts.calls
        rows = np.flatnonzero(
            calls.outside & calls.answered & ~calls.protocol.equal(*UNREAD, "dns", "ws", "kafka", "amqp")
        )
        for (server, protocol), places in groups(calls.server.taken(rows), calls.protocol.taken(rows)):
            own = rows[places]
            if server in told or len(own) < LEAST or float(np.median(calls.elapsed_us[own])) < LONG_US:
                continue
            told.add(server)
            now = timed(facts, server_filter(facts, server, protocol), Measure.P50_US, "median")
            yield self._found(
                facts,
                server,
                own,
                f"{server} takes {milliseconds(now.value)} in the median, from the first packet on",
                Confidence.MEDIUM if now.value >= 2 * LONG_US else Confidence.LOW,
                score=0.5,
                magnitude=Magnitude(None, now.value / 1000, "ms p50"),
                claims=(now,),
            )

    def _unread(self, facts: Facts, told: set[str]) -> Iterator[Finding]:
        """Give peers with connections that nobody can read, and that last longer than they did."""
        links, calls = facts.connections, facts.calls
        seen = np.isin(links.connection, calls.connection[~calls.protocol.equal(*UNREAD)])
        rows = np.flatnonzero(links.outside & ~seen & links.transport.equal("tcp") & ~links.state.equal("refused"))
        for (server,), places in groups(links.server.taken(rows)):
            own = rows[places]
            rise = rise_of_level(links.start_ns[own], links.elapsed_us[own], RATIO, 2 * STEP_US)
            if server in told or rise is None or rise.at_ns is None:
                continue
            late = own[rise.rows]
            kfl = both("tcp_conn", side_filter(facts, "dst", server))
            number = counted(facts, kfl, "connections since then", (rise.at_ns, None))
            clients = list(links.client.taken(late).counts())
            yield Finding(
                self.name,
                Mechanism.SLOW_EXTERNAL,
                Component(Kind.EXTERNAL, server),
                f"connections to {server} from {several([short(c) for c in clients])} last {milliseconds(rise.after)}, "
                f"{milliseconds(float(rise.before or 0))} before ({number.value:.0f} since then); nobody can read them",
                Confidence.MEDIUM if len(late) >= LEAST else Confidence.LOW,
                1.0 - float(rise.before or 0) / max(rise.after, 1.0),
                onset_ns=rise.at_ns,
                end_ns=rise.over_ns,
                magnitude=Magnitude(float(rise.before or 0) / 1000, rise.after / 1000, "ms a connection"),
                affected=tuple(Edge(client, server) for client in clients),
                entries=tuple(int(one) for one in links.id[late[:3]]),
                claims=(number,),
                refuted_by=f"connections to {server} that end as soon as before",
            )
