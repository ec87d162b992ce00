"""Folders of entries: names of files, atomic writes, and the manifest that says a dissection is whole.

A folder holds `<protocol>-<task>-<nnn>.parquet`, and, where calls were seen at several places, a folder `joined` with
one row a call. `entries.json` is written last: it says that all tasks are done and joined.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubeshark_mcp.errors import StoreError

MANIFEST = "entries.json"
FORMAT = 1
"""Version of the layout; a folder of a later one is refused with a sentence."""
FILLED = "kubeshark.filled"
"""Key in a Parquet file's metadata: a JSON list of the columns that have a value in some row."""
JOINED = "joined"
"""Name of the folder with one row a call."""
SUFFIX = ".parquet"
MAP_FILE = f"_map{SUFFIX}"
"""File in `joined`: _id of each sighting of a joined call -> _joined_into, the id of the row that stands for it."""
TEMPORARY = ".tmp"


@contextmanager
def store_errors(path: Path, verb: str) -> Iterator[None]:
    """Turn what the system says about a path into a sentence. verb: `write` or `read`."""
    try:
        yield
    except OSError as error:
        raise StoreError(_sentence(error, path, verb)) from error


def _sentence(error: OSError, path: Path, verb: str) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return f"Cannot {verb} {str(path)!r}: the disk is full; free some space or use another workspace."
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"Cannot {verb} {str(path)!r}: permission denied or read-only; use a workspace that can be written."
    if error.errno == errno.ENOENT:
        return f"Cannot {verb} {str(path)!r}: it does not exist; dissect the captures again."
    return f"Cannot {verb} {str(path)!r}: {error.strerror or error}."


def write_atomically(path: Path, data: bytes) -> None:
    """Write a small file under a temporary name, flush it to the disk, and rename it."""
    temporary = path.with_name(f".{path.name}{TEMPORARY}")
    with store_errors(path, "write"):
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_manifest(folder: Path, content: Mapping[str, Any]) -> None:
    """Declare the folder whole; `content` is kept for read_manifest and must be JSON."""
    write_atomically(folder / MANIFEST, json.dumps({"format": FORMAT, **content}, indent=1).encode())


def read_manifest(folder: Path) -> dict[str, Any]:
    """Give what write_manifest was told; refuses a folder that is not whole or of a later version."""
    path = folder / MANIFEST
    with store_errors(path, "read"):
        text = path.read_bytes()
    try:
        content = json.loads(text)
        version = int(content["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{str(path)!r} is not a manifest of entries: dissect the captures again.") from error
    if version > FORMAT:
        raise StoreError(
            f"{str(path)!r} has format {version}, this version reads up to {FORMAT}: update kubeshark-mcp."
        )
    return dict(content)


def is_complete(folder: Path) -> bool:
    """Tell whether a folder of entries was written to the end."""
    return (folder / MANIFEST).is_file()


def entry_files(folder: Path) -> dict[str, list[Path]]:
    """Give the finished files of a folder by protocol, in order of name."""
    found: dict[str, list[Path]] = {}
    with store_errors(folder, "read"):
        paths = sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith((".", "_")))
    for path in paths:
        found.setdefault(protocol_of(path), []).append(path)
    return found


def protocol_of(path: Path) -> str:
    """Give the protocol whose entries a file holds."""
    return path.name.split("-", 1)[0]
