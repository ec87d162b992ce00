"""Generated captures are right: tshark finds every flow, request and response, and no fault in them."""

from __future__ import annotations

import importlib.util
import shutil
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


def load() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


generate = load()


def record_sizes(data: bytes) -> list[int]:
    at, sizes = 24, []
    while at < len(data):
        _, _, captured, original = struct.unpack_from("<IIII", data, at)
        assert captured == original
        sizes.append(captured)
        at += 16 + captured
    assert at == len(data)
    return sizes


@pytest.mark.parametrize("link", sorted(generate.LINKS))
def test_every_record_is_whole_and_the_count_is_right(tmp_path: Path, link: str):
    count = generate.write(tmp_path / "x.pcap", flows=25, exchanges=2, together=10, link=link)
    data = (tmp_path / "x.pcap").read_bytes()
    assert len(record_sizes(data)) == count == 25 * len(generate.steps(2))
    assert struct.unpack_from("<I", data, 20)[0] == generate.LINKS[link][0]


def test_checksums_are_those_of_rfc_1071():
    data = np.frombuffer(bytes.fromhex("0001f203f4f5f6f7"), np.uint8).reshape(1, -1)
    assert generate.checksums(data).tolist() == [0xFFFF - 0xDDF2]


@pytest.mark.real
@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("link", sorted(generate.LINKS))
def test_tshark_finds_every_exchange_and_nothing_wrong(tmp_path: Path, link: str):
    path = tmp_path / "x.pcap"
    generate.write(path, flows=40, exchanges=3, together=17, link=link)

    wanted = ("http.request.method", "http.response.code", "tcp.flags", "tcp.analysis.flags", "_ws.malformed")
    status = ("tcp.checksum.status", "ip.checksum.status")
    command = ["tshark", "-n", "-r", str(path), "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    command += ["-T", "fields", *(part for field in (*wanted, *status) for part in ("-e", field))]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    methods, codes, flags, *rest = zip(*(line.split("\t") for line in said.splitlines()), strict=True)
    assert Counter(methods)["GET"] == Counter(codes)["200"] == 120
    assert Counter(flags) == {"0x0002": 40, "0x0012": 40, "0x0010": 200, "0x0018": 240, "0x0011": 80}
    assert [set(column) for column in rest] == [{""}, {""}, {"1"}, {"1"}]
