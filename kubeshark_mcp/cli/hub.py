"""`hub`: our own Hub over HTTP, for a team, for another kubeshark-mcp, or for any client of a Kubeshark Hub."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from kubeshark_mcp.cli import options as o
from kubeshark_mcp.cli.console import reporting_errors

app = typer.Typer(help="Serve captures over HTTP as a Kubeshark Hub.", no_args_is_help=True, rich_markup_mode=None)

Host = Annotated[str, typer.Option(help="Address to listen on; any but loopback needs --token.")]
Port = Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)]
Token = Annotated[
    str | None, typer.Option(help="What clients must present.", envvar="KUBESHARK_HUB_TOKEN", show_envvar=True)
]
AllowHost = Annotated[list[str] | None, typer.Option(help="Another name that clients address. Repeatable.")]
CallSeconds = Annotated[float, typer.Option(help="Time for one call.", min=1, max=3600)]
MostCalls = Annotated[int, typer.Option(help="Calls at once; more are asked to come again.", min=1, max=1000)]
Drain = Annotated[float, typer.Option(help="Seconds that a stop waits for calls and jobs.", min=0, max=3600)]
AllowDestructive = Annotated[bool, typer.Option("--allow-destructive", help="Offer tools that delete.")]


@app.callback()
def hub() -> None:
    """Serve captures over HTTP as a Kubeshark Hub.

    Examples:

      kubeshark-mcp hub serve --pcap node-a.pcap --resources resources.json

      kubeshark-mcp --url http://127.0.0.1:8898
    """


@app.command()
def serve(
    context: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = 8898,
    token: Token = None,
    pcap: o.Pcap = None,
    node: o.Node = None,
    resources: o.ResourceFiles = None,
    keylog: o.KeyLogFiles = None,
    enabled_dissectors: o.EnabledDissectors = None,
    port_mapping: o.PortMapping = None,
    dissection_workers: o.DissectionWorkers = 0,
    workspace: o.WorkspaceFolder = None,
    allow_host: AllowHost = None,
    allow_destructive: AllowDestructive = False,
    no_redaction: o.NoRedaction = False,
    keep_duplicates: o.KeepDuplicates = False,
    call_seconds: CallSeconds = 60.0,
    most_calls: MostCalls = 64,
    drain_seconds: Drain = 10.0,
) -> None:
    """Serve until interrupted: /api/mcp is the address of discovery, /api/openapi.json documents all paths.

    Examples:

      kubeshark-mcp hub serve --pcap node-a.pcap --pcap node-b.pcap

      KUBESHARK_HUB_TOKEN=$(openssl rand -hex 32) kubeshark-mcp hub serve --host 0.0.0.0 --workspace /data
    """
    with reporting_errors():
        _serve(dict(context.params))


def _serve(given: dict[str, Any]) -> None:
    from kubeshark_mcp.cli.serve import ServeOptions, embedded_hub
    from kubeshark_mcp.hub.api import ApiSettings
    from kubeshark_mcp.hub.api.serve import serve_hub
    from kubeshark_mcp.present.redaction import Redactor

    # The settings are checked before the Hub is made, so that a refused start leaves no workspace behind.
    settings = ApiSettings(
        host=given["host"],
        token=given["token"],
        allowed_hosts=tuple(given["allow_host"] or ()),
        allow_destructive=given["allow_destructive"],
        call_seconds=given["call_seconds"],
        most_calls=given["most_calls"],
        drain_seconds=given["drain_seconds"],
    )
    served = embedded_hub(
        ServeOptions(
            pcaps=list(given["pcap"] or ()),
            nodes=list(given["node"] or ()),
            resources=list(given["resources"] or ()),
            key_logs=list(given["keylog"] or ()),
            workspace=given["workspace"],
            enabled_dissectors=given["enabled_dissectors"],
            port_mapping=list(given["port_mapping"] or ()),
            dissection_workers=given["dissection_workers"],
            keep_duplicates=given["keep_duplicates"],
        )
    )
    redactor = None if given["no_redaction"] else Redactor(served.redaction_key())
    serve_hub(served, replace(settings, redactor=redactor), given["port"])
