"""Changes to a story that must not change a verdict: time stretched, names exchanged, nodes in another order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from kubeshark_mcp.analyse.detector import Detector
from kubeshark_mcp.analyse.findings import Component, Confidence, Finding
from tests.analyse.building import BuiltFacts, Call, Connection

Story = Sequence[Call | Connection]
NAMES = {"shop/web": "alpha/rhine", "shop/cart": "alpha/elbe", "data/redis": "beta/oder", "shop/orders": "alpha/main"}


def facts_of(story: Story) -> BuiltFacts:
    """Make facts of calls and connections in one list."""
    return BuiltFacts(
        [one for one in story if isinstance(one, Call)], [one for one in story if isinstance(one, Connection)]
    )


def verdicts(detector: Detector, story: Story) -> list[tuple[str, Component]]:
    """Give mechanism and component of each finding that is more than a hint."""
    return [(found.mechanism.value, found.component) for found in solid(detector, story)]


def solid(detector: Detector, story: Story) -> list[Finding]:
    """Give the findings that are more than hints."""
    return [found for found in detector.detect(facts_of(story)) if found.confidence is not Confidence.LOW]


def renamed(name: str) -> str:
    """Give the other name of a workload or pod."""
    return next((new + name[len(old) :] for old, new in NAMES.items() if name.startswith(old)), name)


def mutations(story: Story) -> Iterator[tuple[str, Story, Callable[[str], str]]]:
    """Give stories that tell the same: what was changed, the story, and how its names are called now."""
    yield "stretched", [_stretched(one) for one in story], lambda name: name
    yield "renamed", [_renamed(one) for one in story], renamed
    yield "nodes exchanged", [_exchanged(one) for one in story], {"node-a": "node-b", "node-b": "node-a"}.get  # type: ignore[misc]


def _stretched(one: Call | Connection) -> Call | Connection:
    return replace(one, at=one.at * 3)


def _renamed(one: Call | Connection) -> Call | Connection:
    return replace(
        one, client=renamed(one.client), server=renamed(one.server),
        client_pod=renamed(one.client_pod), server_pod=renamed(one.server_pod),
    )  # fmt: skip


def _exchanged(one: Call | Connection) -> Call | Connection:
    other = {"node-a": "node-b", "node-b": "node-a"}
    if isinstance(one, Call):
        return replace(one, node=other.get(one.node, one.node))
    return replace(
        one, node=other.get(one.node, one.node), client_node=other.get(one.client_node, ""),
        server_node=other.get(one.server_node, ""),
    )  # fmt: skip


def assert_same_verdicts(detector: Detector, story: Story) -> None:
    """Hold a verdict against all mutations."""
    told = verdicts(detector, story)
    assert told
    for change, other, name in mutations(story):
        expected = [
            (mechanism, replace(c, name=name(c.name) or c.name, peer=(name(c.peer) or c.peer) if c.peer else ""))
            for mechanism, c in told
        ]
        assert sorted(verdicts(detector, other)) == sorted(expected), change


def assert_claims_hold(detector: Detector, story: Story) -> None:
    """Count what every claim of every finding counts."""
    facts = facts_of(story)
    for found in detector.detect(facts):
        assert found.claims
        for claim in found.claims:
            if claim.measure.value == "count":
                assert facts.count(claim.kfl, claim.start_ns, claim.end_ns) == claim.value > 0, claim
