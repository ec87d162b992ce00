"""An index beside a capture: where each packet is and when it was, in files that are mapped when used."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from kubeshark_mcp.capture.reader import open_capture
from kubeshark_mcp.errors import CaptureError, StoreError
from kubeshark_mcp.model.packet import CaptureWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.capture.records import Records

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all (0 when unknown)."""

_VERSION = 2
_META = "meta.json"
_PROBE_BYTES = 64 << 10
_ROWS_AT_ONCE = 1 << 16
_COLUMNS = {"offsets": "<i8", "times": "<i8", "captured": "<u4", "originals": "<u4", "link_types": "<i4"}


@dataclass(frozen=True, slots=True)
class CaptureIndex:
    """Where the packets of a capture are; packet number n is at position n - 1 of each array.

    count: packets. first_ns, last_ns: earliest and latest time, Unix nanoseconds, 0 without packets.
    offsets: int64, where the packet's bytes begin in the (decompressed) file. times: int64, Unix nanoseconds.
    captured, originals: uint32 lengths. link_types: int32. random_access: offsets are positions in the file itself.
    warnings: what was found damaged or odd while the file was read.
    """

    path: Path
    count: int
    first_ns: int
    last_ns: int
    random_access: bool
    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    captured: NDArray[np.uint32]
    originals: NDArray[np.uint32]
    link_types: NDArray[np.int32]
    warnings: tuple[CaptureWarning, ...] = ()

    def next_inside(self, row: int, start_ns: int | None, end_ns: int | None) -> int:
        """Give the position, from `row` on, of the first packet with start_ns <= time < end_ns; `count` if none is."""
        if start_ns is None and end_ns is None:
            return min(row, self.count)
        for first in range(row, self.count, _ROWS_AT_ONCE):
            inside = self._inside(first, start_ns, end_ns)
            if inside.any():
                return first + int(np.argmax(inside))
        return self.count

    def behind(self, start_ns: int | None, end_ns: int | None) -> int:
        """Give the position behind the last packet with start_ns <= time < end_ns; 0 if none is."""
        if start_ns is None and end_ns is None:
            return self.count
        for first in reversed(range(0, self.count, _ROWS_AT_ONCE)):
            inside = self._inside(first, start_ns, end_ns)
            if inside.any():
                return first + len(inside) - int(np.argmax(inside[::-1]))
        return 0

    def _inside(self, first: int, start_ns: int | None, end_ns: int | None) -> NDArray[np.bool_]:
        """Tell of the packets at some positions from `first` on whether they are in the window."""
        times = self.times[first : first + _ROWS_AT_ONCE]
        inside = np.ones(len(times), np.bool_)
        if start_ns is not None:
            inside &= times >= start_ns
        if end_ns is not None:
            inside &= times < end_ns
        return inside


def build_index(path: Path, folder: Path, progress: Progress | None = None) -> CaptureIndex:
    """Give the index of a capture from `folder`, building it there first when the file is new or has changed.

    Raises CaptureError when the capture cannot be read, StoreError when the folder cannot be written.
    """
    home = folder / _key(path)
    if (found := _load(path, home)) is not None:
        return found
    temporary = folder / f".{home.name}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        temporary.mkdir(parents=True)
        _write(path, temporary, progress)
        _publish(temporary, home)
    except OSError as error:
        raise StoreError(f"The index of {str(path)!r} cannot be written to {str(folder)!r}: {error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    loaded = _load(path, home)
    if loaded is None:
        raise StoreError(
            f"The index of {str(path)!r} in {str(folder)!r} vanished or changed while it was built; try again."
        )
    return loaded


def share_index(original: CaptureIndex, copy: Path, folder: Path) -> None:
    """Give a faithful copy of a capture the index of the original, which lies in `folder`: as links, without reading.

    Does nothing when the original's is gone. Raises CaptureError when a capture cannot be read, StoreError when the
    folder cannot be written.
    """
    home, ours = folder / _key(copy), folder / _key(original.path)
    if home.exists() or not ours.exists():
        return
    temporary = folder / f".{home.name}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        temporary.mkdir()
        for name in (*_COLUMNS, _META):
            _link(ours / name, temporary / name)
        _publish(temporary, home)
    except OSError as error:
        raise StoreError(f"The index of {str(copy)!r} cannot be written to {str(folder)!r}: {error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def forget_index(path: Path, folder: Path) -> None:
    """Remove the index of a capture that is about to be deleted, if there is one."""
    with contextlib.suppress(CaptureError):
        shutil.rmtree(folder / _key(path), ignore_errors=True)


def _link(present: Path, further: Path) -> None:
    """Give a file that never changes a further name; copy it where a file system has no links."""
    try:
        further.hardlink_to(present)
    except OSError:
        shutil.copyfile(present, further)


def capture_bounds(path: Path) -> tuple[int, int, int]:
    """Give (earliest, latest time in Unix nanoseconds, packets) of a capture; zeros when it has no packet."""
    bounds = _Bounds()
    with open_capture(path) as capture:
        for records in capture.records():
            bounds.add(records)
    return bounds.first_ns, bounds.last_ns, bounds.count


@dataclass(slots=True)
class _Bounds:
    count: int = 0
    first_ns: int = 0
    last_ns: int = 0

    def add(self, records: Records) -> None:
        first, last = int(records.time_ns.min()), int(records.time_ns.max())
        self.first_ns = min(self.first_ns, first) if self.count else first
        self.last_ns = max(self.last_ns, last) if self.count else last
        self.count += len(records)


def _key(path: Path) -> str:
    """Name a file's content cheaply: size, time of change, and a hash of both its ends."""
    try:
        status = path.stat()
        with path.open("rb") as file:
            head = file.read(_PROBE_BYTES)
            file.seek(max(0, status.st_size - _PROBE_BYTES))
            tail = file.read(_PROBE_BYTES)
    except OSError as error:
        raise CaptureError(f"{str(path)!r} cannot be read: {error}; check the path and its permissions.") from None
    told = f"{_VERSION}\0{path.name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode("utf-8", "surrogateescape")
    return hashlib.sha256(told + head + tail).hexdigest()[:32]


def _write(path: Path, folder: Path, progress: Progress | None) -> None:
    bounds = _Bounds()
    files: dict[str, BinaryIO] = {name: (folder / name).open("wb") for name in _COLUMNS}
    try:
        with open_capture(path) as capture:
            for records in capture.records():
                bounds.add(records)
                columns: dict[str, NDArray[Any]] = {
                    "offsets": records.offset + records.base,
                    "times": records.time_ns,
                    "captured": records.captured,
                    "originals": records.original,
                    "link_types": records.link_type,
                }
                for name, values in columns.items():
                    files[name].write(values.astype(_COLUMNS[name]).tobytes())
                if progress is not None:
                    progress(capture.position, capture.size)
            random_access, warnings = capture.random_access, capture.warnings
    finally:
        for file in files.values():
            file.close()
    meta = {
        "count": bounds.count,
        "first_ns": bounds.first_ns,
        "last_ns": bounds.last_ns,
        "random_access": random_access,
        "warnings": [[warning.reason, warning.packet, warning.offset] for warning in warnings],
    }
    (folder / _META).write_text(json.dumps(meta))


def _publish(temporary: Path, home: Path) -> None:
    """Rename when whole. Another process may have been first, then its index is as good; a damaged one is replaced."""
    if home.exists() and _load(home, home) is None:
        shutil.rmtree(home, ignore_errors=True)
    try:
        temporary.rename(home)
    except OSError:
        if not home.exists():
            raise


def _load(path: Path, home: Path) -> CaptureIndex | None:
    """Map a stored index; None when there is none or it is damaged."""
    try:
        meta = json.loads((home / _META).read_text())
        count = int(meta["count"])
        columns: dict[str, Any] = {name: _map(home / name, kind, count) for name, kind in _COLUMNS.items()}
        bounds = int(meta["first_ns"]), int(meta["last_ns"])
        warnings = tuple(CaptureWarning(str(why), int(packet), int(at)) for why, packet, at in meta["warnings"])
        return CaptureIndex(path, count, *bounds, bool(meta["random_access"]), warnings=warnings, **columns)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _map(file: Path, kind: str, count: int) -> NDArray[Any]:
    if file.stat().st_size != count * np.dtype(kind).itemsize:
        raise ValueError(f"{file} has another size than its index says")
    return np.memmap(file, kind, "r", shape=(count,)) if count else np.empty(0, kind)
