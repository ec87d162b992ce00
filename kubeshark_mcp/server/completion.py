"""Completion of arguments of prompts and resources, by the argument's name.

Source: Model Context Protocol specification, "Completion". A client puts a value in the place of the whole argument, so
a completed filter is given whole.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from zoneinfo import available_timezones

from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from kubeshark_mcp.errors import KubesharkError
from kubeshark_mcp.plugin import Clock, Hub
from kubeshark_mcp.present.fencing import clean
from kubeshark_mcp.present.redaction import Redactor

MOST = 100
"""Values of one answer: as many as MCP allows."""
LONGEST_FILTER = 2_000
"""A longer filter is not completed: each of a hundred values would repeat it."""
_CUT = "…"


class Completer:
    """Answers `completion/complete`. An argument of another name, and a Hub that can't tell, give no values."""

    def __init__(self, hub: Hub, redactor: Redactor, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._redactor = redactor
        self._known: dict[str, Callable[[str, Mapping[str, str]], Awaitable[Completion]]] = {
            "kfl": self._filter,
            "namespace": self._namespace,
            "service": self._service,
            "client": self._workload,
            "server": self._workload,
            "snapshot_id": self._snapshot,
            "db": self._database,
            "before": self._database,
            "after": self._database,
            "window": self._window,
            "time_zone": self._zone,
        }

    async def complete(
        self,
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        """Give values for what is typed of an argument; `context` has the arguments that are there already."""
        known = self._known.get(argument.name)
        others = (context.arguments if context is not None else None) or {}
        if known is None:
            return _values([])
        try:
            return await known(argument.value, others)
        except KubesharkError:
            return _values([])

    async def _filter(self, typed: str, others: Mapping[str, str]) -> Completion:
        """Complete a filter at its end: fields, functions, and what the data has for the field that is compared."""
        if len(typed) > LONGEST_FILTER:
            return _values([])
        from kubeshark_mcp.kfl import Catalogue, complete, value_place

        catalogue = Catalogue(await self._hub.fields())
        place = value_place(typed, len(typed), catalogue)
        seen = [] if place is None else await self._seen(place.field.name, others)
        return _values(found.applied(typed) for found in complete(typed, len(typed), catalogue, seen))

    async def _seen(self, field: str, others: Mapping[str, str]) -> list[tuple[str, int]]:
        """Give the commonest values of a field, without those that are cut or that redaction would change."""
        database = others.get("db") or others.get("snapshot_id") or None
        try:
            used = await self._hub.field_use([field], database)
        except KubesharkError:
            return []
        return [(value, count) for use in used for value, count in use.commonest if self._may_be_shown(field, value)]

    def _may_be_shown(self, field: str, value: str) -> bool:
        return not value.endswith(_CUT) and bool(self._redactor.row({field: clean(value)})[field] == value)

    async def _namespace(self, typed: str, others: Mapping[str, str]) -> Completion:
        from kubeshark_mcp.hub.contract import WorkloadQuery

        found = await self._hub.workloads(WorkloadQuery(snapshot_id=others.get("snapshot_id") or None))
        return _values(_beginning(typed, sorted({workload.namespace for workload in found if workload.namespace})))

    async def _service(self, typed: str, others: Mapping[str, str]) -> Completion:
        return _values(_beginning(typed, await self._places(others, "service")))

    async def _workload(self, typed: str, others: Mapping[str, str]) -> Completion:
        return _values(_beginning(typed, await self._places(others, None)))

    async def _places(self, others: Mapping[str, str], kind: str | None) -> list[str]:
        """Give namespace/name of workloads, those of the chosen namespace where there is one; names alone as well."""
        from kubeshark_mcp.hub.contract import WorkloadQuery

        namespace = others.get("namespace") or None
        query = WorkloadQuery(
            snapshot_id=others.get("snapshot_id") or None, namespaces=[namespace] if namespace else None, type=kind
        )
        found = {(one.namespace, clean(one.name)) for one in await self._hub.workloads(query)}
        full = [f"{space}/{name}" if space else name for space, name in sorted(found)]
        return [*full, *sorted({name for _, name in found})]

    async def _window(self, typed: str, others: Mapping[str, str]) -> Completion:
        """Give what is dissected, what is captured, and the usual lengths of time."""
        windows = []
        for boundaries in (await self._hub.l7_boundaries(), await self._hub.data_boundaries()):
            if boundaries.oldest is not None and boundaries.newest is not None:
                windows.append(f"{self._clock.text(boundaries.oldest)} to {self._clock.text(boundaries.newest)}")
        return _values(_beginning(typed, [*windows, "last 15 minutes", "last hour"]))

    async def _zone(self, typed: str, others: Mapping[str, str]) -> Completion:
        """Give IANA zones by their beginning, or by the name of their place."""
        zones = sorted(available_timezones())
        wanted = typed.lower().replace(" ", "_")
        beginning = [zone for zone in zones if zone.lower().startswith(wanted)]
        return _values([*beginning, *(zone for zone in zones if zone.lower().rpartition("/")[2].startswith(wanted))])

    async def _snapshot(self, typed: str, others: Mapping[str, str]) -> Completion:
        return _values(_beginning(typed, [snapshot.id for snapshot in await self._hub.snapshots()]))

    async def _database(self, typed: str, others: Mapping[str, str]) -> Completion:
        found = await self._hub.databases()
        return _values(_beginning(typed, [f"{one.snapshot}/{one.name}" for one in found if one.snapshot and one.name]))


def _beginning(typed: str, names: Iterable[str]) -> list[str]:
    folded = typed.lower()
    return [name for name in names if name.lower().startswith(folded)]


def _values(found: Iterable[str]) -> Completion:
    distinct = list(dict.fromkeys(found))
    return Completion(values=distinct[:MOST], total=len(distinct), has_more=len(distinct) > MOST)
