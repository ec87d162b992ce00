"""What detectors are given, read from the Parquet of one dissection."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import orjson

from kubeshark_mcp.analyse.columns import Texts
from kubeshark_mcp.analyse.facts import Calls, Column, Connections, Counted, Coverage, Facts, Pod, Service
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.identities import load_identities
from kubeshark_mcp.hub.queries import EntryBase, as_query
from kubeshark_mcp.identity.table import IdentityTable
from kubeshark_mcp.model.workload import Workload
from kubeshark_mcp.store.coded import Coded, Window, files_of, rows_of
from kubeshark_mcp.store.columnar import Loaded, load
from kubeshark_mcp.store.columns import quoted
from kubeshark_mcp.store.counting import count_each
from kubeshark_mcp.store.memory import keep_large_apart
from kubeshark_mcp.store.query import Query
from kubeshark_mcp.store.tables import load_calls, load_connections

PRIVATE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "fc00::/7"))
)
"""Addresses that clusters are made of: RFC 1918, RFC 6598, RFC 4193, loopback."""
_NAMED = ("local_resolution_status", "remote_resolution_status")


class StoredFacts(Facts):
    """Facts of one dissection. base: its entries, a row a call."""

    def __init__(
        self,
        base: EntryBase,
        resources: Sequence[Path] = (),
        window: tuple[int | None, int | None] = (None, None),
        warnings: Sequence[str] = (),
    ) -> None:
        """Prepare; nothing is read yet. window: Unix ns UTC, start included, end excluded."""
        self._base = base
        self._resources = list(resources)
        self._window = Query(start_ns=window[0], end_ns=None if window[1] is None else window[1] - 1)
        self._warnings = tuple(warnings)

    @functools.cached_property
    def calls(self) -> Calls:
        """Give all calls of the window."""
        keep_large_apart()  # Detectors make and drop arrays as long as these columns; what they drop must be free.
        return Calls(**self._placed(load_calls(files_of(self._base.folder, False), self._limits)))

    def _placed(self, loaded: Mapping[str, Loaded]) -> dict[str, Any]:
        """Type columns, and take private addresses for inside where no Kubernetes objects could name them."""
        columns = _typed(loaded)
        if not self._resources:
            addresses: Texts = columns["server_address"]
            columns["outside"] = columns["outside"] & addresses.matching(
                [_is_public(text) for text in addresses.values]
            )
        return columns

    @functools.cached_property
    def connections(self) -> Connections:
        """Give all connections that began in the window."""
        return self._connections(keep_duplicates=False)

    @functools.cached_property
    def sighted_connections(self) -> Connections:
        """Give a row for each place at which a connection was captured."""
        return self._connections(keep_duplicates=True)

    def _connections(self, keep_duplicates: bool) -> Connections:
        files = files_of(self._base.folder, keep_duplicates)
        return Connections(**self._placed(load_connections(files, self._limits)))

    @property
    def _limits(self) -> Window:
        return self._window.start_ns, self._window.end_ns

    @functools.cached_property
    def _identities(self) -> IdentityTable:
        return load_identities(self._resources)

    @functools.cached_property
    def pods(self) -> tuple[Pod, ...]:
        """Give the pods that the Kubernetes objects name."""
        selected = self._identities
        return tuple(
            Pod(
                f"{workload.namespace}/{workload.name}",
                _label(selected, workload, tenures[0].address, tenures[0].since_ns),
                workload.node,
                tenures[0].address,
                workload.labels,
                tenures[0].since_ns,
            )
            for workload, tenures in self._identities.workloads()
            if workload.kind == "pod" and tenures
        )

    @functools.cached_property
    def services(self) -> tuple[Service, ...]:
        """Give the services that the Kubernetes objects name."""
        return tuple(
            Service(f"{workload.namespace}/{workload.name}", tenures[0].address)
            for workload, tenures in self._identities.workloads()
            if workload.kind == "service" and tenures
        )

    @functools.cached_property
    def coverage(self) -> Coverage:
        """Say what was captured."""
        source = self._base.source
        nodes = {name: (first, last) for name, first, last in source.node_bounds()}
        first, last = source.bounds() or (0, 0)
        start, end = self._window.start_ns, self._window.end_ns
        known = {tenure.node for tenure, _ in self._identities.workloads() if tenure.kind == "pod" and tenure.node}
        return Coverage(
            first if start is None else max(start, first),
            last if end is None else min(end + 1, last),
            nodes,
            tuple(sorted(known - nodes.keys())) if nodes.keys() & known else (),
            bool(self._resources),
            self._named_share(),
            self._warnings,
        )

    def _named_share(self) -> float:
        if not self.calls.id.size:
            return 0.0
        both = " && ".join(f'{name} in ["resolved", "dns"]' for name in _NAMED)
        whole, named = self.counts([('protocol != ""', None, None), (both, None, None)])
        return named / whole if whole else 0.0

    def columns(self, kfl: str, names: Sequence[str]) -> Mapping[str, Column]:
        """Give KFL fields of the entries that a filter selects."""
        query = self._query(kfl)
        fields = {field.name: field for field in self._base.language.fields}
        unknown = [name for name in names if name not in fields]
        if unknown:
            raise UsageError(f"There is no KFL field {unknown[0]!r}: a detector asked for it.")
        where, parameters = query.where()
        source = self._base.source
        wanted = {"id": "_id"} | {name: _sql(source.columns, fields[name]) for name in names if name != "id"}
        relation = source.database.narrow(*wanted.values(), where)
        return _typed(load(source.database, relation, wanted, where, parameters))

    def count(self, kfl: str, start_ns: int | None = None, end_ns: int | None = None) -> int:
        """Count the entries that a filter selects in a part of the window."""
        return self._base.source.count(self._query(kfl, start_ns, end_ns))

    def counts(self, asked: Sequence[Counted]) -> list[int]:
        """Count several filters in one statement."""
        return count_each(self._base.source.database, [self._query(*one).where() for one in asked])

    def _query(self, kfl: str, start_ns: int | None = None, end_ns: int | None = None) -> Query:
        query = as_query(self._base.compile(kfl), self._window)
        if query.residual is not None:
            raise UsageError(f"The filter {kfl!r} cannot run in SQL alone, as analysis needs: say it more simply.")
        starts = [value for value in (query.start_ns, start_ns) if value is not None]
        ends = [value for value in (query.end_ns, None if end_ns is None else end_ns - 1) if value is not None]
        return replace(query, start_ns=max(starts, default=None), end_ns=min(ends, default=None))

    def sightings(self, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        """Give where these entries were captured, nearest to the client first, by id; see `store.evidence`."""
        asked = Query(f'"_id" IN ({", ".join(str(int(one)) for one in ids)})')
        rows = self._base.source.page(asked, len(ids), columns=("_id", "_sightings")).rows if ids else []
        return {row["_id"]: orjson.loads(row["_sightings"]) for row in rows if row.get("_sightings")}

    @functools.cached_property
    def protocols(self) -> frozenset[str]:
        """Give the protocols that have entries."""
        files = files_of(self._base.folder, False)
        return frozenset(protocol for protocol, paths in files.items() if rows_of(paths))


def _is_public(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return not any(found in network for network in PRIVATE if network.version == found.version)


def _sql(present: frozenset[str], field: Any) -> str:
    name = quoted(field.name)
    if field.missing_value == field.type.default or field.name not in present:
        return name
    return f"coalesce({name}, {field.missing_value!r})"


def _typed(loaded: Mapping[str, Loaded]) -> dict[str, Any]:
    return {
        name: Texts(column.codes, column.values) if isinstance(column, Coded) else column
        for name, column in loaded.items()
    }


def _label(table: IdentityTable, pod: Workload, address: str, since_ns: int) -> str:
    found = table.resolve(address, 0, max(since_ns, 1))
    if found.service:
        return f"{found.service_namespace}/{found.service}"
    for key in ("app.kubernetes.io/name", "app", "k8s-app"):
        if pod.labels.get(key):
            return f"{pod.namespace}/{pod.labels[key]}"
    return f"{pod.namespace}/{pod.owner or pod.name}"
