"""The ASGI application that serves a Hub."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kubeshark_mcp.errors import KubesharkError
from kubeshark_mcp.hub.api import rest
from kubeshark_mcp.hub.api.arguments import ExportPcap, read_arguments
from kubeshark_mcp.hub.api.calls_wire import CallWriter
from kubeshark_mcp.hub.api.catalogue import Catalogue
from kubeshark_mcp.hub.api.failures import broken, failed
from kubeshark_mcp.hub.api.files import Download, FileShelf
from kubeshark_mcp.hub.api.guard import Guard
from kubeshark_mcp.hub.api.kept import KeptPages
from kubeshark_mcp.hub.api.limits import Slots, read_body, within
from kubeshark_mcp.hub.api.openapi import document
from kubeshark_mcp.hub.api.settings import ApiSettings
from kubeshark_mcp.hub.api.tools import ApiTool
from kubeshark_mcp.hub.api.wire import to_json
from kubeshark_mcp.hub.interface import Hub

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
READY_SECONDS = 5.0
"""How long the Hub may take to say that it answers."""
DRAIN_LOOK_SECONDS = 0.2


def build_app(hub: Hub, settings: ApiSettings | None = None) -> Starlette:
    """Give the application; it closes the Hub when its server stops."""
    api = HubApi(hub, settings or ApiSettings())
    return Starlette(routes=api.routes(), middleware=[Middleware(Guard, settings=api.settings)], lifespan=api.lifespan)


class HubApi:
    """The handlers of one served Hub."""

    def __init__(self, hub: Hub, settings: ApiSettings) -> None:
        self.settings = settings
        self._hub = hub
        self._catalogue = Catalogue(hub, settings)
        self._kept = KeptPages(hub)
        self._writer = CallWriter(settings.redactor)
        self._shelf = FileShelf(hub)
        self._calls = Slots(settings.most_calls, "calls")
        self._downloads = Slots(settings.most_downloads, "downloads")

    def routes(self) -> list[Route]:
        """Give all routes, the widest last."""
        return [
            _get("/healthz", self._alive),
            _get("/readyz", self._ready),
            _get("/api/mcp", self._discovery),
            _get("/api/openapi.json", self._openapi),
            Route("/api/mcp/tools/call", _safely(self._tool_call), methods=["POST"]),
            *(_get(f"/api{place}/snapshots/{{id}}/pcap", self._pcap) for place in ("", "/mcp")),
            *(self._rest_route(tool) for tool in self._catalogue.ours),
            _get("/api/{path:path}", self._file),
        ]

    def _rest_route(self, tool: ApiTool) -> Route:
        method, path = tool.rest
        several = rest.plural(tool.arguments)

        async def handler(request: Request) -> Response:
            with self._calls.one():
                given = rest.from_query(request.query_params, several)
                body = rest.from_body(await self._body(request))
                arguments = {**given, **body, **request.path_params}
                return await self._answer(request, tool.name, arguments)

        # Ids of calls may hold a slash: SNAPSHOT/DISSECTION#NUMBER.
        template = path.replace("/calls/{id}", "/calls/{id:path}")
        return Route(f"/api{template}", _safely(handler), methods=[method], name=tool.name)

    async def _body(self, request: Request) -> bytes:
        async with asyncio.timeout(self.settings.call_seconds):
            return await read_body(request, self.settings.most_body)

    async def _tool_call(self, request: Request) -> Response:
        with self._calls.one():
            name, arguments = rest.tool_call(rest.from_body(await self._body(request)))
            return await self._answer(request, name, arguments)

    async def _answer(self, request: Request, name: str, arguments: dict[str, Any]) -> Response:
        key = await self._kept.key(name, arguments)
        if key is not None and (known := self._kept.known(key)) is not None:
            return _json(known)
        answer = await within(self.settings.call_seconds, request, self._catalogue.call(name, arguments, self._writer))
        body = to_json(answer)  # here, for it holds the interpreter's lock in any thread
        if key is not None and "empty" not in answer:  # why nothing was found may rest on more than the entries
            await self._kept.keep(name, arguments, key, body)
        return _json(body)

    async def _discovery(self, _: Request) -> Response:
        return _json(to_json(await self._catalogue.discovery()))

    async def _openapi(self, _: Request) -> Response:
        return _json(to_json(document(self._catalogue.ours)))

    async def _pcap(self, request: Request) -> Response:
        """Export packets and send them, in one request."""
        given = rest.from_query(request.query_params, rest.plural(ExportPcap))
        read_arguments("export_snapshot_pcap", ExportPcap, {**given, **request.path_params})
        with self._calls.one():
            arguments = {**given, **request.path_params}
            work = self._catalogue.call("export_snapshot_pcap", arguments, self._writer)
            export = await within(self.settings.call_seconds, request, work)
        return Download(await self._shelf.find(export["path"]), self._downloads)

    async def _file(self, request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        found = await self._shelf.find(f"/{request.path_params['path']}{query}")
        return Download(found, self._downloads)

    async def _alive(self, _: Request) -> Response:
        return PlainTextResponse("ok")

    async def _ready(self, _: Request) -> Response:
        try:
            async with asyncio.timeout(READY_SECONDS):
                running = (await self._hub.status()).running
        except (KubesharkError, TimeoutError):
            running = False
        return PlainTextResponse("ready" if running else "not ready: the Hub does not answer", 200 if running else 503)

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Serve; when the server stops, let started jobs end for a while, then mark the others as interrupted."""
        try:
            yield
        finally:
            await self._drain()
            self._shelf.close()
            await self._hub.close()

    async def _drain(self) -> None:
        deadline = asyncio.get_running_loop().time() + self.settings.drain_seconds
        while left := await self._catalogue.unfinished():
            if asyncio.get_running_loop().time() >= deadline:
                log.warning("stopped with jobs unfinished, which are marked as interrupted: %s", ", ".join(left))
                return
            await asyncio.sleep(DRAIN_LOOK_SECONDS)


def _get(path: str, handler: Handler) -> Route:
    return Route(path, _safely(handler), methods=["GET"])


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})


def _safely(handler: Handler) -> Handler:
    """Make failures of a handler answers, with no traceback in them."""

    async def safe(request: Request) -> Response:
        try:
            return await handler(request)
        except KubesharkError as error:
            return failed(error)
        except TimeoutError:
            return PlainTextResponse("The request took too long to arrive.", 408)
        except Exception as error:  # noqa: BLE001 - the last border: a fault becomes a 500 and a logged traceback
            return broken(error)

    return safe
