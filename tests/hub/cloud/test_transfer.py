"""Uploads and downloads themselves, in process: whole or nothing, every byte checked."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import obstore
import pytest
from obstore.store import MemoryStore

from kubeshark_mcp.errors import ConflictError, HubError, NotFoundError, StoreError
from kubeshark_mcp.hub.cloud.manifest import object_name
from kubeshark_mcp.hub.cloud.settings import CloudSettings, Provider
from kubeshark_mcp.hub.cloud.store import CloudStore
from kubeshark_mcp.hub.cloud.transfer import (
    download_snapshot,
    kept_files,
    manifest_of,
    object_of,
    snapshot_in,
    upload_snapshot,
)
from kubeshark_mcp.hub.jobs import CancelledJobError
from kubeshark_mcp.hub.workspace import Workspace

from .conftest import ID, ODD_NAME, SNAPSHOT, contents, quiet, with_snapshot

PACKETS = f"nodes/node-a/{ODD_NAME}"


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def store(memory) -> CloudStore:
    return CloudStore(memory, CloudSettings(Provider.FILE, "/memory"))


@pytest.fixture
def stored(tmp_path, store) -> Workspace:
    """Give an empty workspace beside a storage that holds the snapshot."""
    upload_snapshot(with_snapshot(tmp_path / "first"), store, ID, quiet)
    return Workspace(tmp_path / "second")


def names(memory: MemoryStore) -> list[str]:
    return sorted(one["path"] for chunk in obstore.list(memory) for one in chunk)


def kept(workspace: Workspace) -> dict[str, bytes]:
    return contents(workspace.snapshots)


def test_what_is_uploaded_comes_back_byte_by_byte_without_what_is_made_from_it(tmp_path, memory, store):
    first, second = with_snapshot(tmp_path / "first", b"p" * (20 << 20)), Workspace(tmp_path / "second")
    told = []
    report = lambda fraction, result: told.append((round(fraction, 2), result["bytes_done"]))  # noqa: E731
    done = upload_snapshot(first, store, ID, report)
    assert names(memory) == [
        f"snapshots/{ID}/manifest.json",
        f"snapshots/{ID}/{object_name(PACKETS)}",
        f"snapshots/{ID}/resources.json",
        f"snapshots/{ID}/snapshot.json",
    ]
    assert told == sorted(told)
    assert told[-1] == (1.0, done["bytes_total"])
    assert download_snapshot(second, store, ID, quiet) == done
    found = contents(second.snapshot(ID))
    assert sorted(found) == [PACKETS, "resources.json", "snapshot.json"]
    assert found == {name: data for name, data in contents(first.snapshot(ID)).items() if name in found}
    assert snapshot_in(second.snapshot(ID)) == SNAPSHOT


def test_an_upload_that_stops_anywhere_leaves_nothing_that_is_listed(tmp_path, store):
    first = with_snapshot(tmp_path / "first")
    for stop in range(3):
        seen = []

        def report(fraction: float, result: dict[str, object], seen: list[float] = seen, stop: int = stop) -> None:
            seen.append(fraction)
            if len(seen) > stop:
                raise CancelledJobError("cancelled")

        with pytest.raises(CancelledJobError):
            upload_snapshot(first, store, ID, report)
        with pytest.raises(NotFoundError):
            manifest_of(store, ID)
    upload_snapshot(first, store, ID, quiet)
    assert manifest_of(store, ID).snapshot == SNAPSHOT


def test_a_file_that_grows_while_it_is_uploaded_is_no_snapshot(tmp_path, store):
    first = with_snapshot(tmp_path / "first")
    grown = first.snapshot(ID) / "resources.json"

    def report(fraction: float, result: dict[str, object]) -> None:
        grown.write_bytes(b"{          }")

    with pytest.raises(StoreError, match="changed while it was uploaded: start the upload again"):
        upload_snapshot(first, store, ID, report)


@pytest.mark.parametrize("data", [b"packetz", b"packet", b"packets and more"])
def test_a_damaged_object_is_noticed_and_nothing_is_kept(memory, store, stored, data):
    obstore.put(memory, object_of(ID, PACKETS), data)
    with pytest.raises(
        HubError, match=r"000-my capture #1 .* is damaged .*; nothing was kept: upload the snapshot anew"
    ):
        download_snapshot(stored, store, ID, quiet)
    assert kept(stored) == {}


def test_a_missing_object_is_noticed(memory, store, stored):
    obstore.delete(memory, object_of(ID, "resources.json"))
    with pytest.raises(HubError, match=r"'resources.json' .* is missing; nothing was kept"):
        download_snapshot(stored, store, ID, quiet)
    assert kept(stored) == {}


def test_a_manifest_and_a_snapshot_that_differ_are_refused(memory, store, stored):
    data = bytes(obstore.get(memory, object_of(ID, "manifest.json")).bytes())
    obstore.put(memory, object_of(ID, "manifest.json"), data.replace(b'"Incident"', b'"Accident"'))
    with pytest.raises(HubError, match="is not the one its manifest describes"):
        download_snapshot(stored, store, ID, quiet)
    assert kept(stored) == {}


def test_a_download_that_is_stopped_leaves_nothing(store, stored):
    def report(fraction: float, result: dict[str, object]) -> None:
        raise CancelledJobError("cancelled")

    with pytest.raises(CancelledJobError):
        download_snapshot(stored, store, ID, report)
    assert kept(stored) == {}


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_is_said_and_nothing_is_kept(tmp_path, store):
    upload_snapshot(with_snapshot(tmp_path / "first", b"p" * 300_000), store, ID, quiet)
    second = Workspace(tmp_path / "second")
    with files_of_at_most(100_000), pytest.raises(StoreError, match="No space is left to write"):
        download_snapshot(second, store, ID, quiet)
    assert kept(second) == {}


def test_a_snapshot_that_cannot_fit_is_not_begun(store, stored, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 5, 5))
    with pytest.raises(StoreError, match=r"has \d+ bytes, but only 5 are free .* choose another folder"):
        download_snapshot(stored, store, ID, quiet)
    assert kept(stored) == {}


def test_a_snapshot_that_was_made_here_meanwhile_stays(store, stored):
    def report(fraction: float, result: dict[str, object]) -> None:
        stored.snapshot(ID).mkdir(exist_ok=True)
        (stored.snapshot(ID) / "mine").touch()

    with pytest.raises(ConflictError, match="was made here meanwhile; it stays as it is"):
        download_snapshot(stored, store, ID, report)
    assert kept(stored) == {f"{ID}/mine": b""}


def test_tls_secrets_come_back_for_their_owners_eyes_only(tmp_path, store):
    first, second = with_snapshot(tmp_path / "first"), Workspace(tmp_path / "second")
    from kubeshark_mcp.hub.keylogs import KEY_LOG_NAME

    (first.snapshot(ID) / KEY_LOG_NAME).write_text("CLIENT_RANDOM 00 11\n")
    upload_snapshot(first, store, ID, quiet)
    download_snapshot(second, store, ID, quiet)
    assert (second.snapshot(ID) / KEY_LOG_NAME).stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_named_is_said_and_links_are_left_out(tmp_path):
    folder = with_snapshot(tmp_path).snapshot(ID)
    (folder / "link").symlink_to(Path("/etc/hostname"))
    assert [path.name for path in kept_files(folder)] == [ODD_NAME, "resources.json", "snapshot.json"]
    (folder / "nodes" / "node-a" / "a\nb.pcap").touch()
    with pytest.raises(StoreError, match="cannot be named in cloud storage: rename it"):
        kept_files(folder)


def test_a_damaged_description_is_said(tmp_path):
    (tmp_path / "snapshot.json").write_text('{"id": 5}')
    with pytest.raises(StoreError, match="is damaged: delete the snapshot"):
        snapshot_in(tmp_path)
