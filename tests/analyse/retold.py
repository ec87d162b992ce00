"""The same story told otherwise: what a detector says must not depend on pace, names, or which node came first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Pod
from kubeshark_mcp.analyse.findings import Confidence
from tests.analyse.building import BuiltFacts, Call, Connection

One = TypeVar("One", Call, Connection)
Verdict = set[tuple[str, str]]


def stretched(story: Sequence[One], factor: float = 3.0) -> list[One]:
    """Tell it more slowly."""
    found = []
    for one in story:
        changes: dict[str, Any] = {"at": one.at * factor}
        if isinstance(one, Call):
            changes["ms"] = None if one.ms is None else one.ms * factor
        else:
            changes["seconds"] = one.seconds * factor
        found.append(replace(one, **changes))
    return found


def renamed(story: Sequence[One]) -> list[One]:
    """Give every workload, pod, address and node another name."""
    found = []
    for one in story:
        changes: dict[str, Any] = {
            name: other_name(getattr(one, name)) for name in ("client", "server", "client_pod", "server_pod")
        }
        for name in ("client_address", "server_address"):
            changes[name] = getattr(one, name).replace("10.", "172.")
        changes["node"] = {"node-a": "zeta", "node-b": "alpha"}.get(one.node, one.node)
        found.append(replace(one, **changes))
    return found


def other_name(name: str) -> str:
    """Rename `namespace/name` and DNS names; addresses keep their form."""
    if not name:
        return ""
    if name[0].isdigit():
        return name.replace("10.", "172.")
    return "/".join(f"z{part}" for part in name.split("/"))


def told_otherwise(story: Sequence[One]) -> Mapping[str, list[One]]:
    """Give the mutations by what was changed."""
    swapped = {"node-a": "node-b", "node-b": "node-a"}
    return {
        "stretched": stretched(story),
        "renamed": renamed(story),
        "nodes swapped": [replace(one, node=swapped.get(one.node, one.node)) for one in reversed(story)],
    }


def verdict(detector: Detector, facts: BuiltFacts) -> Verdict:
    """Give mechanism and component of what is more than a hint, and hold every claim against the facts."""
    findings = list(detector.detect(facts))
    for finding in findings:
        for claim in finding.claims:
            if claim.measure == "count":
                assert facts.count(claim.kfl, claim.start_ns, claim.end_ns) == claim.value, claim
    return {
        (finding.mechanism.value, str(finding.component))
        for finding in findings
        if finding.confidence is not Confidence.LOW
    }


def assert_same_verdict(
    detector: Detector,
    calls: Sequence[Call],
    connections: Sequence[Connection] = (),
    pods: Sequence[Pod] = (),
) -> None:
    """Hold the verdict on every mutation against that on the story itself."""
    first = verdict(detector, BuiltFacts(calls, connections, pods))
    assert first, "the story itself shows nothing"
    others = told_otherwise(connections)
    for name, story in told_otherwise(calls).items():
        known = [other_pod(pod) for pod in pods] if name == "renamed" else pods
        found = verdict(detector, BuiltFacts(story, others[name], known))
        expected = (
            {(m, " -> ".join(map(other_name, c.split(" -> ")))) for m, c in first} if name == "renamed" else first
        )
        assert (name, found) == (name, expected)


def other_pod(pod: Pod) -> Pod:
    """Rename a pod of the Kubernetes objects."""
    address = pod.address.replace("10.", "172.")
    return replace(pod, name=other_name(pod.name), workload=other_name(pod.workload), address=address)
