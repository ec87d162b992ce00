"""From when to when there is data: of raw captures (L4) and of dissected entries (L7), by node."""

from __future__ import annotations

from collections.abc import Sequence

from kubeshark_mcp.errors import NotFoundError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.databases import DatabaseRoom
from kubeshark_mcp.hub.sources import CaptureSource, findings_of, index_of
from kubeshark_mcp.hub.times import from_ns
from kubeshark_mcp.hub.workspace import Workspace
from kubeshark_mcp.store.cancelling import check_cancelled


def of_captures(workspace: Workspace, sources: Sequence[CaptureSource]) -> c.Boundaries:
    """Give the window of each node's raw capture."""
    nodes: dict[str, c.NodeBoundaries] = {}
    warnings: list[str] = []
    for source in sources:
        index = index_of(workspace, source, lambda done, total: check_cancelled())
        warnings += findings_of(index)
        if not index.count:
            warnings.append(f"{source.path.name} holds no packets")
            continue
        one = c.NodeBoundaries(
            name=source.node,
            oldest=from_ns(index.first_ns),
            newest=from_ns(index.last_ns),
            packets=index.count,
        )
        nodes[source.node] = widened(nodes[source.node], one) if source.node in nodes else one
    return bounded(list(nodes.values()), None, warnings)


def of_entries(databases: DatabaseRoom) -> c.Boundaries:
    """Give the window of the newest dissection's entries."""
    try:
        dissection = databases.resolve(None)
    except NotFoundError as error:
        return bounded([], False, [str(error)])
    nodes = [
        c.NodeBoundaries(name=name, oldest=from_ns(first), newest=from_ns(last))
        for name, first, last in databases.base(dissection).source.node_bounds()
    ]
    label = f"of the dissection {dissection.snapshot}/{dissection.name}"
    return bounded(nodes, False, [label, *dissection.warnings])


def widened(one: c.NodeBoundaries, other: c.NodeBoundaries) -> c.NodeBoundaries:
    """Give the window of a node that has two captures."""
    return c.NodeBoundaries(
        name=one.name,
        oldest=min(filter(None, (one.oldest, other.oldest))),
        newest=max(filter(None, (one.newest, other.newest))),
        packets=(one.packets or 0) + (other.packets or 0),
    )


def bounded(nodes: list[c.NodeBoundaries], enabled: bool | None, warnings: list[str]) -> c.Boundaries:
    """Give the boundaries of all nodes together."""
    return c.Boundaries(
        oldest=min((node.oldest for node in nodes if node.oldest), default=None),
        newest=max((node.newest for node in nodes if node.newest), default=None),
        nodes=sorted(nodes, key=lambda node: node.name),
        dissection_enabled=enabled,
        warnings=warnings,
    )
