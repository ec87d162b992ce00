"""Failures as HTTP: a status that says whose turn it is, and the error's own sentence as the body."""

from __future__ import annotations

import logging
import secrets

from starlette.responses import PlainTextResponse, Response

from kubeshark_mcp.errors import (
    CaptureError,
    ConflictError,
    FilterError,
    HubError,
    KubesharkError,
    NotFoundError,
    StoreError,
    UnsupportedError,
    UsageError,
)

log = logging.getLogger(__name__)

STATUSES: tuple[tuple[type[KubesharkError], int], ...] = (
    (UsageError, 400),
    (FilterError, 400),
    (NotFoundError, 404),
    (ConflictError, 409),
    (CaptureError, 422),
    (UnsupportedError, 501),
    (HubError, 502),
    (StoreError, 500),
)
"""What each error of `kubeshark_mcp.errors` is in HTTP (RFC 9110, section 15)."""


class RefusedError(KubesharkError):
    """A request that is refused before the Hub is asked. status: of HTTP. headers: to send with it."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers or {}


def refused(error: RefusedError) -> Response:
    """Give the answer to a refused request."""
    return PlainTextResponse(str(error), error.status, headers=error.headers)


def failed(error: KubesharkError) -> Response:
    """Give the answer to a request that the Hub could not fulfil: the sentence that its user reads."""
    if isinstance(error, RefusedError):
        return refused(error)
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    return PlainTextResponse(str(error), status)


def broken(error: Exception) -> Response:
    """Give the answer to a fault of ours: the log has it under a number, the client learns the number alone."""
    number = secrets.token_hex(4)
    log.error("request failed, fault %s", number, exc_info=error)
    return PlainTextResponse(f"The Hub failed at this request; its log has the reason as fault {number}.", 500)
