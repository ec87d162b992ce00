"""Cases as data: what `cases/<suite>/*.yaml` may say, and one RCA case for every recorded incident."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from evals.lab.truth import Pattern, Truth, load_truth

HERE = Path(__file__).resolve().parent
CASES = HERE / "cases"
INCIDENTS = HERE / "incidents"
SUITES = ("rca", "kfl", "routing", "safety")
QUESTION = (
    "{title}. The captures of all nodes are loaded. Find out what is wrong: which component, how, and since when. "
    "If nothing is wrong, say so."
)

Suite = Literal["rca", "kfl", "routing", "safety"]
Route = Literal["dissection", "capture", "cluster", "language", "setup", "none"]
"""Ways to an answer: entries (L7), raw capture and connections (L4), a cluster, KFL, installation; none: no tool."""


def _is_one_line(text: str) -> str:
    if "\n" in text.strip():
        raise ValueError(f"{text[:60]!r}… has several lines. A sentence of a user is one line.")
    return text.strip()


Sentence = Annotated[str, Field(min_length=8), AfterValidator(_is_one_line)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Strict):
    """A call of a reference trajectory. states: patterns in its answer; refused: it must answer with an error."""

    tool: str
    arguments: dict[str, Any] = {}
    states: tuple[Pattern, ...] = ()
    hides: tuple[str, ...] = ()
    refused: bool = False


class KflCase(_Strict):
    """A question in words. kfl: the reference; judged are the rows, never the text. covers: the protocol asked for."""

    name: str
    suite: Literal["kfl"] = "kfl"
    covers: str
    question: Sentence
    kfl: str
    at_least: int = Field(default=1, ge=1)


class RoutingCase(_Strict):
    """A sentence of a user. skill: None where none is needed; tools: any of them first; steps: a way that answers it.

    incident: the recorded incident, or `example`, that the steps run on.
    """

    name: str
    suite: Literal["routing"] = "routing"
    sentence: Sentence
    skill: str | None
    tools: tuple[str, ...]
    route: Route
    incident: str = "example"
    steps: tuple[Step, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> RoutingCase:
        if (self.route == "none") != (not self.tools) and self.route != "setup":
            raise ValueError(f"{self.name}: the route is none exactly where no tool is needed.")
        if self.steps and not {step.tool for step in self.steps} & set(self.tools):
            raise ValueError(f"{self.name}: no step calls one of {', '.join(self.tools)}.")
        return self


class Exchange(_Strict):
    r"""One HTTP call of a made capture. request, response: the text as sent, `\\n` for line ends, headers first."""

    request: str
    response: str


class SafetyCase(_Strict):
    """A danger and the calls that must withstand it.

    exchanges: a made capture; else `incident`. secrets must be in no answer at all; fenced: captured text that may
    appear between the marks of untrusted data only; absent: tools that must not be registered without permission.
    sentence: what a user says to a model; claims: what its answer must not contain.
    """

    name: str
    suite: Literal["safety"] = "safety"
    danger: Literal["injection", "secret", "destructive", "false_claim"]
    sentence: Sentence
    exchanges: tuple[Exchange, ...] = ()
    incident: str | None = None
    steps: tuple[Step, ...] = ()
    secrets: tuple[str, ...] = ()
    fenced: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    claims: tuple[Pattern, ...] = ()
    obeyed: tuple[Pattern, ...] = ()

    @model_validator(mode="after")
    def _can_be_tried(self) -> SafetyCase:
        if bool(self.exchanges) == (self.incident is not None):
            raise ValueError(f"{self.name}: give either exchanges or an incident.")
        if not (self.secrets or self.fenced or self.absent or self.steps or self.claims):
            raise ValueError(f"{self.name}: nothing would be checked.")
        return self


class RcaCase(_Strict):
    """An incident, or a healthy control, and its truth, of which the investigator gets nothing."""

    name: str
    suite: Literal["rca"] = "rca"
    folder: Path
    truth: Truth

    @property
    def question(self) -> str:
        """What is asked."""
        return QUESTION.format(title=self.truth.title)

    @property
    def kind(self) -> str:
        """The class that scores are told by: the mechanism, or `healthy`."""
        return self.truth.cause.mechanism if self.truth.cause else "healthy"


Written = Annotated[KflCase | RoutingCase | SafetyCase, Field(discriminator="suite")]
Case = KflCase | RoutingCase | SafetyCase | RcaCase


class CaseError(Exception):
    """A file of cases that cannot be used; its text names the file."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    cases: list[Written] = Field(min_length=1)


def read_cases(path: Path, suite: str) -> list[Case]:
    """Read one file: a list `cases`, each with what its suite asks for.

    Names are made whole with the file's name: `http/slow`.
    """
    try:
        given = yaml.safe_load(path.read_text())
        named = [{**each, "suite": suite, "name": f"{path.stem}/{each['name']}"} for each in given["cases"]]
        return list(TypeAdapter(_File).validate_python({**given, "cases": named}).cases)
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as wrong:
        raise CaseError(f"{path.parent.name}/{path.name} holds no cases: {wrong}") from wrong


def incident_cases(folder: Path = INCIDENTS) -> list[RcaCase]:
    """One case for every folder with a `truth.yaml`: a new recording is a new case."""
    cases = []
    for path in sorted(folder.glob("*/truth.yaml")):
        try:
            cases.append(RcaCase(name=path.parent.name, folder=path.parent, truth=load_truth(path)))
        except (OSError, ValueError, yaml.YAMLError) as wrong:
            raise CaseError(f"{path.parent.name}/truth.yaml is no truth: {wrong}") from wrong
    return cases


def load(suites: tuple[str, ...] = SUITES, cases: Path = CASES, incidents: Path = INCIDENTS) -> list[Case]:
    """All cases of some suites, in order of suite and name; two of one name are refused."""
    found: list[Case] = []
    for suite in suites:
        if suite == "rca":
            found += incident_cases(incidents)
            continue
        for path in sorted((cases / suite).glob("*.yaml")):
            found += read_cases(path, suite)
    seen: set[tuple[str, str]] = set()
    for case in found:
        if (case.suite, case.name) in seen:
            raise CaseError(f"{case.suite}/{case.name} is there twice. Give one of them another name.")
        seen.add((case.suite, case.name))
    return found
