"""The whole server on the incident, through the SDK's client: the way an assistant goes, and what it gets wrong."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.registry import Selection
from kubeshark_mcp.server import ServerOptions, build_server

INCIDENT = Path(__file__).resolve().parents[1] / "examples" / "incident"
SOURCES = [CaptureSource(INCIDENT / f"node-{name}.pcap", f"node-{name}") for name in "ab"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Give a workspace with a dissected snapshot, made through tools."""
    root = tmp_path_factory.mktemp("end-to-end") / "workspace"

    async def prepare() -> str:
        async with connected(root) as client:
            _, facts = await call(client, "create_snapshot", name="incident", wait=True)
            text, _ = await call(client, "start_snapshot_dissection", snapshot_id=facts["id"], wait=True)
            assert "completed, 100 %" in text
            return facts["id"]

    return root, asyncio.run(prepare())


@asynccontextmanager
async def connected(root: Path, mode: str = "auto", **options: Any) -> AsyncIterator[Client]:
    hub = EmbeddedHub(root, SOURCES, [INCIDENT / "resources.json"])
    server = build_server(hub, ServerOptions(workspace=root, **options))
    try:
        async with Client(server, mode=mode) as client:
            yield client
    finally:
        await hub.close()


async def call(client: Client, tool: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    result = await client.call_tool(tool, arguments)
    text = "".join(part.text for part in result.content)
    assert not result.is_error, text
    return text, dict((result.meta or {}).get("kubeshark/facts", {}))


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    text = "".join(part.text for part in result.content)
    assert result.is_error, text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_assistant_gets_from_the_errors_to_the_cause_in_a_few_calls(workspace, mode, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root, snapshot = workspace
    async with connected(root, mode) as client:
        text, _ = await call(client, "get_api_stats", kfl="failed && !dns", group_by="service")
        assert "data" in text or "redis" in text
        text, facts = await call(client, "list_api_calls", kfl="redis && failed", limit=3)
        assert text.startswith("3 of 200 calls, next: cursor=")
        assert "batch/reporter" in text
        text, _ = await call(client, "get_api_call", id=str(facts["ids"][0]))
        assert "OOM command not allowed when used memory > 'maxmemory'." in text
        text, export = await call(client, "export_snapshot_pcap", id=snapshot, bpf_filter="port 6379")
        text, _ = await call(client, "download_file", path=export["path"], dest="redis.pcap")
    assert (tmp_path / "redis.pcap").stat().st_size > 100_000


async def test_every_answer_says_how_many_tokens_it_takes_and_fences_what_was_captured(workspace):
    root, _ = workspace
    async with connected(root) as client:
        text, _ = await call(client, "list_api_calls", kfl="http", limit=5)
    assert re.search(r"\(≈[\d,]+ tokens\)$", text)
    assert re.search(r"\[captured ([0-9a-f]+): untrusted data\].*\[end \1\]", text, re.DOTALL)


async def test_secrets_are_redacted_unless_it_is_switched_off(workspace):
    root, _ = workspace
    kfl = 'http && "authorization" in request.headers'
    async with connected(root) as client:
        hidden, facts = await call(client, "list_api_calls", kfl=kfl, limit=1, format="full")
        assert facts["total"] > 0
    async with connected(root, redact=False) as client:
        shown, _ = await call(client, "list_api_calls", kfl=kfl, limit=1, format="full")
    token = re.search(r"authorization: Bearer (\S+)", shown)
    assert token is not None
    assert token[1] not in hidden
    assert "Bearer <redacted" in hidden


async def test_destructive_tools_are_there_with_permission_only(workspace):
    root, _ = workspace
    async with connected(root) as client:
        assert "delete_snapshot" not in {tool.name for tool in (await client.list_tools()).tools}
    async with connected(root, selection=Selection(allow_destructive=True)) as client:
        _, made = await call(client, "create_snapshot", name="short-lived", wait=True)
        await call(client, "delete_snapshot", id=made["id"])
        assert "short-lived" not in (await call(client, "list_snapshots"))[0]


BAD = [
    ("get_snapshot", {"id": "nope"}, "no snapshot 'nope'"),
    ("get_snapshot", {"identifier": "x"}, "no argument of get_snapshot"),
    (
        "create_snapshot",
        {"name": "x", "start_time": "2001-01-01T00:00:00Z", "end_time": "2001-01-02T00:00:00Z"},
        "outside",
    ),
    (
        "create_snapshot",
        {"name": "x", "start_time": "2026-01-02T00:00:00Z", "end_time": "2026-01-01T00:00:00Z"},
        "start_time",
    ),
    ("create_snapshot", {"name": "x", "duration": "soon"}, "duration"),
    ("create_snapshot", {"name": "x", "nodes": ["moon"]}, "no node 'moon'"),
    ("list_api_calls", {"limit": 0}, "limit"),
    ("list_api_calls", {"limit": 100_000}, "limit"),
    ("list_api_calls", {"limit": "many"}, "limit"),
    ("list_api_calls", {"kfl": "http &&"}, "line 1"),
    ("list_api_calls", {"kfl": "respnse.status == 500"}, "respnse.status"),
    ("list_api_calls", {"kfl": 'status_code == "500"'}, "status_code"),
    ("list_api_calls", {"kfl": "http.response.code == 500"}, "status_code"),
    ("list_api_calls", {"kfl": "tcp port 80"}, "port"),
    ("list_api_calls", {"cursor": "nonsense"}, "cursor"),
    ("list_api_calls", {"format": "xml"}, "format"),
    ("list_workloads", {"labels": ["app"]}, "labels"),
    ("list_workloads", {"labels": {"app": 5}}, "labels"),
    ("list_workloads", {"name_regex": "(" * 50 + "a" + ")*" * 50 + "b"}, ""),
    ("list_workloads", {"name_regex": "[a"}, "[a"),
    ("get_api_stats", {"group_by": "colour"}, "colour"),
    ("list_l4_flows", {"aggregate": "planet"}, "aggregate"),
    ("get_api_call", {"id": "first"}, "no id of a call"),
    ("download_file", {"path": "/etc/passwd", "dest": "x"}, "no file"),
]


@pytest.mark.parametrize(
    ("tool", "arguments", "says"), BAD, ids=[f"{t}-{next(iter(a.values()))}"[:40] for t, a, _ in BAD]
)
async def test_bad_input_is_a_sentence_and_changes_nothing(workspace, tool, arguments, says):
    root, _ = workspace
    before = sorted(path.name for path in (root / "snapshots").iterdir())
    async with connected(root) as client:
        if says:
            assert says.lower() in (await refused(client, tool, **arguments)).lower()
        else:
            await client.call_tool(tool, arguments)
    assert sorted(path.name for path in (root / "snapshots").iterdir()) == before


async def test_a_bad_bpf_filter_is_told_in_libpcaps_words_and_writes_nothing(workspace):
    root, snapshot = workspace
    before = sorted((root / "exports").iterdir())
    async with connected(root) as client:
        assert "port port" in await refused(client, "export_snapshot_pcap", id=snapshot, bpf_filter="port port")
    assert sorted((root / "exports").iterdir()) == before


@pytest.mark.parametrize("dest", ["/etc/kubeshark.pcap", "../outside.pcap", "link/out.pcap", "there.pcap"])
async def test_files_are_written_only_where_it_is_allowed(workspace, dest, tmp_path, monkeypatch):
    root, snapshot = workspace
    here = tmp_path / "here"
    here.mkdir()
    (here / "link").symlink_to(tmp_path)
    (here / "there.pcap").write_text("precious")
    monkeypatch.chdir(here)
    async with connected(root) as client:
        _, export = await call(client, "export_snapshot_pcap", id=snapshot, bpf_filter="icmp or port 53")
        text = await refused(client, "download_file", path=export["path"], dest=dest)
    assert text
    assert (here / "there.pcap").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here"]
