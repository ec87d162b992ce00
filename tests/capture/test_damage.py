"""Hostile files: whatever the bytes are, reading ends with rows and warnings, or with a CaptureError."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from kubeshark_mcp.capture import open_capture
from kubeshark_mcp.errors import CaptureError
from tests.capture.building import enhanced, ethernet, interface, ipv4, ipv6, option, pcap, section, tcp, udp

CORPUS = Path(os.environ.get("KUBESHARK_CAPTURES") or Path(__file__).resolve().parents[3] / "shared" / "captures")
MUTANTS = 600


def damaged(content: bytes, generator: random.Random) -> bytes:
    """Flip bits, cut, remove, repeat or overwrite bytes."""
    data = bytearray(content)
    kind = generator.randrange(5)
    at = generator.randrange(len(data))
    if kind == 0:
        for _ in range(generator.choice([1, 5, 50])):
            data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    elif kind == 1:
        del data[at:]
    elif kind == 2:
        del data[at : at + generator.randrange(1, 200)]
    elif kind == 3:
        data[at:at] = data[at : at + generator.randrange(1, 200)]
    else:
        data[at : at + 4] = generator.choice([bytes(4), b"\xff" * 4, b"\1\0\0\0", b"\x7f\xff\xff\xff"])
    return bytes(data)


def read_all(path: Path) -> int:
    """Read a capture and check what every block promises."""
    total, refused = 0, str(path)
    try:
        with open_capture(path) as capture:
            for block in capture.blocks(500):
                total += len(block)
                assert (block.payload_offset + block.payload_length <= len(block.data)).all()
                assert (block.payload_length >= 0).all()
                assert (block.payload_missing >= 0).all()
                assert (block.record_offset + block.captured_length <= len(block.data)).all()
                assert not block.source_port[block.fragment].any()
                assert not block.protocol[block.ip_version == 0].any()
            assert all(str(warning) for warning in capture.warnings)
    except CaptureError as error:
        refused = str(error)
    assert str(path) in refused
    return total


def samples() -> list[bytes]:
    packets = [
        ethernet(ipv4(tcp(b"data" * 30))),
        ethernet(ipv6(udp(b"data" * 30), 17), 0x86DD),
        ethernet(ipv4(udp(b"\x08" + bytes(7) + ethernet(ipv4(tcp(b"x"))), ports=(1, 4789)), 17)),
        ethernet(ipv4(udp(b"A" * 24)[:16], 17, flags=0x2000)),
        ethernet(ipv4(udp(b"A" * 24)[16:], 17, flags=2)),
    ] * 3
    blocks = b"".join(enhanced(packet, number=number % 2) for number, packet in enumerate(packets))
    interfaces = interface(1, option(9, b"\x09")) + interface(101, option(2, b"tun0"))
    return [pcap(*packets), pcap(*packets, order=">"), section() + interfaces + blocks]


def test_damaged_files_are_read_without_an_exception(tmp_path):
    generator = random.Random(20)
    contents = samples()
    path = tmp_path / "damaged.pcap"
    found = 0
    for _ in range(MUTANTS):
        path.write_bytes(damaged(generator.choice(contents), generator))
        found += read_all(path)
    assert found > MUTANTS


@pytest.mark.corpus
def test_damaged_files_of_the_corpus_are_read_without_an_exception(tmp_path):
    if not (CORPUS / "manifest.json").exists():
        pytest.skip(f"no captures at {CORPUS}; set KUBESHARK_CAPTURES")
    files = [entry["file"] for entry in json.loads((CORPUS / "manifest.json").read_text())["files"]]
    generator = random.Random(21)
    path = tmp_path / "damaged.pcap"
    found = 0
    for name in generator.choices(files, k=MUTANTS):
        path.write_bytes(damaged((CORPUS / name).read_bytes()[:50_000], generator))
        found += read_all(path)
    assert found > MUTANTS
