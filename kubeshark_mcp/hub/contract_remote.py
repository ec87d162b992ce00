"""The shapes of what only some Hubs have: tools and prompts of their own, and being started and stopped."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from kubeshark_mcp.errors import HubError
from kubeshark_mcp.hub.contract import Shape


class HubTool(Shape):
    """A tool that a Hub offers beside ours. input_schema: JSON schema, as the Hub declares it.

    read_only, destructive: judged by its name, for Hubs do not say.
    """

    name: str
    description: str
    input_schema: dict[str, Any]
    read_only: bool = False
    destructive: bool = False


class HubTools(Shape):
    """How a Hub's tools differ from ours. lacking: ours that cannot be answered. extra: those passed through."""

    lacking: frozenset[str] = frozenset()
    extra: tuple[HubTool, ...] = ()


class HubPromptArgument(Shape):
    """One argument of a prompt."""

    name: str
    description: str = ""
    required: bool = False


class HubPrompt(Shape):
    """A prompt that a Hub offers."""

    name: str
    description: str = ""
    arguments: tuple[HubPromptArgument, ...] = ()


class StartRequest(Shape):
    """How to start Kubeshark. namespaces: which to capture, none for all. values: Helm values by their path."""

    namespaces: tuple[str, ...] = ()
    pod_regex: str | None = None
    release_namespace: str | None = None
    values: dict[str, str] = Field(default_factory=dict)


class Plan(Shape):
    """What starting or stopping will do, for a person to agree to. lines: in words, without secrets.

    command: the program and its arguments; secrets may be among them, so it is never shown.
    """

    action: str
    command: tuple[str, ...] = Field(repr=False)
    lines: tuple[str, ...]
    release_namespace: str


class Outcome(Shape):
    """What starting or stopping did. exit_code: None where the program still ran when it was no longer needed."""

    success: bool
    exit_code: int | None
    output: str = ""
    lines: tuple[str, ...] = ()


class UnknownShapeError(HubError):
    """A Hub answered with JSON of a shape that is not known here. answer: the JSON, to be shown as it is."""

    def __init__(self, sentence: str, answer: Any) -> None:
        super().__init__(sentence)
        self.answer = answer
