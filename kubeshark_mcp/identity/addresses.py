"""Addresses as text: one spelling for each."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address


@lru_cache(maxsize=65_536)
def canonical(address: str) -> str:
    """Write an address as the capture room does (IPv4-mapped ones as IPv4); empty when it is none."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)
