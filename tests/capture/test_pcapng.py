from __future__ import annotations

import random
import struct

import pytest

from kubeshark_mcp.capture import open_capture, pcapng
from kubeshark_mcp.capture.export import Source, export_packets, read_packets, write_packets
from kubeshark_mcp.errors import CaptureError
from tests.capture.building import START, block, enhanced, ethernet, interface, ipv4, option, read, section, tcp, udp

PACKET = ethernet(ipv4(tcp(b"hello")))


@pytest.mark.parametrize("order", ["<", ">"])
def test_interfaces_differ_in_link_type_and_time_resolution(tmp_path, order):
    content = (
        section(order)
        + interface(1, order=order)
        + interface(101, option(9, b"\x09", order) + option(14, struct.pack(f"{order}q", 10), order), order)
        + enhanced(PACKET, START * 10**6 + 1, 0, order)
        + enhanced(ipv4(udp(b"raw"), 17), START * 10**9 + 7, 1, order)
    )
    rows, warnings = read(tmp_path / "a.pcapng", content)
    assert [(row["point"], row["link_type"], row["time_ns"], row["payload"]) for row in rows] == [
        (0, 1, START * 10**9 + 1000, b"hello"),
        (1, 101, (START + 10) * 10**9 + 7, b"raw"),
    ]
    assert warnings == []


def test_each_section_has_its_own_byte_order_and_interfaces(tmp_path):
    content = b""
    for number, order in enumerate("<><<>"):
        content += section(order) + interface(1, option(2, f"eth{number}".encode(), order), order)
        content += enhanced(PACKET, START * 10**6 + number, 0, order)
    path = tmp_path / "a.pcapng"
    rows, warnings = read(path, content)
    assert [(row["number"], row["point"], row["payload"]) for row in rows] == [(n + 1, n, b"hello") for n in range(5)]
    assert warnings == []
    with open_capture(path) as capture:
        list(capture.records())
        assert [point.name for point in capture.interfaces] == [f"eth{number}" for number in range(5)]


def test_simple_and_obsolete_packet_blocks_stay_in_order(tmp_path):
    obsolete = struct.pack("<HHIIII", 0, 3, 0, 5_000_000, len(PACKET), len(PACKET)) + PACKET
    content = section() + interface(snaplen=40) + block(2, obsolete)
    content += block(3, struct.pack("<I", len(PACKET)) + PACKET[:40]) + enhanced(PACKET, 6_000_000)
    rows, warnings = read(tmp_path / "a.pcapng", content)
    assert [(row["time_ns"], row["captured_length"], row["original_length"]) for row in rows] == [
        (5_000_000_000, len(PACKET), len(PACKET)),
        (5_000_000_000, 40, len(PACKET)),
        (6_000_000_000, len(PACKET), len(PACKET)),
    ]
    assert warnings == ["packets without a time (simple packet blocks) take the time of the packet before"]


def test_names_secrets_and_unknown_blocks_are_read_and_skipped(tmp_path):
    names = option(1, bytes([10, 0, 0, 1]) + b"web\0") + option(0, b"")
    path = tmp_path / "a.pcapng"
    path.write_bytes(
        section()
        + interface()
        + block(4, names)
        + block(10, struct.pack("<II", 0x544C534B, 5) + b"KEYS\n")
        + block(77, b"")
        + enhanced(PACKET)
    )
    with open_capture(path) as capture:
        assert sum(len(records) for records in capture.records()) == 1
        assert (capture.names, capture.secrets, capture.warnings) == ([("10.0.0.1", "web")], [b"KEYS\n"], [])


@pytest.mark.parametrize(("kind", "head"), [(0xBAD, 4), (0x40000BAD, 4), (9, 0)])
def test_blocks_that_wireshark_numbers_as_frames_have_numbers_but_are_no_packets(tmp_path, kind, head):
    other = block(kind, bytes(head) + b"anything")
    path = tmp_path / "a.pcapng"

    rows, warnings = read(path, section() + other + interface() + enhanced(PACKET, 5_000_000) + other + other)

    columns = ("number", "time_ns", "captured_length", "link_type", "ip_version", "payload")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        (1, 5_000_000_000, 8, -1, 0, b""),
        (2, 5_000_000_000, len(PACKET), 1, 4, b"hello"),
        (3, 5_000_000_000, 8, -1, 0, b""),
        (4, 5_000_000_000, 8, -1, 0, b""),
    ]
    assert warnings == []
    exported = export_packets([Source(path)], tmp_path / "out.pcap", bpf="udp or tcp")
    assert (exported.packets, export_packets([Source(path)], tmp_path / "all.pcap").packets) == (1, 1)
    assert (tmp_path / "out.pcap").read_bytes() == (tmp_path / "all.pcap").read_bytes()
    assert write_packets(read_packets(path, [1, 2])) == write_packets(read_packets(path, [2]))


def test_a_custom_block_too_short_for_its_number_is_passed_over_without_harm(tmp_path):
    rows, warnings = read(tmp_path / "a.pcapng", section() + interface() + block(0xBAD, b"") + enhanced(PACKET))

    assert [(row["number"], row["captured_length"]) for row in rows] == [(1, 0), (2, len(PACKET))]
    assert warnings == []


def test_packets_without_a_time_before_the_first_that_has_one_take_its_time(tmp_path):
    simple = block(3, struct.pack("<I", len(PACKET)) + PACKET)

    rows, _ = read(tmp_path / "a.pcapng", section() + interface() + simple + enhanced(PACKET, 6_000_000))

    assert [row["time_ns"] for row in rows] == [6_000_000_000, 6_000_000_000]


def test_dropped_packets_are_reported_for_each_section(tmp_path):
    def dropped(count: int) -> bytes:
        return block(5, struct.pack("<III", 0, 0, 0) + option(5, struct.pack("<Q", count)))

    part = section() + interface() + dropped(3)
    rows, warnings = read(tmp_path / "a.pcapng", part + dropped(4) + enhanced(PACKET) + part)
    assert len(rows) == 1
    assert [text.partition(" (")[0] for text in warnings] == [
        "interface 0: the interface dropped 4 packets",
        "interface 0: the interface dropped 3 packets",
    ]


def test_a_packet_of_an_unknown_interface_or_too_long_for_its_block_is_left_out(tmp_path):
    wrong = bytearray(enhanced(PACKET))
    wrong[20:24] = struct.pack("<I", 5000)
    content = section() + interface() + enhanced(PACKET, number=4) + bytes(wrong) + enhanced(PACKET)
    rows, warnings = read(tmp_path / "a.pcapng", content)
    assert [(row["number"], row["payload"]) for row in rows] == [(1, b"hello")]
    assert warnings == ["2 packet block(s) left out, the first names an unknown interface (packet 1, byte 48)"]


def test_a_block_with_an_impossible_length_ends_the_reading(tmp_path):
    content = section() + interface() + enhanced(PACKET)
    rows, warnings = read(tmp_path / "a.pcapng", content + struct.pack("<II", 6, 7) + bytes(40))
    assert len(rows) == 1
    assert warnings == [
        "a block of type 0x00000006 claims 7 bytes, so the file is damaged there and nothing behind it can be read"
        f" (packet 2, byte {len(content)})"
    ]


def test_a_file_cut_inside_a_block_says_where(tmp_path):
    content = section() + interface() + enhanced(PACKET)
    last = enhanced(PACKET)
    rows, warnings = read(tmp_path / "a.pcapng", content + last[:-1])
    assert len(rows) == 1
    assert warnings == [
        f"the file ends inside a block: {len(last) - 1} of {len(last)} bytes are there (packet 2, byte {len(content)})"
    ]


def test_a_section_without_a_byte_order_is_damage(tmp_path):
    content = section() + interface() + enhanced(PACKET)
    rows, warnings = read(tmp_path / "a.pcapng", content + block(0x0A0D0D0A, bytes(16)))
    assert len(rows) == 1
    assert warnings[0].startswith("a section header has no byte-order magic, so the file is damaged there")


def test_a_file_that_ends_inside_its_section_header_is_refused(tmp_path):
    path = tmp_path / "a.pcapng"
    path.write_bytes(section()[:20])
    with pytest.raises(CaptureError, match="ends inside its first pcapng section header"):
        open_capture(path)


def test_interfaces_beyond_the_limit_are_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(pcapng, "MOST_INTERFACES", 1)
    content = section() + interface() + interface() + enhanced(PACKET) + enhanced(PACKET, number=1)
    rows, warnings = read(tmp_path / "a.pcapng", content)
    assert len(rows) == 1
    assert warnings[0] == "more than 1 interfaces; packets of the others are left out"


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_large_file_with_control_blocks_between_is_read_whole(tmp_path, order):
    generator = random.Random(6)
    sizes = [generator.randrange(1400) for _ in range(4000)]
    parts = [section(order), interface(order=order)]
    for number, size in enumerate(sizes):
        parts.append(enhanced(generator.randbytes(size), START * 10**6 + number, 0, order))
        if generator.random() < 0.01:
            parts.append(block(5, struct.pack(f"{order}III", 0, 0, 0), order))
    rows, warnings = read(tmp_path / "a.pcapng", b"".join(parts), size=1000)
    assert [row["captured_length"] for row in rows] == sizes
    assert [row["time_ns"] for row in rows] == [START * 10**9 + number * 1000 for number in range(4000)]
    assert warnings == []
