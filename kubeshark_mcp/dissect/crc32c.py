"""The checksum of SCTP: CRC-32 with the Castagnoli polynomial (RFC 9260 appendix A), over whole arrays of bytes.

The checksum is linear: each byte adds a value that depends on the byte and its distance from the end alone. So a table
of these values turns 1,500 bytes into one look-up of 1,500 numbers and one exclusive or over them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
"""0x1EDC6F41 with its bits reversed."""
_BLOCK = 2048
"""Bytes that are taken at once; the table has 256 numbers for each of them (2 MB)."""


class Crc32c:
    """Computes checksums; makes its table when first asked."""

    def __init__(self) -> None:
        self._table: NDArray[np.uint32] | None = None
        self._rows: NDArray[np.intp] | None = None

    def of(self, data: bytes) -> int:
        """Give the CRC32c of the bytes."""
        import numpy as np

        if self._table is None or self._rows is None:
            self._table, self._rows = _make_table(), np.arange(_BLOCK - 1, -1, -1, dtype=np.intp) << 8
        table, rows = self._table, self._rows
        values = np.frombuffer(data, np.uint8)
        state = 0xFFFFFFFF
        for start in range(0, len(data), _BLOCK):
            block = values[start : start + _BLOCK]
            if len(block) < 4:
                state = _step_by_step(table, state, block.tolist())
                continue
            indexes = rows[-len(block) :] + block
            indexes[:4] ^= np.frombuffer(state.to_bytes(4, "little"), np.uint8)
            state = int(np.bitwise_xor.reduce(table[indexes]))
        return state ^ 0xFFFFFFFF


def _step_by_step(table: NDArray[np.uint32], state: int, data: list[int]) -> int:
    for byte in data:
        state = int(table[(state ^ byte) & 0xFF]) ^ state >> 8
    return state


def _make_table() -> NDArray[np.uint32]:
    """Give what byte value v at distance d from the end adds, at index d * 256 + v."""
    import numpy as np

    row = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        row = np.where(row & 1, row >> 1 ^ np.uint32(_POLYNOMIAL), row >> 1).astype(np.uint32)
    first, rows = row, [row]
    for _ in range(_BLOCK - 1):
        row = first[row & 0xFF] ^ row >> 8
        rows.append(row)
    return np.concatenate(rows)
