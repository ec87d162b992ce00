"""The raw capture of an embedded Hub: capture files read in place, and which node each was taken on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.workspace import Workspace

if TYPE_CHECKING:
    from kubeshark_mcp.capture.index import CaptureIndex, Progress

CAPTURE_SUFFIXES = (".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz", ".pcap.zst", ".pcapng.zst", ".cap.gz")
RESOURCES_NAME = "resources.json"
"""A Kubernetes objects file of this name beside a capture is taken without being named."""


@dataclass(frozen=True, slots=True)
class CaptureSource:
    """One capture file and the node that it was taken on."""

    path: Path
    node: str


def node_of(path: Path) -> str:
    """Give the node name that a file name suggests: the name without its endings."""
    name = path.name
    for suffix in sorted(CAPTURE_SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] or name
    return path.stem or name


def raw_sources(workspace: Workspace, given: Iterable[CaptureSource]) -> list[CaptureSource]:
    """Give the captures named by the user and those under `raw/<node>/` of the workspace."""
    kept = [
        CaptureSource(path, path.parent.name)
        for path in sorted(workspace.raw.glob("*/*"))
        if path.name.lower().endswith(CAPTURE_SUFFIXES)
    ]
    return [*given, *kept]


def resource_files(sources: Iterable[CaptureSource], given: Iterable[Path]) -> list[Path]:
    """Give the Kubernetes objects files: those named, else `resources.json` beside each capture."""
    named = list(given)
    if named:
        return named
    beside = {source.path.parent / RESOURCES_NAME: None for source in sources}
    return [path for path in beside if path.is_file()]


def read_resources(path: Path) -> dict[str, Any]:
    """Read what `kubectl get pods,services,endpointslices,nodes -A -o json` wrote."""
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"The resources file {str(path)!r} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise UsageError(
            f"The resources file {str(path)!r} is not JSON ({error}): "
            "write it with `kubectl get pods,services,endpointslices,nodes -A -o json`."
        ) from error
    if not isinstance(document, dict):
        raise UsageError(f"The resources file {str(path)!r} holds a {type(document).__name__}, not a Kubernetes List.")
    return document


def index_of(workspace: Workspace, source: CaptureSource, progress: Progress | None = None) -> CaptureIndex:
    """Give the packet index of a capture, built on first use and kept in the workspace.

    progress: is told bytes done and in all while it is built, and may raise to give up.
    """
    from kubeshark_mcp.capture.index import build_index  # numpy, which a server needs only when it reads packets

    return build_index(source.path, workspace.index, progress)


def findings_of(index: CaptureIndex) -> list[str]:
    """Say what is wrong with a capture as far as its index tells."""
    from kubeshark_mcp.capture.quality import quality_of_index  # see index_of

    return quality_of_index(index)
