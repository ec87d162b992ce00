"""Credentials that are no longer accepted, in any protocol that says so."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping

import numpy as np

from kubeshark_mcp.analyse.claims import counted, shared
from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, edge_filter
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Finding, Kind, Magnitude
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.statistics import onset_of_share, wilson

REFUSALS: Mapping[str, str] = {
    "http": "http && (status_code == 401 || status_code == 403)",
    "grpc": "grpc && (grpc_status == 16 || grpc_status == 7)",
    "postgresql": 'postgresql && postgresql_error_code in ["28P01", "28000", "42501"]',
    "mysql": "mysql && mysql_error_code in [1044, 1045, 1142, 1698]",
    "redis": 'redis && (redis_error.startsWith("NOAUTH") || redis_error.startsWith("WRONGPASS") '
    '|| redis_error.startsWith("NOPERM"))',
    "mongodb": "mongodb && mongodb_error_code in [13, 18]",
    "ldap": "ldap && ldap_result_code in [49, 50]",
    "amqp": "amqp && amqp_reply_code == 403",
    "kafka": "kafka && kafka_error_code in [29, 30, 31, 58]",
}
"""What each protocol answers to credentials that are wrong or do not suffice (RFC 9110, RFC 4511, SQLSTATE 28)."""
LEAST = 5
BEFORE = 0.2
"""Share that may have been refused before the onset: people mistype passwords all day."""
AFTER = 0.5
ALWAYS = 0.7
"""Share refused (lower limit) that is no mistyping even without an onset."""
CHANCE = 1e-4
TOKENS = 200
"""Tokens that are looked into for their expiry."""


class AuthenticationFailure(Detector):
    """Refused credentials by client, server and protocol.

    Some 401 and 403 are normal. It counts where their share jumps from BEFORE or less to AFTER or more (likelihood
    ratio), or is ALWAYS or more throughout. Where the refused calls bear JSON Web Tokens, their `exp` claims tell
    whether they had expired; tokens themselves are never shown.
    """

    name = "authentication_failure"
    looks_for = "credentials that are refused"
    mechanisms = frozenset({Mechanism.AUTHENTICATION_FAILURE})
    protocols = frozenset(REFUSALS) - {"grpc"} | {"http2"}

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each edge."""
        calls = facts.calls
        refused = np.zeros(len(calls), np.bool_)
        for protocol, kfl in REFUSALS.items():
            if protocol in facts.protocols or (protocol in ("grpc", "http") and "http2" in facts.protocols):
                refused |= np.isin(calls.id, np.asarray(facts.columns(kfl, [])["id"]))
        if int(refused.sum()) < LEAST:
            return
        for (client, server, protocol), rows in groups(calls.client, calls.server, calls.protocol):
            if int(refused[rows].sum()) >= LEAST:
                yield from self._judged(facts, Edge(client, server, protocol), rows, refused)

    def _judged(self, facts: Facts, edge: Edge, rows: Int64, refused: Mask) -> Iterator[Finding]:
        calls = facts.calls
        onset = onset_of_share(calls.start_ns[rows], refused[rows])
        bad = rows[refused[rows]]
        share = len(bad) / len(rows)
        at, before = None, None
        if onset is not None and onset.p < CHANCE and onset.before <= BEFORE and onset.after >= AFTER:
            at, before, share = onset.at_ns, onset.before, onset.after
        elif wilson(len(bad), len(rows))[0] < ALWAYS:
            return
        kfl = both(_refusal(edge.protocol, facts), edge_filter(facts, edge))
        whole = edge_filter(facts, edge)
        expired = _expired(facts, kfl, bad)
        reason = f"; their tokens had expired up to {expired:.0f} s before" if expired is not None else ""
        statuses = ", ".join(list(calls.status.taken(bad).counts())[:3])
        yield Finding(
            self.name,
            Mechanism.AUTHENTICATION_FAILURE,
            Component(Kind.EDGE, edge.client, edge.server),
            f"{edge.server} refuses the credentials of {edge.client}: {len(bad)} of {len(rows)} {edge.protocol} calls "
            f"({statuses}){reason}",
            Confidence.HIGH if at is not None or expired is not None else Confidence.MEDIUM,
            share,
            onset_ns=at,
            magnitude=Magnitude(before, share, "share of calls refused"),
            affected=(edge,),
            entries=tuple(int(entry) for entry in calls.id[bad[:3]]),
            claims=(
                counted(facts, kfl, "calls whose credentials were refused"),
                shared(facts, kfl, whole, "share of all calls between the two"),
            ),
            refuted_by="calls with the same credentials that were accepted after the onset",
            facts={} if expired is None else {"expired_seconds_before": round(expired)},
        )


def _refusal(protocol: str, facts: Facts) -> str:
    if protocol == "http2":
        return f"({REFUSALS['http']} || {REFUSALS['grpc']})" if "grpc" in facts.protocols else REFUSALS["http"]
    return REFUSALS.get(protocol, "failed")


def _expired(facts: Facts, kfl: str, bad: Int64) -> float | None:
    """Give by how many seconds the refused JSON Web Tokens had expired, at most; None where none had."""
    if "http" not in facts.protocols and "http2" not in facts.protocols:
        return None
    found = facts.columns(f"{kfl} && http", ["request.headers", "timestamp"])
    times = {
        int(number): int(start) for number, start in zip(facts.calls.id[bad], facts.calls.start_ns[bad], strict=True)
    }
    late = []
    for number, headers in list(zip(np.asarray(found["id"]).tolist(), found["request.headers"], strict=False))[:TOKENS]:  # type: ignore[arg-type]
        expiry = _expiry(headers)
        if expiry is not None and number in times and times[number] / 1e9 > expiry:
            late.append(times[number] / 1e9 - expiry)
    return max(late) if late else None


def _expiry(headers: object) -> float | None:
    """Give the `exp` claim (RFC 7519, 4.1.4) of a bearer token, Unix seconds; None without one."""
    if not isinstance(headers, Mapping):
        return None
    value = str(headers.get("authorization", ""))
    parts = value.partition(" ")[2].split(".")
    if not value.lower().startswith("bearer ") or len(parts) != 3 or len(parts[1]) > 8192:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return None
    expiry = claims.get("exp") if isinstance(claims, dict) else None
    return float(expiry) if isinstance(expiry, int | float) else None
