"""Answers about what traffic means, as they travel."""

from __future__ import annotations

import pytest
from analysing_hub import FINDING, AnalysingHub

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub import contract_analysis as ca
from kubeshark_mcp.hub import contract_views as cv
from kubeshark_mcp.hub.api import analysis_answers as answers
from kubeshark_mcp.hub.api import analysis_arguments as a
from kubeshark_mcp.hub.api.calls_wire import CallWriter
from kubeshark_mcp.present.redaction import Redactor


async def test_an_answer_can_be_read_back_whole():
    hub, writer = AnalysingHub(), CallWriter()
    told = await answers.diagnose(hub, a.Diagnose(service="shop/cart"), writer)
    assert ca.Diagnosis.model_validate(told) == await hub.diagnose(ca.DiagnosisQuery(service="shop/cart"))
    told = await answers.trace_call(hub, a.Trace(id="7"), writer)
    assert cv.Trace.model_validate(told) == await hub.trace_call(cv.TraceQuery(id="7"))
    told = await answers.entry_source(hub, a.Handle(handle="s1/main#1"), writer)
    assert cv.Source.model_validate(told) == await hub.source_of("s1/main#1")


async def test_secrets_in_titles_are_redacted():
    told = await answers.diagnose(AnalysingHub(), a.Diagnose(), CallWriter(Redactor(b"k" * 32)))
    assert "hunter2" in FINDING.title
    assert "hunter2" not in str(told)
    assert told["findings"][0]["evidence"] == FINDING.evidence


@pytest.mark.parametrize(
    ("ask", "given"),
    [
        (answers.diagnose, a.Diagnose), (answers.timeline, a.Window), (answers.service_map, a.Map),
        (answers.compare, a.Compare), (answers.verify_claim, lambda **window: a.Verify(kfl="http", **window)),
    ],
)  # fmt: skip
async def test_a_window_that_ends_before_it_starts_is_refused(ask, given):
    with pytest.raises(UsageError, match=r"ends .* before it starts"):
        await ask(AnalysingHub(), given(start=2_000_000_000_000, end=1_000_000_000_000), CallWriter())
