"""Conversations that one process has to read, because what one of them says explains another.

Kafka's newer requests name topics by ids; which name an id stands for is told on other connections (KIP-516). So all
that speak Kafka stay together: on its own ports, on those that the user gave it, and where packets look like it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.dissect.base import Protocol, Settings
from kubeshark_mcp.model.packet import PROTOCOL_TCP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.model.packet import PacketBlock

KAFKA = "kafka"
_SHORTEST, _HEADER, _SIZE = 14, 14, 4
"""Bytes of a request: the shortest one; up to the length of the client's id; of the size in front."""
_KEYS, _VERSIONS, _LONGEST_ID = 128, 32, 255
"""Bounds of what is taken for a request: a little above what there is, and client ids as long as any that were seen."""


def ports_of(names: Collection[str], protocols: Iterable[Protocol], settings: Settings) -> frozenset[int]:
    """Give the ports of the protocols of these names: their own, and those that the user says are theirs."""
    own = {port for protocol in protocols if protocol.name in names for port in protocol.ports}
    mapped = {port for port, name in settings.ports.items() if name in names}
    return frozenset(own | mapped | {port for (_, port), name in settings.decode_as.items() if name in names})


def kafka_ports(block: PacketBlock) -> set[int]:
    """Give the ports to which packets of a block carry what looks like one whole Kafka request.

    That is its size, a known kind and version, and the client's id within it (Kafka protocol guide, request header).
    """
    rows = np.flatnonzero((block.protocol == PROTOCOL_TCP) & (block.payload_length >= _SHORTEST) & ~block.fragment)
    start, length = block.payload_offset[rows], block.payload_length[rows].astype(np.int64)
    whole = _number(block.data, start, _SIZE) == length - _SIZE
    rows, start, length = rows[whole], start[whole], length[whole]
    client = _number(block.data, start + 12, 2)
    client = np.where(client == 0xFFFF, 0, client)  # no id
    known = (_number(block.data, start + 4, 2) < _KEYS) & (_number(block.data, start + 6, 2) < _VERSIONS)
    known &= (client <= _LONGEST_ID) & (_HEADER + client <= length)
    return set(np.unique(block.destination_port[rows[known]]).tolist())


def _number(data: NDArray[np.uint8], start: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Read a number of so many bytes, big end first, at each of these places."""
    number: NDArray[Any] = data[start].astype(np.int64)
    for place in range(1, size):
        number = number << 8 | data[start + place]
    return number
