from __future__ import annotations

from kubeshark_mcp.capture.fragments import Fragments
from kubeshark_mcp.capture.layer import Packet
from kubeshark_mcp.capture.packet import MOST_LAYERS, decode_packet
from kubeshark_mcp.capture.records import Findings
from tests.capture.building import ethernet, ipv4, tcp


def decoded(data: bytes) -> Packet:
    packet = Packet(data, len(data), len(data), 0, 0, Fragments(Findings()), [], len(data))
    decode_packet(packet, 1, 0)
    return packet


def test_headers_are_followed_to_the_payload():
    packet = decoded(ethernet(ipv4(tcp(b"hello"))))
    assert (packet.ip_version, packet.protocol, packet.source_port, packet.payload_length) == (4, 6, 40000, 5)


def test_only_so_many_headers_are_read():
    nested = ipv4(tcp(b"deep"), total=0)
    for _ in range(MOST_LAYERS + 5):
        nested = ipv4(nested, 4, total=0)
    packet = decoded(ethernet(nested))
    assert (packet.protocol, packet.source_port) == (4, 0)
