"""Where a tool may write: the current folder, the workspace, and what the operator allowed; never anywhere else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from kubeshark_mcp.errors import UsageError

KEPT_FOLDERS = ("raw", "index", "snapshots", "jobs")
"""Folders of a workspace that only the Hub writes."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class FileRules:
    """Decides on destinations. Every path is resolved first, so a link that leads out is seen for what it is."""

    def __init__(self, workspace: Path | None = None, allowed: Sequence[Path] = ()) -> None:
        self._workspace = workspace
        self._allowed = tuple(allowed)

    def resolve_destination(self, dest: str | None, default_name: str, overwrite: bool = False) -> Path:
        """Give the path to write to: `dest`, or `default_name` in the current folder or in the folder `dest`.

        Raises UsageError when it is outside, in the Hub's own folders, exists without `overwrite`, or cannot be a file.
        """
        name = _UNSAFE.sub("_", default_name).strip("._")[-120:] or "download"
        try:
            target = Path(dest).expanduser() if dest else Path(name)
            if dest and (dest.endswith(("/", "\\")) or target.is_dir()):
                target /= name
            resolved = target.resolve()
        except (OSError, RuntimeError, ValueError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise UsageError(f'dest "{_short(dest)}" is no usable path ({why}); give a file name.') from None
        self._check_place(resolved, dest or name)
        self._check_target(resolved, dest or name, overwrite)
        return resolved

    def _check_place(self, resolved: Path, given: str) -> None:
        roots = [Path.cwd(), *([self._workspace] if self._workspace else []), *self._allowed]
        if not any(resolved.is_relative_to(root.resolve()) for root in roots):
            raise UsageError(
                f'dest "{_short(given)}" is outside the folders where files may be written '
                f"({', '.join(str(root) for root in roots)}); choose a path in one of them, "
                "or let the operator start the server with --allow-path."
            )
        if self._workspace is None:
            return
        kept = self._workspace.resolve()
        inside = resolved.relative_to(kept).parts if resolved.is_relative_to(kept) else ()
        if inside and (inside[0] in KEPT_FOLDERS or inside[0] in {"workspace.json", "redaction.key"}):
            raise UsageError(
                f'dest "{_short(given)}" is in a part of the workspace that only the server writes; '
                f"choose {kept / 'exports'} or another folder."
            )

    def _check_target(self, resolved: Path, given: str, overwrite: bool) -> None:
        if not resolved.parent.is_dir():
            raise UsageError(f'dest "{_short(given)}": the folder {resolved.parent} does not exist; create it first.')
        if not resolved.exists():
            return
        if not resolved.is_file():
            raise UsageError(f'dest "{_short(given)}" is not a file; give the name of a new file.')
        if not overwrite:
            raise UsageError(f'dest "{_short(given)}" exists already; give another name, or overwrite=true.')


def _short(given: object) -> str:
    text = str(given)
    return text if len(text) <= 200 else f"{text[:197]}..."
