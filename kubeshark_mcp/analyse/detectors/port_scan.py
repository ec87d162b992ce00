"""One source that tries many ports or hosts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.attempts import scanners
from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, side_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism

SURE = 25
"""Distinct targets from which nothing but a scan explains them."""


class PortScan(Detector):
    """Failed attempts by client and distinct target (address and port).

    A broken dependency is one target, tried again and again. A scan is many targets, each tried once or a few times,
    most of which refuse or keep silent.
    """

    name = "port_scan"
    looks_for = "port scans"
    mechanisms = frozenset({Mechanism.PORT_SCAN})
    protocols = frozenset({"tcp_conn"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each scanning workload."""
        links = facts.connections
        bad = links.state.equal("refused", "syn_sent")
        chosen = np.flatnonzero(scanners(links, bad) & bad)
        for (client,), places in groups(links.client.taken(chosen)):
            rows = chosen[places]
            hosts = set(links.server_address.codes[rows].tolist())
            ports = set(links.server_port[rows].tolist())
            targets = set(zip(links.server_address.codes[rows].tolist(), links.server_port[rows].tolist(), strict=True))
            kfl = both(
                'tcp_conn && (conn_state == "refused" || conn_state == "syn_sent")', side_filter(facts, "src", client)
            )
            seconds = max((int(links.start_ns[rows[-1]]) - int(links.start_ns[rows[0]])) / 1e9, 1.0)
            yield Finding(
                self.name,
                Mechanism.PORT_SCAN,
                Component(Kind.WORKLOAD, client),
                f"{client} tried {len(targets)} targets in vain ({len(hosts)} hosts, {len(ports)} ports) within "
                f"{seconds:.0f} s",
                Confidence.HIGH if len(targets) >= SURE else Confidence.MEDIUM,
                min(1.0, 0.5 + len(targets) / 200),
                onset_ns=int(links.start_ns[rows[0]]),
                end_ns=int(links.start_ns[rows[-1]]),
                magnitude=Magnitude(0.0, float(len(targets)), "distinct targets"),
                affected=tuple(Edge(client, server) for server in list(links.server.taken(rows).counts())[:10]),
                entries=tuple(int(entry) for entry in links.id[rows[:3]]),
                claims=(counted(facts, kfl, "its attempts that failed"),),
                refuted_by="a list of peers that the workload is meant to have on those ports",
                facts={"targets": len(targets), "hosts": len(hosts), "ports": len(ports)},
            )
