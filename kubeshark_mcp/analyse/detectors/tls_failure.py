"""TLS handshakes that fail: certificate, version, suite, name."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.claims import counted
from kubeshark_mcp.analyse.columns import Int64, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, side_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.statistics import onset_of_share, wilson

HANDSHAKE = "tlsx && tls_request_size > 0"
FAILED = f"{HANDSHAKE} && failed"
EXPIRED = "tlsx && tlsx_certificate_expired"
LEAST = 3
SHARE = 0.3
"""Share of handshakes since the onset (lower limit) that must fail."""
MEANS = {
    "certificate_expired": "the server's certificate has expired",
    "unknown_ca": "the client does not trust who issued the server's certificate",
    "bad_certificate": "the certificate is not accepted",
    "certificate_unknown": "the certificate is not accepted",
    "protocol_version": "the two have no TLS version in common",
    "handshake_failure": "the two have no cipher suite or parameters in common",
    "unrecognized_name": "the server does not know the name that was asked for",
    "certificate_required": "the server wants a client certificate",
    "no_application_protocol": "the two have no application protocol (ALPN) in common",
    "encrypted alert": "one side gave up behind the hellos, in TLS 1.3 mostly over a certificate that it refuses",
    "not completed": "the connection was cut before both were done",
    "no answer": "the server never answered the hello",
}
"""What the alerts of RFC 8446, 6.2 mean for an operator."""


class TlsFailure(Detector):
    """Failed handshakes by server, with the alert as reason.

    LEAST failures, and SHARE of the handshakes since the onset. In TLS 1.3 alerts behind the hellos are encrypted: they
    are known by their length, and their reason can only be guessed.
    """

    name = "tls_failure"
    looks_for = "TLS handshakes that fail"
    mechanisms = frozenset({Mechanism.TLS_FAILURE})
    protocols = frozenset({"tlsx"})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each server."""
        calls = facts.calls
        ids = [np.asarray(facts.columns(kfl, [])["id"]) for kfl in (HANDSHAKE, FAILED, EXPIRED)]
        rows, bad, expired = (np.isin(calls.id, one) for one in ids)
        handshakes = np.flatnonzero(rows)
        for (server,), places in groups(calls.server.taken(handshakes)):
            own = handshakes[places]
            if int(bad[own].sum()) >= LEAST:
                reasons = calls.status.taken(own[bad[own]]).counts()
                yield from self._judged(facts, server, own, bad[own], next(iter(reasons)), bool(expired[own].any()))

    def _judged(
        self,
        facts: Facts,
        server: str,
        rows: Int64,
        bad: np.ndarray[tuple[int], np.dtype[np.bool_]],
        alert: str,
        stale: bool,
    ) -> Iterator[Finding]:
        calls = facts.calls
        onset = onset_of_share(calls.start_ns[rows], bad)
        began = onset if onset is not None and onset.p < 1e-3 and onset.after > onset.before else None
        since = 0 if began is None else began.index
        if wilson(int(bad[since:].sum()), len(bad) - since)[0] < SHARE:
            return
        failed = rows[bad]
        clients = list(calls.client.taken(failed).counts())
        meaning = MEANS["certificate_expired"] if stale else MEANS.get(alert, f"alert {alert}")
        kfl = both(FAILED, side_filter(facts, "dst", server))
        share = float(bad[since:].mean())
        yield Finding(
            self.name,
            Mechanism.TLS_FAILURE,
            Component(Kind.EXTERNAL if calls.outside[failed[0]] else Kind.WORKLOAD, server),
            f"{len(failed)} of {len(rows)} TLS handshakes of {', '.join(clients[:3])} with {server} failed: {meaning} "
            f"({alert})",
            Confidence.HIGH,
            share,
            onset_ns=None if began is None else began.at_ns,
            magnitude=Magnitude(None if began is None else began.before, share, "share of handshakes failed"),
            affected=tuple(Edge(client, server, "tlsx") for client in clients),
            entries=tuple(int(entry) for entry in calls.id[failed[:3]]),
            claims=(counted(facts, kfl, "handshakes that failed"),),
            refuted_by="handshakes of the same clients with that server that completed after the onset",
            facts={"alert": alert},
        )
