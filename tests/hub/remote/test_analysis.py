"""What a Hub elsewhere says that traffic means."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from analysing_hub import AnalysingHub
from fake_hub import START, FakeHub
from hub_server import served

from kubeshark_mcp.errors import FilterError, UnsupportedError
from kubeshark_mcp.hub import contract_analysis as ca
from kubeshark_mcp.hub import contract_views as cv
from kubeshark_mcp.hub.api import ApiSettings
from kubeshark_mcp.hub.remote.access import UrlAccess
from kubeshark_mcp.hub.remote.client import HubClient
from kubeshark_mcp.hub.remote.hub import RemoteHub

QUESTIONS = (
    lambda hub: hub.diagnose(ca.DiagnosisQuery(service="shop/cart")),
    lambda hub: hub.verify_claim(ca.ClaimQuery(kfl="http", value=40, at=START)),
    lambda hub: hub.compare(cv.ComparisonQuery(start=START)),
    lambda hub: hub.trace_call(cv.TraceQuery(id="7")),
    lambda hub: hub.service_map(cv.MapQuery(service="shop/web")),
    lambda hub: hub.timeline(cv.TimelineQuery(end=START)),
    lambda hub: hub.cut_evidence(cv.CutRequest(ids=["1"])),
    lambda hub: hub.source_of("s1/main#1"),
)


@pytest.fixture
async def remote():
    """A Hub that is served without redaction, so that answers are the same to the letter."""
    with served(AnalysingHub(), ApiSettings()) as url:
        hub = RemoteHub(HubClient(UrlAccess(url)))
        yield hub
        await hub.close()


async def test_a_served_hub_answers_as_in_process(remote):
    for ask in QUESTIONS:
        assert await ask(remote) == await ask(AnalysingHub())


async def test_a_wrong_filter_of_a_claim_never_reaches_the_hub(remote):
    with pytest.raises(FilterError, match="statsu"):
        await remote.verify_claim(ca.ClaimQuery(kfl="statsu > 3", value=0))


async def test_a_hub_without_such_a_tool_is_told_from_one_that_fails():
    with served(FakeHub(), ApiSettings()) as url:
        hub = RemoteHub(HubClient(UrlAccess(url)))
        with pytest.raises(UnsupportedError, match="cannot diagnose"):
            await hub.diagnose(ca.DiagnosisQuery())
        await hub.close()
