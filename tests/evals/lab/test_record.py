"""Capture files as the lab keeps them."""

from __future__ import annotations

import os
import shutil
import struct

import pytest

from evals.lab.build import CEILING, build, capture_bytes
from evals.lab.discovery import find
from evals.lab.record import packed, packets_in, unpacked, zstd
from evals.lab.verify import verify_all

HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
NEEDED = ("ip", "iptables", "tcpdump", "nginx", "redis-server", "psql")


def capture(*sizes: int) -> bytes:
    return HEADER + b"".join(struct.pack("<IIII", 1, 2, size, size) + bytes(size) for size in sizes)


@pytest.mark.parametrize("compress", [bytes, zstd.compress])
def test_packets_are_counted_plain_and_compressed(tmp_path, compress):
    path = tmp_path / "a.pcap"
    path.write_bytes(compress(capture(60, 1500, 0)))
    assert packets_in(path) == 3
    assert unpacked(path) == capture(60, 1500, 0)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="network namespaces need root")
@pytest.mark.parametrize("name", ["neckar", "mosel"])
async def test_an_incident_is_recorded_anew_and_its_truth_holds(tmp_path, name):
    if missing := [program for program in NEEDED if shutil.which(program) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    truth = build(find(name), tmp_path)
    assert capture_bytes(tmp_path / name) <= CEILING
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]
    (proof,) = await verify_all([tmp_path / name])
    assert proof.lines() == []
    assert proof.holds
    assert truth.name == name


def test_what_is_packed_comes_back_whole_whatever_its_size(tmp_path, monkeypatch):
    data, path = b"capture" * 1000, tmp_path / "node-a.pcap.zst"
    for kept in (10_000, 10):
        monkeypatch.setattr("evals.lab.record.KEPT_BYTES", kept)
        path.write_bytes(packed(data))
        assert unpacked(path) == data
