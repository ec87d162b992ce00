"""Bytes out: pcap and pcapng as this project writes them, little-endian, so that a file is the same everywhere."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import FileIO

    from numpy.typing import NDArray

    from kubeshark_mcp.capture.records import Records

LARGEST_SNAPLEN = 262_144
"""What libpcap takes for a capture without a limit (MAXIMUM_SNAPLEN)."""


_FEW_BYTES = 256
"""Bytes of a part, on average, below which copying the parts together costs less than naming them to the system."""
_MOST_PARTS = 1024
"""Parts of one system call (IOV_MAX on Linux and macOS)."""


def put(file: FileIO, parts: Sequence[bytes | memoryview]) -> int:
    """Write all parts, as they lie in memory where they are large; gives how many bytes. Raises OSError."""
    size = sum(map(len, parts))
    if size < _FEW_BYTES * len(parts) or not hasattr(os, "writev"):
        _put_whole(file, memoryview(b"".join(parts)))
        return size
    for first in range(0, len(parts), _MOST_PARTS):
        some = parts[first : first + _MOST_PARTS]
        wanted = sum(map(len, some))
        written = os.writev(file.fileno(), some)
        if written < wanted:  # a full disk, or more than the system takes at once
            _put_whole(file, memoryview(b"".join(some))[written:])
    return size


def _put_whole(file: FileIO, data: memoryview) -> None:
    while len(data):
        data = data[file.write(data) :]


def pcap_header(link_type: int, snaplen: int, *, nanoseconds: bool) -> bytes:
    """Give the file header of a pcap file."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    return struct.pack("<IHHiIII", magic, 2, 4, 0, 0, snaplen, link_type & 0xFFFFFFFF)


def pcap_records(records: Records, *, nanoseconds: bool) -> list[bytes | memoryview]:
    """Give record headers and packet bytes in turn, ready for writelines; the packets are views."""
    if records.same_as == ("nanoseconds" if nanoseconds else "microseconds"):
        return _runs(records)
    fields = np.empty((len(records), 4), "<u4")
    fields[:, 0] = records.time_ns // 1_000_000_000 & 0xFFFFFFFF
    fraction = records.time_ns % 1_000_000_000
    fields[:, 1] = fraction if nanoseconds else fraction // 1000
    fields[:, 2] = records.captured
    fields[:, 3] = records.original
    heads = fields.tobytes()
    data = memoryview(records.data)  # type: ignore[arg-type]
    parts: list[bytes | memoryview] = []
    starts, ends = records.offset.tolist(), (records.offset + records.captured).tolist()
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        parts += (heads[row * 16 : row * 16 + 16], data[start:end])
    return parts


def _runs(records: Records) -> list[bytes | memoryview]:
    """Give the bytes of records that the file holds in the wanted form: neighbours in one piece."""
    data = memoryview(records.data)  # type: ignore[arg-type]
    ends = records.offset + records.captured
    breaks = np.flatnonzero(records.header[1:] != ends[:-1])
    firsts = records.header[np.append(0, breaks + 1)].tolist() if len(records) else []
    lasts = ends[np.append(breaks, len(ends) - 1)].tolist() if len(records) else []
    return [data[first:last] for first, last in zip(firsts, lasts, strict=True)]


def pcapng_section() -> bytes:
    """Give a section header block of unknown length."""
    return struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


def pcapng_interface(link_type: int, snaplen: int, name: str) -> bytes:
    """Give an interface description block with nanoseconds."""
    options = b""
    text = name.encode("utf-8", "replace")[:255]
    if text:
        options += struct.pack("<HH", 2, len(text)) + text + bytes(-len(text) % 4)
    options += struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)
    size = 20 + len(options)
    return struct.pack("<IIHHI", 1, size, link_type & 0xFFFF, 0, snaplen) + options + struct.pack("<I", size)


def pcapng_records(records: Records, interfaces: NDArray[np.int64]) -> list[bytes | memoryview]:
    """Give enhanced packet blocks in parts, ready for writelines; `interfaces` holds that of each record."""
    size = 32 + (records.captured.astype(np.int64) + 3 & ~3)
    fields = np.empty((len(records), 7), "<u4")
    fields[:, 0] = 6
    fields[:, 1] = size
    fields[:, 2] = interfaces
    fields[:, 3] = records.time_ns >> 32 & 0xFFFFFFFF
    fields[:, 4] = records.time_ns & 0xFFFFFFFF
    fields[:, 5] = records.captured
    fields[:, 6] = records.original
    heads = fields.tobytes()
    tails = [
        bytes(pad) + struct.pack("<I", total)
        for pad, total in zip((-records.captured.astype(np.int64) % 4).tolist(), size.tolist(), strict=True)
    ]
    data = memoryview(records.data)  # type: ignore[arg-type]
    parts: list[bytes | memoryview] = []
    starts, ends = records.offset.tolist(), (records.offset + records.captured).tolist()
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        parts += (heads[row * 28 : row * 28 + 28], data[start:end], tails[row])
    return parts
