"""A tool call as text, for hints."""

from __future__ import annotations

import json
from collections.abc import Mapping


def call_text(tool: str, arguments: Mapping[str, object]) -> str:
    """Write `list_api_calls(kfl="status_code >= 500", limit=10)`."""
    inside = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False, default=str)}" for name, value in arguments.items()
    )
    return f"{tool}({inside})"
