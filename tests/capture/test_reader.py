from __future__ import annotations

import gzip

import pytest

from kubeshark_mcp.capture import open_capture
from kubeshark_mcp.errors import CaptureError
from tests.capture.building import copy, ethernet, interface, ipv4, pcap, read, section, tcp

PACKETS = [ethernet(ipv4(tcp(bytes([number]) * number))) for number in range(1, 100)]


@pytest.mark.parametrize("size", [1, 7, 99, 1000])
def test_the_size_of_blocks_changes_nothing_but_their_number(tmp_path, size):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(*PACKETS))
    with open_capture(path) as capture:
        lengths = [len(block) for block in capture.blocks(size)]
    assert sum(lengths) == 99
    assert max(lengths) <= size
    assert read(path, size=size)[0] == read(path)[0]


def test_a_gzipped_capture_reads_like_the_plain_one(tmp_path):
    plain = read(tmp_path / "a.pcap", pcap(*PACKETS))
    assert read(tmp_path / "a.pcap.gz", gzip.compress(pcap(*PACKETS))) == plain


def test_a_damaged_gzip_says_so_behind_the_packets_it_gives(tmp_path):
    packed = gzip.compress(pcap(*PACKETS), 0)
    rows, warnings = read(tmp_path / "a.pcap.gz", packed[: len(packed) // 2])
    assert 0 < len(rows) < 99
    assert "the gzip data is damaged: it ends before its end mark; what follows cannot be read" in warnings[-1]


def test_what_is_no_capture_is_quoted_with_its_first_bytes(tmp_path):
    cases = {
        b"hello world": "begins with 68 65 6c 6c 6f 20 77 6f",
        b"PK\x03\x04zip": "a ZIP archive: unpack it first",
        b"\xfd7zXZ\0": "xz -d",
        b"snoop\0\0\0": "editcap",
        gzip.compress(b"hello world"): "begins with 68 65",
        gzip.compress(b""): "holds nothing once decompressed",
        b"\x1f\x8b\xff\xff\xff": "holds nothing once decompressed",
        b"\xd4": "begins with d4",
    }
    for content, words in cases.items():
        path = tmp_path / "a.pcap"
        path.write_bytes(content)
        with pytest.raises(CaptureError) as caught:
            open_capture(path)
        assert words in str(caught.value)
        assert repr(str(path)) in str(caught.value)


def test_captures_without_packets_are_captures(tmp_path):
    assert read(tmp_path / "a.pcap", pcap()) == ([], [])
    assert read(tmp_path / "a.pcapng", section() + interface()) == ([], [])


def test_a_capture_is_read_once(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(*PACKETS))
    with open_capture(path) as capture:
        assert sum(map(len, capture.records())) == 99
        with pytest.raises(CaptureError, match="open it again"):
            next(capture.blocks())


def test_progress_ends_at_the_size(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(*PACKETS))
    with open_capture(path) as capture:
        for _ in capture.blocks():
            pass
        assert capture.position == capture.size == path.stat().st_size
        assert capture.random_access


def test_a_block_holds_every_column_for_every_packet(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(*PACKETS[:2]))
    with open_capture(path) as capture:
        (block,) = capture.blocks()
        assert copy(block) == {
            "number": [1, 2],
            "time_ns": [1_700_000_000_000_000_000, 1_700_000_000_000_001_000],
            "point": [0, 0],
            "captured_length": [55, 56],
            "original_length": [55, 56],
            "record_offset": [40, 111],
            "link_type": [1, 1],
            "ip_version": [4, 4],
            "protocol": [6, 6],
            "fragment": [False, False],
            "source_high": [0, 0],
            "source_low": [0xFFFF0A000001] * 2,
            "destination_high": [0, 0],
            "destination_low": [0xFFFF0A000002] * 2,
            "source_port": [40000, 40000],
            "destination_port": [80, 80],
            "ttl": [64, 64],
            "ip_id": [7, 7],
            "network_offset": [54, 125],
            "transport_offset": [74, 145],
            "payload_offset": [94, 165],
            "payload_length": [1, 2],
            "payload_missing": [0, 0],
            "sequence": [1000, 1000],
            "acknowledgment": [2000, 2000],
            "flags": [0x18, 0x18],
            "window": [512, 512],
        }
