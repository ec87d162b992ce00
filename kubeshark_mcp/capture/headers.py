"""Headers as structured types: each field under its standard name at its offset, in network byte order."""

from __future__ import annotations

import numpy as np


def _header(size: int, *fields: tuple[str, int, str]) -> np.dtype[np.void]:
    return np.dtype(
        {
            "names": [name for name, _, _ in fields],
            "offsets": [offset for _, offset, _ in fields],
            "formats": [form for _, _, form in fields],
            "itemsize": size,
        }
    )


ETHERNET = _header(14, ("type", 12, ">u2"))
"""IEEE 802.3 section 3.2."""
VLAN = _header(4, ("type", 2, ">u2"))
"""IEEE 802.1Q tag behind its TPID: tag control information, then the next type."""
COOKED = _header(16, ("type", 14, ">u2"))
"""LINKTYPE_LINUX_SLL."""
COOKED_2 = _header(20, ("type", 0, ">u2"), ("interface", 4, ">u4"))
"""LINKTYPE_LINUX_SLL2."""
FAMILY = _header(4, ("big", 0, ">u4"), ("little", 0, "<u4"))
"""LINKTYPE_NULL and LINKTYPE_LOOP: an address family in the byte order of the capturing host, or network order."""
FIRST_BYTE = _header(1, ("value", 0, "u1"))
IPV4 = _header(
    20,
    ("version_length", 0, "u1"),
    ("total_length", 2, ">u2"),
    ("identification", 4, ">u2"),
    ("flags_offset", 6, ">u2"),
    ("ttl", 8, "u1"),
    ("protocol", 9, "u1"),
    ("source", 12, ">u4"),
    ("destination", 16, ">u4"),
)
"""RFC 791 section 3.1."""
IPV6 = _header(
    40,
    ("version_class", 0, "u1"),
    ("payload_length", 4, ">u2"),
    ("next_header", 6, "u1"),
    ("hop_limit", 7, "u1"),
    ("source_high", 8, ">u8"),
    ("source_low", 16, ">u8"),
    ("destination_high", 24, ">u8"),
    ("destination_low", 32, ">u8"),
)
"""RFC 8200 section 3."""
TCP = _header(
    20,
    ("source_port", 0, ">u2"),
    ("destination_port", 2, ">u2"),
    ("sequence", 4, ">u4"),
    ("acknowledgment", 8, ">u4"),
    ("offset_flags", 12, ">u2"),
    ("window", 14, ">u2"),
)
"""RFC 9293 section 3.1."""
UDP = _header(8, ("source_port", 0, ">u2"), ("destination_port", 2, ">u2"), ("length", 4, ">u2"))
"""RFC 768. SCTP has its ports at the same place."""
TUNNEL = _header(8, ("first", 0, "u1"), ("type", 2, ">u2"), ("word", 0, ">u4"), ("last", 7, "u1"))
"""VXLAN (RFC 7348 section 5) and Geneve (RFC 8926 section 3.4), as far as they are alike."""
