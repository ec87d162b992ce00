"""One pod of several that fails or lags where its siblings do not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.claims import counted, shared, timed
from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import both, either, one_of, pod_filter
from kubeshark_mcp.analyse.findings import Claim, Component, Confidence, Finding, Kind, Magnitude, Measure
from kubeshark_mcp.analyse.mechanisms import Mechanism
from kubeshark_mcp.analyse.onsets import rise_of_level, rise_of_share
from kubeshark_mcp.analyse.replicas import SLOWER, STEP_US, Unlike, unlike_pods
from kubeshark_mcp.analyse.subjects import edges_of, entries_of, milliseconds, short

ENOUGH = 6
"""Bad calls of the pod from which it is more than a hint."""


class BadReplica(Detector):
    """Each pod against its siblings, over the same time.

    Errors: the shares differ (likelihood ratio, Benjamini-Hochberg over all pods) by 20 points or more, and the
    siblings' is small. Latency: each call is measured against the median of its kind among the siblings; the pod's
    calls rank higher (Mann-Whitney), take three times as long and 10 ms more. A pod that began within the window is a
    rollout's, told elsewhere; one whose callees explain what it shows is a symptom.
    """

    name = "bad_replica"
    looks_for = "a pod unlike its siblings"
    mechanisms = frozenset({Mechanism.BAD_REPLICA})

    def detect(self, facts: Facts) -> Iterator[Finding]:
        """Give one finding for each pod that differs; where most pods of a workload do, none is the odd one."""
        found = [one for one in facts.derived(unlike_pods) if one.fresh_ns is None]
        for one in found:
            rivals = {other.pod for other in found if other.server == one.server}
            pods = set(facts.calls.server_pod.taken(one.siblings).counts()) | {one.pod}
            if 2 * len(rivals) <= len(pods):
                yield self._finding(facts, one)

    def _finding(self, facts: Facts, one: Unlike) -> Finding:
        calls = facts.calls
        title, claims = _told(facts, one)
        sure = len(one.bad) + one.attempts >= ENOUGH and one.p < 1e-4
        onset, before = _onset(facts, one)
        return Finding(
            self.name,
            Mechanism.BAD_REPLICA,
            Component(Kind.WORKLOAD, one.server),
            title,
            (Confidence.HIGH if one.p < 1e-6 else Confidence.MEDIUM) if sure else Confidence.LOW,
            1.0 - one.theirs / one.mine,
            onset_ns=onset,
            magnitude=Magnitude(before, one.mine, "share failed" if one.by == "errors" else "us p50"),
            affected=edges_of(calls, one.bad if len(one.bad) else one.rows),
            entries=entries_of(calls, one.bad),
            claims=claims,
            refuted_by="siblings that do the same with the same calls",
            symptom=one.echo,
            facts={"replica": one.pod, "by": one.by, "siblings": one.theirs},
        )


def _told(facts: Facts, one: Unlike) -> tuple[str, tuple[Claim, ...]]:
    calls, name = facts.calls, short(one.pod)
    own = both(one_of("protocol", sorted(calls.protocol.taken(one.rows).counts())), pod_filter("dst", one.pod))
    why = ", as what it calls fails or is slow for it alone" if one.echo else ""
    number = counted(facts, own, "calls that reach the pod")
    if one.by == "latency":
        p50 = timed(facts, own, Measure.P50_US, "median of the pod")
        sentence = (
            f"{milliseconds(p50.value)} in the median, its siblings {milliseconds(one.theirs)} for the same calls"
        )
        return f"pod {name} of {short(one.server)} takes {sentence}{why}", (number, p50)
    statuses = sorted(status for status in calls.status.taken(one.bad).counts() if status)
    tests = [one_of("status", statuses)] if statuses else []
    if not calls.answered[one.bad].all():
        tests.append("!answered")
    bad = both(own, either(*tests) if tests else "failed")
    share = shared(facts, bad, own, "share of the pod's calls that fail")
    refused = f" and {one.attempts} connections not made" if one.attempts else ""
    sentence = f"fails {share.value:.0%} of its {number.value:.0f} calls{refused}, its siblings {one.theirs:.0%}"
    return f"pod {name} of {short(one.server)} {sentence}{why}", (number, share)


def _onset(facts: Facts, one: Unlike) -> tuple[int | None, float | None]:
    """Look for when the pod began to differ."""
    times = facts.calls.start_ns[one.rows]
    if one.by == "errors":
        rise = rise_of_share(times, np.isin(one.rows, one.bad)) if len(one.bad) else None
    else:
        rise = rise_of_level(times, facts.calls.elapsed_us[one.rows], SLOWER, STEP_US)
    return (rise.at_ns, rise.before) if rise is not None else (None, None)
