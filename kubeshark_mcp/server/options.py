"""What the operator decides about a server."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from kubeshark_mcp.plugin import Clock
from kubeshark_mcp.registry import Selection


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Options of a server.

    selection: which tools. redact: whether secrets are taken out of answers. clock: the user's zone.
    workspace, allow_paths: folders, beside the current one, where tools may write files.
    key: for redaction hashes and fences; of the workspace, or fresh for each process.
    """

    selection: Selection = field(default_factory=Selection)
    redact: bool = True
    clock: Clock = field(default_factory=Clock)
    workspace: Path | None = None
    allow_paths: tuple[Path, ...] = ()
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
