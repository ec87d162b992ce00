"""What a Hub elsewhere says that traffic means, where it can: a served kubeshark-mcp, not one that only lists calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from kubeshark_mcp.hub import contract_analysis as ca
from kubeshark_mcp.hub import contract_views as cv
from kubeshark_mcp.hub.interface import Hub
from kubeshark_mcp.hub.remote.asking import Asking
from kubeshark_mcp.hub.remote.entries import Entries
from kubeshark_mcp.hub.remote.reading import reading

S = TypeVar("S", bound=BaseModel)


class RemoteAnalysis(Hub):
    """The questions of analysis, put to a Hub over HTTP; UnsupportedError where it has no such tool.

    Filters are checked here first, as everywhere: a wrong one never reaches the Hub.
    """

    _asking: Asking
    _entries: Entries

    async def diagnose(self, query: ca.DiagnosisQuery) -> ca.Diagnosis:
        """Say what is abnormal."""
        return await self._told("diagnose", query, ca.Diagnosis)

    async def verify_claim(self, query: ca.ClaimQuery) -> ca.Verified:
        """Check a claim."""
        return await self._told("verify_claim", query, ca.Verified)

    async def compare(self, query: cv.ComparisonQuery) -> cv.Comparison:
        """Say what differs."""
        return await self._told("compare_snapshots", query, cv.Comparison)

    async def trace_call(self, query: cv.TraceQuery) -> cv.Trace:
        """Follow a call."""
        return await self._told("trace_call", query, cv.Trace)

    async def service_map(self, query: cv.MapQuery) -> cv.ServiceMap:
        """Say who calls whom."""
        return await self._told("service_map", query, cv.ServiceMap)

    async def timeline(self, query: cv.TimelineQuery) -> cv.Timeline:
        """Tell what happened."""
        return await self._told("timeline", query, cv.Timeline)

    async def cut_evidence(self, request: cv.CutRequest) -> cv.Cut:
        """Have evidence cut out."""
        return await self._told("cut_evidence", request, cv.Cut)

    async def source_of(self, handle: str) -> cv.Source:
        """Say where an entry was read."""
        answer = await self._asking.ask("get_entry_source", handle=handle)
        with reading("get_entry_source", answer):
            return cv.Source.model_validate(answer)

    async def _told(self, tool: str, query: BaseModel, shape: type[S]) -> S:
        for name in ("kfl", "of"):
            if getattr(query, name, None):
                await self._entries.compiled(getattr(query, name))
        given = {"db" if name == "database" else name: _plain(value) for name, value in query}
        answer = await self._asking.ask(tool, **given)
        with reading(tool, answer):
            return shape.model_validate(answer)


def _plain(value: Any) -> Any:
    """Give an argument without what says nothing; times exact, for claims may be about microseconds."""
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value in ([], "") else value
