"""Nouns inside the room: records as a file holds them, before any header of a packet is read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kubeshark_mcp.model.packet import CaptureWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.capture.source import Window

NO_PACKET = -1
"""Link type of a record that holds no packet, but has the number of one: a custom block of pcapng."""
MOST_WARNINGS = 200
MOST_NAMES = 100_000
MOST_SECRET_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Interface:
    """A capture point of a file.

    snaplen: bytes kept of a packet, 0 for no limit. ticks_per_second: time resolution. fcs_length: bytes of a frame
    check sequence at each frame's end. name, description: empty where the file has none.
    """

    link_type: int
    name: str = ""
    snaplen: int = 0
    ticks_per_second: int = 1_000_000
    description: str = ""
    fcs_length: int = 0


@dataclass(frozen=True, slots=True)
class Records:
    """Consecutive packet records as columns of equal length; offsets index `data` (see Window).

    header: where the record (pcap header or pcapng block) begins; offset: where its packet bytes begin.
    base: position in the stream of data[0]. limit: valid bytes of `data`. number: 1-based number of the first record.
    time_ns: int64. captured, original: uint32. link_type, point: int32 (link type NO_PACKET: it only counts).
    same_as: `microseconds` or `nanoseconds` when the file holds these records as `write` writes a pcap of that kind.
    """

    data: NDArray[np.uint8]
    base: int
    limit: int
    number: int
    header: NDArray[np.int64]
    offset: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    captured: NDArray[np.uint32]
    original: NDArray[np.uint32]
    link_type: NDArray[np.int32]
    point: NDArray[np.int32]
    same_as: str = ""

    def __len__(self) -> int:
        return len(self.offset)

    def part(self, first: int, last: int) -> Records:
        """Give the records first..last (excluded) as views."""
        cut = slice(first, last)
        return replace(
            self,
            number=self.number + first,
            header=self.header[cut],
            offset=self.offset[cut],
            time_ns=self.time_ns[cut],
            captured=self.captured[cut],
            original=self.original[cut],
            link_type=self.link_type[cut],
            point=self.point[cut],
        )

    def pick(self, chosen: NDArray[np.intp]) -> Records:
        """Give the records at these positions; `number` loses its meaning."""
        return replace(
            self,
            header=self.header[chosen],
            offset=self.offset[chosen],
            time_ns=self.time_ns[chosen],
            captured=self.captured[chosen],
            original=self.original[chosen],
            link_type=self.link_type[chosen],
            point=self.point[chosen],
        )


def join_records(parts: list[Records], window: Window, number: int) -> Records:
    """Join records of one window; `number` is that of the first where there are none."""
    if len(parts) == 1:
        return parts[0]
    kinds = {
        "header": np.int64,
        "offset": np.int64,
        "time_ns": np.int64,
        "captured": np.uint32,
        "original": np.uint32,
        "link_type": np.int32,
        "point": np.int32,
    }
    columns: dict[str, NDArray[Any]] = {
        name: np.concatenate([np.empty(0, kind), *(getattr(part, name) for part in parts)])
        for name, kind in kinds.items()
    }
    forms = {part.same_as for part in parts}
    return Records(
        window.data,
        window.base,
        window.end,
        parts[0].number if parts else number,
        **columns,
        same_as=forms.pop() if len(forms) == 1 else "",
    )


@dataclass(slots=True)
class Findings:
    """What a file says beside its packets. secrets: key log bytes. names: (address text, name). dropped: packets."""

    interfaces: list[Interface] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)
    secrets: list[bytes] = field(default_factory=list)
    warnings: list[CaptureWarning] = field(default_factory=list)
    dropped: int = 0

    def warn(self, reason: str, packet: int = 0, offset: int = -1) -> None:
        """Note a damage; a hostile file cannot fill the memory with them."""
        if len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(CaptureWarning(reason, packet, offset))
        elif len(self.warnings) == MOST_WARNINGS:
            self.warnings.append(CaptureWarning(f"more than {MOST_WARNINGS} warnings; the others are left out"))

    def add_name(self, address: str, name: str) -> None:
        """Keep one name of an address, up to a limit."""
        if len(self.names) < MOST_NAMES:
            self.names.append((address, name))

    def add_secret(self, secret: bytes) -> None:
        """Keep decryption secrets, up to a limit."""
        if sum(map(len, self.secrets)) + len(secret) <= MOST_SECRET_BYTES:
            self.secrets.append(secret)


class Format(Protocol):
    """Reads the records of one capture format.

    findings: filled while reading. need: bytes that must be in the window to make progress, 0 if any refill will do.
    stopped: damage was met behind which nothing can be read.
    """

    findings: Findings
    need: int
    stopped: bool

    def scan(self, window: Window, number: int) -> Records:
        """Take all whole records from the window and move its start behind them; `number` is that of the first."""
        ...

    def finish(self) -> None:
        """Add to the findings what is only known at the end."""
        ...


def u4(values: object) -> NDArray[np.uint32]:
    """Give values as contiguous native uint32."""
    return np.ascontiguousarray(values, np.uint32)
