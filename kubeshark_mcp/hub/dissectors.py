"""Which dissectors are on and which ports they are tried on first: settings by the names that Kubeshark gives them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from kubeshark_mcp.dissect.base import Protocol, Settings
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.model.field import FieldType

ENABLED, PORTS = "enabledDissectors", "portMapping"


def dissectors_by_name(protocols: Iterable[Protocol]) -> dict[str, frozenset[str]]:
    """Give what may be asked for -> the protocols that it means: names, aliases, and flags (`http` is HTTP/2 too)."""
    found: dict[str, set[str]] = {}
    for protocol in protocols:
        flags = [field.name for field in protocol.fields if field.type is FieldType.BOOL]
        for name in (protocol.name, *protocol.aliases, *flags):
            found.setdefault(name, set()).add(protocol.name)
    return {name: frozenset(meant) for name, meant in found.items()}


def parse_dissectors(
    enabled: str | None, mappings: Sequence[str], known: Mapping[str, Collection[str]]
) -> dict[str, Any]:
    """Read `http,dns` and `http=8080,8081` as the settings `enabledDissectors` and `portMapping`.

    known: see `dissectors_by_name`.
    """
    settings: dict[str, Any] = {}
    if enabled is not None:
        names = [name.strip() for name in enabled.split(",") if name.strip()]
        settings[ENABLED] = sorted({own for name in names for own in _own(name, known)})
    ports: dict[str, list[int]] = {}
    for mapping in mappings:
        name, separator, numbers = mapping.partition("=")
        if not separator:
            raise UsageError(f"--port-mapping takes PROTOCOL=PORT,PORT (http=8080,8081), not {mapping!r}.")
        meant = _own(name.strip(), known)
        own = name.strip() if name.strip() in meant else min(meant)
        ports.setdefault(own, []).extend(_port(number, mapping) for number in numbers.split(","))
    if ports:
        settings[PORTS] = ports
    return settings


def _own(name: str, known: Mapping[str, Collection[str]]) -> Collection[str]:
    if name not in known:
        there = ", ".join(sorted({own for meant in known.values() for own in meant}))
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
