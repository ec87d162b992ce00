"""By what two sightings of one call are recognised: hashes that do not depend on where the call was captured.

Address translation rewrites the server's address and port, never the client's nor the TCP sequence numbers; so a TCP
message is known by its client and the absolute sequence number of its first byte, anything else by its client and what
it says. The length of a message is left out on purpose: a sighting that lost packets may have another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.model.stream import Connection
from kubeshark_mcp.store.hashing import stable_hash, stable_hashes

MATCH_FIELDS: Mapping[str, tuple[str, ...]] = {
    "diameter": ("diameter_hop_by_hop", "diameter_end_to_end", "diameter_command_code"),
    "dns": ("dns_id", "dns_questions", "dns_question_types"),
    "icmp": (
        "icmp_type",
        "icmp_code",
        "icmp_id",
        "icmp_sequence",
        "icmp_target",
        "icmp_about_src",
        "icmp_about_src_port",
        "icmp_about_dst_port",
    ),
    "radius": ("radius_code", "radius_identifier", "radius_request_authenticator"),
    "sctp": (
        "sctp_request",
        "sctp_verification_tag",
        "sctp_chunk_types",
        "sctp_tsn",
        "sctp_cumulative_ack",
        "sctp_packet_length",
    ),
    "udp": ("udp_payload",),
}
"""What identifies a datagram of a protocol besides its client; without an entry here, its summary and length.

None of these may be what address translation rewrites (`icmp_about_dst`).
"""

_MASK = np.uint64(2**63 - 1)
_SEQUENCE_SPACE = 2**32


def client_hash(connection: Connection) -> int:
    """Hash what every sighting of a connection agrees on."""
    return stable_hash(*_client(connection))


def client_hashes(connections: Sequence[Connection]) -> NDArray[np.uint64]:
    """Give the `client_hash` of many connections."""
    return stable_hashes(map(_client, connections))


def _client(connection: Connection) -> tuple[str, str, int]:
    return connection.transport, connection.client.address, connection.client.port


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64-bit values (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def sequence_match(
    clients: NDArray[np.uint64], salt: str, first: NDArray[np.int64], offsets: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Hash the absolute sequence number of messages that begin `offsets` behind sequence number `first`."""
    absolute = ((first + offsets) % _SEQUENCE_SPACE).astype(np.uint64)
    return _positive(mixed(clients ^ mixed(absolute + np.uint64(stable_hash(salt) >> 1))))


def client_match(clients: NDArray[np.uint64], salt: str) -> NDArray[np.int64]:
    """Hash the client alone: what connection entries are grouped by before their sequence numbers are compared."""
    return _positive(mixed(clients ^ np.uint64(stable_hash(salt))))


def content_match(clients: NDArray[np.uint64], protocol: str, contents: Iterable[tuple[Any, ...]]) -> NDArray[np.int64]:
    """Hash what entries say: of each, the values that tell it from others."""
    hashes = stable_hashes((protocol, *content) for content in contents)
    return _positive(mixed(clients ^ hashes))


def text_of(value: object) -> str:
    """Write a value of an entry for its hash."""
    return "\x1e".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _positive(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (values & _MASK).astype(np.int64)
