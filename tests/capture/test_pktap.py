from __future__ import annotations

import pytest

from kubeshark_mcp.capture.pktap import is_pktap
from tests.capture.building import ethernet, ipv4, pcap, pktap_header, read, tcp

SEGMENT = ethernet(ipv4(tcp(b"hello")))


def test_packets_of_one_interface_have_one_capture_point(tmp_path):
    frames = [pktap_header(1, interface) + SEGMENT for interface in ("en0", "utun3", "en0")]
    rows, warnings = read(tmp_path / "a.pcap", pcap(*frames, link_type=258))
    points = [row["point"] for row in rows]
    assert points[0] == points[2] != points[1]
    assert [row["payload_length"] for row in rows] == [5, 5, 5]
    assert warnings == []


@pytest.mark.parametrize(
    "header",
    [
        pktap_header(1)[:107],
        pktap_header(1, size=107),
        pktap_header(1)[:0] + b"\xff" * 4 + pktap_header(1)[4:],
        pktap_header(1, kind=2),
        pktap_header(258),
        pktap_header(149),
        pktap_header(1, "\x01\x02"),
        bytes(200),
        b"",
    ],
)
def test_what_only_bears_the_number_for_private_use_is_left_alone_and_told(tmp_path, header):
    assert not is_pktap(header)
    rows, warnings = read(tmp_path / "a.pcap", pcap(header, link_type=149))
    assert [row["ip_version"] for row in rows] == [0]
    assert warnings == ["packets of link type 149 are not decoded: it is not known here (packet 1, byte 24)"]
