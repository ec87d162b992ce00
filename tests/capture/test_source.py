from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path

import pytest

from kubeshark_mcp.capture import source
from kubeshark_mcp.capture.source import PADDING, Window, open_stream
from kubeshark_mcp.errors import CaptureError
from tests.capture.building import pcap, read


def content_of(path: Path) -> tuple[bytes, str]:
    stream = open_stream(path)
    buffer = bytearray(100_000)
    count = stream.readinto(memoryview(buffer))
    stream.close()
    return bytes(buffer[:count]), stream.damage


def test_a_plain_file_is_read_as_it_is(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert content_of(path) == (b"0123456789", "")


def test_gzip_is_read_through_all_its_members(tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(b"first ") + gzip.compress(b"") + gzip.compress(b"second"))
    assert content_of(path) == (b"first second", "")


def test_a_cut_gzip_file_gives_what_it_holds_and_says_that_it_is_cut(tmp_path):
    path = tmp_path / "file.gz"
    whole = os.urandom(50_000)
    packed = gzip.compress(whole)
    path.write_bytes(packed[: len(packed) // 2])
    content, damage = content_of(path)
    assert whole.startswith(content)
    assert len(content) > 20_000
    assert damage == "the gzip data is damaged: it ends before its end mark"


def test_what_follows_a_gzip_member_is_reported(tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(b"data") + b"garbage")
    content, damage = content_of(path)
    assert content == b"data"
    assert damage.startswith("the gzip data is damaged: Error -3")


def test_what_cannot_be_read_is_told_in_a_sentence(tmp_path):
    empty = tmp_path / "empty.pcap"
    empty.touch()
    cases = {
        tmp_path / "none.pcap": "There is no file",
        tmp_path: "is a folder",
        empty: "is empty (0 bytes)",
        Path("/dev/null"): "is neither a file nor a pipe",
        tmp_path / "nul\0": "cannot be read",
    }
    for path, words in cases.items():
        with pytest.raises(CaptureError) as caught:
            open_stream(path)
        assert words in str(caught.value)
        assert repr(str(path)) in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told_so(tmp_path):
    path = tmp_path / "secret.pcap"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(CaptureError, match="Permission denied"):
        open_stream(path)


def zstd_compressed(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.compress(data)


def read_whole(path) -> tuple[bytes, str]:
    stream = open_stream(path)
    view = bytearray(1 << 20)
    count = stream.readinto(memoryview(view))
    stream.close()
    return bytes(view[:count]), stream.damage


def test_zstd_is_read_frame_after_frame(tmp_path):
    path = tmp_path / "file.zst"
    first, second = os.urandom(100_000), b"second" * 1000
    path.write_bytes(zstd_compressed(first) + zstd_compressed(second))
    assert read_whole(path) == (first + second, "")


def test_a_cut_zstd_file_gives_what_is_whole_and_says_so(tmp_path):
    path = tmp_path / "file.zst"
    data = os.urandom(900_000)
    path.write_bytes(zstd_compressed(data)[:500_000])
    found, damage = read_whole(path)
    assert len(found) > 100_000
    assert data.startswith(found)
    assert damage == "the zstd data is damaged: it ends before its end mark"


def test_a_damaged_zstd_file_gives_what_comes_before(tmp_path):
    path = tmp_path / "file.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(20))
    found, damage = read_whole(path)
    assert found == b""
    assert damage.startswith("the zstd data is damaged")


def test_a_pipe_is_read_to_its_end(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, pcap(b"x" * 60))
    os.close(writing)
    try:
        rows, warnings = read(Path(f"/dev/fd/{reading}"))
    finally:
        os.close(reading)
    assert [row["captured_length"] for row in rows] == [60]
    assert warnings == []


def test_standard_input_is_a_dash(monkeypatch, tmp_path):
    path = tmp_path / "file.pcap"
    path.write_bytes(pcap(b"x" * 60, b"y" * 61))
    with path.open("rb") as file:
        monkeypatch.setattr("sys.stdin", file)
        rows, warnings = read(Path("-"))
    assert [row["captured_length"] for row in rows] == [60, 61]
    assert warnings == []


def test_a_terminal_is_no_capture(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stdin in (Terminal(), None):
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(CaptureError, match="pipe one into it"):
            open_stream(Path("-"))


def test_a_window_keeps_what_is_not_consumed_and_knows_where_it_is(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(200)))
    window = Window(open_stream(path), capacity=64)
    seen = b""
    window.refill()
    while True:
        assert bytes(window.data[window.end : window.end + PADDING]) == bytes(PADDING)
        assert window.position == len(seen)
        step = window.peek(10)
        seen += step
        window.start += len(step)
        if window.finished and window.start == window.end:
            break
        if window.end - window.start < 10 and not window.finished:
            window.refill()
    assert seen == bytes(range(200))


def test_a_window_grows_for_what_does_not_fit(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(200)))
    window = Window(open_stream(path), capacity=64)
    window.refill()
    window.start = 50
    window.refill(need=150)
    assert window.peek(150) == bytes(range(50, 200))


def test_an_error_while_reading_is_a_damage_not_an_exception(tmp_path):
    class Failing(io.RawIOBase):
        def readinto(self, buffer):
            raise OSError("disk on fire")

    path = tmp_path / "file"
    path.write_bytes(b"12345678")
    stream = open_stream(path)
    stream._reader = Failing()
    assert stream.readinto(memoryview(bytearray(8))) == 0
    assert stream.damage == "reading failed: disk on fire"
    stream.close()


def test_memory_is_bounded_by_the_window():
    assert source.WINDOW_BYTES <= 32 << 20
