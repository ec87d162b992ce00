"""Questions about calls to a Hub elsewhere: lists, numbers, single calls, filters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from kubeshark_mcp.errors import UnsupportedError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.contract_filters import FieldUse, FilterPlan
from kubeshark_mcp.hub.remote import call_readings as calls
from kubeshark_mcp.hub.remote import reading as r
from kubeshark_mcp.hub.remote.asking import Asking
from kubeshark_mcp.hub.remote.pages import LIVE, Pages, place
from kubeshark_mcp.hub.remote.reading import reading
from kubeshark_mcp.hub.remote.snapshot_readings import boundaries

if TYPE_CHECKING:
    from kubeshark_mcp.hub.remote.filters import Filters
    from kubeshark_mcp.kfl import Program


class Entries:
    """Asks one Hub about calls."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._pages = Pages(asking)
        self._language: Filters | None = None

    async def filters(self) -> Filters:
        """Give the language; its protocols are loaded when it is first needed."""
        if self._language is None:
            from kubeshark_mcp.hub.remote.filters import Filters  # brings the protocols, which a start does not need

            self._language = await asyncio.to_thread(Filters)
        return self._language

    async def compiled(self, kfl: str | None) -> Program | None:
        """Check a filter; None for none. Raises KflError with position and suggestion."""
        if kfl is None or not kfl.strip():
            return None
        return (await self.filters()).compile(kfl)

    async def page(self, query: c.CallQuery) -> c.CallPage:
        """Give a page of calls; a filter that is wrong never reaches the Hub."""
        program = await self.compiled(query.kfl)
        with reading("list_api_calls"):
            page = await self._pages.page(query, _of_layer4(program))
        return await self._explained(page, program, query)

    async def _explained(self, page: c.CallPage, program: Program | None, query: c.CallQuery) -> c.CallPage:
        changes: dict[str, Any] = {"warnings": await self._warned(page.warnings, program)}
        if not page.rows and not query.cursor and page.empty is None:
            changes["empty"] = await self._why_empty(program, query)
        return page.model_copy(update=changes)

    async def _warned(self, warnings: list[str], program: Program | None) -> list[str]:
        if program is None:
            return warnings
        ours = await self._asking.has("explain_kfl") is not None
        return list(dict.fromkeys([*(await self.filters()).warnings(program, ours), *warnings]))

    async def _why_empty(self, program: Program | None, query: c.CallQuery | c.StatsQuery) -> c.EmptyReason:
        from kubeshark_mcp.hub.remote.empties import why_empty

        live = not query.database or query.database == LIVE
        boundaries = self._l7_boundaries if live and await self._asking.has("get_l7_data_boundaries") else None
        return await why_empty(program, (query.start, query.end), boundaries, self._counter(query))

    async def _l7_boundaries(self) -> c.Boundaries:
        with reading("get_l7_data_boundaries", answer := await self._asking.ask("get_l7_data_boundaries")):
            return boundaries(answer, "get_l7_data_boundaries")

    def _counter(self, query: c.CallQuery | c.StatsQuery) -> Callable[[str | None], Awaitable[int]]:
        """Give what counts the calls that a filter leaves, in the window and data of a question."""

        async def count(kfl: str | None) -> int:
            asked = c.CallQuery(database=query.database, kfl=kfl, start=query.start, end=query.end, limit=1)
            with reading("list_api_calls"):
                return (await self._pages.page(asked)).total

        return count

    async def one(self, request: c.CallRequest) -> c.CallDetail:
        """Give one call in full."""
        declared = await self._asking.has("get_api_call")
        answer = await self._asking.ask(
            "get_api_call",
            id=request.id,
            include_payload=request.include_payload,
            include_l4=request.include_l4,
            include_pcap=request.include_pcap,
            max_payload_size=request.max_payload_size,
            **place("get_api_call", declared, request.database),
        )
        with reading("get_api_call", answer):
            found = calls.call_detail(answer)
        most = request.max_payload_size if request.include_payload else 0
        longest = max(len(found.request_body), len(found.response_body))
        return found.model_copy(
            update={
                "request_body": found.request_body[:most],
                "response_body": found.response_body[:most],
                "truncated": found.truncated or (longest > most and request.include_payload),
            }
        )

    async def stats(self, query: c.StatsQuery) -> c.Stats:
        """Give numbers over calls."""
        program = await self.compiled(query.kfl)
        declared = await self._asking.has("get_api_stats")
        answer = await self._asking.ask(
            "get_api_stats",
            kfl=query.kfl if program else None,
            start=query.start,
            end=query.end,
            group_by=query.group_by,
            limit=query.limit,
            **place("get_api_stats", declared, query.database),
        )
        with reading("get_api_stats", answer):
            found = calls.stats(answer, query.database or LIVE)
        changes: dict[str, Any] = {"warnings": await self._warned(found.warnings, program)}
        changes["groups"] = found.groups[: query.limit]
        if not found.total.count and found.empty is None and await self._asking.has("list_api_calls"):
            changes["empty"] = await self._why_empty(program, query)
        return found.model_copy(update=changes)

    async def explain(self, kfl: str, database: str | None = None) -> FilterPlan:
        """Count what each clause leaves: by the Hub itself where it can, else by a question a clause."""
        if await self.compiled(kfl) is not None and await self._asking.has("explain_kfl") is not None:
            answer = await self._asking.ask("explain_kfl", kfl=kfl, db=None if database == LIVE else database)
            with reading("explain_kfl", answer):
                return FilterPlan.model_validate(answer)
        count = self._counter(c.CallQuery(database=database))
        return await (await self.filters()).explain(kfl, count, database or LIVE)

    async def use(self, names: list[str], database: str | None = None) -> list[FieldUse]:
        """Tell how fields are filled, where the Hub can say."""
        if await self._asking.has("get_kfl_field_use") is None:
            raise UnsupportedError(
                "This Hub cannot say how fields are filled: list some calls in full instead, or dissect a snapshot "
                "with a Hub of kubeshark-mcp."
            )
        tool = "get_kfl_field_use"
        answer = await self._asking.ask(tool, names=names, db=None if database == LIVE else database)
        with reading(tool, answer):
            return [FieldUse.model_validate(one) for one in r.listed(answer, tool, "fields")]


def _of_layer4(program: Program | None) -> bool:
    from kubeshark_mcp.hub.remote.filters import LAYER_4

    return program is not None and bool(program.columns & LAYER_4)
