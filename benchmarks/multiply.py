"""Make a large capture of small ones: each copy of a recording has addresses and times of its own.

`python -m benchmarks.multiply OUT --packets 300000 FILE...`: the files one behind the other, again and again. IPv4 over
Ethernet only; checksums are left as they are, as with offloading network cards.
"""

from __future__ import annotations

import argparse
import struct
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

HEADER, RECORD = 24, 16
ETHERNET, IPV4 = 14, b"\x08\x00"


class Recording:
    """The records of one small capture, and where in them time and addresses stand."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        if data[:4] != b"\xd4\xc3\xb2\xa1" or data[20:24] != b"\x01\0\0\0":
            raise SystemExit(f"{path} is no microsecond pcap of Ethernet.")
        times, places, position, packets = [], [], HEADER, 0
        first = struct.unpack_from("<I", data, HEADER)[0]
        while position < len(data):
            seconds, _, length, _ = struct.unpack_from("<IIII", data, position)
            if data[position + RECORD + 12 : position + RECORD + 14] == IPV4:
                places += [position + RECORD + ETHERNET + 12, position + RECORD + ETHERNET + 16]
            times.append((position - HEADER, seconds - first))
            position += RECORD + length
            packets += 1
        self.header, self.packets = data[:HEADER], packets
        self.seconds = times[-1][1] + 1
        self._records = np.frombuffer(data, np.uint8, offset=HEADER).copy()
        self._times = times
        self._places = np.array(places, np.int64) - HEADER

    def copy(self, number: int, start: int) -> npt.NDArray[np.uint8]:
        """Give the records of copy `number`, beginning at second `start`."""
        records = self._records.copy()
        for octet, value in ((1, number >> 8 & 0xFF), (2, number & 0xFF)):
            records[self._places + octet] = value
        for position, seconds in self._times:
            records[position : position + 4] = np.frombuffer(struct.pack("<I", start + seconds), np.uint8)
        return records


def multiply(files: list[Path], out: Path, packets: int) -> int:
    """Write at least so many packets; gives how many."""
    recordings = [Recording(file) for file in files]
    written, start = 0, 1_700_000_000
    with out.open("wb") as file:
        file.write(recordings[0].header)
        for number in range(1 << 16):
            for recording in recordings:
                file.write(recording.copy(number, start).tobytes())
                written += recording.packets
                start += recording.seconds
            if written >= packets:
                break
    return written


def main(arguments: list[str]) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Make a large capture of small ones.")
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--packets", type=int, default=300_000)
    options = parser.parse_args(arguments)
    print(multiply(options.files, options.out, options.packets), "packets")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
