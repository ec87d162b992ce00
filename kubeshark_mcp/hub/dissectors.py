"""Which dissectors are on and which ports they are tried on first: settings by the names that Kubeshark gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.errors import UsageError

ENABLED, PORTS = "enabledDissectors", "portMapping"


def parse_dissectors(
    enabled: str | None, mappings: Sequence[str], known: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Read `http,dns` and `http=8080,8081` as the settings `enabledDissectors` and `portMapping`.

    known: every name that is taken -> the protocol's own name; None: names are not checked yet.
    """
    settings: dict[str, Any] = {}
    if enabled is not None:
        names = [name.strip() for name in enabled.split(",") if name.strip()]
        settings[ENABLED] = sorted({_own(name, known) for name in names})
    ports: dict[str, list[int]] = {}
    for mapping in mappings:
        name, separator, numbers = mapping.partition("=")
        if not separator:
            raise UsageError(f"--port-mapping takes PROTOCOL=PORT,PORT (http=8080,8081), not {mapping!r}.")
        ports.setdefault(_own(name.strip(), known), []).extend(_port(number, mapping) for number in numbers.split(","))
    if ports:
        settings[PORTS] = ports
    return settings


def _own(name: str, known: Mapping[str, str] | None) -> str:
    if known is None:
        return name
    if name not in known:
        there = ", ".join(sorted(set(known.values())))
        raise UsageError(f"{name!r} is no dissector; there are {there}.")
    return known[name]


def _port(text: str, mapping: str) -> int:
    stripped = text.strip()
    if not stripped.isdecimal() or not 0 < int(stripped) < 65536:
        raise UsageError(f"--port-mapping {mapping!r}: {stripped!r} is no port; give numbers from 1 to 65535.")
    return int(stripped)


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Make dissection settings of `enabledDissectors` and `portMapping`, as a job carries them."""
    enabled = values.get(ENABLED)
    return Settings(
        enabled=None if enabled is None else frozenset(enabled),
        ports={int(port): name for name, ports in values.get(PORTS, {}).items() for port in ports},
    )
