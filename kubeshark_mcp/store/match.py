"""By what two sightings of one call are recognised: hashes that do not depend on where the call was captured.

Address translation rewrites the server's address and port, never the client's nor the TCP sequence numbers; so a TCP
message is known by its client and the absolute sequence number of its first byte, anything else by its client and what
it says. The length of a message is left out on purpose: a sighting that lost packets may have another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.store.hashing import Hashes, mixed, number_hashes, stable_hash

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


def host_hashes(transport: str, addresses: Iterable[str]) -> Hashes:
    """Hash the addresses of clients that speak over a transport."""
    return np.array([stable_hash(transport, address) for address in addresses], np.uint64)


def client_hashes(hosts: Hashes, ports: NDArray[np.int64]) -> Hashes:
    """Hash what every sighting of a connection agrees on: the client's host, as `host_hashes` has it, and port."""
    return mixed(hosts ^ number_hashes(ports))


def sequence_match(
    clients: Hashes, salt: str, first: NDArray[np.int64], offsets: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Hash the absolute sequence number of messages that begin `offsets` behind sequence number `first`."""
    absolute = ((first + offsets) % _SEQUENCE_SPACE).astype(np.uint64)
    return _positive(mixed(clients ^ mixed(absolute + np.uint64(stable_hash(salt) >> 1))))


def client_match(clients: Hashes, salt: str) -> NDArray[np.int64]:
    """Hash the client alone: what connection entries are grouped by before their sequence numbers are compared."""
    return _positive(mixed(clients ^ np.uint64(stable_hash(salt))))


def content_match(clients: Hashes, protocol: str, contents: Iterable[Hashes]) -> NDArray[np.int64]:
    """Hash what entries say. contents: hashes of the values that tell an entry from others, one after the other."""
    hashes = np.full(len(clients), stable_hash(protocol), np.uint64)
    for content in contents:
        hashes = mixed(hashes ^ content)
    return _positive(mixed(clients ^ hashes))


def _positive(values: Hashes) -> NDArray[np.int64]:
    return (values & _MASK).astype(np.int64)
