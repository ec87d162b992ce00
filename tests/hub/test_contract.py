"""The shapes refuse what they do not know."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from kubeshark_mcp.hub import contract as c


def test_states_know_whether_they_are_final():
    assert {state.value for state in c.JobStatus if state.ended} == {"completed", "failed", "cancelled"}


@pytest.mark.parametrize("limit", [0, -1, 1001, 100_000])
def test_limits_are_bounded(limit: int):
    for shape in (c.CallQuery, c.StatsQuery, c.FlowQuery):
        with pytest.raises(ValidationError):
            shape(limit=limit)


def test_unknown_keys_are_errors_and_values_do_not_change():
    with pytest.raises(ValidationError):
        c.CallQuery(kfll="http")
    query = c.CallQuery(kfl="http")
    with pytest.raises(ValidationError):
        query.kfl = "dns"  # type: ignore[misc]
