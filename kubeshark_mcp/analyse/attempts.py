"""Connection attempts by target: what detectors of refusals, drops and scans have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, Mask, Texts, groups
from kubeshark_mcp.analyse.facts import Connections, Facts
from kubeshark_mcp.analyse.filters import both, one_of, side_filter
from kubeshark_mcp.analyse.statistics import Onset, onset_of_share

SCANNED = 10
"""Distinct targets that did not accept one client from which it is a scanner, not a client with a broken server."""
LATE_NS = 2 * 10**9
LATE_SHARE = 0.1
"""First attempts later than these into the window did not fail "from the first packet on"."""
RETRY_NS = 1_000_000_000
"""TCP's first wait before it sends a SYN again (RFC 6298): with less time left, silence means nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """Attempts on one port of one server. rows: of `facts.connections`, in order of time; bad: which of them failed."""

    server: str
    port: int
    rows: Int64
    bad: Mask

    @property
    def failed(self) -> Int64:
        """Give the rows that failed."""
        rows: Int64 = self.rows[self.bad]
        return rows


def targets(facts: Facts, bad: Mask) -> Iterator[Target]:
    """Give the targets with failed attempts; scanners are left out, for what they try proves nothing about a target."""
    links = facts.connections
    tcp = links.transport.equal("tcp")
    counted = np.flatnonzero(tcp & ~scanners(links, bad))
    for (server, port), places in groups(links.server.taken(counted), links.server_port[counted]):
        rows = counted[places]
        if bad[rows].any():
            yield Target(server, port, rows, bad[rows])


def scanners(links: Connections, bad: Mask) -> Mask:
    """Tell which connections are of clients that failed on SCANNED or more distinct targets, and mostly fail."""
    found = np.zeros(len(links), np.bool_)
    tcp = links.transport.equal("tcp")
    for (_,), rows in groups(links.client_address):
        failed = rows[bad[rows]]
        if len(failed) < SCANNED:
            continue
        distinct = set(
            zip(links.server_address.codes[failed].tolist(), links.server_port[failed].tolist(), strict=True)
        )
        if len(distinct) >= SCANNED and len(failed) > 0.5 * np.count_nonzero(tcp[rows]):
            found[rows] = True
    return found


REJECTIONS = 'icmp && icmp_error && icmp_about_protocol == "tcp" && icmp_about_dst_port > 0 && icmp_mtu == 0'
"""ICMP messages that say that a TCP segment was not delivered, for another reason than its size."""


def told(facts: Facts) -> Mask:
    """Tell which connections an ICMP message answered with a refusal."""
    links = facts.connections
    found = np.zeros(len(links), np.bool_)
    if "icmp" not in facts.protocols:
        return found
    messages = facts.columns(REJECTIONS, ["icmp_about_src", "icmp_about_src_port"])
    addresses, ports = messages["icmp_about_src"], messages["icmp_about_src_port"]
    if not isinstance(addresses, Texts) or not isinstance(ports, np.ndarray):
        return found
    clients = set(zip(addresses.decoded(), ports.tolist(), strict=True))
    for row in np.flatnonzero(links.state.equal("syn_sent", "refused")).tolist():
        found[row] = (links.client_address[row], int(links.client_port[row])) in clients
    return found


def rejected(facts: Facts) -> Mask:
    """Tell which connections were refused by ICMP messages instead of a RST: no endpoints, or a policy.

    Hosts send few of them (RFC 1812 section 4.3.2.8; Linux one a second to each address), so that of attempts in a row
    some are told and the others hear nothing: these were refused alike.
    """
    links, found = facts.connections, facts.derived(told).copy()
    silent = links.state.equal("syn_sent") & (links.packets_in == 0) & ~found
    if found.any() and silent.any():
        for _, rows in groups(links.client_address, links.server_address, links.server_port):
            if found[rows].any():
                found[rows] |= silent[rows] & _between(found[rows], silent[rows])
    return found


def _between(refused: Mask, silent: Mask) -> Mask:
    """Tell which attempts in order of time follow or precede one that was refused, with only silent ones between."""
    count = len(refused)
    before = np.maximum.accumulate(np.where(silent, -1, np.arange(count)))
    after = np.minimum.accumulate(np.where(silent, count, np.arange(count))[::-1])[::-1]
    around: Mask = ((before >= 0) & refused[before]) | ((after < count) & refused[after.clip(max=count - 1)])
    return around


def scanned(facts: Facts) -> Mask:
    """Tell which connections are a scanner's, for `facts.derived`: their failures say nothing about their targets."""
    links = facts.connections
    return scanners(links, links.state.equal("refused", "syn_sent"))


def since(links: Connections, target: Target) -> Onset | None:
    """Give when attempts began to fail, None where they failed from the first one on."""
    if target.bad.all():
        return None
    found = onset_of_share(links.start_ns[target.rows], target.bad)
    return found if found is not None and found.after > found.before else None


def began(facts: Facts, target: Target, onset: Onset | None) -> int | None:
    """Give the time of an onset; where all attempts failed, that of the first, if that was not right at the start."""
    if onset is not None:
        return onset.at_ns
    first, coverage = int(facts.connections.start_ns[target.failed[0]]), facts.coverage
    return (
        first if first - coverage.start_ns > max(LATE_NS, LATE_SHARE * (coverage.end_ns - coverage.start_ns)) else None
    )


def clients_of(links: Connections, rows: Int64) -> list[str]:
    """Give the clients of some connections, busiest first."""
    return list(links.client.taken(rows).counts())


def target_filter(facts: Facts, server: str, port: int, states: Sequence[str] = (), client: str = "") -> str:
    """Select the TCP connections to a target, of these states and this client where they are given."""
    return both(
        "tcp_conn",
        one_of("conn_state", tuple(states)) if states else "",
        side_filter(facts, "src", client) if client else "",
        side_filter(facts, "dst", server),
        f"dst.port == {port}",
    )
