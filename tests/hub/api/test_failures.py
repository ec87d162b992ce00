"""Failures as HTTP."""

from __future__ import annotations

import pytest

from kubeshark_mcp import errors
from kubeshark_mcp.hub.api.failures import RefusedError, broken, failed


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.UsageError, 400), (errors.FilterError, 400), (errors.NotFoundError, 404), (errors.ConflictError, 409),
        (errors.CaptureError, 422), (errors.UnsupportedError, 501), (errors.HubError, 502), (errors.StoreError, 500),
        (errors.KubesharkError, 500),
    ],
)  # fmt: skip
def test_each_error_has_its_status_and_its_sentence(error, status):
    answer = failed(error("What went wrong, and what to do."))
    assert (answer.status_code, answer.body) == (status, b"What went wrong, and what to do.")


def test_a_refusal_has_its_own_status_and_headers():
    answer = failed(RefusedError(503, "Later.", {"Retry-After": "1"}))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_a_fault_is_in_the_log_and_not_in_the_answer(caplog):
    answer = broken(ValueError("hunter2"))
    assert answer.status_code == 500
    assert b"hunter2" not in answer.body
    assert "ValueError: hunter2" in caplog.text
