"""Arguments of the tools that say what traffic means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.api import analysis_arguments as a
from kubeshark_mcp.hub.api.arguments import read_arguments
from kubeshark_mcp.hub.contract_analysis import Measure, Relation


def test_a_claim_is_read_as_it_travels():
    given = {
        "kfl": "http",
        "measure": "share",
        "of": "dns",
        "value": "0.5",
        "relation": ">=",
        "start": 1_700_000_000_000,
    }
    assert read_arguments("verify_claim", a.Verify, given) == a.Verify(
        kfl="http", measure=Measure.SHARE, of="dns", value=0.5, relation=Relation.AT_LEAST,
        start=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
    )  # fmt: skip
    assert read_arguments("trace_call", a.Trace, {"id": 7}) == a.Trace(id="7")
    assert read_arguments("cut_evidence", a.Cut, {"ids": "1,2"}) == a.Cut(ids=["1", "2"])
    assert read_arguments("cut_evidence", a.Cut, {"ids": [3, "s/d#4"]}) == a.Cut(ids=["3", "s/d#4"])


@pytest.mark.parametrize(
    ("model", "given", "says"),
    [
        (a.Verify, {"kfl": "http", "measure": "mean"}, "measure is 'mean'"),
        (a.Verify, {"kfl": "http", "value": "nan"}, "value is 'nan'"),
        (a.Verify, {"kfl": "http", "tolerance": 2}, "tolerance is 2"),
        (a.Diagnose, {"basline": "x"}, "did you mean baseline"),
        (a.Cut, {"kfl": "http", "limit": 0}, "limit is 0"),
        (a.Handle, {}, "handle is missing"),
    ],
)
def test_a_wrong_argument_is_named(model, given, says):
    with pytest.raises(UsageError, match=says):
        read_arguments("tool", model, given)
