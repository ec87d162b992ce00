"""Answering from a recording, and saying what it has not."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from fake_hub import DISSECTION, FakeHub

from kubeshark_mcp.errors import ConflictError, NotFoundError, StoreError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.recording import recorded
from kubeshark_mcp.hub.replay import replayed
from kubeshark_mcp.present.redaction import Redactor

KEY = b"k" * 32


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    hub = recorded(FakeHub(steps=2), tmp_path / "r", Redactor(KEY))
    await hub.calls(c.CallQuery(kfl="http && status_code >= 500", limit=50))
    await hub.calls(c.CallQuery(kfl='url.contains("password=hunter2")'))
    for _ in range(3):
        await hub.dissection("s1")
    with pytest.raises(NotFoundError):
        await hub.snapshot("zz")
    await hub.status()
    await hub.fetch_file("/mcp/x.pcap", tmp_path / "x.pcap")
    await hub.close()
    return tmp_path / "r"


async def test_what_was_asked_is_answered_again(folder):
    hub = replayed(folder)
    page = await hub.calls(c.CallQuery(kfl="http && status_code >= 500", limit=50))
    assert (page.total, page.cursor, len(page.rows)) == (40, "page2", 3)
    with pytest.raises(NotFoundError, match='There is no snapshot "zz"'):
        await hub.snapshot("zz")
    await hub.close()


async def test_waiting_for_a_job_goes_as_it_went(folder):
    hub = replayed(folder)
    progress = [(await hub.dissection("s1")).progress for _ in range(5)]
    assert progress == [50, 50, 100, 100, 100]
    assert await hub.dissection("s1") == DISSECTION


async def test_a_question_with_a_secret_is_found_again_although_the_secret_is_not_there(folder):
    assert b"hunter2" not in next(folder.glob("*.jsonl")).read_bytes()
    hub = replayed(folder)
    assert (await hub.calls(c.CallQuery(kfl='url.contains("password=hunter2")'))).total == 40
    with pytest.raises(NotFoundError):
        await hub.calls(c.CallQuery(kfl='url.contains("password=hunter3")'))


async def test_a_question_that_was_not_recorded_is_told_with_the_nearest_one(folder):
    hub = replayed(folder)
    with pytest.raises(NotFoundError) as caught:
        await hub.calls(c.CallQuery(kfl="http && status_code >= 400", limit=50))
    assert str(caught.value) == (
        'This recording has no answer to calls(kfl="http && status_code >= 400", limit=50); '
        'the nearest question that it has is calls(kfl="http && status_code >= 500", limit=50).'
    )
    with pytest.raises(NotFoundError, match=r"it has no such question at all, only: calls \(2\)"):
        await hub.flows(c.FlowQuery())


async def test_status_says_that_it_is_a_replay_and_what_every_hub_has_is_there(folder, tmp_path):
    hub = replayed(folder)
    status = await hub.status()
    assert status.details["replay"].startswith("recorded 20")
    assert (await hub.tools()).extra == ()
    assert await hub.prompts() == []
    recorded(FakeHub(), tmp_path / "empty", None)
    assert (await replayed(tmp_path / "empty").status()).kind == "replay"


async def test_a_file_that_was_left_out_says_why(folder, tmp_path):
    with pytest.raises(NotFoundError, match=r"has not kept the file '/mcp/x.pcap': its packets hold the secrets"):
        await replayed(folder).fetch_file("/mcp/x.pcap", tmp_path / "again.pcap")
    assert not (tmp_path / "again.pcap").exists()


async def test_a_kept_file_is_given_again(tmp_path):
    hub = recorded(FakeHub(), tmp_path / "r", None)
    await hub.fetch_file("/mcp/x.pcap", tmp_path / "x.pcap")
    await hub.close()
    again = replayed(tmp_path / "r")
    assert await again.fetch_file("/mcp/x.pcap", tmp_path / "again.pcap") == 7
    assert (tmp_path / "again.pcap").read_bytes() == b"capture"
    assert (await again.file_url("/mcp/x.pcap")).startswith("file://")
    for path in (tmp_path / "r" / "files").iterdir():
        path.unlink()
    with pytest.raises(NotFoundError, match="is gone: copy its folder as a whole"):
        await again.fetch_file("/mcp/x.pcap", tmp_path / "third.pcap")


async def test_an_unfinished_last_line_is_skipped(folder, caplog):
    path = next(folder.glob("*.jsonl"))
    path.write_bytes(path.read_bytes()[:-30])
    hub = replayed(folder)
    assert "1 lines are damaged or unfinished" in caplog.text
    assert (await hub.calls(c.CallQuery(kfl="http && status_code >= 500", limit=50))).total == 40


async def test_errors_come_back_as_their_own_kind(tmp_path, monkeypatch):
    async def clash(*_, **__):
        raise ConflictError("it is running")

    monkeypatch.setattr(FakeHub, "start_dissection", clash)
    hub = recorded(FakeHub(), tmp_path / "r", None)
    with pytest.raises(ConflictError):
        await hub.start_dissection("s1")
    with pytest.raises(ConflictError, match="it is running"):
        await replayed(tmp_path / "r").start_dissection("s1")


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (None, UsageError, "holds no recording"),
        (b"", StoreError, "is no recording of kubeshark-mcp"),
        (b'{"format": "other"}\n', StoreError, "is no recording of kubeshark-mcp"),
        (b"\xff\xfe\n[]\n7\n", StoreError, "is no recording of kubeshark-mcp"),
        (orjson.dumps({"format": "kubeshark-mcp recording", "version": 9}), StoreError, "has version 9"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path, content, error, says):
    if content is not None:
        (tmp_path / "x.jsonl").write_bytes(content)
    with pytest.raises(error, match=says):
        replayed(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is no folder"):
        replayed(tmp_path / "missing")
