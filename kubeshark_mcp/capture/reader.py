"""Open a capture of any format and read it as records or as decoded blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from kubeshark_mcp.capture.pcap import PcapFormat, is_pcap
from kubeshark_mcp.capture.pcapng import PcapngFormat, is_pcapng
from kubeshark_mcp.capture.source import WINDOW_BYTES, ByteStream, Window, open_stream
from kubeshark_mcp.capture.watch import Watch
from kubeshark_mcp.errors import CaptureError

if TYPE_CHECKING:
    from kubeshark_mcp.capture.index import CaptureIndex
    from kubeshark_mcp.capture.records import Findings, Format, Interface, Records
    from kubeshark_mcp.model.packet import CaptureWarning, PacketBlock

BLOCK_PACKETS = 32_768

_OTHERS = {
    b"PK\x03\x04": "a ZIP archive: unpack it first (unzip)",
    b"BZh": "compressed with bzip2: decompress it first (bunzip2)",
    b"\xfd7zXZ": "compressed with xz: decompress it first (xz -d)",
    b"\x04\x22\x4d\x18": "compressed with lz4: decompress it first (lz4 -d)",
    b"snoop\0": "a Solaris snoop file: convert it with editcap -F pcap",
    b"RTSS": "a Network Monitor file: convert it with editcap -F pcap",
    b"GMBU": "a Network Monitor file: convert it with editcap -F pcap",
    b"TRSNIFF": "a Sniffer file: convert it with editcap -F pcap",
}


class CaptureFile:
    """A capture that is open for one sequential read; close it, or use it as a context manager.

    name: the path as given. size: stored bytes, 0 when unknown.
    """

    def __init__(self, stream: ByteStream, window_bytes: int = WINDOW_BYTES) -> None:
        self.name = stream.name
        self.size = stream.size
        self._stream = stream
        self._window = Window(stream, window_bytes)
        self._window.refill()
        self._format = _detect(self._window)
        self._used = False

    @property
    def warnings(self) -> list[CaptureWarning]:
        """Give what was found damaged so far; complete once all packets have been read."""
        return self._findings.warnings

    @property
    def dropped(self) -> int:
        """Give how many packets the capturing system says it lost, as far as the file was read."""
        return self._findings.dropped

    @property
    def interfaces(self) -> list[Interface]:
        """Give the capture points found so far; `point` is a position in this list, but for Linux cooked version 2."""
        return self._findings.interfaces

    @property
    def names(self) -> list[tuple[str, str]]:
        """Give (address text, name) of the name resolution blocks read so far."""
        return self._findings.names

    @property
    def secrets(self) -> list[bytes]:
        """Give the contents of the decryption secrets blocks (TLS key logs) read so far."""
        return self._findings.secrets

    @property
    def position(self) -> int:
        """Give the stored bytes read so far, for progress against `size`."""
        return self._stream.position

    @property
    def random_access(self) -> bool:
        """Tell whether record positions are positions in the file: not compressed, not a pipe."""
        return bool(self.size) and not self._stream.compression

    @property
    def _findings(self) -> Findings:
        return self._format.findings

    def serves(self, index: CaptureIndex) -> bool:
        """Tell whether `records_by_index` works: packets lie in the file itself and need nothing before them."""
        return self.random_access and index.random_access and isinstance(self._format, PcapFormat)

    def records_by_index(
        self, index: CaptureIndex, start_ns: int | None = None, end_ns: int | None = None, size: int = BLOCK_PACKETS
    ) -> Iterator[Records]:
        """Give the records in whose neighbourhood there are packets with start_ns <= time < end_ns, and all of these.

        Where packets are is not looked for again, and what lies between the neighbourhoods is not read. index: of this
        file, which it must serve. Each is valid until the next is asked for; nothing more is found out about damage.
        """
        if not isinstance(self._format, PcapFormat):
            raise CaptureError(f"{self.name!r} is no pcap file, so it cannot be read by its index.")
        self._begin()
        window, form = self._window, self._format
        row = index.next_inside(0, start_ns, end_ns)
        while row < index.count:
            window.move(int(index.offsets[row]) - form.record_header)
            records = form.indexed(window, index, row)
            if not len(records):
                return  # the file has become shorter
            for first in range(0, len(records), size):
                yield records.part(first, first + size)
            row = index.next_inside(row + len(records), start_ns, end_ns)

    def _begin(self) -> None:
        if self._used:
            raise CaptureError(f"{self.name!r} has been read already; open it again to read it again.")
        self._used = True

    def records(self, size: int = BLOCK_PACKETS) -> Iterator[Records]:
        """Give the packet records in the order of the file, at most `size` at once, without decoding them.

        Each is valid until the next is asked for. A capture can be read once.
        """
        self._begin()
        number, window, source, watch = 1, self._window, self._format, Watch(self._findings)
        while True:
            records = source.scan(window, number)
            watch.look(records)
            for first in range(0, len(records), size):
                yield records.part(first, first + size)
            number += len(records)
            if source.stopped or window.finished:
                break
            window.refill(source.need)
        source.finish()
        watch.finish()
        if self._stream.damage:
            self._findings.warn(f"{self._stream.damage}; what follows cannot be read", offset=window.base + window.end)

    def blocks(self, size: int = BLOCK_PACKETS) -> Iterator[PacketBlock]:
        """Give decoded packets, at most `size` at once; see PacketBlock. A capture can be read once."""
        from kubeshark_mcp.capture.decode import Decoder

        decoder = Decoder(self._findings)
        for records in self.records(size):
            yield decoder.decode(records)
        decoder.finish()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> CaptureFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_capture(path: Path, window_bytes: int = WINDOW_BYTES) -> CaptureFile:
    """Open a pcap or pcapng file, also gzip or zstd compressed, or standard input (`-`).

    window_bytes: how much of it is in memory at once, unless one record needs more.
    Raises CaptureError when it is missing, unreadable, empty, or no capture.
    """
    stream = open_stream(path)
    try:
        return CaptureFile(stream, window_bytes)
    except CaptureError:
        stream.close()
        raise


def _detect(window: Window) -> Format:
    head = window.peek(12)
    if is_pcap(head):
        return PcapFormat(window)
    if is_pcapng(head):
        return PcapngFormat(window)
    name, shown = window.stream.name, " ".join(f"{byte:02x}" for byte in head[:8])
    if not head:
        raise CaptureError(
            f"{name!r} holds nothing once decompressed ({window.stream.damage or 'it is empty'}); copy it anew."
        )
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise CaptureError(f"{name!r} is {what} (first bytes: {shown}).")
    raise CaptureError(
        f"{name!r} is not a capture file: it begins with {shown}; a pcap or pcapng file, also gzipped, is needed."
    )
