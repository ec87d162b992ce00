"""Where settings come from when the command line does not say."""

from __future__ import annotations

from pathlib import Path


def default_workspace() -> Path:
    """Give the workspace folder in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("kubeshark-mcp", appauthor=False) / "workspace"
