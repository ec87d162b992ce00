"""What killed processes leave behind: temporary names say whose they are, so that the dead one's can be swept.

A temporary name is `.KIND-PLACE-PID-START-...`: PLACE stands for the machine since its last boot and its process
namespace, PID and START for the process. A leftover is removed when its process is known to be dead; where that cannot
be known (another machine, another container), only when nothing in it has changed for a day.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

QUIET_S = 24 * 3600
"""How long a leftover of an unknown process must have been left alone."""
QUIET_DEAD_S = 3600
"""The same, where a process of that number does not live here, but may live elsewhere."""

_MARKED = re.compile(
    r"\.{1,2}(?:building|deleted|writing)-(?P<place>[0-9a-f]{12})-(?P<pid>\d{1,10})-(?P<start>\d{1,20})-.+"
)
_NUMBERED = re.compile(r"\..+\.(?P<pid>\d{1,10})\.[0-9a-f]{8}(?:\.part)?")
"""Temporary names of the capture room: they say the process, not the machine."""


def temporary_name(kind: str, about: str = "") -> str:
    """Give a new hidden name. kind: `building`, `deleted` or `writing`. about: ends the name, up to 60 characters."""
    return f".{kind}-{_place()}-{os.getpid()}-{_started(os.getpid())}-{secrets.token_hex(4)}-{about[:60]}"


def sweep(folder: Path) -> None:
    """Remove what dead processes left in a folder. What cannot be removed stays, for others or another day."""
    with suppress(OSError):
        for path in list(_hidden(folder)):
            if _is_dead(path):
                _remove(path)


def _hidden(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                yield Path(entry.path)


def _is_dead(path: Path) -> bool:
    if match := _MARKED.fullmatch(path.name):
        if match["place"] == _place():
            return not _lives(int(match["pid"]), int(match["start"]))
        return _quiet_s(path) > QUIET_S
    if match := _NUMBERED.fullmatch(path.name):
        return _quiet_s(path) > (QUIET_S if _lives(int(match["pid"]), 0) else QUIET_DEAD_S)
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _quiet_s(path: Path) -> float:
    """Give the seconds since anything in it changed; 0 when that cannot be seen."""
    try:
        newest = max(inner.lstat().st_mtime for inner in (path, *path.rglob("*")))
    except OSError:
        return 0.0
    return time.time() - newest


def _lives(pid: int, start: int) -> bool:
    """Tell whether a process lives. start: when it was started as `_started` tells it, 0 where that is unknown."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass  # It lives and is another user's.
    now = _started(pid)
    return now >= 0 and (not start or not now or now == start)


def _started(pid: int) -> int:
    """Give when a process was started, in clock ticks since boot (proc(5), field 22); 0 if unknown, -1 for a dead one.

    Numbers of processes are used again, number and start together are not.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    fields = text[text.rindex(")") + 2 :].split()
    return -1 if fields[0] in {"Z", "X"} else int(fields[19])


@cache
def _place() -> str:
    """Give 12 hexadecimal digits for this machine since its last boot and its process namespace."""
    told = [os.uname().nodename]
    with suppress(OSError):
        told.append(Path("/proc/sys/kernel/random/boot_id").read_text())
    with suppress(OSError):
        told.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:12]
