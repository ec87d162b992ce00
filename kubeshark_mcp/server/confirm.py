"""Asking the person before something is destroyed, in the way that the client's protocol version knows."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import (
    ClientCapabilities,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, Field

from kubeshark_mcp.errors import UsageError

INPUT_REQUIRED_SINCE = "2026-07-28"
"""From this version on a question is a result, and the client calls again with the answer."""

_KEY = "confirm"


class Confirmation(BaseModel):
    """The form that the person fills in."""

    confirm: bool = Field(default=False, title="Confirm", description="Yes, do it")


class QuestionPending(Exception):
    """No error: leaves the tool so that the question reaches the client, which calls again with the answer."""

    def __init__(self, question: InputRequiredResult) -> None:
        super().__init__("waiting for an answer")
        self.question = question


class Confirm:
    """Asks one question within one call."""

    def __init__(self, context: Context[Any, Any]) -> None:
        self._context = context

    async def __call__(self, question: str) -> None:
        """Return when the person agrees, or when the client has no way to ask; raises UsageError on a no."""
        if not _can_ask(self._context.client_capabilities):
            return
        version = self._context.protocol_version
        if version is not None and is_version_at_least(version, INPUT_REQUIRED_SINCE):
            agreed = self._answered(question)
        else:
            agreed = await self._ask(question)
        if not agreed:
            raise UsageError(f"Nothing was changed: the person did not agree to this. ({question})")

    def _answered(self, question: str) -> bool:
        """Look for the answer of an earlier round; the state that comes with it must be for this very question."""
        answer = (self._context.input_responses or {}).get(_KEY)
        if answer is None or self._context.request_state != question:
            schema = Confirmation.model_json_schema()
            asked = ElicitRequest(params=ElicitRequestFormParams(message=question, requested_schema=schema))
            raise QuestionPending(InputRequiredResult(input_requests={_KEY: asked}, request_state=question))
        return isinstance(answer, ElicitResult) and answer.action == "accept" and _says_yes(answer.content)

    async def _ask(self, question: str) -> bool:
        try:
            answer = await self._context.elicit(question, Confirmation)
        except (MCPError, ValueError):
            return False
        return answer.action == "accept" and answer.data.confirm


def _can_ask(capabilities: ClientCapabilities | None) -> bool:
    elicitation = capabilities.elicitation if capabilities is not None else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _says_yes(content: dict[str, Any] | None) -> bool:
    return bool(content) and content is not None and content.get(_KEY) is True
