from __future__ import annotations

import gzip
import os

import numpy as np
import pytest

from kubeshark_mcp.capture import CaptureIndex, build_index, capture_bounds
from kubeshark_mcp.capture.index import forget_index, share_index
from kubeshark_mcp.errors import CaptureError, StoreError
from tests.capture.building import START, enhanced, interface, pcap, pcap_head, read, record, section

PACKETS = [bytes([number]) * (number + 1) for number in range(50)]


def shown(index: CaptureIndex) -> dict[str, object]:
    return {
        "count": index.count,
        "bounds": (index.first_ns, index.last_ns),
        "random_access": index.random_access,
        "captured": index.captured.tolist(),
        "originals": index.originals.tolist(),
        "link_types": set(index.link_types.tolist()),
        "times": index.times.tolist(),
        "warnings": list(map(str, index.warnings)),
    }


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(*PACKETS))
    return path


def test_the_index_tells_where_and_when_each_packet_is(path, tmp_path):
    index = build_index(path, tmp_path / "index")
    sizes = [len(packet) for packet in PACKETS]
    times = [START * 10**9 + number * 1000 for number in range(50)]
    assert shown(index) == {
        "count": 50,
        "bounds": (times[0], times[-1]),
        "random_access": True,
        "captured": sizes,
        "originals": sizes,
        "link_types": {1},
        "times": times,
        "warnings": [],
    }
    content = path.read_bytes()
    for packet, offset, size in zip(PACKETS, index.offsets.tolist(), sizes, strict=True):
        assert content[offset : offset + size] == packet


def test_a_stored_index_is_used_again(path, tmp_path):
    calls = []
    first = build_index(path, tmp_path / "index", lambda done, size: calls.append((done, size)))
    assert calls == [(path.stat().st_size, path.stat().st_size)]
    second = build_index(path, tmp_path / "index", lambda done, size: pytest.fail("built again"))
    assert shown(second) == shown(first)
    assert isinstance(second.offsets, np.memmap)


def test_a_changed_file_gets_a_new_index(path, tmp_path):
    build_index(path, tmp_path / "index")
    status = path.stat()
    path.write_bytes(pcap(*PACKETS[:-1], bytes([99]) * 50))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    calls = []
    build_index(path, tmp_path / "index", lambda done, size: calls.append(done))
    assert calls


def test_a_damaged_index_is_built_anew(path, tmp_path):
    before = shown(build_index(path, tmp_path / "index"))
    (home,) = (tmp_path / "index").iterdir()
    for name, content in (("offsets", b"short"), ("meta.json", b"{"), ("meta.json", b"[]"), ("times", None)):
        if content is None:
            (home / name).unlink()
        else:
            (home / name).write_bytes(content)
        assert shown(build_index(path, tmp_path / "index")) == before


def test_nothing_is_left_when_building_fails(tmp_path):
    path = tmp_path / "bad.pcap"
    path.write_bytes(b"no capture")
    with pytest.raises(CaptureError):
        build_index(path, tmp_path / "index")
    assert list((tmp_path / "index").iterdir()) == []
    with pytest.raises(CaptureError, match="cannot be read"):
        build_index(tmp_path / "none.pcap", tmp_path / "index")


def test_a_folder_that_cannot_be_written_is_told(path, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        build_index(path, tmp_path / "file" / "index")


def test_a_compressed_file_has_no_random_access(tmp_path):
    path = tmp_path / "a.pcap.gz"
    path.write_bytes(gzip.compress(pcap(*PACKETS)))
    index = build_index(path, tmp_path / "index")
    assert (index.count, index.random_access) == (50, False)


def test_bounds_are_the_earliest_and_the_latest_time(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap_head() + record(b"x", 20) + record(b"y", 10) + record(b"z", 15))
    assert capture_bounds(path) == (10 * 10**9, 20 * 10**9, 3)
    index = build_index(path, tmp_path / "index")
    assert (index.first_ns, index.last_ns, index.count) == (10 * 10**9, 20 * 10**9, 3)


def test_a_capture_without_packets_has_an_empty_index(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap())
    assert capture_bounds(path) == (0, 0, 0)
    assert shown(build_index(path, tmp_path / "index"))["captured"] == []


def test_each_packet_of_a_pcapng_keeps_its_link_type(tmp_path):
    path = tmp_path / "a.pcapng"
    path.write_bytes(section() + interface(1) + interface(101) + enhanced(b"a", number=1) + enhanced(b"b", number=0))
    assert build_index(path, tmp_path / "index").link_types.tolist() == [101, 1]


def test_the_index_keeps_what_was_wrong_and_counts_as_the_reader_does(tmp_path):
    path = tmp_path / "a.pcap"
    lying = bytearray(pcap(*PACKETS))
    at = 24 + sum(16 + len(packet) for packet in PACKETS[:10])
    lying[at + 8 : at + 12] = b"\xff\xff\xff\x7f"
    path.write_bytes(bytes(lying) + record(b"late", START - 60)[:-1])
    rows, warnings = read(path)
    for _ in range(2):
        index = build_index(path, tmp_path / "index")
        assert (index.count, list(map(str, index.warnings))) == (len(rows), warnings)
    assert len(rows) == 49
    assert warnings == [
        "packet 11 claims 2147483647 bytes, more than any capture keeps; 27 bytes are skipped, up to where whole"
        f" packets begin again (packet 11, byte {at})",
        f"the file ends inside packet 50: 3 of 4 bytes are there (packet 50, byte {len(lying)})",
    ]


def test_a_faithful_copy_has_the_index_of_the_original_without_being_read(path, tmp_path):
    folder = tmp_path / "index"
    original = build_index(path, folder)
    copy = tmp_path / "000-a.pcap"
    copy.write_bytes(path.read_bytes())
    share_index(original, copy, folder)
    share_index(original, copy, folder)
    assert len(list(folder.iterdir())) == 2
    assert shown(build_index(copy, folder, lambda done, size: pytest.fail("built"))) == shown(original)
    forget_index(path, folder)
    forget_index(tmp_path / "none.pcap", folder)
    assert shown(build_index(copy, folder, lambda done, size: pytest.fail("built"))) == shown(original)
    forget_index(copy, folder)
    share_index(original, copy, folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("window", [(None, None), (3, None), (None, 40), (3, 40), (40, 3), (60, 70), (-9, 0)])
def test_the_ends_of_a_time_window_are_found(path, tmp_path, window, monkeypatch):
    monkeypatch.setattr("kubeshark_mcp.capture.index._ROWS_AT_ONCE", 7)
    index = build_index(path, tmp_path / "index")
    start, end = (None if edge is None else START * 10**9 + edge * 1000 for edge in window)
    inside = [
        row
        for row, time in enumerate(index.times.tolist())
        if (start is None or time >= start) and (end is None or time < end)
    ]
    for row in range(52):
        assert index.next_inside(row, start, end) == min([one for one in inside if one >= row], default=50)
    assert index.behind(start, end) == max(inside, default=-1) + 1
