"""Starting the MCP server: the options that say what it answers from, and what it may do."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from kubeshark_mcp.cli.config import cloud_environment
from kubeshark_mcp.cli.elsewhere import hub_elsewhere, refuse_orphans, settings_of, warn_of_credentials
from kubeshark_mcp.config import default_workspace
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.sources import CaptureSource, node_of
from kubeshark_mcp.present.times import Clock
from kubeshark_mcp.registry import Selection

if TYPE_CHECKING:
    from kubeshark_mcp.hub.interface import Hub
    from kubeshark_mcp.server import ServerOptions


ELSEWHERE = (
    *("url", "token", "license_key", "ca_file", "insecure"),
    *("cluster", "kubeconfig", "kube_context", "release_namespace"),
)
"""Options that lead to a Hub elsewhere, under the names that the command line gives them."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line asked of the server."""

    pcaps: list[Path] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    resources: list[Path] = field(default_factory=list)
    key_logs: list[Path] = field(default_factory=list)
    workspace: Path | None = None
    transport: str = "stdio"
    host: str = "127.0.0.1"
    port: int = 8765
    toolsets: str | None = None
    exclude_tools: str | None = None
    allow_destructive: bool = False
    no_redaction: bool = False
    keep_duplicates: bool = False
    allow_paths: list[Path] = field(default_factory=list)
    timezone: str | None = None
    enabled_dissectors: str | None = None
    port_mapping: list[str] = field(default_factory=list)
    dissection_workers: int = 0
    record: Path | None = None
    replay: Path | None = None
    url: str | None = None
    token: str | None = field(default=None, repr=False)
    license_key: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    insecure: bool = False
    cluster: bool = False
    kubeconfig: Path | None = None
    kube_context: str | None = None
    release_namespace: str | None = None
    set_values: list[str] = field(default_factory=list, repr=False)

    @property
    def elsewhere(self) -> bool:
        """Tell whether the Hub is not in this process."""
        return self.url is not None or self.cluster

    @classmethod
    def from_command_line(cls, given: Mapping[str, Any]) -> ServeOptions:
        """Take parsed options; those given several times are lists, None where they were not given."""
        return cls(
            pcaps=list(given["pcap"] or ()),
            nodes=list(given["node"] or ()),
            resources=list(given["resources"] or ()),
            key_logs=list(given["keylog"] or ()),
            workspace=given["workspace"],
            transport=str(given["transport"]),
            host=given["host"],
            port=given["port"],
            toolsets=given["toolsets"],
            exclude_tools=given["exclude_tools"],
            allow_destructive=given["allow_destructive"],
            no_redaction=given["no_redaction"],
            keep_duplicates=given["keep_duplicates"],
            allow_paths=list(given["allow_path"] or ()),
            timezone=given["timezone"],
            enabled_dissectors=given["enabled_dissectors"],
            port_mapping=list(given["port_mapping"] or ()),
            dissection_workers=given["dissection_workers"],
            record=given["record"],
            replay=given["replay"],
            set_values=list(given["set_values"] or ()),
            **{name: given[name] for name in ELSEWHERE},
        )


def capture_sources(pcaps: list[Path], nodes: list[str]) -> list[CaptureSource]:
    """Pair captures with node names in the order in which both were given; without one, the file's name serves."""
    if len(nodes) > len(pcaps):
        raise UsageError(f"--node was given {len(nodes)} times for {len(pcaps)} captures: give one a --pcap, in order.")
    names = [*nodes, *(node_of(path) for path in pcaps[len(nodes) :])]
    return [CaptureSource(path, name) for path, name in zip(pcaps, names, strict=True)]


def serve(options: ServeOptions) -> None:
    """Run the MCP server until its client goes away."""
    from kubeshark_mcp.server import run_http, run_stdio

    hub, key = _hub(options)
    server_options = _server_options(options, key)
    if options.transport == "stdio":
        run_stdio(hub, server_options)
    else:
        run_http(hub, server_options, host=options.host, port=options.port)


def _hub(options: ServeOptions) -> tuple[Hub, bytes]:
    """Give the Hub that answers, and the key of redaction hashes."""
    if options.replay is not None:
        from kubeshark_mcp.hub.replay import replayed

        if options.record is not None or options.pcaps or options.elsewhere:
            raise UsageError(
                "--replay answers from a recording alone: leave --record, --pcap, --url and --cluster out."
            )
        return replayed(options.replay), secrets.token_bytes(32)
    if options.elsewhere:
        key = secrets.token_bytes(32)
        return _recorded(hub_elsewhere(options), options, key), key
    refuse_orphans(options)
    embedded = embedded_hub(options)
    key = embedded.redaction_key()
    return _recorded(embedded, options, key), key


def _recorded(hub: Hub, options: ServeOptions, key: bytes) -> Hub:
    if options.record is None:
        return hub
    from kubeshark_mcp.hub.recording import recorded
    from kubeshark_mcp.present.redaction import Redactor

    return recorded(hub, options.record, None if options.no_redaction else Redactor(key))


def embedded_hub(options: ServeOptions) -> EmbeddedHub:
    """Give the Hub over the captures that were named."""
    workspace = options.workspace or default_workspace()
    return EmbeddedHub(
        workspace,
        capture_sources(options.pcaps, options.nodes),
        options.resources,
        key_logs=options.key_logs,
        keep_duplicates=options.keep_duplicates,
        settings=_dissectors(options),
        environment=_environment(options),
    )


def _environment(options: ServeOptions) -> dict[str, str] | None:
    """Give the environment with what options and the settings file say to it; None where they say nothing."""
    found = cloud_environment(os.environ)
    if not options.dissection_workers:
        return found
    from kubeshark_mcp.hub.crew import VARIABLE

    return {**(found or os.environ), VARIABLE: str(options.dissection_workers)}


def _dissectors(options: ServeOptions) -> dict[str, Any]:
    if options.enabled_dissectors is None and not options.port_mapping:
        return {}
    from kubeshark_mcp.hub.offline import checked_dissectors  # the engine, which a plain start does not load

    return checked_dissectors(options.enabled_dissectors, options.port_mapping)


def _server_options(options: ServeOptions, key: bytes | None = None) -> ServerOptions:
    from kubeshark_mcp.server import ServerOptions

    selection = Selection(
        toolsets=None if options.toolsets is None else _names(options.toolsets),
        exclude_tools=_names(options.exclude_tools or ""),
        allow_destructive=options.allow_destructive,
        elsewhere=options.elsewhere,
        cluster=options.cluster,
    )
    return ServerOptions(
        selection=selection,
        redact=not options.no_redaction,
        clock=Clock(None if options.timezone is None else _zone(options.timezone)),
        workspace=options.workspace or default_workspace(),
        allow_paths=tuple(options.allow_paths),
        key=key or secrets.token_bytes(32),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(f"--timezone {name!r} is no IANA time zone: write it as Europe/Berlin or UTC.") from error


def tools_text(options: ServeOptions, as_json: bool) -> str:
    """Give the registered tools: a line each, or their schemas as JSON."""
    from kubeshark_mcp.server import describe_tools

    tools = describe_tools(_server_options(options)) if options.url is None else _tools_there(options)
    if as_json:
        return orjson.dumps(tools, option=orjson.OPT_INDENT_2).decode()
    width = max((len(tool["name"]) for tool in tools), default=0)
    return "\n".join(f"{tool['name']:<{width}}  {tool['description'].splitlines()[0]}" for tool in tools)


def _tools_there(options: ServeOptions) -> list[dict[str, Any]]:
    """Describe the tools of a server over the Hub at `--url`: ours that it can answer, and its own."""
    from kubeshark_mcp.server import build_server

    server = build_server(hub_elsewhere(options), _server_options(options))

    async def listed() -> list[dict[str, Any]]:
        try:
            tools = await server.list_tools()
            return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
        finally:
            await server.hub.close()

    return asyncio.run(listed())


def client_configuration(options: ServeOptions, client: str | None = None) -> str:
    """Give what an MCP client takes to start this very command with these options; by default what most of them take.

    Raises UsageError for a client that is not known.
    """
    from kubeshark_mcp.cli.clients import CLIENTS, program

    known = {one.name: one for one in CLIENTS}
    chosen = known.get(client or "claude-desktop")
    if chosen is None:
        raise UsageError(f"--client {client!r} is not known: give one of {', '.join(known)}.")
    return chosen.text([program(sys.argv[0]), *_command_line(options)])


def _command_line(options: ServeOptions) -> list[str]:
    """Write options as arguments again, with paths that hold in any folder."""
    arguments: list[str] = []
    repeated: dict[str, Sequence[object]] = {
        "--pcap": [path.resolve() for path in options.pcaps],
        "--node": options.nodes,
        "--resources": [path.resolve() for path in options.resources],
        "--keylog": [path.resolve() for path in options.key_logs],
        "--allow-path": [path.resolve() for path in options.allow_paths],
        "--record": [options.record.resolve()] if options.record else [],
        "--replay": [options.replay.resolve()] if options.replay else [],
        "--workspace": [options.workspace.resolve()] if options.workspace else [],
        "--toolsets": [options.toolsets] if options.toolsets else [],
        "--exclude-tools": [options.exclude_tools] if options.exclude_tools else [],
        "--enabled-dissectors": [options.enabled_dissectors] if options.enabled_dissectors else [],
        "--port-mapping": options.port_mapping,
        "--dissection-workers": [options.dissection_workers] if options.dissection_workers else [],
        "--timezone": [options.timezone] if options.timezone else [],
        **settings_of(options),
    }
    warn_of_credentials(options)
    for name, values in repeated.items():
        for value in values:
            arguments += [name, str(value)]
    flags = {
        "--allow-destructive": options.allow_destructive,
        "--no-redaction": options.no_redaction,
        "--keep-duplicates": options.keep_duplicates,
        "--insecure": options.insecure,
        "--cluster": options.cluster,
    }
    return arguments + [name for name, wanted in flags.items() if wanted]
