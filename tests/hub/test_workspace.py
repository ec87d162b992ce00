"""The workspace folder: names that cannot lead out of it, whole writes, locks that die with their holder."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from kubeshark_mcp.errors import StoreError, UsageError
from kubeshark_mcp.hub.workspace import (
    Workspace,
    building,
    checked_name,
    held_lock,
    read_json,
    remove_tree,
    slug,
    storing,
    write_json,
)


def test_a_new_workspace_has_its_rooms_and_its_format(tmp_path: Path):
    workspace = Workspace(tmp_path / "w")
    assert sorted(p.name for p in workspace.root.iterdir()) == [
        "exports", "index", "jobs", "raw", "snapshots", "workspace.json",
    ]  # fmt: skip
    assert read_json(workspace.root / "workspace.json") == {"format": 1}


def test_a_workspace_of_a_newer_format_is_refused_with_the_way_out(tmp_path: Path):
    Workspace(tmp_path)
    write_json(tmp_path / "workspace.json", {"format": 2})
    with pytest.raises(StoreError, match=r"format 2, this version reads format 1: update kubeshark-mcp, or choose"):
        Workspace(tmp_path)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "a\0b", "x" * 201, "-rf", "a b"])
def test_names_that_could_lead_elsewhere_are_refused(name: str, tmp_path: Path):
    with pytest.raises(UsageError, match="is not a valid snapshot id"):
        Workspace(tmp_path).snapshot(name)


def test_plain_names_are_given_back():
    assert checked_name("before-fix.1_a", "name") == "before-fix.1_a"
    assert slug("  Before the FIX! (2) ") == "before-the-fix-2"
    assert slug("***") == "unnamed"


def test_readers_never_see_a_part_of_a_file(tmp_path: Path):
    path = tmp_path / "state.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]


def test_a_damaged_state_file_is_named(tmp_path: Path):
    path = tmp_path / "state.json"
    path.write_text("{")
    with pytest.raises(StoreError, match=r"state.json' is damaged .*remove it or its folder"):
        read_json(path)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "No space is left to write"),
        (errno.EROFS, "cannot be written or read"),
        (errno.EIO, "cannot be used"),
    ],
)
def test_trouble_with_the_disk_is_told_in_a_sentence(number: int, sentence: str, tmp_path: Path):
    with pytest.raises(StoreError, match=sentence), storing(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "f"))


def test_a_lock_is_free_again_when_its_holder_is_killed(tmp_path: Path):
    path = tmp_path / "x.lock"
    holder = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from kubeshark_mcp.hub.workspace import held_lock
        with held_lock(Path({str(path)!r})) as mine:
            print(mine, flush=True)
            sys.stdin.read()
    """)
    process = subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    with held_lock(path) as mine:
        assert mine is False
    process.kill()
    process.communicate()
    with held_lock(path) as mine:
        assert mine is True


def test_a_removed_folder_vanishes_whole(tmp_path: Path):
    folder = tmp_path / "gone"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_text("x")
    remove_tree(folder)
    assert list(tmp_path.iterdir()) == []


def test_the_redaction_key_stays_the_same_and_is_private(tmp_path: Path):
    key = Workspace(tmp_path).redaction_key()
    assert len(key) == 32
    assert Workspace(tmp_path).redaction_key() == key
    assert (tmp_path / "redaction.key").stat().st_mode & 0o077 == 0


def test_a_folder_appears_when_it_is_whole_and_not_before(tmp_path: Path):
    final = tmp_path / "final"
    with building(final) as folder:
        (folder / "file").write_text("x")
        assert not final.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


def test_a_failed_attempt_leaves_nothing(tmp_path: Path):
    def attempt() -> None:
        with building(tmp_path / "final") as folder:
            (folder / "file").write_text("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        attempt()
    assert list(tmp_path.iterdir()) == []
