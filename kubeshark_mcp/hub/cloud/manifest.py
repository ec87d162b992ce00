"""What a snapshot in the storage consists of: the manifest, which is written last and believed only when it is sane."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from kubeshark_mcp.errors import HubError
from kubeshark_mcp.hub.contract import Shape, Snapshot

NAME = "manifest.json"
SNAPSHOT_FILE = "snapshot.json"
MOST_BYTES = 16 << 20
"""Of a manifest: a bigger one is none of ours."""
MOST_FILES = 100_000
DISSECTIONS = "dissections"
_DEPTH = 8
_PART = re.compile(r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,254}")
_PLAIN = re.compile(rb"[A-Za-z0-9._/-]")


class ManifestFile(Shape):
    """One file of a snapshot. path: below the snapshot's folder, `/` between its parts."""

    path: str
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Manifest(Shape):
    """A whole snapshot: what it says of itself, and its files."""

    format: Literal["kubeshark-mcp snapshot"] = "kubeshark-mcp snapshot"
    version: Literal[1] = 1
    snapshot: Snapshot
    files: Annotated[list[ManifestFile], Field(max_length=MOST_FILES)]
    uploaded_at: datetime

    @property
    def size(self) -> int:
        """Give the bytes of all files."""
        return sum(file.size for file in self.files)


def read_manifest(data: bytes, snapshot_id: str) -> Manifest:
    """Read the manifest of a snapshot; raises HubError for one that is damaged, foreign, or leads out of its folder."""
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:80]
        raise _unusable(snapshot_id, f"{where or 'its text'}: {first['msg'][:120]}") from None
    if manifest.snapshot.id != snapshot_id:
        raise _unusable(snapshot_id, f"it is that of the snapshot {manifest.snapshot.id[:80]!r}")
    if manifest.uploaded_at.tzinfo is None or manifest.snapshot.created_at.tzinfo is None:
        raise _unusable(snapshot_id, "its times have no zone")
    paths = [file.path for file in manifest.files]
    for path in paths:
        if not is_safe(path):
            raise _unusable(snapshot_id, f"the file name {path[:80]!r} is not allowed")
    if len(set(paths)) != len(paths) or SNAPSHOT_FILE not in paths:
        raise _unusable(snapshot_id, f"a file is named twice, or {SNAPSHOT_FILE} is missing")
    return manifest


def _unusable(snapshot_id: str, why: str) -> HubError:
    return HubError(
        f"The manifest of the snapshot {snapshot_id!r} in cloud storage cannot be used ({why}): "
        "upload the snapshot anew."
    )


def is_safe(path: str) -> bool:
    """Tell whether a path stays below its folder and names nothing hidden, nor dissections: those are made here."""
    parts = path.split("/")
    return len(parts) <= _DEPTH and parts[0] != DISSECTIONS and all(_PART.fullmatch(part) for part in parts)


def object_name(path: str) -> str:
    """Give a file's path as every storage takes it: letters, digits and . _ - /, other bytes as `=XX`."""
    return "".join(
        chr(byte) if _PLAIN.match(bytes([byte])) else f"={byte:02X}" for byte in path.encode("utf-8", "surrogateescape")
    )
