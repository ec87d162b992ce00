"""Any Hub over HTTP: discovery, tool calls, file downloads and REST paths, as a Kubeshark Hub publishes them."""

from __future__ import annotations

from kubeshark_mcp.hub.api.app import build_app
from kubeshark_mcp.hub.api.settings import ApiSettings

__all__ = ["ApiSettings", "build_app"]
