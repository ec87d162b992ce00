"""The command `kubeshark-mcp`: the MCP server, and the same engine for people at a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kubeshark_mcp import __version__
from kubeshark_mcp.cli import captures, doctor, kfl
from kubeshark_mcp.cli.console import reporting_errors, say
from kubeshark_mcp.errors import UsageError

app = typer.Typer(
    name="kubeshark-mcp",
    no_args_is_help=False,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(captures.entries)
app.command()(captures.flows)
app.command()(captures.export)
app.command()(doctor.doctor)
app.add_typer(kfl.app, name="kfl")


@app.callback()
def serve(
    context: typer.Context,
    pcap: Annotated[list[Path] | None, typer.Option(help="Capture to answer from. Repeatable.")] = None,
    node: Annotated[list[str] | None, typer.Option(help="Node of each --pcap, in order; else its file name.")] = None,
    resources: Annotated[
        list[Path] | None, typer.Option(help="Kubernetes objects as JSON, for workload names.")
    ] = None,
    workspace: Annotated[Path | None, typer.Option(help="Folder for snapshots and dissections.")] = None,
    transport: Annotated[str, typer.Option(help="stdio or http.")] = "stdio",
    host: Annotated[str, typer.Option(help="Address for --transport http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port for --transport http.", min=0, max=65535)] = 8765,
    toolsets: Annotated[str | None, typer.Option(help="Only these toolsets, separated by commas.")] = None,
    exclude_tools: Annotated[str | None, typer.Option(help="Tools to leave out, separated by commas.")] = None,
    allow_destructive: Annotated[bool, typer.Option("--allow-destructive", help="Register tools that delete.")] = False,
    no_redaction: Annotated[bool, typer.Option("--no-redaction", help="Show secrets in answers as captured.")] = False,
    allow_path: Annotated[list[Path] | None, typer.Option(help="Another folder that tools may write to.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="IANA zone for times in answers; default: this machine's.")
    ] = None,
    list_tools: Annotated[bool, typer.Option("--list-tools", help="Print the registered tools and end.")] = False,
    output: Annotated[str, typer.Option("--format", help="For --list-tools: table or json.")] = "table",
    mcp_config: Annotated[bool, typer.Option("--mcp-config", help="Print the client configuration and end.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Ask an AI assistant what happened on your network: without a command, this is the MCP server.

    Examples:
      kubeshark-mcp --pcap node-a.pcap --pcap node-b.pcap --resources resources.json

      kubeshark-mcp --mcp-config --pcap my.pcap

      kubeshark-mcp entries my.pcap --kfl 'http && status_code >= 500'
    """
    from kubeshark_mcp.cli.serve import ServeOptions, client_configuration, tools_text
    from kubeshark_mcp.cli.serve import serve as run

    if context.invoked_subcommand is not None:
        return
    with reporting_errors():
        if version:
            say(__version__)
            return
        if transport not in {"stdio", "http"}:
            raise UsageError(f"--transport is stdio or http, not {transport!r}.")
        options = ServeOptions(
            pcaps=pcap or [],
            nodes=node or [],
            resources=resources or [],
            workspace=workspace,
            transport=transport,
            host=host,
            port=port,
            toolsets=toolsets,
            exclude_tools=exclude_tools,
            allow_destructive=allow_destructive,
            no_redaction=no_redaction,
            allow_paths=allow_path or [],
            timezone=timezone,
        )
        if list_tools:
            say(tools_text(options, output == "json"))
        elif mcp_config:
            say(client_configuration(options))
        else:
            run(options)


def main() -> None:
    """Run the command line."""
    app()
