"""Where settings come from."""

from __future__ import annotations

from pathlib import Path

from kubeshark_mcp.config import default_workspace


def test_the_workspace_is_in_the_users_data_folder(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_workspace().name == "workspace"
    assert tmp_path in default_workspace().parents
    assert not default_workspace().exists()
