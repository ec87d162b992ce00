"""Write captures of any size with numpy: many TCP flows, each a whole HTTP exchange, as many open at once as asked.

`python benchmarks/generate.py OUT --flows 100000 [--exchanges 1] [--open 100000] [--link ethernet|vlan|sll|sll2]`

All flows of a group go through the same steps in lockstep (SYN of all, then SYN-ACK of all, and so on), so the packets
of one flow lie far apart. Addresses, ports, sequence numbers, lengths and checksums are right; tshark agrees with them.
"""

from __future__ import annotations

import argparse
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.uint32]

START = 1_700_000_000
"""Unix seconds of the first packet."""
MICROSECONDS_A_PACKET = 7
FIN, SYN, PUSH, ACK = 0x01, 0x02, 0x08, 0x10
LINKS: dict[str, tuple[int, bytes]] = {
    "ethernet": (1, bytes.fromhex("020000000002 020000000001 0800")),
    "vlan": (1, bytes.fromhex("020000000002 020000000001 8100 0064 0800")),
    "sll": (113, bytes.fromhex("0000 0001 0006 020000000001 0000 0800")),
    "sll2": (276, bytes.fromhex("0800 0000 00000003 0001 00 06 020000000001 0000")),
}
"""Link types (LINKTYPE_ numbers of libpcap) with the header of each packet."""
REQUEST = (
    b"GET /items/%(number)s?page=2 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: generate/1.0\r\nAccept: */*\r\n"
    b"X-Request-Id: %(number)s\r\n\r\n"
)
BODY = b'{"item": "%(number)s", "text": "' + b"lorem ipsum dolor sit amet " * 8 + b'"}'
RESPONSE = (
    b"HTTP/1.1 200 OK\r\nServer: generate\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    % (len(BODY) - len(b"%(number)s") + 8)
) + BODY
MARK = b"%(number)s"
"""In a template: eight decimal digits that number the exchange."""


@dataclass(frozen=True, slots=True)
class Step:
    """One packet that every flow sends. sent, received: bytes that its sender has sent and received before."""

    from_client: bool
    flags: int
    template: bytes
    sent: int
    received: int
    exchange: int = 0


def steps(exchanges: int) -> list[Step]:
    """List the packets of one flow: handshake, `exchanges` requests with their responses, and both FINs."""
    request, response = (len(text.replace(MARK, b"0" * 8)) for text in (REQUEST, RESPONSE))
    found = [Step(True, SYN, b"", 0, 0), Step(False, SYN | ACK, b"", 0, 1), Step(True, ACK, b"", 1, 1)]
    client = server = 1
    for number in range(exchanges):
        found.append(Step(True, PUSH | ACK, REQUEST, client, server, number))
        client += request
        found.append(Step(False, PUSH | ACK, RESPONSE, server, client, number))
        server += response
        found.append(Step(True, ACK, b"", client, server))
    found.append(Step(True, FIN | ACK, b"", client, server))
    found.append(Step(False, FIN | ACK, b"", server, client + 1))
    found.append(Step(True, ACK, b"", client + 1, server + 1))
    return found


def digits(numbers: Numbers) -> Bytes:
    """Write each number as eight decimal digits: an array of shape (n, 8) of ASCII codes."""
    powers = 10 ** np.arange(7, -1, -1, dtype=np.uint32)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def big_endian(values: Numbers, octets: int) -> Bytes:
    """Write each value in network byte order: an array of shape (n, octets)."""
    return values.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 4 - octets :]


def checksums(data: Bytes, pseudo_header: Numbers | None = None) -> Numbers:
    """Compute the Internet checksum (RFC 1071) of each row."""
    if data.shape[1] % 2:
        data = np.pad(data, ((0, 0), (0, 1)))
    total = np.ascontiguousarray(data).view(">u2").sum(axis=1, dtype=np.uint32)
    if pseudo_header is not None:
        total += pseudo_header
    for _ in range(2):
        total = (total & 0xFFFF) + (total >> 16)
    found: Numbers = ~total & np.uint32(0xFFFF)
    return found


def rows(step: Step, flows: Numbers, exchanges: int) -> Bytes:
    """Build the IPv4 packets of one step for the given flows, one a row.

    Flow f has the client 10.x.y.z made of f // 50000 and the port 10000 + f % 50000; the server is 192.0.2.1 to .250.
    """
    payload = _payload(step, flows, exchanges)
    packet = np.zeros((len(flows), 40 + payload.shape[1]), np.uint8)
    client, server = np.uint32(0x0A000100) + flows // np.uint32(50_000), np.uint32(0xC0000201) + flows % np.uint32(250)
    client_port, server_port = np.uint32(10_000) + flows % np.uint32(50_000), np.full_like(flows, 80)
    first = np.uint32(4_242) + flows * np.uint32(2_654_435_761)  # spreads the initial sequence numbers (Knuth)
    ours, theirs = (first, ~first) if step.from_client else (~first, first)
    addresses = (client, server) if step.from_client else (server, client)
    ports = (client_port, server_port) if step.from_client else (server_port, client_port)
    packet[:, :12] = np.frombuffer(struct.pack("!BBHHHBBH", 0x45, 0, packet.shape[1], 0, 0x4000, 64, 6, 0), np.uint8)
    packet[:, 4:6] = big_endian(flows & np.uint32(0xFFFF), 2)
    packet[:, 12:16], packet[:, 16:20] = (big_endian(address, 4) for address in addresses)
    packet[:, 10:12] = big_endian(checksums(packet[:, :20]), 2)
    packet[:, 20:22], packet[:, 22:24] = (big_endian(port, 2) for port in ports)
    packet[:, 24:28] = big_endian(ours + np.uint32(step.sent), 4)
    if step.flags & ACK:
        packet[:, 28:32] = big_endian(theirs + np.uint32(step.received), 4)
    packet[:, 32:36] = np.frombuffer(struct.pack("!BBH", 0x50, step.flags, 64_240), np.uint8)
    packet[:, 40:] = payload
    halves = (client >> 16) + (client & 0xFFFF) + (server >> 16) + (server & 0xFFFF)
    pseudo: Numbers = halves + np.uint32(6 + packet.shape[1] - 20)
    packet[:, 36:38] = big_endian(checksums(packet[:, 20:], pseudo), 2)
    return packet


def _payload(step: Step, flows: Numbers, exchanges: int) -> Bytes:
    whole = np.frombuffer(step.template.replace(MARK, b"0" * 8), np.uint8)
    payload = np.tile(whole, (len(flows), 1))
    numbers = digits(flows * np.uint32(exchanges) + np.uint32(step.exchange))
    before, place = 0, step.template.find(MARK)
    while place >= 0:
        at = place - before * (len(MARK) - 8)
        payload[:, at : at + 8] = numbers
        before, place = before + 1, step.template.find(MARK, place + 1)
    return payload


def records(packets: Bytes, link: str, first: int) -> Bytes:
    """Put link and record headers (microseconds, little-endian) before packets. first: number of the first packet."""
    prefix = np.frombuffer(LINKS[link][1], np.uint8)
    count, size = len(packets), len(prefix) + packets.shape[1]
    found = np.empty((count, 16 + size), np.uint8)
    microseconds = (first + np.arange(count, dtype=np.uint64)) * MICROSECONDS_A_PACKET
    header = np.empty((count, 4), "<u4")
    header[:, 0], header[:, 1] = START + microseconds // 1_000_000, microseconds % 1_000_000
    header[:, 2:] = size
    found[:, :16] = header.view(np.uint8)
    found[:, 16 : 16 + len(prefix)] = prefix
    found[:, 16 + len(prefix) :] = packets
    return found


def groups(flows: int, together: int) -> Iterator[Numbers]:
    """Split the flow numbers into groups that are open at the same time."""
    for first in range(0, flows, together):
        yield np.arange(first, min(first + together, flows), dtype=np.uint32)


def write(path: Path, flows: int, exchanges: int = 1, together: int = 100_000, link: str = "ethernet") -> int:
    """Write a capture and return its number of packets. together: flows that are open at once."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, LINKS[link][0]))
        return sum(
            _write_group(file, group, exchanges, link, start) for group, start in _numbered(flows, exchanges, together)
        )


def _numbered(flows: int, exchanges: int, together: int) -> Iterator[tuple[Numbers, int]]:
    each, before = len(steps(exchanges)), 0
    for group in groups(flows, together):
        yield group, before
        before += len(group) * each


def _write_group(file: BinaryIO, group: Numbers, exchanges: int, link: str, before: int) -> int:
    count = 0
    for step in steps(exchanges):
        # In slices, so that memory stays small however many flows there are.
        for flows in np.array_split(group, max(1, len(group) // 20_000)):
            file.write(records(rows(step, flows, exchanges), link, before + count).tobytes())
            count += len(flows)
    return count


def main() -> None:
    """Write what the command line asks for and say how many packets it has."""
    parser = argparse.ArgumentParser(description="Write a capture with many TCP flows.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--flows", type=int, default=100_000, help="number of connections (default 100000)")
    parser.add_argument("--exchanges", type=int, default=1, help="requests a connection (default 1)")
    parser.add_argument("--open", type=int, default=100_000, dest="together", help="connections open at once")
    parser.add_argument("--link", choices=sorted(LINKS), default="ethernet", help="link layer")
    asked = parser.parse_args()
    if not 0 < asked.flows * asked.exchanges < 100_000_000:
        parser.error("flows times exchanges must be between 1 and 99,999,999")
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    count = write(asked.out, asked.flows, asked.exchanges, asked.together, asked.link)
    sys.stdout.write(f"{asked.out}: {count} packets, {asked.out.stat().st_size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
