"""What a program of the lab is told: a JSON object in `<work>/settings/<name>.json`, read anew when it changes."""

from __future__ import annotations

import json
import os
from typing import Any

from clients import NAME, WORK


class Settings:
    """The settings of this pod. `read()` is cheap: it looks at the file's time only."""

    def __init__(self, name: str = "") -> None:
        self._path = WORK / "settings" / f"{name or os.environ.get('RECORDING_SETTINGS', NAME)}.json"
        self._seen = -1
        self._content: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """Return the settings as they are now."""
        changed = self._path.stat().st_mtime_ns
        if changed != self._seen:
            self._content, self._seen = json.loads(self._path.read_text()), changed
        return self._content
