"""Evidence as resources: `kubeshark://entry/SNAPSHOT/DISSECTION/ID` gives an entry in full, and where it was read."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError

from kubeshark_mcp.errors import KubesharkError, UnsupportedError
from kubeshark_mcp.plugin import Hub, Presenter, contract

TEMPLATE = "kubeshark://entry/{snapshot}/{dissection}/{id}"
BODY_BYTES = 65_536
"""Bytes of each body that are shown."""


class EntryResources:
    """Answers for the handles `SNAPSHOT/DISSECTION#ID` that answers of tools name as evidence."""

    def __init__(self, hub: Hub, show: Presenter) -> None:
        self._hub, self._show = hub, show

    def register(self, server: MCPServer[Any]) -> None:
        """Offer them."""
        server.resource(
            TEMPLATE,
            name="entry",
            title="One entry as evidence",
            description="An entry in full: redacted, with its packets and the SHA-256 of their capture file.",
            mime_type="text/plain",
        )(self.read)

    async def read(self, snapshot: str, dissection: str, id: str) -> str:
        """Give the entry as text."""
        handle = f"{snapshot}/{dissection}#{id}"
        try:
            asked = contract.CallRequest(id=handle, max_payload_size=BODY_BYTES)
            detail = await self._hub.call(asked)
            where = await self._where(handle)
        except KubesharkError as error:
            raise ResourceError(self._show.safe(str(error))) from None
        entry = self._show.call(
            detail.entry,
            request_body=detail.request_body,
            response_body=detail.response_body,
            flow=detail.flow,
            connection=detail.connection,
        )
        return "\n".join(line for line in (f"evidence {handle}", where, entry) if line)

    async def _where(self, handle: str) -> str:
        """Say where the entry was read; nothing where the Hub does not know."""
        try:
            source = await self._hub.source_of(handle)
        except UnsupportedError:
            return ""
        halves = ", ".join(f"{half} {first} to {last}" for half, (first, last) in source.packets.items())
        return f"packets {halves or '-'} of {source.file} ({source.node}), SHA-256 {source.sha256}"
