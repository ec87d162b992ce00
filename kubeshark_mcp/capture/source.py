"""Bytes in: plain, gzip and zstd files and standard input, one bounded window at a time.

Files are read, not mapped: it costs the same, memory stays where it is, and a file that someone shortens while it is
being read is a short read instead of a signal that ends the process.
"""

from __future__ import annotations

import io
import stat
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kubeshark_mcp.errors import CaptureError

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW_BYTES = 24 << 20
"""Bytes of a capture that are in memory at once, unless one record needs more."""
PADDING = 128
"""Zero bytes kept behind a window, so that a header may be gathered at any valid offset."""

_CHUNK = 256 << 10
_LARGE_ARRAY = 8 << 20
"""Bytes; more than the arrays of a block have."""
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class _Readable(Protocol):
    def readinto(self, buffer: memoryview, /) -> int | None: ...


class _Gunzip:
    """Decompresses gzip (RFC 1952), one member after the other, and gives all bytes that come before a damage."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._input = b""
        self._inflate = zlib.decompressobj(wbits=31)
        self._ended = False

    def readinto(self, buffer: memoryview, /) -> int:
        while True:
            if not self._input:
                self._input = self._file.read(_CHUNK)
                if not self._input:
                    if self._ended:
                        return 0
                    raise EOFError("it ends before its end mark")
            if self._ended:
                self._inflate = zlib.decompressobj(wbits=31)
                self._ended = False
            output = self._inflate.decompress(self._input, len(buffer))
            self._ended = self._inflate.eof
            self._input = self._inflate.unused_data if self._ended else self._inflate.unconsumed_tail
            if output:
                buffer[: len(output)] = output
                return len(output)


class _Unzstd:
    """Decompresses zstd (RFC 8878), one frame after the other, and gives all bytes that come before a damage."""

    def __init__(self, file: io.BufferedReader) -> None:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
        self._new = zstd.ZstdDecompressor
        self._file = file
        self._frame = self._ended = self._new()
        self._damage: type[Exception] = zstd.ZstdError

    def readinto(self, buffer: memoryview, /) -> int:
        while True:
            data, between = b"", self._frame.eof
            if between:
                data = self._frame.unused_data
                self._frame = self._new()
            if not data and self._frame.needs_input:
                data = self._file.read(_CHUNK)
                if not data and between:
                    self._frame = self._ended
                    return 0
                if not data:
                    raise EOFError("it ends before its end mark")
            try:
                output = self._frame.decompress(data, len(buffer))
            except self._damage as error:
                raise EOFError(str(error)) from error
            self._ended = self._frame
            if output:
                buffer[: len(output)] = output
                return len(output)


class ByteStream:
    """The bytes of a capture in order, decompressed.

    size: bytes as stored, 0 when unknown (standard input). damage: why decompression ended early, else empty.
    """

    def __init__(self, name: str, file: io.BufferedReader, size: int) -> None:
        self.name = name
        self.size = size
        self.damage = ""
        self._file = file
        self._plain_read = 0
        self._reader: _Readable = file
        head = file.peek(4)[:4]
        self.compression = "gzip" if head.startswith(_GZIP) else "zstd" if head == _ZSTD else ""
        if self.compression == "gzip":
            self._reader = _Gunzip(file)
        elif self.compression == "zstd":
            self._reader = _Unzstd(file)

    @property
    def position(self) -> int:
        """Give how many stored bytes have been read."""
        if not self.compression:
            return self._plain_read
        try:
            return self._file.tell()
        except (OSError, ValueError):
            return self._plain_read

    def readinto(self, view: memoryview) -> int:
        """Fill `view` as far as there are bytes; gives how many. Less than its length means that this was the end."""
        filled = 0
        while filled < len(view):
            try:
                count = self._reader.readinto(view[filled:]) or 0
            except (EOFError, zlib.error) as error:
                self.damage = f"the {self.compression} data is damaged: {error}"
                break
            except OSError as error:
                self.damage = f"reading failed: {error}"
                break
            if count == 0:
                break
            filled += count
        self._plain_read += filled
        return filled

    def seek(self, position: int) -> None:
        """Go on reading at this position of a plain file."""
        self._file.seek(position)
        self._plain_read = position

    def close(self) -> None:
        """Close the file; standard input stays open."""
        self._file.close()


def open_stream(path: Path) -> ByteStream:
    """Open a file, a pipe, or standard input (`-`) for one sequential read.

    Raises CaptureError when there is nothing to read: missing, a folder, a device, unreadable or empty.
    """
    name = str(path)
    if name == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise CaptureError("Standard input is no capture: pipe one into it, for example: tcpdump -w - | ...")
        return _stream("standard input", open(sys.stdin.fileno(), "rb", closefd=False), 0)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise CaptureError(f"{name!r} is a folder, not a capture file; name a pcap or pcapng file in it.")
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
            raise CaptureError(f"{name!r} is neither a file nor a pipe; name a pcap or pcapng file.")
        return _stream(name, path.open("rb"), status.st_size)
    except FileNotFoundError:
        raise CaptureError(f"There is no file {name!r}; check the path.") from None
    except (OSError, ValueError) as error:
        raise CaptureError(f"{name!r} cannot be read: {error}; check the path and its permissions.") from None


def _stream(name: str, file: io.BufferedReader, size: int) -> ByteStream:
    """Begin to read; the file is closed when that fails."""
    try:
        stream = ByteStream(name, file, size)
        if not file.peek(1):
            raise CaptureError(f"{name!r} is empty (0 bytes), so it is no capture file; capture again or copy it anew.")
    except (CaptureError, OSError):
        file.close()
        raise
    return stream


def _let_heap_keep_pages() -> None:
    """Free one large array: from then on glibc keeps twice its size at the end of its heap.

    Otherwise the arrays of each block get fresh pages from the system when they are made, and give them back when they
    go: 300,000 page faults in 10 GB. Where the threshold was set by mallopt(3), it stays.
    """
    np.empty(_LARGE_ARRAY, np.uint8)


class Window:
    """The part of a stream that is in memory.

    storage: the same bytes as `data`, for slices of them. data[start:end] is not consumed yet; PADDING zeros follow.
    base: position in the (decompressed) stream of data[0]. finished: nothing follows behind `end`.
    """

    def __init__(self, stream: ByteStream, capacity: int = WINDOW_BYTES) -> None:
        self.stream = stream
        self.base = self.start = self.end = 0
        self.finished = False
        _let_heap_keep_pages()
        self._allocate(min(capacity, max(stream.size, 4096)) if stream.size and not stream.compression else capacity)

    def _allocate(self, capacity: int) -> None:
        self.capacity = capacity
        # Of numpy, for it asks for huge pages: headers lie far apart, and with small pages each costs a walk through
        # the page table. Filling is faster too.
        self.data: NDArray[np.uint8] = np.empty(capacity + PADDING, np.uint8)
        self.storage = memoryview(self.data)  # type: ignore[arg-type]  # an array is a buffer

    def refill(self, need: int = 0) -> None:
        """Drop what is consumed and read on, so that at least `need` bytes from `start` fit; overwrites old data."""
        kept = self.data[self.start : self.end].copy() if need > self.capacity else self.data[self.start : self.end]
        if need > self.capacity:
            self._allocate(need)
        count = len(kept)
        self.data[:count] = kept
        self.base += self.start
        self.start = 0
        read = self.stream.readinto(self.storage[count : self.capacity])
        self.end = count + read
        self.finished = self.end < self.capacity
        self.data[self.end : self.end + PADDING] = 0

    def move(self, position: int) -> None:
        """Go on at this position of a plain file, whatever was read."""
        self.stream.seek(position)
        self.base, self.start, self.end = position, 0, 0
        self.refill()

    @property
    def position(self) -> int:
        """Give the position in the (decompressed) stream of the first byte that is not consumed."""
        return self.base + self.start

    def peek(self, size: int) -> bytes:
        """Give up to `size` bytes from `start`."""
        return bytes(self.storage[self.start : min(self.start + size, self.end)])
