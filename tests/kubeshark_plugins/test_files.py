"""Copies of exported files."""

from __future__ import annotations

import pytest
from fake_hub import FakeHub
from kubeshark_plugins.files import file_name

from kubeshark_mcp.errors import HubError


async def test_the_full_url_of_a_file(ask):
    assert (await ask("get_file_url", path="/mcp/a.pcap")).text == "http://127.0.0.1:8898/api/mcp/a.pcap"


async def test_a_download_goes_to_the_current_folder(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = await ask("download_file", path="/mcp/snapshots/s1/pcap?export=1")
    assert (tmp_path / "s1.pcap").read_bytes() == b"capture"
    assert answer.facts == {
        "url": "http://127.0.0.1:8898/api/mcp/snapshots/s1/pcap?export=1",
        "path": str(tmp_path / "s1.pcap"),
        "size": 7,
    }


@pytest.mark.parametrize("dest", ["/etc/x.pcap", "../x.pcap"])
async def test_a_place_outside_is_refused_before_anything_is_fetched(ask, tmp_path, monkeypatch, dest):
    monkeypatch.chdir(tmp_path)
    answer = await ask("download_file", path="/mcp/a.pcap", dest=dest)
    assert answer.is_error
    assert "outside the folders" in answer.text
    assert answer.asked == []


async def test_an_existing_file_is_kept_unless_told_otherwise(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pcap").write_bytes(b"old")
    assert (await ask("download_file", path="/mcp/a.pcap")).is_error
    assert (tmp_path / "a.pcap").read_bytes() == b"old"
    assert not (await ask("download_file", path="/mcp/a.pcap", overwrite=True)).is_error
    assert (tmp_path / "a.pcap").read_bytes() == b"capture"


async def test_a_failed_download_leaves_nothing(ask, tmp_path, monkeypatch):
    class Failing(FakeHub):
        async def fetch_file(self, path, destination):
            raise HubError("The Hub closed the connection after 3 of 7 bytes; try again.")

    monkeypatch.chdir(tmp_path)
    answer = await ask("download_file", Failing(), path="/mcp/a.pcap")
    assert answer.text == "The Hub closed the connection after 3 of 7 bytes; try again."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/mcp/files/s1-ab.pcap", "s1-ab.pcap"),
        ("/mcp/snapshots/s1/pcap?x=/../y", "s1.pcap"),
        ("pcap", "pcap"),
        ("/", ""),
    ],
)
def test_files_are_named_after_their_path(path, name):
    assert file_name(path) == name
