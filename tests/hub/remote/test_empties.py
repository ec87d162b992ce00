"""Why a Hub's answer has no rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kubeshark_mcp.errors import HubError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.remote.empties import why_empty
from kubeshark_mcp.hub.remote.filters import Filters

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
COVERED = c.Boundaries(oldest=NOON, newest=NOON + timedelta(hours=1), dissection_enabled=True)
PROGRAM = Filters().compile("http && status_code >= 500")


def boundaries(found: c.Boundaries):
    async def give() -> c.Boundaries:
        return found

    return give


async def count(kfl):
    return {None: 100, "(http)": 40}.get(kfl, 0)


async def nothing(kfl):
    return 0


@pytest.mark.parametrize(
    ("program", "start", "covered", "counted", "code", "says"),
    [
        (PROGRAM, None, c.Boundaries(oldest=None, newest=None, dissection_enabled=False), count, "not_dissected",
         "dissection of new capture is off"),
        (PROGRAM, NOON + timedelta(hours=2), COVERED, count, "outside_window", "covers 2026-11-01T12:00:00+00:00 to"),
        (PROGRAM, None, COVERED, count, "clause", "Clause 2 (status_code >= 500) removed the last 40 of 100 entries."),
        (PROGRAM, None, COVERED, nothing, "no_traffic", "whatever the filter"),
        (None, None, COVERED, count, "no_traffic", "No call lies in that window."),
    ],
)  # fmt: skip
async def test_the_most_useful_true_reason_is_given(program, start, covered, counted, code, says):
    reason = await why_empty(program, (start, None), boundaries(covered), counted)
    assert reason.code == code
    assert says in reason.sentence


async def test_a_hub_that_answers_no_more_does_not_turn_an_empty_answer_into_an_error():
    async def broken(kfl):
        raise HubError("gone")

    reason = await why_empty(PROGRAM, (None, None), None, broken)
    assert "could not be found out" in reason.sentence
