"""The final answer that every arm submits, and its grade by rules against the truth."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from evals.aliases import Names
from evals.desk import Desk
from evals.lab.truth import Cause, Fact, Mechanism, Truth, Wrong

EVIDENCE_AT_MOST = 12


class Claimed(BaseModel):
    """A component and what is wrong there."""

    model_config = ConfigDict(extra="forbid")
    component: str = Field(description="namespace/workload, the name of a node, or the DNS name of a host outside")
    mechanism: Mechanism


class Findings(BaseModel):
    """What `submit_findings` takes. A healthy answer has no cause; all else is then left out."""

    model_config = ConfigDict(extra="forbid")
    healthy: bool = Field(description="true: nothing is wrong beyond everyday noise")
    cause: Claimed | None = Field(default=None, description="the root cause: where it began, not where it is felt")
    others: list[Claimed] = Field(default=[], description="further causes, independent of the first")
    chain: list[str] = Field(default=[], description="namespace/workload from the cause to where users feel it")
    facts: list[str] = Field(default=[], description="what you saw that proves it, with names, codes and numbers")
    evidence: list[str] = Field(default=[], description="ids of entries (`123` or `SNAPSHOT/NAME#123`)")
    confidence: Literal["low", "medium", "high"] = "medium"


def submission_tool() -> dict[str, Any]:
    """Declare `submit_findings` as the API of a model takes it."""
    return {
        "name": "submit_findings",
        "description": "Hand in the final answer. It ends the investigation.",
        "input_schema": Findings.model_json_schema(),
    }


@dataclass(slots=True)
class Grade:
    """Parts of a grade. found: component and mechanism are right; facts: share of those an answer must state."""

    component: bool = False
    mechanism: bool = False
    facts: float = 0.0
    evidence: bool = False
    forbidden: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def found(self) -> bool:
        """Whether the cause was found: the right component with the right mechanism."""
        return self.component and self.mechanism

    @property
    def passed(self) -> bool:
        """Found, proved by entries that exist, every fact stated, and nothing wrong claimed."""
        return self.found and self.evidence and self.facts >= 1.0 and not self.forbidden

    def scores(self) -> dict[str, float]:
        """As numbers, for reports."""
        return {
            "component": float(self.component),
            "mechanism": float(self.mechanism),
            "found": float(self.found),
            "facts": round(self.facts, 3),
            "evidence": float(self.evidence),
            "nothing wrong claimed": float(not self.forbidden),
        }


_REPLICA = re.compile(r"-[0-9a-f]{6,10}-[a-z0-9]{5}$|-[0-9a-f]{8,10}$")
_NAMED = re.compile(r"^(?:pod|service|svc|deployment|workload|node|statefulset)[/: ]+(?=.+)")


def component_of(text: str) -> str:
    """Give the name of a component as truths write it: `ns/name`, without kind, replica, cluster domain or case."""
    name = _NAMED.sub("", text.strip().lower()).strip(" `'\"")
    name = name.split(" ")[0].removesuffix(".").removesuffix(".svc.cluster.local").removesuffix(".svc")
    name = _REPLICA.sub("", name)
    return name


def same_component(stated: str, truth: str, names: Names | None = None) -> bool:
    """Whether two texts name one component. `name.ns` is a service's name within a cluster, so it is `ns/name`.

    names: services that stand for the workload behind them.
    """
    given, wanted = component_of(stated), component_of(truth)
    if given == wanted or (names and names.get(given, given) == names.get(wanted, wanted)):
        return True
    if "/" in wanted:
        namespace, _, workload = wanted.partition("/")
        return given in {f"{workload}.{namespace}", f"{namespace}/{workload}"}
    return False


def grade(findings: Findings | None, truth: Truth, names: Names | None = None) -> Grade:
    """Judge an answer without its evidence, which only the capture can judge (`check_evidence`).

    names: services that stand for the workload behind them (`aliases.names_of`).
    """
    if findings is None:
        return Grade(reasons=["no answer was submitted"])
    claimed = [each for each in (findings.cause, *findings.others) if each is not None]
    given = Grade(forbidden=[reason for each in claimed if (reason := _forbidden(each, truth, names))])
    given.reasons += given.forbidden
    if truth.healthy:
        return _grade_healthy(findings, claimed, given)
    if findings.cause is None:
        given.reasons.append(f"nothing was claimed; it is {_told(truth.right[0])}")
        return given
    _grade_causes(claimed, truth, given, names)
    missing = [fact.says for fact in truth.facts if not states(_words(findings), fact)]
    given.facts = 1 - len(missing) / len(truth.facts)
    given.reasons += [f"fact not stated: {says}" for says in missing]
    return given


def _grade_causes(claimed: list[Claimed], truth: Truth, given: Grade, names: Names | None) -> None:
    """Hold what was claimed against the faults: the cause must be one of them, and each must be claimed somewhere.

    Independent faults have no order. Causes in `also` with one mechanism are names for one fault.
    """
    further: dict[str, list[Cause]] = {}
    for each in truth.also:
        further.setdefault(each.mechanism, []).append(each)
    faults = [list(truth.right), *further.values()]
    first = claimed[0]
    right = [each for fault in faults for each in fault if _at_either_end(first.component, each.component, names)]
    given.component = bool(right)
    given.mechanism = any(each.mechanism == first.mechanism for each in right or truth.right)
    if not given.found:
        given.reasons.append(f"claimed {_told(first)}; it is {_told(truth.right[0])}")
    for fault in faults if len(faults) > 1 else []:
        if not any(_at_either_end(one.component, each.component, names) for one in claimed for each in fault):
            given.reasons.append(f"a cause is missing: {_told(fault[0])}")
            given.component = False


def _at_either_end(stated: str, truth: str, names: Names | None) -> bool:
    """Whether a component is the one that was stated, or one of two between which something goes wrong (`a -> b`)."""
    return any(same_component(end, truth, names) for end in stated.split(" -> "))


def _grade_healthy(findings: Findings, claimed: list[Claimed], given: Grade) -> Grade:
    given.forbidden += [f"claimed {_told(each)} where all is well" for each in claimed]
    given.reasons = list(given.forbidden)
    given.component = given.mechanism = findings.healthy and not claimed
    given.facts, given.evidence = 1.0, True
    if not findings.healthy and not claimed:
        given.reasons.append("did not say that nothing is wrong")
    return given


def _told(cause: Claimed | Cause) -> str:
    return f"{cause.component} - {cause.mechanism}"


def _forbidden(claimed: Claimed, truth: Truth, names: Names | None) -> str:
    for wrong in truth.must_not_claim:
        if same_component(claimed.component, wrong.component, names) and _covers(wrong, claimed):
            return f"must not claim {_told(claimed)}: {wrong.why}"
    return ""


def _covers(wrong: Wrong, claimed: Claimed) -> bool:
    return wrong.mechanism is None or wrong.mechanism == claimed.mechanism


def _words(findings: Findings) -> str:
    cause = f"{findings.cause.component} {findings.cause.mechanism}" if findings.cause else ""
    return "\n".join([cause, " ".join(findings.chain), *findings.facts])


def states(text: str, fact: Fact) -> bool:
    """Whether a text states a fact: each pattern is in it, and a number that lies near enough."""
    if not all(re.search(pattern, text, re.IGNORECASE) for pattern in fact.match):
        return False
    if fact.number is None:
        return True
    numbers = (float(found.replace(",", "")) for found in re.findall(r"-?\d[\d,]*(?:\.\d+)?", text))
    return any(abs(number - fact.number) <= fact.tolerance for number in numbers)


async def check_evidence(findings: Findings, truth: Truth, desk: Desk, into: Grade) -> None:
    """Look every named entry up in the capture: all must exist, and one at least be about the cause or its chain."""
    if truth.healthy:
        return
    ids = findings.evidence[:EVIDENCE_AT_MOST]
    texts = []
    for each in ids:
        number = each.rpartition("#")[2].strip()
        reply = await desk.call("get_api_call", id=number, db=desk.database)
        if reply.failed:
            into.reasons.append(f"evidence {each} is not in the capture")
            return
        texts.append(reply.text.lower())
    names = {part for each in (*truth.right, *truth.also) for part in _names(each.component)}
    names |= {part for each in truth.chain for part in _names(each)}
    if not any(name in text for text in texts for name in names):
        into.reasons.append("no evidence was named" if not ids else "the evidence is about none of the chain")
        return
    into.evidence = True


def _names(component: str) -> set[str]:
    return {component_of(component).rpartition("/")[2]}
