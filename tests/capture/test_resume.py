"""The way back into damaged files: what is whole is read, what is not is told, and nothing is made up."""

from __future__ import annotations

import gzip
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.capture import pcap as pcap_module
from kubeshark_mcp.capture import resume
from kubeshark_mcp.capture.records import Findings
from kubeshark_mcp.capture.resume import Damage, Search
from tests.capture.building import (
    START,
    block,
    enhanced,
    ethernet,
    interface,
    ipv4,
    pcap,
    pcap_head,
    read,
    record,
    section,
    tcp,
)

PACKETS = [ethernet(ipv4(tcp(bytes([number % 251]) * (number % 90)), identification=number)) for number in range(400)]


def numbers(rows: list[dict[str, object]]) -> list[object]:
    """Give which packets were read: each bears its number."""
    return [row["ip_id"] for row in rows]


def classic(order: str = "<") -> tuple[bytearray, list[int]]:
    """Give a pcap of PACKETS, and where each record begins."""
    content, places = bytearray(pcap_head(order=order)), []
    for number, packet in enumerate(PACKETS):
        places.append(len(content))
        content += record(packet, START + number, order=order)
    return content, places


def blocks(order: str = "<") -> tuple[bytearray, list[int]]:
    """Give a pcapng of PACKETS, and where each block begins."""
    content, places = bytearray(section(order) + interface(order=order)), []
    for number, packet in enumerate(PACKETS):
        places.append(len(content))
        content += enhanced(packet, (START + number) * 10**6, order=order)
    return content, places


@pytest.mark.parametrize("order", ["<", ">"])
def test_behind_an_impossible_length_reading_goes_on_with_the_next_packet(tmp_path, order):
    content, places = classic(order)
    content[places[100] + 8 : places[100] + 12] = struct.pack(f"{order}I", 300_000)
    rows, warnings = read(tmp_path / "a.pcap", bytes(content))
    assert numbers(rows) == [number for number in range(400) if number != 100]
    assert warnings == [
        f"packet 101 claims 300000 bytes, more than any capture keeps; {places[101] - places[100]} bytes are skipped,"
        f" up to where whole packets begin again (packet 101, byte {places[100]})"
    ]


def test_a_length_that_swallows_other_packets_is_found_out_and_they_are_read(tmp_path):
    content, places = classic()
    content[places[100] + 8 : places[100] + 12] = struct.pack("<I", places[120] - places[100] - 16 + 7)
    content[places[100] + 12 : places[100] + 16] = struct.pack("<I", 5000)
    rows, warnings = read(tmp_path / "a.pcap", bytes(content))
    assert numbers(rows) == [number for number in range(400) if number != 100]
    assert len(warnings) == 1
    assert "packet 101 claims" in warnings[0]
    assert "but other packets begin where it is" in warnings[0]


def test_a_length_beyond_the_end_of_the_file_is_a_lie_when_packets_follow(tmp_path):
    content, places = classic()
    content[places[390] + 8 : places[390] + 12] = struct.pack("<I", 200_000)
    content[places[390] + 12 : places[390] + 16] = struct.pack("<I", 200_000)
    rows, warnings = read(tmp_path / "a.pcap", bytes(content))
    assert numbers(rows) == [number for number in range(400) if number != 390]
    there = len(content) - places[390] - 16
    assert warnings[0].startswith(f"packet 391 claims 200000 bytes, more than the {there} that follow; ")


def test_bytes_that_were_added_or_lost_cost_the_packet_they_hit(tmp_path):
    content, places = classic()
    added = bytes(content[: places[50] + 20]) + b"\xffnoise" + bytes(content[places[50] + 20 :])
    rows, warnings = read(tmp_path / "added.pcap", added)
    assert set(range(400)) - set(numbers(rows)) <= {50, 51}
    assert warnings
    lost = bytes(content[: places[50] + 20]) + bytes(content[places[50] + 60 :])
    rows, warnings = read(tmp_path / "lost.pcap", lost)
    assert set(range(400)) - set(numbers(rows)) <= {50, 51}
    assert warnings


def test_a_capture_inside_a_packet_is_payload_even_behind_a_damage(tmp_path):
    inner = b"".join(record(b"inner" * 4, START + number) for number in range(50))
    content = pcap(ethernet(ipv4(tcp(inner)))) + struct.pack("<IIII", START, 0, 0x7FFFFFFF, 9) + b"\xff" * 100
    rows, warnings = read(tmp_path / "a.pcap", content)
    assert [row["payload"] for row in rows] == [inner]
    assert warnings[0].endswith(
        "so the file is damaged there and nothing behind it can be read"
        f" (packet 2, byte {len(pcap(ethernet(ipv4(tcp(inner)))))})"
    )


def test_a_file_whose_times_make_no_sense_loses_nothing(tmp_path):
    odd = b"".join(record(packet, START, 2_000_000_000) for packet in PACKETS[:20])
    rows, warnings = read(tmp_path / "a.pcap", pcap_head() + odd + record(b"cut", START)[:-1])
    assert len(rows) == 20
    assert len(warnings) == 1


def test_reading_goes_on_over_the_borders_of_windows(tmp_path, monkeypatch):
    monkeypatch.setattr("kubeshark_mcp.capture.source.WINDOW_BYTES", 1 << 16)
    monkeypatch.setattr(pcap_module, "MOST_CAPTURED", 4096)
    content, places = classic()
    head, tail = bytes(content[: places[200]]), bytes(content[places[200] :])
    noise = random.Random(3).randbytes(3 << 16)
    rows, warnings = read(tmp_path / "a.pcap.gz", gzip.compress(head + b"\xff" * 16 + noise + tail))
    assert set(range(400)) - set(numbers(rows)) <= {199}
    assert f"{len(noise) + 16} bytes are skipped" in warnings[0]


@pytest.mark.parametrize("order", ["<", ">"])
def test_behind_a_damaged_block_reading_goes_on_with_the_next_one(tmp_path, order):
    content, places = blocks(order)
    content[places[100] + 4 : places[100] + 8] = struct.pack(f"{order}I", 7)
    rows, warnings = read(tmp_path / "a.pcapng", bytes(content))
    assert numbers(rows) == [number for number in range(400) if number != 100]
    assert warnings == [
        f"a block of type 0x00000006 claims 7 bytes; {places[101] - places[100]} bytes are skipped, up to where whole"
        f" packets begin again (packet 101, byte {places[100]})"
    ]


def test_a_block_whose_first_length_lies_does_not_swallow_others(tmp_path):
    content, places = blocks()
    length = places[101] - places[100]
    content[places[100] + 4 : places[100] + 8] = struct.pack("<I", places[130] - places[100] + 8)
    rows, warnings = read(tmp_path / "a.pcapng", bytes(content))
    assert numbers(rows) == [number for number in range(400) if number != 100]
    assert f"; {length} bytes are skipped" in warnings[0]


@pytest.mark.parametrize("which", [100, 399])
def test_a_block_whose_second_length_lies_is_read(tmp_path, which):
    content, places = blocks()
    end = [*places, len(content)][which + 1]
    content[end - 4 : end] = struct.pack("<I", 99)
    rows, warnings = read(tmp_path / "a.pcapng", bytes(content))
    assert numbers(rows) == list(range(400))
    assert warnings == [
        f"a block of type 0x00000006 claims {end - places[which]} bytes at its beginning and 99 at its end; it is"
        f" read as the first says (packet {which + 1}, byte {places[which]})"
    ]


def test_a_damaged_section_header_costs_itself(tmp_path):
    content, _ = blocks()
    wrong = bytearray(section())
    wrong[4:8] = struct.pack("<I", 5)
    rows, warnings = read(tmp_path / "a.pcapng", bytes(content) + bytes(wrong) + interface() + enhanced(PACKETS[7]) * 5)
    assert numbers(rows) == [*range(400), 7, 7, 7, 7, 7]
    assert warnings[0].startswith("a section header claims 5 bytes; 28 bytes are skipped")


@pytest.mark.parametrize("make", [classic, blocks])
@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 300), where=st.integers(60, 380))
def test_whatever_overwrites_a_place_costs_only_what_lies_there(tmp_path_factory, make, seed, size, where):
    content, places = make()
    generator = random.Random(seed)
    at = places[where] + generator.randrange(20)
    content[at : at + size] = generator.randbytes(size)
    hit = {number for number, place in enumerate(places) if place < at + size and [*places, 0][number + 1] > at}
    rows, warnings = read(tmp_path_factory.mktemp("damage") / "a", bytes(content))
    lost = set(range(400)) - set(numbers(rows)) - hit
    assert len(lost) <= 1, lost  # the packet before a header that shrank may have grown into it
    assert not lost or warnings


def test_a_file_of_nothing_but_damage_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "MOST_RESUMPTIONS", 20)
    good = b"".join(record(PACKETS[1], START) for _ in range(5))
    bad = struct.pack("<IIII", START, 0, 0x7FFFFFFF, 1)
    rows, warnings = read(tmp_path / "a.pcap", pcap_head() + (good + bad) * 100)
    assert len(rows) == 5 * 21
    assert len(warnings) == 21
    assert "nothing behind it can be read" in warnings[-1]
    content = bytearray(section() + interface())
    for _ in range(100):
        content += block(6, bytes(20))[:-4] + b"\1\1\1\1" + enhanced(PACKETS[1]) * 5
    rows, warnings = read(tmp_path / "a.pcapng", bytes(content))
    assert len(rows) < 300
    assert any("nothing behind it can be read" in warning for warning in warnings)


def test_without_a_damage_there_is_nothing_to_search(tmp_path: Path):
    search = Search(Findings())
    search.settle(7)
    assert not search.active
    search.begin(Damage("broken", 1, 2, "broken for good"))
    assert search.active
