"""NearbyHub: a Hub elsewhere that only lists calls, made able to diagnose with the packets that it hands out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubeshark_mcp.errors import UnsupportedError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.contract_remote import HubTools
from kubeshark_mcp.hub.interface import Hub
from kubeshark_mcp.hub.questions import answers_in_one_place

if TYPE_CHECKING:
    from kubeshark_mcp.hub.copies import Copies

PREFIX = "copy-of-"
"""How ids of copies begin: questions that name one are answered here."""
COMPUTED = {
    "diagnose": "diagnose",
    "verify_claim": "verify_claim",
    "compare": "compare_snapshots",
    "trace_call": "trace_call",
    "service_map": "service_map",
    "timeline": "timeline",
    "cut_evidence": "cut_evidence",
}
"""Questions that are answered from a copy where the Hub has no tool for them, and the names of those tools."""
NEEDS = ("export_snapshot_pcap", "list_snapshots")
"""Tools that a Hub must have for a copy."""
_NAMING = ("database", "baseline", "snapshot_id", "id", "ids")
"""Parts of a question that may name a snapshot."""


@answers_in_one_place
class NearbyHub(Hub):
    """A Hub elsewhere; analysis that it lacks is done on a copy of the snapshot that is asked about.

    The answers name the copy's database, and questions about that are answered from it, so handles stay good.
    """

    def __init__(self, hub: Hub, workspace: Path) -> None:
        self._hub = hub
        self._workspace = workspace
        self._kept: Copies | None = None
        self._paths: set[str] = set()

    @property
    def _copies(self) -> Copies:
        if self._kept is None:
            from kubeshark_mcp.hub.copies import Copies  # the engine, which most questions do without

            self._kept = Copies(self._hub, self._workspace)
        return self._kept

    async def answer(self, method: str, arguments: Mapping[str, Any]) -> Any:
        """Answer from a copy where one is named, or where the Hub cannot; else ask the Hub."""
        if any(str(name).startswith(PREFIX) for name in _named(arguments)):
            return await self._from_copy(method, arguments)
        if method not in COMPUTED:
            return await getattr(self._hub, method)(**arguments)
        try:
            return await getattr(self._hub, method)(**arguments)
        except UnsupportedError:
            special = await self._hub.tools()
            if any(tool in special.lacking for tool in NEEDS):
                raise
        return await self._from_copy(method, await self._of_copies(arguments))

    async def _from_copy(self, method: str, arguments: Mapping[str, Any]) -> Any:
        answer = await getattr(await self._copies.here(), method)(**arguments)
        if path := getattr(answer, "path", ""):
            self._paths.add(path)
        return answer

    async def _of_copies(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Give a question with the copies of the snapshots that it names, made where they are not there."""
        changed = {}
        for name, query in arguments.items():
            if ids := _ids(query):
                copy = await self._copies.of(_snapshot_of(ids, query.database))
                raise UsageError(
                    "Entries of this Hub have other ids than those of its packets here. The packets are here now, as "
                    f"db {copy}: find the entry with list_api_calls and that db, and ask with its id."
                )
            copies = {"database": await self._copies.of(_snapshot(query.database))}
            if getattr(query, "baseline", None):
                copies["baseline"] = await self._copies.of(_snapshot(query.baseline))
            changed[name] = query.model_copy(update=copies)
        return changed

    async def databases(self) -> list[c.Database]:
        """Give what the Hub has, and the copies that are here."""
        there: list[c.Database] = await self._hub.databases()
        return there if self._kept is None else [*there, *await (await self._kept.here()).databases()]

    async def tools(self) -> HubTools:
        """Give what the Hub lacks, without what copies make good."""
        special = await self._hub.tools()
        if any(tool in special.lacking for tool in NEEDS):
            return special
        return special.model_copy(update={"lacking": special.lacking - set(COMPUTED.values())})

    async def file_url(self, path: str) -> str:
        """Give where a file is."""
        return await (await self._copies.here() if path in self._paths else self._hub).file_url(path)

    async def fetch_file(self, path: str, destination: Path) -> int:
        """Fetch a file, of the Hub or cut out of a copy."""
        return await (await self._copies.here() if path in self._paths else self._hub).fetch_file(path, destination)

    async def close(self) -> None:
        """Leave the copies and the Hub."""
        try:
            if self._kept is not None:
                await self._kept.close()
        finally:
            await self._hub.close()


def _named(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Give the texts of a question that may name a snapshot."""
    for value in arguments.values():
        for one in (value, *(getattr(value, name, None) for name in _NAMING)):
            yield from filter(None, [one] if isinstance(one, str) else one if isinstance(one, list) else [])


def _ids(query: Any) -> list[str]:
    """Give the ids and handles that a question names entries by."""
    one = getattr(query, "id", None)
    return [one] if one else list(getattr(query, "ids", None) or ())


def _snapshot_of(ids: list[str], database: str | None) -> str | None:
    """Give the snapshot of entries: a handle (`SNAPSHOT/DISSECTION#NUMBER`) names its own, an id is of the database's.

    Raises UsageError for several.
    """
    handles = [text.rpartition("#")[0] for text in ids]
    named = list(dict.fromkeys(_snapshot(handle.strip() or database) for handle in handles))
    if len(named) > 1:
        there = ", ".join("the newest" if name is None else name for name in named[:5])
        raise UsageError(f"The entries are of several snapshots ({there}): ask about those of one at a time.")
    return named[0]


def _snapshot(database: str | None) -> str | None:
    return None if database is None else database.partition("/")[0]
