"""Which bytes of an ICMP message say something: of the packet that an error quotes, addresses, protocol and ports.

Arrays of many messages at once. A message keeps what its reading depends on, so that messages that say the same are
the same bytes: identification, hop limit and checksum of the quoted packet differ each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.dissect.wire_icmp import ECHOES, HEADER_LENGTH, QUOTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PORTS, _ECHO = 4, 8
"""Bytes of what a quoted packet carries that are read: its ports; the header of an echo."""

_QUOTED = np.zeros((2, 256), bool)
for _version, _kind in QUOTES:
    _QUOTED[_version // 6, _kind] = True

_CARRIED = np.zeros((2, 256), np.int64)
_CARRIED[:, [6, 17, 132]] = _PORTS
_CARRIED[0, 1] = _CARRIED[1, 58] = _ECHO

_ECHO_TYPES = np.zeros((2, 256), bool)
for _version, _kind in ECHOES:
    _ECHO_TYPES[_version // 6, _kind] = True

_SILENT_4 = (2, 3)
"""Bytes of every message that say nothing: its checksum."""
_SILENT_QUOTED = ((1, 4, 5, 8, 10, 11), (1, 2, 3, 7))
"""Of a quoted IPv4 packet: type of service, identification, hop limit, checksum; of IPv6: flow label, hop limit."""
_HEADERS = (20, 40)


def quoting_lengths(
    data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64], six: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Set bytes to zero that do not matter, in place; give how many of each message matter.

    starts, lengths: of messages of at least a header's length. six: of ICMPv6.
    """
    for at in _SILENT_4:
        data[starts + at] = 0
    needed = lengths.copy()
    quoting = np.flatnonzero(_QUOTED[six.astype(np.intp), data[starts]])
    for version, (header, silent) in enumerate(zip(_HEADERS, _SILENT_QUOTED, strict=True)):
        rows = quoting[(six[quoting] == version) & (lengths[quoting] >= HEADER_LENGTH + header + _ECHO)]
        rows = rows[_plain(data, starts[rows] + HEADER_LENGTH, version)]
        at = starts[rows] + HEADER_LENGTH
        for offset in silent:
            data[at + offset] = 0
        protocol = data[at + (6 if version else 9)]
        carried = _CARRIED[version, protocol]
        data[at[carried == _ECHO, None] + header + np.array([1, 2, 3])] = 0
        needed[rows] = HEADER_LENGTH + header + carried
    return needed


def _plain(data: NDArray[np.uint8], at: NDArray[np.int64], version: int) -> NDArray[Any]:
    """Tell which quoted packets have a header without options and carry, whole, something that has ports or an echo."""
    if version:
        return np.asarray((data[at] >> 4 == 6) & _known(data, at + 40, data[at + 6], version))
    whole = (data[at] == 0x45) & (data[at + 6] & 0x1F == 0) & (data[at + 7] == 0)
    return np.asarray(whole & _known(data, at + 20, data[at + 9], version))


def _known(data: NDArray[np.uint8], at: NDArray[np.int64], protocol: NDArray[np.uint8], version: int) -> NDArray[Any]:
    """Tell which carry ports, or a message of an echo of the same version."""
    carried = _CARRIED[version, protocol]
    return np.asarray((carried == _PORTS) | ((carried == _ECHO) & _ECHO_TYPES[version, data[at]]))
