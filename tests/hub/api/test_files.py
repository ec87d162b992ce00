"""Downloads: whole, one range, resumed, and in bounded memory."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from fake_hub import FakeHub
from hub_server import asking, served

from kubeshark_mcp.errors import NotFoundError
from kubeshark_mcp.hub.api import ApiSettings
from kubeshark_mcp.hub.api.files import KEPT, FileShelf

BYTES = bytes(range(256)) * 40


class FileHub(FakeHub):
    """Has one file on this machine."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file

    async def file_url(self, path: str) -> str:
        if path != "/mcp/files/one.pcap":
            raise NotFoundError(f"There is no file {path!r}.")
        return self.file.as_uri()


@pytest.fixture
def hub(tmp_path: Path) -> FileHub:
    file = tmp_path / "one #1%.pcap"
    file.write_bytes(BYTES)
    return FileHub(file)


async def test_a_file_comes_whole_with_what_resuming_needs(hub):
    async with asking(hub) as client:
        answer = await client.get("/api/mcp/files/one.pcap")
        head = await client.head("/api/mcp/files/one.pcap")
    assert (answer.status_code, answer.content) == (200, BYTES)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "application/vnd.tcpdump.pcap"
    assert answer.headers["etag"].startswith('"')
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(BYTES)))


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1), ("bytes=100-199", 206, 100, 200), ("bytes=10000-", 206, 10000, 10240),
        ("bytes=-40", 206, 10200, 10240), ("bytes=-99999", 206, 0, 10240), ("bytes=0-99999", 206, 0, 10240),
        ("bytes=5-3", 200, 0, 10240), ("bytes=0-1,4-5", 200, 0, 10240), ("pages=1-2", 200, 0, 10240),
        ("bytes=" + "9" * 5000 + "-", 200, 0, 10240), ("bytes=a-b", 200, 0, 10240), ("", 200, 0, 10240),
    ],
)  # fmt: skip
async def test_one_range_is_given_and_what_is_no_range_gives_the_whole(hub, asked, status, start, end):
    async with asking(hub) as client:
        answer = await client.get("/api/mcp/files/one.pcap", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, BYTES[start:end])
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(BYTES)}"


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=999999999999-", "bytes=-0"])
async def test_a_range_outside_the_file_is_refused_with_its_size(hub, asked):
    async with asking(hub) as client:
        answer = await client.get("/api/mcp/files/one.pcap", headers={"Range": asked})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */10240")


async def test_a_resume_of_a_file_that_changed_starts_anew(hub):
    async with asking(hub) as client:
        etag = (await client.get("/api/mcp/files/one.pcap")).headers["etag"]
        same = await client.get("/api/mcp/files/one.pcap", headers={"Range": "bytes=5-", "If-Range": etag})
        hub.file.write_bytes(BYTES[::-1])
        os.utime(hub.file, (1, 1))
        changed = await client.get("/api/mcp/files/one.pcap", headers={"Range": "bytes=5-", "If-Range": etag})
    assert (same.status_code, same.content) == (206, BYTES[5:])
    assert (changed.status_code, changed.content) == (200, BYTES[::-1])


@pytest.mark.parametrize(
    "path", ["/api/mcp/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/api/etc/passwd", "/api//etc/passwd"]
)
async def test_paths_that_lead_elsewhere_are_not_found(hub, path):
    async with asking(hub) as client:
        assert (await client.get(path)).status_code == 404


async def test_a_file_that_is_gone_is_told(hub):
    hub.file.unlink()
    async with asking(hub) as client:
        answer = await client.get("/api/mcp/files/one.pcap")
    assert (answer.status_code, answer.text) == (404, "The file '/mcp/files/one.pcap' is gone: export it again.")


async def test_more_downloads_than_the_limit_are_asked_to_come_again(hub):
    async with asking(hub, ApiSettings(most_downloads=0)) as client:
        answer = await client.get("/api/mcp/files/one.pcap")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_file_of_a_hub_elsewhere_is_fetched_once_for_all_its_ranges():
    hub = FakeHub()
    shelf = FileShelf(hub)
    first = await shelf.find("/mcp/snapshots/s1/pcap?export=1")
    assert first.read_bytes() == b"capture"
    assert await shelf.find("/mcp/snapshots/s1/pcap?export=1") == first
    assert [name for name, _ in hub.asked] == ["fetch_file"]
    for number in range(2, KEPT + 2):
        await shelf.find(f"/mcp/snapshots/s1/pcap?export={number}")
    assert not first.exists()
    shelf.close()
    assert not first.parent.exists()


def test_a_gigabyte_passes_without_being_held(tmp_path: Path):
    """Over a real socket; the file is sparse, so the disk holds none of it."""
    import httpx2

    file = tmp_path / "large.pcap"
    with file.open("wb") as writing:
        writing.truncate(1 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with served(FileHub(file)) as base, httpx2.Client(timeout=60) as client:
        size = 0
        with client.stream("GET", f"{base}/api/mcp/files/one.pcap") as answer:
            assert answer.headers["content-length"] == str(1 << 30)
            for part in answer.iter_raw():
                size += len(part)
    assert size == 1 << 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes
