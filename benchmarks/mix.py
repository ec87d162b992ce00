"""Make one mixed capture of several: their packets side by side, as if all had been recorded at one time.

`python -m benchmarks.mix OUT FILE...`: every file is spread over the whole length of the result, its packets in their
order, so that all protocols are at work all along. Little-endian microsecond captures of one link type.
"""

from __future__ import annotations

import argparse
import mmap
import struct
import sys
from pathlib import Path

import numpy as np

from kubeshark_mcp.capture.reader import open_capture

HEADER, RECORD = 24, 16
START = 1_700_000_000
"""Unix seconds of the first packet."""
MICROSECONDS_A_PACKET = 100
PART = 1 << 20
"""Packets that are put in order at once."""


def places(path: Path) -> np.ndarray:
    """Give where each record of a capture begins, and behind the last one where it ends."""
    with open_capture(path) as capture:
        parts = [records.header + records.base for records in capture.records(1 << 16)]
    return np.append(np.concatenate(parts), path.stat().st_size).astype(np.int64)


def mix(files: list[Path], out: Path) -> int:
    """Write the mixed capture; gives how many packets it has."""
    begins = [places(file) for file in files]
    counts = [len(found) - 1 for found in begins]
    turn = np.concatenate([(np.arange(count) + 0.5) / count for count in counts])
    whose = np.repeat(np.arange(len(files), dtype=np.int16), counts)[np.argsort(turn, kind="stable")]
    data = [_mapped(file) for file in files]
    following = [0] * len(files)
    with out.open("wb") as file:
        file.write(data[0][:HEADER])
        for first in range(0, len(whose), PART):
            for number, one in enumerate(whose[first : first + PART].tolist(), first):
                begin, end = begins[one][following[one]], begins[one][following[one] + 1]
                following[one] += 1
                seconds, microseconds = divmod(number * MICROSECONDS_A_PACKET, 1_000_000)
                file.write(struct.pack("<II", START + seconds, microseconds))
                file.write(data[one][begin + 8 : end])
    return len(whose)


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def main(arguments: list[str]) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Make one mixed capture of several.")
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    print(mix(options.files, options.out), "packets")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
