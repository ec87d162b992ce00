"""Running the served Hub until it is told to stop."""

from __future__ import annotations

import gc
import logging

import uvicorn

from kubeshark_mcp.hub.api.app import build_app
from kubeshark_mcp.hub.api.settings import ApiSettings
from kubeshark_mcp.hub.interface import Hub

log = logging.getLogger(__name__)
HEADER_BYTES = 32 << 10
_COLLECTED_AFTER = (50_000, 20, 50)
"""Objects, and collections of younger ones, after which garbage is collected (`gc.set_threshold`).

A page is made of hundreds of small dictionaries, none of them in a cycle: at the usual 700 objects the collector, which
finds nothing, takes a sixth of the time.
"""


def serve_hub(hub: Hub, settings: ApiSettings, port: int) -> bool:
    """Serve until SIGINT or SIGTERM; gives whether the server came up.

    Requests under way are finished and jobs are waited for, each for `settings.drain_seconds`; then the Hub is closed.
    """
    config = uvicorn.Config(
        build_app(hub, settings),
        host=settings.host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
    )
    server = uvicorn.Server(config)
    usual = gc.get_threshold()
    gc.set_threshold(*_COLLECTED_AFTER)
    try:
        server.run()
    finally:
        gc.set_threshold(*usual)
    return server.started
