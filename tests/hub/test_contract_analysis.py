from __future__ import annotations

import pytest
from pydantic import ValidationError

from kubeshark_mcp.analyse.findings import Measure as Measured
from kubeshark_mcp.hub import contract_analysis as a


def test_claims_are_measured_alike_in_findings_and_in_the_contract():
    assert [one.value for one in a.Measure] == [one.value for one in Measured]


def test_unknown_keys_are_refused():
    with pytest.raises(ValidationError):
        a.ClaimQuery(kfl="http", valeu=3)
