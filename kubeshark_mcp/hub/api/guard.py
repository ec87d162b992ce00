"""Who may ask: the Host and Origin check against pages that rebind a name, and the token."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from kubeshark_mcp.hub.api.failures import RefusedError, refused
from kubeshark_mcp.hub.api.settings import LOOPBACK_NAMES, ApiSettings, is_loopback

OPEN = frozenset(["/healthz", "/readyz"])
"""What answers without a token: probes have none."""


class Guard:
    """ASGI middleware that lets only permitted requests through."""

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        self._app = app
        self._token = None if settings.token is None else settings.token.encode()
        own = () if is_loopback(settings.host) else (settings.host,)
        self._names = frozenset(name.lower() for name in (*LOOPBACK_NAMES, *own, *settings.allowed_hosts))
        # A server that other machines reach is addressed by names that it cannot know; there, the token is the guard.
        self._check_host = is_loopback(settings.host) or bool(settings.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is not permitted, pass on the others."""
        if scope["type"] == "http":
            try:
                self._check(Headers(scope=scope), scope["path"])
            except RefusedError as error:
                await refused(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, headers: Headers, path: str) -> None:
        if path in OPEN:
            return
        host = headers.get("host", "")
        if self._check_host and not self._known(host):
            raise RefusedError(
                421,
                f"This Hub does not answer to the name {host[:200]!r}: address it as 127.0.0.1, "
                "or permit the name with --allow-host.",
            )
        origin = headers.get("origin")
        if origin is not None and not self._known(urlsplit(origin).netloc):
            raise RefusedError(403, f"Pages of {origin[:200]!r} may not ask this Hub: permit them with --allow-host.")
        if self._token is not None and not self._presented(headers):
            raise RefusedError(
                401,
                "This Hub wants a token, and none or another was given: present it in the header "
                "X-Kubeshark-Authorization (with kubeshark-mcp: --token, or KUBESHARK_HUB_TOKEN).",
                {"WWW-Authenticate": "Bearer"},
            )

    def _known(self, host: str) -> bool:
        if host.lower() in self._names:
            return True
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name.rstrip(".") in self._names

    def _presented(self, headers: Headers) -> bool:
        given = headers.get("x-kubeshark-authorization") or headers.get("authorization") or ""
        scheme, _, credential = given.partition(" ")
        token = (credential if scheme.lower() == "bearer" else given).strip()
        assert self._token is not None
        return hmac.compare_digest(token.encode("latin-1", "replace"), self._token)
