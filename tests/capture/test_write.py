from __future__ import annotations

import os
import subprocess
from shutil import which

import numpy as np
import pytest

from kubeshark_mcp.capture import write
from kubeshark_mcp.capture.merge import as_records
from tests.capture.building import START, ethernet, ipv4, pcap, read, tcp

PACKETS = [(START * 10**9 + number * 1001, 100 + number, ethernet(ipv4(tcp(b"x" * number))), 1) for number in range(7)]


@pytest.mark.parametrize("nanoseconds", [True, False])
def test_a_pcap_is_read_back_as_it_was_written(tmp_path, nanoseconds):
    records = as_records(PACKETS)
    parts = write.pcap_records(records, nanoseconds=nanoseconds)
    rows, warnings = read(tmp_path / "a.pcap", write.pcap_header(1, 500, nanoseconds=nanoseconds) + b"".join(parts))
    unit = 1 if nanoseconds else 1000
    assert [(row["time_ns"], row["original_length"], row["payload"]) for row in rows] == [
        (time_ns // unit * unit, original, b"x" * number) for number, (time_ns, original, _, _) in enumerate(PACKETS)
    ]
    assert warnings == []


def test_a_pcapng_is_read_back_as_it_was_written(tmp_path):
    records = as_records(PACKETS)
    parts = [
        write.pcapng_section(),
        write.pcapng_interface(1, 0, "node-a"),
        write.pcapng_interface(1, 0, ""),
        *write.pcapng_records(records, np.arange(7) % 2),
    ]
    rows, warnings = read(tmp_path / "a.pcapng", b"".join(parts))
    assert [(row["time_ns"], row["point"], row["payload"]) for row in rows] == [
        (time_ns, number % 2, b"x" * number) for number, (time_ns, _, _, _) in enumerate(PACKETS)
    ]
    assert warnings == []


def test_records_that_a_file_holds_already_are_copied_in_runs(tmp_path):
    from kubeshark_mcp.capture import open_capture

    path = tmp_path / "a.pcap"
    content = pcap(*(packet for _, _, packet, _ in PACKETS))
    path.write_bytes(content)
    with open_capture(path) as capture:
        (records,) = capture.records()
        assert records.same_as == "microseconds"
        assert [bytes(part) for part in write.pcap_records(records, nanoseconds=False)] == [content[24:]]
        some = records.pick(np.array([0, 1, 5]))
        assert len(write.pcap_records(some, nanoseconds=False)) == 2
        assert write.pcap_records(records.part(0, 0), nanoseconds=False) == []


@pytest.mark.parametrize("size", [10, 1000])
def test_parts_are_written_in_order_however_many_and_large_they_are(tmp_path, size):
    parts = [bytes([number % 256]) * size for number in range(2500)]
    with (tmp_path / "a").open("wb", buffering=0) as file:
        assert write.put(file, parts) == 2500 * size
        assert write.put(file, []) == 0
    assert (tmp_path / "a").read_bytes() == b"".join(parts)


def test_what_the_system_did_not_take_at_once_is_written_behind_it(tmp_path, monkeypatch):
    parts = [b"a" * 1000, memoryview(b"b" * 1000), b"c" * 1000]
    monkeypatch.setattr(write.os, "writev", lambda descriptor, some: os.write(descriptor, bytes(some[0])[:700]))
    with (tmp_path / "a").open("wb", buffering=0) as file:
        assert write.put(file, parts) == 3000
    assert (tmp_path / "a").read_bytes() == b"".join(parts)


@pytest.mark.skipif(which("capinfos") is None, reason="capinfos is not installed")
def test_wireshark_accepts_the_pcapng(tmp_path):
    path = tmp_path / "a.pcapng"
    records = as_records(PACKETS)
    parts = [
        write.pcapng_section(),
        write.pcapng_interface(1, 500, "eth0"),
        *write.pcapng_records(records, np.zeros(7)),
    ]
    path.write_bytes(b"".join(parts))
    told = subprocess.run(["capinfos", "-Mrc", path], capture_output=True, text=True, check=True).stdout
    assert "7" in told
