"""Cursors: where a page ended, bound to the query and the data that it belongs to."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from kubeshark_mcp.errors import UsageError

_MAX_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Position:
    """The last entry of a page: its time (Unix nanoseconds UTC) and id, which together are unique and ordered."""

    timestamp: int
    id: int


def write_cursor(position: Position, fingerprint: int) -> str:
    """Make an opaque text of a position; `fingerprint` identifies query and data."""
    text = json.dumps([f"{fingerprint:x}", position.timestamp, position.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, fingerprint: int) -> Position:
    """Give the position; refuses what is no cursor and the cursor of another query."""
    try:
        if len(cursor) > _MAX_LENGTH:
            raise ValueError("too long")
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mark, timestamp, number = json.loads(text)
        position = Position(int(timestamp), int(number))
        known = int(str(mark), 16)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        shown = cursor if len(cursor) <= 40 else cursor[:40] + "…"
        raise UsageError(f"{shown!r} is not a cursor: use the one that the page before gave, or none.") from error
    if known != fingerprint:
        raise UsageError(
            f"The cursor {cursor!r} belongs to another query or dissection: "
            "repeat the query that gave it unchanged, or leave the cursor out."
        )
    return position
