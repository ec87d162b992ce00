"""Key logs: found, read, and kept with a snapshot for its owner alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.keylogs import keep_key_logs, kept_key_logs, key_log_files, read_key_logs
from kubeshark_mcp.hub.sources import CaptureSource

SECRET = f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}"
SESSION = f"RSA Session-ID:{'01' * 32} Master-Key:{'cd' * 48}"


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_named_ones_are_taken_else_those_beside_the_captures(tmp_path: Path):
    beside = written(tmp_path / "a.pcap.keylog", SECRET)
    sources = [CaptureSource(tmp_path / "a.pcap", "a"), CaptureSource(tmp_path / "b.pcap", "b")]
    assert key_log_files(sources, []) == [beside]
    assert key_log_files(sources, [tmp_path / "other"]) == [tmp_path / "other"]


def test_lines_with_secrets_are_read_and_comments_are_not(tmp_path: Path):
    path = written(tmp_path / "keys", "# SSL/TLS secrets log file", "", f"  {SECRET}", SESSION, "CLIENT_RANDOM xyz")
    assert read_key_logs([path]) == [SECRET, SESSION]
    assert read_key_logs([written(tmp_path / "empty")]) == []


def test_what_is_no_key_log_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"page.html' is no key log: .* SSLKEYLOGFILE=FILE"):
        read_key_logs([written(tmp_path / "page.html", "<html>")])
    with pytest.raises(UsageError, match=r"The key log '.*absent' cannot be read: No such file or directory\."):
        read_key_logs([tmp_path / "absent"])


def test_a_snapshot_keeps_each_secret_once_for_its_owner_alone(tmp_path: Path):
    paths = [written(tmp_path / name, SECRET, "# comment") for name in ("one", "two")]
    keep_key_logs(paths, tmp_path)
    (kept,) = kept_key_logs(tmp_path)
    assert kept.read_text() == f"{SECRET}\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_snapshot_without_secrets_keeps_no_file(tmp_path: Path):
    keep_key_logs([], tmp_path)
    assert kept_key_logs(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
