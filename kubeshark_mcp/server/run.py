"""Starting a server over stdio or streamable HTTP."""

from __future__ import annotations

import logging
import sys
from typing import Any

import anyio
from mcp.server.transport_security import TransportSecuritySettings

from kubeshark_mcp.plugin import Hub
from kubeshark_mcp.server.app import KubesharkServer, build_server
from kubeshark_mcp.server.options import ServerOptions

PATH = "/mcp"
"""Where streamable HTTP is served."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run_stdio(hub: Hub, options: ServerOptions | None = None) -> None:
    """Serve one client over standard input and output until it leaves; closes the Hub."""
    server = _prepared(hub, options)

    async def serve() -> None:
        try:
            await server.run_stdio_async()
        finally:
            await _close(hub)

    anyio.run(serve)


def run_http(
    hub: Hub,
    options: ServerOptions | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
    allowed_hosts: tuple[str, ...] = (),
) -> None:
    """Serve many clients over streamable HTTP at `/mcp` until interrupted; closes the Hub.

    Only requests whose Host (and Origin, if any) is loopback, `host` itself or one of allowed_hosts (`name` or
    `name:port`) are answered, so that a web page cannot reach the server through a name of its own.
    """
    server = _prepared(hub, options)

    async def serve() -> None:
        try:
            await server.run_streamable_http_async(
                host=host, port=port, streamable_http_path=PATH, transport_security=host_check(host, allowed_hosts)
            )
        finally:
            await _close(hub)

    anyio.run(serve)


def http_app(server: KubesharkServer, host: str = "127.0.0.1", allowed_hosts: tuple[str, ...] = ()) -> Any:
    """Give the ASGI application that `run_http` serves."""
    return server.streamable_http_app(
        streamable_http_path=PATH, host=host, transport_security=host_check(host, allowed_hosts)
    )


def host_check(host: str, allowed_hosts: tuple[str, ...] = ()) -> TransportSecuritySettings:
    """Give the Host and Origin check for a server bound to `host`: always on."""
    names = dict.fromkeys([*LOOPBACK, *([] if host in {"0.0.0.0", "::"} else [host]), *allowed_hosts])
    hosts: list[str] = []
    for name in names:
        bare = f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
        has_port = bare.rpartition(":")[2].isdigit() and not bare.endswith("]")
        hosts += [bare] if has_port else [bare, f"{bare}:*"]
    origins = [f"{scheme}://{name}" for name in hosts for scheme in ("http", "https")]
    return TransportSecuritySettings(enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=origins)


def _prepared(hub: Hub, options: ServerOptions | None) -> KubesharkServer:
    log_to_stderr()
    return build_server(hub, options)


def log_to_stderr() -> None:
    """Send warnings and worse to stderr, one plain line each; stdout belongs to the protocol."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


async def _close(hub: Hub) -> None:
    with anyio.CancelScope(shield=True):
        await hub.close()
