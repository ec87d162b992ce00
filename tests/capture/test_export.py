from __future__ import annotations

import gzip
import subprocess
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.capture import (
    Exported,
    Source,
    build_index,
    export_packets,
    open_capture,
    read_packets,
    write_packets,
)
from kubeshark_mcp.errors import CaptureError, FilterError, StoreError, UsageError
from tests.capture.building import (
    START,
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
    udp,
)

PACKETS = [ethernet(ipv4(tcp(b"t" * number)) if number % 2 else ipv4(udp(b"u" * number), 17)) for number in range(40)]
NS = START * 10**9


def stored(tmp_path: Path, name: str, content: bytes) -> Source:
    path = tmp_path / name
    path.write_bytes(content)
    return Source(path, name.partition(".")[0])


@pytest.mark.skipif(which("tcpdump") is None, reason="tcpdump is not installed")
@pytest.mark.parametrize("text", ["tcp", "udp port 53", "len > 60", "port 1", ""])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_output_is_byte_for_byte_that_of_tcpdump(tmp_path, text, order):
    source = stored(tmp_path, "a.pcap", pcap(*PACKETS, order=order))
    export_packets([source], tmp_path / "ours.pcap", bpf=text or None)
    command = ["tcpdump", "-r", source.path, "-w", tmp_path / "theirs.pcap", "-Z", "root", *([text] if text else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"tcpdump cannot run here: {done.stderr.strip()}")
    assert (tmp_path / "ours.pcap").read_bytes() == (tmp_path / "theirs.pcap").read_bytes()


def test_the_window_excludes_its_end(tmp_path):
    source = stored(tmp_path, "a.pcap", pcap(*PACKETS))
    exported = export_packets([source], tmp_path / "b.pcap", start_ns=NS + 10_000, end_ns=NS + 20_000)
    rows, _ = read(tmp_path / "b.pcap")
    assert [row["time_ns"] for row in rows] == [NS + number * 1000 for number in range(10, 20)]
    assert exported == Exported(10, (tmp_path / "b.pcap").stat().st_size)


def test_several_captures_are_merged_by_time_with_the_finest_resolution(tmp_path):
    first = stored(tmp_path, "a.pcap", pcap_head() + record(b"a", START, 1) + record(b"c", START, 3))
    second = stored(tmp_path, "b.pcap", pcap_head(magic=0xA1B23C4D) + record(b"b", START, 1500))
    export_packets([first, second], tmp_path / "c.pcap")
    rows, _ = read(tmp_path / "c.pcap")
    assert [row["time_ns"] - NS for row in rows] == [1000, 1500, 3000]
    with open_capture(tmp_path / "c.pcap") as capture:
        assert capture.interfaces[0].ticks_per_second == 10**9


def test_several_link_types_give_a_pcapng_with_an_interface_for_each(tmp_path):
    first = stored(tmp_path, "node-a.pcap", pcap(PACKETS[1]))
    second = stored(tmp_path, "node-b.pcap", pcap(PACKETS[1][14:], PACKETS[3][14:], link_type=101))
    export_packets([first, second], tmp_path / "c.pcapng", bpf="tcp")
    rows, _ = read(tmp_path / "c.pcapng")
    assert [(row["link_type"], row["point"], row["payload"]) for row in rows] == [
        (1, 0, b"t"),
        (101, 1, b"t"),
        (101, 1, b"ttt"),
    ]
    with open_capture(tmp_path / "c.pcapng") as capture:
        list(capture.records())
        assert [(point.name, point.link_type) for point in capture.interfaces] == [("node-a", 1), ("node-b", 101)]


def test_interfaces_that_appear_late_change_the_format(tmp_path):
    content = (
        section() + interface(1) + enhanced(PACKETS[1]) * 1000 + interface(101) + enhanced(PACKETS[1][14:], number=1)
    )
    source = stored(tmp_path, "a.pcapng", content)
    assert export_packets([source], tmp_path / "b").packets == 1001
    assert {row["link_type"] for row in read(tmp_path / "b")[0]} == {1, 101}


def test_a_pcapng_with_one_link_type_becomes_a_pcap(tmp_path):
    source = stored(tmp_path, "a.pcapng", section() + interface(1) + interface(1) + enhanced(PACKETS[1], number=1))
    export_packets([source], tmp_path / "b.pcap")
    assert (tmp_path / "b.pcap").read_bytes() == pcap_head() + record(PACKETS[1])


def test_no_matching_packet_gives_a_capture_without_packets(tmp_path):
    source = stored(tmp_path, "a.pcap", pcap(*PACKETS, link_type=101))
    assert export_packets([source], tmp_path / "b.pcap", start_ns=0, end_ns=1) == Exported(0, 24)
    with open_capture(tmp_path / "b.pcap") as capture:
        assert capture.interfaces[0].link_type == 101


@pytest.mark.parametrize("limit", [24, 200, 1000])
def test_the_size_is_bounded_by_whole_packets(tmp_path, limit):
    source = stored(tmp_path, "a.pcap", pcap(*PACKETS))
    exported = export_packets([source], tmp_path / "b.pcap", max_bytes=limit)
    rows, warnings = read(tmp_path / "b.pcap")
    assert exported == Exported(len(rows), (tmp_path / "b.pcap").stat().st_size, truncated=True)
    assert exported.bytes <= limit
    assert warnings == []


def test_progress_ends_at_the_sum_of_the_sizes(tmp_path):
    sources = [stored(tmp_path, name, pcap(*PACKETS)) for name in ("a.pcap", "b.pcap")]
    calls: list[tuple[int, int]] = []
    export_packets(sources, tmp_path / "c.pcap", progress=lambda done, size: calls.append((done, size)))
    total = sum(source.path.stat().st_size for source in sources)
    assert calls[-1] == (total, total)


def test_failures_are_sentences_and_leave_nothing(tmp_path):
    good = stored(tmp_path, "a.pcap", pcap(*PACKETS))
    bad = stored(tmp_path, "bad.pcap", b"no capture")
    out = tmp_path / "out"
    out.mkdir()
    cases = [
        (UsageError, lambda: export_packets([], out / "x.pcap")),
        (UsageError, lambda: export_packets([good], out / "x.pcap", start_ns=5, end_ns=5)),
        (FilterError, lambda: export_packets([good], out / "x.pcap", bpf="tcp prot")),
        (CaptureError, lambda: export_packets([good, bad], out / "x.pcap")),
        (StoreError, lambda: export_packets([good], tmp_path / "none" / "x.pcap")),
        (StoreError, lambda: export_packets([good], out)),
    ]
    for kind, call in cases:
        with pytest.raises(kind):
            call()
    assert list(out.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pcap", "bad.pcap", "out"]


def test_packets_are_read_back_by_number_with_and_without_an_index(tmp_path):
    source = stored(tmp_path, "a.pcap", pcap(*PACKETS))
    index = build_index(source.path, tmp_path / "index")
    expected = [(NS + (n - 1) * 1000, len(PACKETS[n - 1]), PACKETS[n - 1], 1) for n in (40, 1, 7, 7)]
    assert read_packets(source.path, [40, 1, 7, 7]) == expected
    assert read_packets(source.path, [40, 1, 7, 7], index) == expected
    for wrong in (0, 41, -1):
        for known in (None, index):
            with pytest.raises(CaptureError, match=f"no packet number {wrong}"):
                read_packets(source.path, [1, wrong], known)


def test_packets_become_evidence_of_their_own(tmp_path):
    packets = [(NS + 1, 99, PACKETS[1], 1), (NS + 2, 60, PACKETS[3], 1)]
    path = tmp_path / "evidence.pcap"
    path.write_bytes(write_packets(packets))
    assert read_packets(path, [1, 2]) == packets
    mixed = [*packets, (NS + 3, 50, PACKETS[1][14:], 101)]
    path.write_bytes(write_packets(mixed))
    assert read_packets(path, [1, 2, 3]) == mixed
    path.write_bytes(write_packets([]))
    assert read(path) == ([], [])


@pytest.mark.parametrize("kind", ["pcap", "pcapng", "gzip"])
@settings(deadline=None, max_examples=40)
@given(window=st.tuples(st.one_of(st.none(), st.integers(0, 70)), st.one_of(st.none(), st.integers(0, 70))))
def test_an_index_changes_nothing_but_what_is_read_for_a_window(tmp_path_factory, kind, window):
    folder = tmp_path_factory.mktemp("window")
    # Times go back now and then, so the window is no single run of packets.
    times = [START + number + (-9 if number % 7 == 0 else 0) for number in range(60)]
    packets = [bytes([number]) * (60 + number) for number in range(60)]
    path = folder / "a.pcap"
    content = pcap_head() + b"".join(map(record, packets, times))
    if kind == "pcapng":
        content = (
            section()
            + interface()
            + b"".join(enhanced(packet, time * 10**6) for packet, time in zip(packets, times, strict=True))
        )
    path.write_bytes(gzip.compress(content) if kind == "gzip" else content)
    index = build_index(path, folder / "index")
    start, end = (None if edge is None else (START + edge) * 10**9 for edge in window)
    if start is not None and end is not None and start >= end:
        end = None
    written = []
    for source in (Source(path), Source(path, index=index)):
        export_packets([source], folder / "out.pcap", start_ns=start, end_ns=end)
        written.append((folder / "out.pcap").read_bytes())
    assert written[0] == written[1]


def test_with_an_index_what_lies_between_the_packets_of_a_window_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("kubeshark_mcp.capture.export._INDEXED_BYTES", 4096)
    # Packets 10 and 190 are of another hour.
    times = [START + number + (3600 if number in {10, 190} else 0) for number in range(200)]
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap_head() + b"".join(record(bytes([number]) * 100, time) for number, time in enumerate(times)))
    index = build_index(path, tmp_path / "index")
    with path.open("r+b") as file:
        file.seek(24 + 60 * 116)
        file.write(b"\xff" * 116 * 120)
    source = Source(path, index=index)
    assert export_packets([source], tmp_path / "b.pcap", start_ns=(START + 3600) * 10**9) == Exported(2, 24 + 2 * 116)
    assert [packet[2] for packet in read_packets(tmp_path / "b.pcap", [1, 2])] == [
        bytes([10]) * 100,
        bytes([190]) * 100,
    ]


@pytest.mark.parametrize("kind", ["microseconds", "nanoseconds", "big-endian"])
def test_a_filter_finds_by_an_index_what_it_finds_without(tmp_path, kind, monkeypatch):
    monkeypatch.setattr("kubeshark_mcp.capture.export._INDEXED_BYTES", 4096)
    order = ">" if kind == "big-endian" else "<"
    head = pcap_head(order=order, magic=0xA1B23C4D if kind == "nanoseconds" else 0xA1B2C3D4)
    path = tmp_path / "a.pcap"
    path.write_bytes(
        head + b"".join(record(packet, START + n // 9, n, order=order) for n, packet in enumerate(PACKETS * 9))
    )
    written = []
    for index in (None, build_index(path, tmp_path / "index")):
        export_packets([Source(path, index=index)], tmp_path / "b.pcap", bpf="tcp", max_bytes=9000)
        written.append((tmp_path / "b.pcap").read_bytes())
    assert len(written[0]) > 1000
    assert written[0] == written[1]


def test_a_file_that_became_shorter_than_its_index_gives_what_is_there(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap_head() + b"".join(record(bytes(100), START + number) for number in range(50)))
    index = build_index(path, tmp_path / "index")
    path.write_bytes(path.read_bytes()[: 24 + 30 * 116 + 50])
    assert export_packets([Source(path, index=index)], tmp_path / "b.pcap") == Exported(30, 24 + 30 * 116)


def test_with_an_index_what_lies_before_the_window_is_not_read(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap_head() + b"".join(record(bytes(100), START + number) for number in range(50)))
    index = build_index(path, tmp_path / "index")
    with path.open("r+b") as file:
        file.seek(24)
        file.write(b"\xff" * 116 * 40)
    exported = export_packets([Source(path, index=index)], tmp_path / "b.pcap", start_ns=(START + 45) * 10**9)
    assert exported == Exported(5, 24 + 5 * 116)
