"""The same story told otherwise: what a detector says must not depend on pace, names, or which node came first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.facts import Pod
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding
from tests.analyse.building import BuiltFacts, Call, Connection

Story = Sequence[Call | Connection]
Verdict = set[tuple[str, str]]
_SLOWER = 3.0
_NODES = {"node-a": "node-b", "node-b": "node-a"}


def facts_of(story: Story, pods: Sequence[Pod] = ()) -> BuiltFacts:
    """Make facts of calls and connections in one list."""
    calls = [one for one in story if isinstance(one, Call)]
    return BuiltFacts(calls, [one for one in story if isinstance(one, Connection)], pods)


def solid(detector: Detector, story: Story) -> list[Finding]:
    """Give the findings that are more than hints."""
    return [found for found in detector.detect(facts_of(story)) if found.confidence is not Confidence.LOW]


def verdicts(detector: Detector, story: Story) -> list[tuple[str, Component]]:
    """Give mechanism and component of each finding that is more than a hint."""
    return [(found.mechanism.value, found.component) for found in solid(detector, story)]


def verdict(detector: Detector, facts: BuiltFacts) -> Verdict:
    """Give mechanism and component of what is more than a hint, and hold every claim against the facts."""
    findings = list(detector.detect(facts))
    for finding in findings:
        _hold(finding, facts)
    solid_ones = [finding for finding in findings if finding.confidence is not Confidence.LOW]
    return {(finding.mechanism.value, str(finding.component)) for finding in solid_ones}


def _hold(finding: Finding, facts: BuiltFacts) -> None:
    for claim in finding.claims:
        if claim.measure == "count":
            assert facts.count(claim.kfl, claim.start_ns, claim.end_ns) == claim.value, claim


def assert_claims_hold(detector: Detector, story: Story) -> None:
    """Count what every claim of every finding counts; each finding has some, and none counts nothing."""
    facts = facts_of(story)
    for finding in detector.detect(facts):
        assert finding.claims
        assert all(claim.value > 0 for claim in finding.claims if claim.measure == "count"), finding
        _hold(finding, facts)


def assert_same_verdicts(detector: Detector, story: Story) -> None:
    """Hold the verdict on every mutation of a story against that on the story itself."""
    _assert_same(detector, story, ())


def assert_same_verdict(
    detector: Detector, calls: Sequence[Call], connections: Sequence[Connection] = (), pods: Sequence[Pod] = ()
) -> None:
    """Do the same for a story in parts, with the pods that Kubernetes knows."""
    _assert_same(detector, [*calls, *connections], pods)


def _assert_same(detector: Detector, story: Story, pods: Sequence[Pod]) -> None:
    first = verdict(detector, facts_of(story, pods))
    assert first, "the story itself shows nothing"
    for change, other, name in mutations(story):
        known = [other_pod(pod) for pod in pods] if change == "renamed" else pods
        expected = {(mechanism, " -> ".join(map(name, whom.split(" -> ")))) for mechanism, whom in first}
        assert (change, verdict(detector, facts_of(other, known))) == (change, expected)


def mutations(story: Story) -> Iterator[tuple[str, Story, Callable[[str], str]]]:
    """Give stories that tell the same: what was changed, the story, and how its names are called now."""
    yield "stretched", [_stretched(one) for one in story], str
    # What is only asked about, a name that a DNS server is asked for, keeps its name.
    known = {(own := getattr(one, name)): other_name(own) for one in story for name in _names_of(one)}
    yield "renamed", [_renamed(one) for one in story], lambda name: known.get(name, name)
    yield "nodes exchanged", [_exchanged(one) for one in reversed(story)], _other_node


def _stretched(one: Call | Connection) -> Call | Connection:
    if isinstance(one, Call):
        return replace(one, at=one.at * _SLOWER, ms=None if one.ms is None else one.ms * _SLOWER)
    return replace(one, at=one.at * _SLOWER, seconds=one.seconds * _SLOWER)


def _renamed(one: Call | Connection) -> Call | Connection:
    """Give every workload, pod, address and node another name."""
    return _changed(one, _names_of(one), other_name)


def _exchanged(one: Call | Connection) -> Call | Connection:
    return _changed(one, _nodes_of(one), _other_node)


def _changed(one: Call | Connection, names: Iterable[str], change: Callable[[str], str]) -> Call | Connection:
    changes: dict[str, Any] = {name: change(getattr(one, name)) for name in names}
    return replace(one, **changes)


def _names_of(one: Call | Connection) -> tuple[str, ...]:
    ends = ("client", "server", "client_pod", "server_pod", "client_address", "server_address")
    return (*ends, *_nodes_of(one))


def _nodes_of(one: Call | Connection) -> tuple[str, ...]:
    return ("node", "client_node", "server_node") if isinstance(one, Connection) else ("node",)


def _other_node(name: str) -> str:
    return _NODES.get(name, name)


def other_name(name: str) -> str:
    """Rename `namespace/name` and DNS names; addresses keep their form."""
    if not name:
        return ""
    if name[0].isdigit():
        return name.replace("10.", "172.")
    return "/".join(f"z{part}" for part in name.split("/"))


def other_pod(pod: Pod) -> Pod:
    """Rename a pod of the Kubernetes objects."""
    return replace(pod, name=other_name(pod.name), workload=other_name(pod.workload), address=other_name(pod.address))
