"""Files of a Hub over HTTP: whole or one range, streamed in bounded memory."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import tempfile
from collections import OrderedDict
from pathlib import Path
from urllib.parse import unquote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from kubeshark_mcp.errors import NotFoundError
from kubeshark_mcp.hub.api.failures import RefusedError, refused
from kubeshark_mcp.hub.api.limits import Slots
from kubeshark_mcp.hub.interface import Hub

STALL_SECONDS = 120.0
"""How long a client may take for one chunk before it is taken for dead; there is no limit for a whole download."""
KEPT = 4
"""Files fetched from a Hub elsewhere that are kept, so that a resumed download goes on with the same bytes."""
MEDIA = {".pcap": "application/vnd.tcpdump.pcap", ".pcapng": "application/x-pcapng"}
_ONE_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-\d{1,18})", re.IGNORECASE)


class Download(FileResponse):
    """A file as an answer. One range is honoured; several at once, or other units, give the whole (RFC 9110, 14.2)."""

    chunk_size = 1 << 20

    def __init__(self, path: Path, slots: Slots) -> None:
        self._slots = slots
        super().__init__(
            path,
            media_type=MEDIA.get(path.suffix, "application/octet-stream"),
            filename=path.name,
            stat_result=path.stat(),
            headers={"cache-control": "private, no-cache"},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file while a place is held."""

        async def patiently(message: Message) -> None:
            async with asyncio.timeout(STALL_SECONDS):
                await send(message)

        _keep_one_range(MutableHeaders(scope=scope))
        try:
            with self._slots.one():
                await super().__call__(scope, receive, patiently)
        except RefusedError as error:
            await refused(error)(scope, receive, send)
        except TimeoutError:
            return  # the connection is closed with the body unfinished, which a client can tell and resume


def _keep_one_range(headers: MutableHeaders) -> None:
    asked = headers.get("range")
    if asked is None:
        return
    match = _ONE_RANGE.fullmatch(asked.strip())
    if match is None or (match[1] and match[2] and int(match[1]) > int(match[2])):
        del headers["range"]


class FileShelf:
    """Where the bytes behind a Hub's file paths lie: on this machine already, or fetched once and kept for a while."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._folder: Path | None = None
        self._kept: OrderedDict[str, Path] = OrderedDict()
        self._lock = asyncio.Lock()

    async def find(self, path: str) -> Path:
        """Give the file behind a path that a tool returned; raises NotFoundError where there is none."""
        url = urlsplit(await self._hub.file_url(path))
        if url.scheme == "file":
            found = Path(unquote(url.path))
            if not found.is_file():
                raise NotFoundError(f"The file {path!r} is gone: export it again.")
            return found
        async with self._lock:
            return await self._fetched(path)

    async def _fetched(self, path: str) -> Path:
        if path in self._kept and self._kept[path].is_file():
            self._kept.move_to_end(path)
            return self._kept[path]
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="kubeshark-files-"))
        name = Path(urlsplit(path).path).name or "file"
        target = self._folder / f"{hashlib.sha256(path.encode()).hexdigest()[:12]}-{name[:100]}"
        await self._hub.fetch_file(path, target)
        self._kept[path] = target
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)[1].unlink(missing_ok=True)
        return target

    def close(self) -> None:
        """Remove what was fetched."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None
        self._kept.clear()
