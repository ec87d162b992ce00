"""Names, manifest, and what the system says as sentences."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.store.files import (
    MANIFEST,
    entry_files,
    is_complete,
    read_manifest,
    store_errors,
    write_atomically,
    write_manifest,
)


def test_a_manifest_says_that_a_folder_is_whole(tmp_path):
    assert not is_complete(tmp_path)
    write_manifest(tmp_path, {"protocols": {"http": 3}})
    assert is_complete(tmp_path)
    assert read_manifest(tmp_path) == {"format": 1, "protocols": {"http": 3}}
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": null}', "\xff"])
def test_a_damaged_manifest_is_refused(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(StoreError, match="is not a manifest of entries: dissect the captures again"):
        read_manifest(tmp_path)


def test_a_later_format_is_refused(tmp_path):
    (tmp_path / MANIFEST).write_text('{"format": 2}')
    with pytest.raises(StoreError, match="has format 2, this version reads up to 1: update kubeshark-mcp"):
        read_manifest(tmp_path)


def test_a_missing_manifest_is_a_sentence(tmp_path):
    with pytest.raises(StoreError, match=r"Cannot read '.*entries\.json': it does not exist; dissect"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.ENOSPC, "the disk is full; free some space or use another workspace"),
        (errno.EROFS, "permission denied or read-only; use a workspace that can be written"),
        (errno.EACCES, "permission denied or read-only"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_system_errors_are_sentences(number, text):
    with pytest.raises(StoreError, match=f"Cannot write '/data': {text}"), store_errors(Path("/data"), "write"):
        raise OSError(number, "Input/output error")


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "file"
    write_atomically(target, b"old")

    def fail(self, other):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StoreError, match="the disk is full"):
        write_atomically(target, b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


def test_only_finished_files_are_entries(tmp_path):
    for name in (
        "http-0-000.parquet",
        "http-1-000.parquet",
        "dns-0-000.parquet",
        ".http-2-000.parquet.tmp",
        "_map.parquet",
    ):
        (tmp_path / name).touch()
    found = {name: [path.name for path in paths] for name, paths in entry_files(tmp_path).items()}
    assert found == {"dns": ["dns-0-000.parquet"], "http": ["http-0-000.parquet", "http-1-000.parquet"]}
    assert entry_files(tmp_path / "none") == {}
