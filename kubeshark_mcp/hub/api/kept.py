"""Finished pages of calls, kept as bytes for those who ask the same of the same data again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from kubeshark_mcp.hub.interface import Hub
from kubeshark_mcp.store.remembering import Remembered

KEPT_BYTES = 8 << 20
"""What the pages of a served Hub that are kept may take."""
LARGEST = 1 << 20
"""Bytes of the largest of them."""
_TOOL = "list_api_calls"
_ABSOLUTE = re.compile(r"\d{4}-\d{2}-\d{2}T[0-9:.]+(?:Z|[+-]\d{2}:\d{2})")
"""Times that mean the same tomorrow (RFC 3339)."""


class KeptPages:
    """The pages of one Hub. A page follows from its question and the edition of the data, or it is not kept."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._pages: Remembered[bytes] = Remembered(KEPT_BYTES, len)

    async def key(self, tool: str, arguments: Mapping[str, Any]) -> tuple[str, bytes] | None:
        """Identify a question and the data it is about; None for one whose answer is not to be kept.

        That is every question of another tool, without a full name of a database, or with a time that goes on.
        """
        database = arguments.get("db")
        if tool != _TOOL or not isinstance(database, str) or not _lasting(arguments):
            return None
        edition = await self._hub.edition(database)
        return (edition, orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)) if edition else None

    def known(self, key: tuple[str, bytes]) -> bytes | None:
        """Give a page that is kept."""
        return self._pages.known(key)

    async def keep(self, tool: str, arguments: Mapping[str, Any], key: tuple[str, bytes], answer: bytes) -> None:
        """Keep an answer, unless the data became another while it was made. key: from before."""
        if len(answer) <= LARGEST and await self.key(tool, arguments) == key:
            self._pages.keep(key, answer)


def _lasting(arguments: Mapping[str, Any]) -> bool:
    """Tell whether a question means the same whenever it is asked."""
    kfl = arguments.get("kfl", "")
    return (
        isinstance(kfl, str)
        and "now" not in kfl
        and all(_is_absolute(arguments[name]) for name in ("start", "end") if name in arguments)
    )


def _is_absolute(moment: Any) -> bool:
    return isinstance(moment, int) or (isinstance(moment, str) and _ABSOLUTE.fullmatch(moment) is not None)
