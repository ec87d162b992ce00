"""Files that the embedded Hub makes: exported captures, named by paths that only lead into the workspace."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from urllib.parse import quote, unquote

from kubeshark_mcp.capture.bpf import check_bpf
from kubeshark_mcp.capture.export import Source, export_packets
from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.hub.contract import Export, ExportRequest
from kubeshark_mcp.hub.leftovers import temporary_name
from kubeshark_mcp.hub.snapshots import SnapshotRoom
from kubeshark_mcp.hub.sources import index_of
from kubeshark_mcp.hub.times import end_to_ns, to_ns
from kubeshark_mcp.hub.workspace import Workspace, flush, storing
from kubeshark_mcp.store.cancelling import check_cancelled

PREFIX = "/mcp/files/"


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _looked_at(done: int, total: int) -> None:
    check_cancelled()


class FileRoom:
    """Exported captures of one workspace."""

    def __init__(self, workspace: Workspace, snapshots: SnapshotRoom) -> None:
        self._workspace = workspace
        self._snapshots = snapshots

    def export(self, request: ExportRequest) -> Export:
        """Write the asked-for packets; the same request again gives the same file."""
        if request.bpf_filter:
            check_bpf(request.bpf_filter)
        captures = self._snapshots.captures(request.snapshot_id, request.nodes)
        start_ns = None if request.start is None else to_ns(request.start)
        end_ns = None if request.end is None else end_to_ns(request.end)
        self._inside(request, start_ns, end_ns)
        digest = hashlib.sha256(request.model_dump_json().encode()).hexdigest()[:10]
        path = self._workspace.exports / f"{request.snapshot_id}-{digest}.pcap"
        hidden = path.with_name(temporary_name("writing", path.name))
        sources = [Source(one.path, one.node, index_of(self._workspace, one, _looked_at)) for one in captures]
        with storing(path):
            try:
                exported = export_packets(
                    sources,
                    hidden,
                    bpf=request.bpf_filter,
                    start_ns=start_ns,
                    end_ns=end_ns,
                    progress=_looked_at,
                )
                flush(hidden)
                hidden.replace(path)
            finally:
                hidden.unlink(missing_ok=True)
        return Export(path=PREFIX + quote(path.name), packets=exported.packets, size_bytes=exported.bytes)

    def _inside(self, request: ExportRequest, start_ns: int | None, end_ns: int | None) -> None:
        snapshot = self._snapshots.get(request.snapshot_id)
        if start_ns is not None and end_ns is not None and start_ns >= end_ns:
            raise UsageError("The window ends before it starts: swap start_time and end_time.")
        if snapshot.start is None or snapshot.end is None:
            return
        if (start_ns is not None and start_ns >= to_ns(snapshot.end) + 1000) or (
            end_ns is not None and end_ns <= to_ns(snapshot.start)
        ):
            raise UsageError(
                f"The window lies outside the snapshot {request.snapshot_id!r}, which covers "
                f"{snapshot.start.isoformat()} to {snapshot.end.isoformat()}: choose a window inside it."
            )

    def path_of(self, path: str) -> Path:
        """Give the file behind a path that `export` gave."""
        name = unquote(path.removeprefix(PREFIX).removeprefix(PREFIX.lstrip("/")))
        found = self._workspace.exports / name
        if "/" in name or "\0" in name or name.startswith(".") or not found.is_file():
            raise NotFoundError(f"There is no file {path!r}: export packets first and use the path that this gives.")
        return found

    def url(self, path: str) -> str:
        """Give the file's URL on this machine."""
        return self.path_of(path).resolve().as_uri()

    def copy(self, path: str, destination: Path) -> int:
        """Copy the file; the destination appears when it is whole. Gives its size in bytes."""
        source = self.path_of(path)
        temporary = destination.with_name(temporary_name("writing", destination.name))
        with storing(destination):
            try:
                shutil.copyfile(source, temporary)
                flush(temporary)
                temporary.replace(destination)
            finally:
                temporary.unlink(missing_ok=True)
        return destination.stat().st_size
