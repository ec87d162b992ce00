"""One function a tool that says what traffic means: a Hub's answer as JSON, its times as RFC 3339.

These tools are not of the published contract: their answers are the shapes of `contract_analysis` and `contract_views`
as they are, exact to the microsecond, so that another kubeshark-mcp can read them back whole.
"""

from __future__ import annotations

from typing import Any

from kubeshark_mcp.hub import contract_analysis as ca
from kubeshark_mcp.hub import contract_views as cv
from kubeshark_mcp.hub.api import analysis_arguments as a
from kubeshark_mcp.hub.api.answers import check_window
from kubeshark_mcp.hub.api.arguments import Arguments
from kubeshark_mcp.hub.api.calls_wire import CallWriter
from kubeshark_mcp.hub.interface import Hub

Json = dict[str, Any]


async def diagnose(hub: Hub, given: a.Diagnose, writer: CallWriter) -> Json:
    """Say what is abnormal."""
    check_window(given.start, given.end)
    return writer.told(await hub.diagnose(ca.DiagnosisQuery(**_question(given))))


async def verify_claim(hub: Hub, given: a.Verify, writer: CallWriter) -> Json:
    """Check a claim."""
    check_window(given.start, given.end)
    return writer.told(await hub.verify_claim(ca.ClaimQuery(**_question(given))))


async def compare(hub: Hub, given: a.Compare, writer: CallWriter) -> Json:
    """Say what differs."""
    check_window(given.start, given.end)
    check_window(given.baseline_start, given.baseline_end)
    return writer.told(await hub.compare(cv.ComparisonQuery(**_question(given))))


async def trace_call(hub: Hub, given: a.Trace, writer: CallWriter) -> Json:
    """Follow a call."""
    return writer.told(await hub.trace_call(cv.TraceQuery(**_question(given))))


async def service_map(hub: Hub, given: a.Map, writer: CallWriter) -> Json:
    """Say who calls whom."""
    check_window(given.start, given.end)
    return writer.told(await hub.service_map(cv.MapQuery(**_question(given))))


async def timeline(hub: Hub, given: a.Window, writer: CallWriter) -> Json:
    """Tell what happened."""
    check_window(given.start, given.end)
    return writer.told(await hub.timeline(cv.TimelineQuery(**_question(given))))


async def cut_evidence(hub: Hub, given: a.Cut, writer: CallWriter) -> Json:
    """Cut entries out of the capture; gives the path to fetch them by."""
    return writer.told(await hub.cut_evidence(cv.CutRequest(**_question(given))))


async def entry_source(hub: Hub, given: a.Handle, writer: CallWriter) -> Json:
    """Name the packets of an entry."""
    return writer.told(await hub.source_of(given.handle))


def _question(given: Arguments) -> Json:
    """Give arguments under the names of the Hub's questions; what was not given has their defaults."""
    chosen = {name: value for name, value in given if value is not None}
    return {"database" if name == "db" else name: value for name, value in chosen.items()}
