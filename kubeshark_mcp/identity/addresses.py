"""Addresses as text: one spelling for each."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_GROUP = "(?:0|[1-9a-f][0-9a-f]{0,3})"
_USUAL = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}|(?!(?:.*:)?0:0(?::|\Z)){_GROUP}(?::{_GROUP}){{7}}")
"""Addresses that are written as they are to be: of IPv6 those of which nothing can be left out (RFC 5952)."""


def canonical(address: str) -> str:
    """Write an address as the capture room does (IPv4-mapped ones as IPv4); empty when it is none."""
    return address if _USUAL.fullmatch(address) else _parsed(address)


@lru_cache(maxsize=65_536)
def _parsed(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)
