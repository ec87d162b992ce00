"""Key logs: files in which programs wrote the secrets of their TLS sessions (SSLKEYLOGFILE). They are secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.hub.workspace import storing

KEY_LOG_NAME = "tls.keylog"
"""Where a snapshot keeps the secrets that go with its captures; readable by its owner alone."""
BESIDE = ".keylog"
"""A key log of a capture's name with this ending is taken without being named."""

_LINE = re.compile(r"[A-Z][A-Z0-9_]+ (?:[0-9a-fA-F]+ [0-9a-fA-F]+|Session-ID:[0-9a-fA-F]+ Master-Key:[0-9a-fA-F]+)")


def key_log_files(sources: Iterable[CaptureSource], given: Iterable[Path]) -> list[Path]:
    """Give the key logs: those named, else `<capture>.keylog` beside each capture."""
    named = list(given)
    if named:
        return named
    beside = [source.path.with_name(source.path.name + BESIDE) for source in sources]
    return [path for path in beside if path.is_file()]


def read_key_logs(paths: Iterable[Path]) -> list[str]:
    """Give the lines of key logs. Raises UsageError for a file that cannot be read or is none."""
    lines: list[str] = []
    for path in paths:
        try:
            found = path.read_text("ascii", "replace").splitlines()
        except OSError as error:
            raise UsageError(f"The key log {str(path)!r} cannot be read: {error.strerror}.") from error
        secrets = [line for line in map(str.strip, found) if _LINE.fullmatch(line)]
        if any(line.strip() for line in found) and not secrets:
            raise UsageError(
                f"{str(path)!r} is no key log: none of its lines reads 'CLIENT_RANDOM <hex> <hex>' or the like; "
                "let the client or server write one with SSLKEYLOGFILE=FILE."
            )
        lines += secrets
    return lines


def keep_key_logs(paths: Iterable[Path], folder: Path) -> None:
    """Write the secrets of key logs into a snapshot's folder, if there are any, for its owner's eyes only."""
    lines = read_key_logs(paths)
    if not lines:
        return
    target = folder / KEY_LOG_NAME
    with storing(target), os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{line}\n" for line in dict.fromkeys(lines))


def kept_key_logs(folder: Path) -> list[Path]:
    """Give the key log of a snapshot's folder, if it has one."""
    path = folder / KEY_LOG_NAME
    return [path] if path.is_file() else []
