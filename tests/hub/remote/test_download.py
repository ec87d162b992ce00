"""Fetching files: whole or not at all, going on in the middle, never from elsewhere."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from remote_fakes import TOKEN, URL, Naps, Routes, answer, socket_server

from kubeshark_mcp.errors import HubError, KubesharkError, StoreError, UsageError
from kubeshark_mcp.hub.remote.access import Trust, UrlAccess
from kubeshark_mcp.hub.remote.client import HubClient
from kubeshark_mcp.hub.remote.download import Download, file_path

DATA = bytes(range(256)) * 20_000
"""5 MB."""


def download_from(url: str) -> tuple[Download, HubClient]:
    client = HubClient(UrlAccess(url, TOKEN, trust=Trust(use_proxies=False)), sleep=Naps())
    return Download(client, Naps()), client


def start_of(head: bytes) -> int:
    found = re.search(rb"[Rr]ange: bytes=(\d+)-", head)
    return int(found[1]) if found else 0


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_download_that_breaks_off_goes_on_in_the_middle(tmp_path):
    async def serve(reader, writer, head):
        start = start_of(head)
        part = DATA[start : start + 2_000_000]
        status = "206 Partial Content" if start else "200 OK"
        span = [f"Content-Range: bytes {start}-{len(DATA) - 1}/{len(DATA)}"] if start else []
        writer.write(answer(status, part, 'ETag: "one"', *span, length=len(DATA) - start))
        await writer.drain()

    async with socket_server(serve) as (url, heads):
        download, client = download_from(url)
        size = await download.to("/mcp/files/a.pcap", tmp_path / "a.pcap")
        await client.close()
    assert size == len(DATA)
    assert (tmp_path / "a.pcap").read_bytes() == DATA
    assert names(tmp_path) == ["a.pcap"]
    assert len(heads) == 3
    assert b'If-Range: "one"' in heads[1]
    assert all(TOKEN.encode() in head for head in heads)


async def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(tmp_path):
    answers = iter(
        [answer("200 OK", b"old" * 1000, 'ETag: "old"', length=9000), answer("200 OK", b"new" * 3000, 'ETag: "new"')]
    )

    async def serve(reader, writer, head):
        writer.write(next(answers))
        await writer.drain()

    async with socket_server(serve) as (url, _):
        download, client = download_from(url)
        await download.to("x", tmp_path / "x")
        await client.close()
    assert (tmp_path / "x").read_bytes() == b"new" * 3000


async def test_a_range_that_was_not_asked_for_is_not_joined(tmp_path):
    whole = b"0123456789" * 1000

    async def serve(reader, writer, head):
        if b"Range:" in head:
            wrong = f"Content-Range: bytes 7-{len(whole) - 1}/{len(whole)}"
            writer.write(answer("206 Partial Content", whole[7:], wrong))
        elif not asked:
            writer.write(answer("200 OK", whole[:5000], 'ETag: "a"', length=len(whole)))
        else:
            writer.write(answer("200 OK", whole, 'ETag: "a"'))
        asked.append(head)
        await writer.drain()

    asked: list[bytes] = []
    async with socket_server(serve) as (url, _):
        download, client = download_from(url)
        await download.to("x", tmp_path / "x")
        await client.close()
    assert (tmp_path / "x").read_bytes() == whole


async def test_a_download_without_progress_is_given_up_and_leaves_nothing(tmp_path):
    async def serve(reader, writer, head):
        writer.write(answer("200 OK", b"", length=1000))
        await writer.drain()

    async with socket_server(serve) as (url, heads):
        download, client = download_from(url)
        with pytest.raises(HubError, match="broke off after 0 bytes and cannot be taken up again"):
            await download.to("x", tmp_path / "x")
        await client.close()
    assert names(tmp_path) == []
    assert len(heads) == 5


async def test_cancelling_leaves_no_half_file(tmp_path):
    begun = asyncio.Event()

    async def serve(reader, writer, head):
        writer.write(answer("200 OK", b"x" * 2_000_000, length=3_000_000))
        await writer.drain()
        begun.set()
        await asyncio.Event().wait()

    async with socket_server(serve) as (url, _):
        download, client = download_from(url)
        task = asyncio.create_task(download.to("x", tmp_path / "x"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.close()
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (httpx.Response(404, text="no such file"), "no such file"),
        (httpx.Response(401), "answered HTTP 401"),
        (httpx.Response(303, headers={"Location": "/login"}), "login page"),
        (httpx.Response(200, html="<html>please sign in</html>"), "a web page instead of the file"),
    ],
)
async def test_a_refusal_is_a_sentence_and_leaves_nothing(tmp_path, given, says):
    routes = Routes()
    routes.router.get(f"{URL}/api/x").mock(return_value=given)
    with pytest.raises(KubesharkError, match=says):
        await routes.hub.fetch_file("x", tmp_path / "x")
    assert names(tmp_path) == []


async def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    routes = Routes()
    routes.router.get(f"{URL}/api/x").respond(content=b"x")
    with pytest.raises(StoreError):
        await routes.hub.fetch_file("x", tmp_path / "missing" / "x")


@pytest.mark.parametrize(
    ("given", "below"),
    [
        ("/mcp/snapshots/s/pcap?nodes=a", "/api/mcp/snapshots/s/pcap?nodes=a"),
        ("mcp/x", "/api/mcp/x"),
        ("/api/mcp/x", "/api/mcp/x"),
        (f"{URL}/api/mcp/x", "/api/mcp/x"),
    ],
)
def test_a_path_is_below_the_hubs_interface(given, below):
    assert file_path(given, URL) == below


@pytest.mark.parametrize(
    "given",
    ["https://evil.test/x", "//evil.test/x", "/mcp/../../etc", "a\\..\\b", "/x\r\nHost: evil", "", "file:///etc"],
)
def test_a_path_that_leads_elsewhere_is_refused(given):
    with pytest.raises(UsageError, match="is no path that this Hub gave"):
        file_path(given, URL)
