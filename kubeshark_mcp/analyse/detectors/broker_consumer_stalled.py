"""Messages that are published but no longer consumed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, Mask, Texts, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, one_of, side_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.subjects import entries_of, server_filter, short

PUBLISHED = {"amqp": ("Basic.Publish",), "kafka": ("Produce",)}
CONSUMED = {"amqp": ("Basic.Ack", "Basic.Deliver", "Basic.Get", "Basic.Get-Ok"), "kafka": ("Fetch", "OffsetCommit")}
FIELDS = {"amqp": "amqp_method", "kafka": "kafka_api_key_name"}
LEAST = 8
"""Messages published after the last one consumed, and consumed before, below which nothing is said."""
TIMES = 8.0
"""How many times the usual pause between two consumed messages the silence must last."""
SILENT_NS = 4 * 10**9
LATE = 0.15
"""Share of the window that must be left when consuming stops."""


@dataclass(frozen=True, slots=True)
class _Stall:
    broker: str
    protocol: str
    consumer: str
    consumed: Int64
    published: Int64
    last_ns: int


class BrokerConsumerStalled(Detector):
    """A consumer that did, and no longer does, while its broker is still given messages.

    By broker and consumer: deliveries, acknowledgements and fetches (with records, where that is known) end at least
    4 s and eight usual pauses before the window does, and at least eight messages are published after that, at no less
    than half the rate before. Brokers to which nothing is published any more are idle, not stalled.
    """

    name = "broker_consumer_stalled"
    looks_for = "messages published but no longer consumed"
    mechanisms = frozenset({Mechanism.BROKER_CONSUMER_STALLED})
    protocols = frozenset({"kafka", "amqp"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each consumer that stopped."""
        for protocol in sorted(PUBLISHED.keys() & facts.protocols):
            published, consumed = _messages(facts, protocol)
            calls = facts.calls
            brokers = {key[0]: published[places] for key, places in groups(calls.server.taken(published))}
            for (broker, consumer), places in groups(calls.server.taken(consumed), calls.client.taken(consumed)):
                stall = _stalled(facts, protocol, consumed[places], brokers.get(broker))
                if stall:
                    last = int(calls.start_ns[consumed[places[-1]]])
                    yield self._finding(
                        facts, _Stall(broker, protocol, consumer, consumed[places], brokers[broker], last)
                    )

    def _finding(self, facts: Facts, one: _Stall) -> Finding:
        calls = facts.calls
        after = one.published[calls.start_ns[one.published] > one.last_ns]
        whole = server_filter(facts, one.broker, one.protocol)
        kfl = both(whole, one_of(FIELDS[one.protocol], PUBLISHED[one.protocol]))
        number = counted(facts, kfl, "messages or batches published since then", (one.last_ns + 1, None))
        own = both(whole, side_filter(facts, "src", one.consumer), one_of(FIELDS[one.protocol], CONSUMED[one.protocol]))
        before = counted(facts, own, "consuming calls until then", (None, one.last_ns + 1))
        silent = (facts.coverage.end_ns - one.last_ns) / 1e9
        return Finding(
            self.name,
            Mechanism.BROKER_CONSUMER_STALLED,
            Component(Kind.WORKLOAD, one.consumer),
            f"{short(one.consumer)} consumes nothing from {short(one.broker)} for the last {silent:.0f} s, after "
            f"{before.value:.0f} consuming calls, while {number.value:.0f} more are published",
            Confidence.HIGH if len(after) >= 2 * LEAST else Confidence.MEDIUM,
            min(1.0, silent / facts.coverage.seconds * 2),
            onset_ns=one.last_ns,
            magnitude=Magnitude(float(len(one.consumed)), 0.0, "consuming calls"),
            affected=(Edge(one.consumer, one.broker, one.protocol),),
            entries=entries_of(calls, after),
            claims=(number, before),
            refuted_by=f"calls of {short(one.consumer)} to another broker that takes over",
            facts={"broker": one.broker},
        )


def _messages(facts: Facts, protocol: str) -> tuple[Int64, Int64]:
    """Give the rows that publish and those that consume."""
    field = FIELDS[protocol]
    names = [field, "kafka_records"] if protocol == "kafka" else [field]
    found = facts.columns(f'protocol == "{protocol}"', names)
    ids, methods = cast(Int64, found["id"]), cast(Texts, found[field])
    full: Mask = np.ones(len(ids), np.bool_)
    if protocol == "kafka":  # A fetch that brings nothing is how a consumer waits.
        fetched = methods.equal("Fetch")
        records = cast(Int64, found["kafka_records"])
        full = ~fetched | (records > 0) if records[fetched].any() else full
    rows = {}
    for what, kinds in (("published", PUBLISHED[protocol]), ("consumed", CONSUMED[protocol])):
        rows[what] = np.flatnonzero(np.isin(facts.calls.id, ids[methods.equal(*kinds) & full]))
    return rows["published"], rows["consumed"]


def _stalled(facts: Facts, protocol: str, consumed: Int64, published: Int64 | None) -> bool:
    """Tell whether consuming ended for good while publishing went on as before."""
    calls, coverage = facts.calls, facts.coverage
    if published is None or len(consumed) < LEAST:
        return False
    times = calls.start_ns[consumed]
    last, window = int(times[-1]), coverage.end_ns - coverage.start_ns
    silent = coverage.end_ns - last
    usual = float(np.quantile(np.diff(times), 0.9))
    if silent < max(SILENT_NS, TIMES * usual, LATE * window):
        return False
    made = calls.start_ns[published]
    after, before = int(np.count_nonzero(made > last)), int(np.count_nonzero(made <= last))
    rate_before = before / max(last - coverage.start_ns, 1)
    return after >= LEAST and after / silent >= 0.5 * rate_before
