from __future__ import annotations

import random
import struct

import pytest

from kubeshark_mcp.capture import Interface, open_capture
from kubeshark_mcp.errors import CaptureError
from tests.capture.building import START, ethernet, ipv4, pcap, pcap_head, read, record, tcp

PACKETS = [ethernet(ipv4(tcp(b"x" * size))) for size in (0, 1, 500)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "unit"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_both_byte_orders_and_both_resolutions_are_read_exactly(tmp_path, order, magic, unit):
    rows, warnings = read(tmp_path / "a.pcap", pcap(*PACKETS, order=order, magic=magic))
    assert [row["time_ns"] for row in rows] == [START * 10**9 + number * unit for number in range(3)]
    assert [row["number"] for row in rows] == [1, 2, 3]
    assert [row["captured_length"] for row in rows] == [len(packet) for packet in PACKETS]
    assert [row["payload"] for row in rows] == [b"", b"x", b"x" * 500]
    assert warnings == []


def test_seconds_count_beyond_2038(tmp_path):
    rows, _ = read(tmp_path / "a.pcap", pcap_head() + record(b"x", seconds=0xFFFFFFFF, fraction=999_999))
    assert rows[0]["time_ns"] == 0xFFFFFFFF * 10**9 + 999_999_000


@pytest.mark.parametrize("size", [24, 28])
def test_the_longer_record_headers_of_modified_pcap_are_skipped(tmp_path, size):
    records = b"".join(
        struct.pack("<IIII", START, number, len(packet), len(packet)) + bytes(size - 16) + packet
        for number, packet in enumerate(PACKETS)
    )
    rows, warnings = read(tmp_path / "a.pcap", pcap_head(magic=0xA1B2CD34) + records)
    assert [row["payload"] for row in rows] == [b"", b"x", b"x" * 500]
    assert warnings == []


def test_the_header_tells_the_interface(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap_head(0x24000001, magic=0xA1B23C4D, snaplen=96))
    with open_capture(path) as capture:
        assert capture.interfaces == [Interface(1, "", 96, 10**9, "", 4)]


def test_a_file_cut_inside_a_packet_gives_the_others_and_says_where(tmp_path):
    content = pcap(*PACKETS)
    rows, warnings = read(tmp_path / "a.pcap", content[:-10])
    where = len(content) - 16 - len(PACKETS[2])
    assert len(rows) == 2
    assert warnings == [
        f"the file ends inside packet 3: {len(PACKETS[2]) - 10} of {len(PACKETS[2])} bytes are there"
        f" (packet 3, byte {where})"
    ]


def test_a_file_cut_inside_a_record_header_says_so(tmp_path):
    content = pcap(*PACKETS)
    rows, warnings = read(tmp_path / "a.pcap", content + b"123")
    assert len(rows) == 3
    assert warnings == [f"the file ends inside the record header of packet 4 (packet 4, byte {len(content)})"]


def test_an_impossible_length_ends_the_reading_with_a_warning(tmp_path):
    content = pcap(*PACKETS)
    rows, warnings = read(tmp_path / "a.pcap", content + struct.pack("<IIII", START, 0, 300_000, 300_000) + bytes(99))
    assert len(rows) == 3
    assert warnings == [
        "packet 4 claims 300000 bytes, more than any capture keeps, so the file is damaged there and nothing behind it"
        f" can be read (packet 4, byte {len(content)})"
    ]


def test_a_file_that_ends_inside_its_header_is_refused(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap_head()[:20])
    with pytest.raises(CaptureError, match="ends inside its pcap header"):
        open_capture(path)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_large_file_is_read_in_lanes_even_when_its_packets_hold_captures(tmp_path, order):
    generator = random.Random(5)
    decoy = record(b"0123456789", order=order) * 20
    packets = [
        ethernet(ipv4(tcp(generator.choice([b"", decoy, generator.randbytes(generator.randrange(1400))]))))
        for _ in range(4000)
    ]
    rows, warnings = read(tmp_path / "a.pcap", pcap(*packets, order=order), size=1000)
    assert [row["captured_length"] for row in rows] == list(map(len, packets))
    assert [row["number"] for row in rows] == list(range(1, 4001))
    assert warnings == []
