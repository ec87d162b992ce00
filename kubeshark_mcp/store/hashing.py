"""Hashes that are alike in every process and version."""

from __future__ import annotations

from hashlib import blake2b


def stable_hash(*parts: object) -> int:
    """Hash the text of parts to 64 bits without sign."""
    text = "\x1f".join(map(str, parts)).encode("utf-8", "replace")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")
