"""Shapes of views."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from kubeshark_mcp.hub import contract_views as v


def test_a_request_to_cut_keeps_secrets_unless_asked_and_refuses_unknown_names():
    assert v.CutRequest(ids=["1"]) == v.CutRequest(ids=["1"], kfl=None, database=None, limit=100, scrub=False)
    with pytest.raises(ValidationError):
        v.CutRequest(entries=["1"])  # type: ignore[call-arg]
