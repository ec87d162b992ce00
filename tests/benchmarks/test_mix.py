"""Packets of several captures side by side."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from benchmarks.mix import MICROSECONDS_A_PACKET, START, main, mix

HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)


def capture(path: Path, packets: list[bytes]) -> Path:
    records = [struct.pack("<IIII", 7, 7, len(data), len(data) + 1) + data for data in packets]
    path.write_bytes(HEADER + b"".join(records))
    return path


def read(path: Path) -> list[tuple[int, int, bytes]]:
    data, found, position = path.read_bytes(), [], 24
    assert data[:24] == HEADER
    while position < len(data):
        seconds, microseconds, length, original = struct.unpack_from("<IIII", data, position)
        assert original == length + 1
        found.append((seconds, microseconds, data[position + 16 : position + 16 + length]))
        position += 16 + length
    return found


def test_every_capture_is_spread_over_the_whole_and_keeps_its_order(tmp_path):
    many = capture(tmp_path / "many.pcap", [bytes([65 + number]) * 20 for number in range(4)])
    few = capture(tmp_path / "few.pcap", [b"1" * 30, b"2" * 30])
    assert mix([many, few], tmp_path / "mixed.pcap") == 6
    found = read(tmp_path / "mixed.pcap")
    assert b"".join(data[:1] for _, _, data in found) == b"A1BC2D"
    assert [len(data) for _, _, data in found] == [20, 30, 20, 20, 30, 20]
    assert [(seconds, microseconds) for seconds, microseconds, _ in found] == [
        (START, number * MICROSECONDS_A_PACKET) for number in range(6)
    ]


def test_the_command_says_how_many_packets_there_are(tmp_path, capsys):
    one = capture(tmp_path / "one.pcap", [b"x" * 20])
    assert main([str(tmp_path / "mixed.pcap"), str(one), str(one)]) == 0
    assert capsys.readouterr().out == "2 packets\n"
    with pytest.raises(SystemExit):
        main([])
