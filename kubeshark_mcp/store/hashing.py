"""Hashes that are alike in every process and version."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


def stable_hash(*parts: object) -> int:
    """Hash the text of parts to 64 bits without sign."""
    text = "\x1f".join(map(str, parts)).encode("utf-8", "replace")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


def stable_hashes(rows: Iterable[Iterable[object]]) -> NDArray[np.uint64]:
    """Give the `stable_hash` of the parts of each row."""
    digests = [blake2b("\x1f".join(map(str, row)).encode("utf-8", "replace"), digest_size=8).digest() for row in rows]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
