"""What a recording holds, and what it never does."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import orjson
import pytest
from fake_hub import FakeHub

from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import recording
from kubeshark_mcp.hub.contract_remote import Plan, StartRequest
from kubeshark_mcp.hub.recording import RecordingWriter, SafeAnswer, recorded
from kubeshark_mcp.present.redaction import Redactor

KEY = b"k" * 32


def lines(folder: Path) -> list[dict]:
    return [orjson.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_bytes().splitlines()]


async def test_questions_and_answers_are_kept_a_line_each(tmp_path: Path):
    inner = FakeHub()
    hub = recorded(inner, tmp_path / "r", Redactor(KEY))
    snapshot = await hub.snapshot("s1")
    with pytest.raises(NotFoundError):
        await hub.snapshot("zz")
    await hub.close()
    header, answered, failed = lines(tmp_path / "r")
    assert (header["format"], header["version"], header["redacted"]) == ("kubeshark-mcp recording", 1, True)
    assert (answered["method"], answered["question"]) == ("snapshot", {"snapshot_id": "s1"})
    assert answered["answer"]["created_at"] == {"$time": snapshot.created_at.isoformat()}
    assert failed["error"] == {
        "type": "NotFoundError", "text": 'There is no snapshot "zz"; list_snapshots shows those there are.'
    }  # fmt: skip
    assert inner.closed


async def test_secrets_of_questions_and_answers_are_never_written(tmp_path: Path):
    hub = recorded(FakeHub(), tmp_path / "r", Redactor(KEY))
    page = await hub.calls(c.CallQuery(kfl='path.contains("token=hunter2-secret")'))
    await hub.call(c.CallRequest(id="1", include_pcap=True))
    await hub.fetch_file("/mcp/x.pcap", tmp_path / "x.pcap")
    await hub.close()
    assert "hunter2" in str(page)  # the asker has the answer as it is
    written = b"".join(path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file())
    assert b"hunter2" not in written
    assert b"redacted 14 chars" in written
    *_, call, fetched = lines(tmp_path / "r")
    assert call["answer"]["pcap"] is None
    assert "secrets that are redacted here" in fetched["left_out"]
    assert not (tmp_path / "r" / "files").exists()


async def test_a_cursor_stays_usable(tmp_path: Path):
    hub = recorded(FakeHub(), tmp_path / "r", Redactor(KEY))
    page = await hub.calls(c.CallQuery())
    await hub.close()
    assert lines(tmp_path / "r")[1]["answer"]["cursor"] == page.cursor


async def test_without_redaction_files_are_kept_up_to_a_size(tmp_path: Path, monkeypatch):
    hub = recorded(FakeHub(), tmp_path / "r", None)
    assert await hub.fetch_file("/mcp/a.pcap", tmp_path / "a.pcap") == 7
    monkeypatch.setattr(recording, "FILES_BYTES", 10)
    await hub.fetch_file("/mcp/b.pcap", tmp_path / "b.pcap")
    await hub.close()
    _, kept, left = lines(tmp_path / "r")
    assert (tmp_path / "r" / "files" / kept["file"]).read_bytes() == b"capture"
    assert left["left_out"] == "its 7 bytes are more than a recording keeps"


def test_a_recording_is_for_its_owners_eyes(tmp_path: Path):
    RecordingWriter(tmp_path / "r", None).close()
    (path,) = (tmp_path / "r").iterdir()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "r").write_text("x")
    with pytest.raises(UsageError, match="is a file: name a folder"):
        RecordingWriter(tmp_path / "r", None)


async def test_a_full_disk_ends_the_recording_and_not_the_answers(tmp_path: Path, monkeypatch, caplog):
    hub = recorded(FakeHub(), tmp_path / "r", None)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with caplog.at_level(logging.WARNING):
        assert (await hub.snapshot("s1")).id == "s1"
        assert (await hub.snapshot("s1")).id == "s1"
    assert caplog.text.count("recording ends here") == 1


def test_what_starts_kubeshark_is_kept_without_its_values():
    plan = Plan(action="start", command=("helm", "--set", "token=x"), lines=("Start it.",), release_namespace="default")
    assert SafeAnswer(Redactor(KEY)).of("plan_start", plan)["command"] == []
    assert StartRequest().values == {}
