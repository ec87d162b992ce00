"""The SCTP packet: common header, chunks and what they say (RFC 9260 section 3, 8260, 3758, 5061, 6525, 4895).

Takes the bytes of one packet, gives a `Packet`; never raises on them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

from kubeshark_mcp.dissect.crc32c import Crc32c

HEADER_LENGTH = 12
_CHUNK = Struct(">BBH")
_DATA = Struct(">IHHI")
_I_DATA = Struct(">IHHII")

DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN, SHUTDOWN_ACK, ERROR = range(10)
COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE, I_DATA = 10, 11, 14, 64

CHUNKS = {
    DATA: "DATA",
    INIT: "INIT",
    INIT_ACK: "INIT_ACK",
    SACK: "SACK",
    HEARTBEAT: "HEARTBEAT",
    HEARTBEAT_ACK: "HEARTBEAT_ACK",
    ABORT: "ABORT",
    SHUTDOWN: "SHUTDOWN",
    SHUTDOWN_ACK: "SHUTDOWN_ACK",
    ERROR: "ERROR",
    COOKIE_ECHO: "COOKIE_ECHO",
    COOKIE_ACK: "COOKIE_ACK",
    12: "ECNE",
    13: "CWR",
    SHUTDOWN_COMPLETE: "SHUTDOWN_COMPLETE",
    15: "AUTH",
    16: "NR_SACK",
    I_DATA: "I_DATA",
    128: "ASCONF_ACK",
    129: "PKTDROP",
    130: "RE_CONFIG",
    132: "PAD",
    192: "FORWARD_TSN",
    193: "ASCONF",
    194: "I_FORWARD_TSN",
}
"""Chunk types by name (IANA "SCTP Chunk Types"), with `_` between words as Wireshark writes them."""

_SHORTEST = {
    DATA: 16, INIT: 20, INIT_ACK: 20, SACK: 16, HEARTBEAT: 4, HEARTBEAT_ACK: 4, ABORT: 4, SHUTDOWN: 8, SHUTDOWN_ACK: 4,
    ERROR: 4, COOKIE_ECHO: 4, COOKIE_ACK: 4, SHUTDOWN_COMPLETE: 4, I_DATA: 20,
}  # fmt: skip
"""Bytes that a chunk has at least, its header included; 4 for the others."""

CAUSES = {
    1: "Invalid Stream Identifier",
    2: "Missing Mandatory Parameter",
    3: "Stale Cookie",
    4: "Out of Resource",
    5: "Unresolvable Address",
    6: "Unrecognized Chunk Type",
    7: "Invalid Mandatory Parameter",
    8: "Unrecognized Parameters",
    9: "No User Data",
    10: "Cookie Received While Shutting Down",
    11: "Restart of an Association with New Addresses",
    12: "User-Initiated Abort",
    13: "Protocol Violation",
    160: "Request to Delete Last Remaining IP Address",
    161: "Operation Refused Due to Resource Shortage",
    162: "Request to Delete Source IP Address",
    163: "Association Aborted Due to Illegal ASCONF-ACK",
    164: "Request Refused - No Authorization",
    261: "Unsupported HMAC Identifier",
}
"""Error causes by name (IANA "SCTP Cause Codes")."""

PAYLOADS = {
    1: "IUA", 2: "M2UA", 3: "M3UA", 4: "SUA", 5: "M2PA", 6: "V5UA", 7: "H.248", 8: "BICC", 9: "TALI", 10: "DUA",
    11: "ASAP", 12: "ENRP", 13: "H.323", 14: "Q.IPC", 15: "SIMCO", 16: "DDP Segment", 17: "DDP Control", 18: "S1AP",
    19: "RUA", 20: "HNBAP", 21: "ForCES-HP", 22: "ForCES-MP", 23: "ForCES-LP", 24: "SBc-AP", 25: "NBAP", 27: "X2AP",
    28: "IRCP", 29: "LCS-AP", 30: "MPICH2", 31: "SABP", 32: "FGP", 33: "PPP", 34: "CALCAPP", 35: "SSP",
    36: "NPMP Control", 37: "NPMP Data", 38: "Echo", 39: "Discard", 40: "Daytime", 41: "Chargen", 42: "RNA", 43: "M2AP",
    44: "M3AP", 45: "SSH", 46: "Diameter", 47: "Diameter over DTLS", 48: "R14P", 49: "GDT", 50: "WebRTC DCEP",
    51: "WebRTC String", 52: "WebRTC Binary Partial", 53: "WebRTC Binary", 54: "WebRTC String Partial", 55: "PUA",
    56: "WebRTC String Empty", 57: "WebRTC Binary Empty", 58: "XwAP", 59: "Xw-CP", 60: "NGAP", 61: "XnAP", 62: "F1AP",
    63: "HTTP", 64: "E1AP", 65: "ELE2", 66: "NGAP over DTLS", 67: "XnAP over DTLS", 68: "F1AP over DTLS",
    69: "E1AP over DTLS", 70: "E2-CP", 71: "E2-UP", 72: "E2-DU", 73: "W1AP",
}  # fmt: skip
"""Payload protocol identifiers by name (IANA "SCTP Payload Protocol Identifiers")."""

DIAMETER_PAYLOADS = frozenset({46, 47})
"""Diameter in the clear and over DTLS (RFC 6733 section 11.4)."""


class Chunk(NamedTuple):
    """One chunk. start, end: where its value is in the packet, padding left out."""

    kind: int
    flags: int
    start: int
    end: int


class Data(NamedTuple):
    """What a DATA or I-DATA chunk carries (RFC 9260 section 3.3.1, RFC 8260 section 2.1).

    group, number: fragments of one message have the same group and consecutive numbers. payload: payload protocol
    identifier, -1 in later fragments of I-DATA. start, end: where the user data are in the packet.
    """

    tsn: int
    stream: int
    group: tuple[int, ...]
    number: int
    payload: int
    first: bool
    last: bool
    start: int
    end: int


@dataclass(slots=True)
class Packet:
    """One SCTP packet.

    checksum: as sent, in network byte order. count: all chunks. malformed: see Entry.
    """

    source_port: int = 0
    destination_port: int = 0
    tag: int = 0
    checksum: int = 0
    chunks: list[Chunk] = field(default_factory=list)
    malformed: str = ""


def parse_packet(data: bytes) -> Packet:
    """Read the common header and find the chunks; each takes at least 4 bytes, so they are bounded by the packet."""
    packet = Packet()
    if len(data) < HEADER_LENGTH:
        packet.malformed = f"the packet has {len(data)} bytes, less than a common header's {HEADER_LENGTH}"
        return packet
    packet.source_port, packet.destination_port = data[0] << 8 | data[1], data[2] << 8 | data[3]
    packet.tag, packet.checksum = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
    at, size = HEADER_LENGTH, len(data)
    chunks = packet.chunks
    while at < size:
        if at + 4 > size:
            packet.malformed = f"{size - at} bytes at byte {at} are less than the header of a chunk"
            break
        kind, flags, length = _CHUNK.unpack_from(data, at)
        shortest = _SHORTEST.get(kind, 4)
        if length < 4 or at + length > size:
            name = chunk_name(kind)
            packet.malformed = f"the {name} chunk at byte {at} claims {length} bytes, {size - at} are there"
            if length >= shortest:
                chunks.append(Chunk(kind, flags, at + 4, size))
            break
        if length < shortest and not packet.malformed:
            packet.malformed = f"the {chunk_name(kind)} chunk at byte {at} has {length} of at least {shortest} bytes"
        chunks.append(Chunk(kind, flags, at + 4, at + length))
        at += length + (-length & 3)
    return packet


def chunk_name(kind: int) -> str:
    """Name a chunk type."""
    return CHUNKS.get(kind) or f"CHUNK_{kind}"


def payload_name(identifier: int) -> str:
    """Name a payload protocol; 0 means that the sender does not say."""
    return PAYLOADS.get(identifier) or (f"PPID {identifier}" if identifier > 0 else "")


def data_of(data: bytes, chunk: Chunk) -> Data | None:
    """Read a DATA or I-DATA chunk; None for other chunks and where its header is cut."""
    start, end, flags = chunk.start, chunk.end, chunk.flags
    first, last, unordered = bool(flags & 2), bool(flags & 1), flags >> 2 & 1
    if chunk.kind == DATA and end - start >= 12:
        tsn, stream, _, payload = _DATA.unpack_from(data, start)
        return Data(tsn, stream, (), tsn, payload, first, last, start + 12, end)
    if chunk.kind == I_DATA and end - start >= 16:
        tsn, stream, _, message, payload = _I_DATA.unpack_from(data, start)
        number = 0 if first else payload
        group = (stream, unordered, message)
        return Data(tsn, stream, group, number, payload if first else -1, first, last, start + 16, end)
    return None


def causes_of(data: bytes, chunk: Chunk) -> tuple[str, ...]:
    """Name the causes in an ABORT or ERROR chunk (RFC 9260 section 3.3.10); at most 16."""
    found: list[str] = []
    at = chunk.start
    while at + 4 <= chunk.end and len(found) < 16:
        code, length = data[at] << 8 | data[at + 1], data[at + 2] << 8 | data[at + 3]
        found.append(CAUSES.get(code) or f"Cause {code}")
        if length < 4:
            break
        at += length + (-length & 3)
    return tuple(found)


def checksum_state(data: bytes, packet: Packet, crc: Crc32c) -> str:
    """Say what the checksum of a whole packet is worth: `good`, `absent` (RFC 9653), `adler32` (RFC 2960) or `bad`."""
    if not packet.checksum:
        return "absent"
    bare = data[:8] + b"\0\0\0\0" + data[HEADER_LENGTH:]
    if crc.of(bare) == int.from_bytes(data[8:12], "little"):
        return "good"
    return "adler32" if zlib.adler32(bare) == packet.checksum else "bad"
