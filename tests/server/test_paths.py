"""Where files may be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.server.paths import FileRules


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    for name in ("here", "workspace/snapshots/s1", "workspace/exports", "allowed", "outside"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@pytest.fixture
def rules(home) -> FileRules:
    return FileRules(home / "workspace", [home / "allowed"])


def test_files_go_to_the_current_folder_by_default(home, rules):
    assert rules.resolve_destination(None, "s1.pcap") == home / "here" / "s1.pcap"


def test_a_folder_gets_the_default_name(home, rules):
    assert rules.resolve_destination(str(home / "allowed"), "s1.pcap") == home / "allowed" / "s1.pcap"
    assert rules.resolve_destination(".", "s1.pcap") == home / "here" / "s1.pcap"


def test_workspace_and_allowed_folders_are_fine(home, rules):
    assert rules.resolve_destination(str(home / "workspace" / "a.pcap"), "x") == home / "workspace" / "a.pcap"
    assert rules.resolve_destination(str(home / "workspace/exports/a.pcap"), "x") == home / "workspace/exports/a.pcap"


@pytest.mark.parametrize("dest", ["../outside/a.pcap", "/etc/passwd", "../here2/a", "~root/a", "sub/../../outside/a"])
def test_a_path_outside_is_refused(home, rules, dest):
    with pytest.raises(UsageError, match=r"is outside the folders where files may be written|is no usable path"):
        rules.resolve_destination(dest, "x")


@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_link_that_leads_out_is_seen_for_what_it_is(home, rules, link):
    target = home / "outside" / ("a.pcap" if link == "file" else "")
    (home / "here" / "link").symlink_to(target)
    dest = "link" if link == "file" else "link/a.pcap"
    with pytest.raises(UsageError, match="is outside the folders"):
        rules.resolve_destination(dest, "x", overwrite=True)


def test_an_existing_file_needs_overwrite(home, rules):
    (home / "here" / "a.pcap").write_bytes(b"old")
    with pytest.raises(UsageError, match=r'^dest "a\.pcap" exists already; give another name, or overwrite=true\.$'):
        rules.resolve_destination("a.pcap", "x")
    assert rules.resolve_destination("a.pcap", "x", overwrite=True) == home / "here" / "a.pcap"


def test_a_default_name_that_exists_needs_overwrite_too(home, rules):
    (home / "here" / "s1.pcap").write_bytes(b"old")
    with pytest.raises(UsageError, match="exists already"):
        rules.resolve_destination(None, "s1.pcap")


@pytest.mark.parametrize(
    "dest", ["snapshots/s1/nodes.pcap", "raw/a", "jobs/a", "index/a", "workspace.json", "redaction.key"]
)
def test_the_hubs_own_files_are_not_written_over(home, rules, dest):
    with pytest.raises(UsageError, match="only the server writes"):
        rules.resolve_destination(str(home / "workspace" / dest), "x", overwrite=True)


def test_the_hubs_own_files_are_safe_when_the_workspace_is_the_current_folder(home, monkeypatch):
    monkeypatch.chdir(home / "workspace")
    with pytest.raises(UsageError, match="only the server writes"):
        FileRules(home / "workspace").resolve_destination("snapshots/s1/a", "x")


def test_a_folder_that_is_not_there_is_not_made(home, rules):
    with pytest.raises(UsageError, match=r"the folder .*/here/none does not exist"):
        rules.resolve_destination("none/a.pcap", "x")
    assert list((home / "here").iterdir()) == []


def test_what_is_no_file_cannot_be_written_over(home, rules):
    os.mkfifo(home / "here" / "pipe")
    with pytest.raises(UsageError, match="is not a file"):
        rules.resolve_destination("pipe", "x", overwrite=True)


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "a\x00b", "...", "x" * 500, "näme.pcap"])
def test_a_default_name_cannot_lead_anywhere_else(home, rules, name):
    assert rules.resolve_destination(None, name).parent == home / "here"


@pytest.mark.parametrize("dest", ["a\x00b", "x" * 5000])
def test_a_path_that_the_system_refuses_gets_a_sentence(rules, dest):
    with pytest.raises(UsageError, match="dest ") as caught:
        rules.resolve_destination(dest, "x")
    assert len(str(caught.value)) < 800
