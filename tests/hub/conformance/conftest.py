"""Three ways to the same answers: in process, over HTTP and back, and from a recording."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from conformance_questions import QUESTIONS, outcome
from hub_server import served

from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.api import ApiSettings
from kubeshark_mcp.hub.interface import Hub
from kubeshark_mcp.hub.recording import RecordingWriter, recorded
from kubeshark_mcp.hub.remote.access import UrlAccess
from kubeshark_mcp.hub.remote.client import HubClient
from kubeshark_mcp.hub.remote.hub import RemoteHub
from kubeshark_mcp.hub.replay import replayed


def redis_packets(snapshot: str) -> c.ExportRequest:
    return c.ExportRequest(snapshot_id=snapshot, bpf_filter="tcp port 6379")


Way = Callable[[], AbstractAsyncContextManager[Hub]]


@pytest.fixture(scope="session")
def hub_url(incident):
    with served(incident.hub, ApiSettings(allow_destructive=True)) as url:
        yield url


@pytest.fixture(scope="session")
def recording(incident, tmp_path_factory) -> Path:
    """Ask everything once, and keep it."""
    folder = tmp_path_factory.mktemp("recording")
    hub = recorded(incident.hub, folder, None)

    async def ask() -> None:
        for question in QUESTIONS.values():
            await outcome(question(hub, incident.snapshot))
        path = (await hub.export_pcap(redis_packets(incident.snapshot))).path
        await hub.fetch_file(path, tmp_path_factory.mktemp("fetched") / "one.pcap")

    with ThreadPoolExecutor(1) as thread:  # the test that is first to need it has an event loop already
        thread.submit(asyncio.run, ask()).result()
    assert isinstance(hub._writer, RecordingWriter)
    hub._writer.close()
    return folder


@pytest.fixture(params=["embedded", "remote", "replay"])
def way(request, incident) -> Way:
    if request.param == "embedded":
        return lambda: _open(incident.hub)
    if request.param == "replay":
        folder = request.getfixturevalue("recording")
        return lambda: _open(replayed(folder))
    url = request.getfixturevalue("hub_url")
    return lambda: _remote(url)


@asynccontextmanager
async def _open(hub: Hub) -> AsyncIterator[Hub]:
    yield hub


@asynccontextmanager
async def _remote(url: str) -> AsyncIterator[Hub]:
    hub = RemoteHub(HubClient(UrlAccess(url)))
    try:
        yield hub
    finally:
        await hub.close()
