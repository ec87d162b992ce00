"""Evidence cut out of captures."""

from __future__ import annotations

from kubeshark_mcp.hub import contract_views as v
from kubeshark_mcp.hub.databases import DatabaseRoom
from kubeshark_mcp.hub.snapshots import SnapshotRoom
from kubeshark_mcp.hub.workspace import Workspace


class CuttingRoom:
    """Writes the smallest captures that still show entries."""

    def __init__(self, workspace: Workspace, databases: DatabaseRoom, snapshots: SnapshotRoom) -> None:
        self._workspace, self._databases, self._snapshots = workspace, databases, snapshots

    def cut(self, request: v.CutRequest) -> v.Cut:
        """Write it."""
        raise NotImplementedError

    def source(self, handle: str) -> v.Source:
        """Say where an entry was read."""
        raise NotImplementedError
