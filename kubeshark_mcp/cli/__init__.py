"""The command `kubeshark-mcp`: the MCP server, and the same engine for people at a terminal."""

from __future__ import annotations

import os
import sys

import typer

from kubeshark_mcp import __version__
from kubeshark_mcp.cli import analysis, captures, config, doctor, hub, kfl, skills, views
from kubeshark_mcp.cli import options as o
from kubeshark_mcp.cli.console import reporting_errors, say
from kubeshark_mcp.cli.screen import ManyFiles

app = typer.Typer(
    name="kubeshark-mcp",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=ManyFiles)(analysis.diagnose)
app.command(cls=ManyFiles)(analysis.compare)
app.command()(views.trace)
app.command("map")(views.service_map)
app.command()(views.timeline)
app.command()(captures.entries)
app.command()(captures.flows)
app.command()(captures.export)
app.command()(doctor.doctor)
app.add_typer(kfl.app, name="kfl")
app.add_typer(hub.app, name="hub")
app.add_typer(skills.app, name="skills")
app.add_typer(config.app, name="config")


SERVER_HELP = """Ask an AI assistant what happened on your network: without a command, this is the MCP server.

Examples:

  kubeshark-mcp --pcap node-a.pcap --pcap node-b.pcap --resources resources.json

  kubeshark-mcp --cluster --release-namespace kubeshark

  kubeshark-mcp --mcp-config --client vscode --pcap my.pcap

  kubeshark-mcp diagnose my.pcap --report incident.html

  kubeshark-mcp entries my.pcap --kfl 'http && status_code >= 500'
"""


@app.callback(help=SERVER_HELP)
def serve(
    context: typer.Context,
    pcap: o.Pcap = None,
    node: o.Node = None,
    resources: o.ResourceFiles = None,
    keylog: o.KeyLogFiles = None,
    enabled_dissectors: o.EnabledDissectors = None,
    port_mapping: o.PortMapping = None,
    dissection_workers: o.DissectionWorkers = 0,
    workspace: o.WorkspaceFolder = None,
    transport: o.TransportKind = o.Transport.STDIO,
    host: o.Host = "127.0.0.1",
    port: o.Port = 8765,
    toolsets: o.Toolsets = None,
    exclude_tools: o.ExcludeTools = None,
    allow_destructive: o.AllowDestructive = False,
    no_redaction: o.NoRedaction = False,
    keep_duplicates: o.KeepDuplicates = False,
    allow_path: o.AllowPath = None,
    timezone: o.Timezone = None,
    record: o.Record = None,
    replay: o.Replay = None,
    url: o.Url = None,
    token: o.Token = None,
    license_key: o.LicenseKey = None,
    ca_file: o.CaFile = None,
    insecure: o.Insecure = False,
    cluster: o.Cluster = False,
    kubeconfig: o.KubeConfig = None,
    kube_context: o.KubeContext = None,
    release_namespace: o.ReleaseNamespace = None,
    set_values: o.SetValues = None,
    list_tools: o.ListTools = False,
    output: o.Format = o.ListFormat.TABLE,
    mcp_config: o.McpConfig = False,
    client: o.ClientName = None,
    version: o.Version = False,
) -> None:
    """Run the MCP server, unless a command was given."""
    if context.invoked_subcommand is not None:
        return
    with reporting_errors():
        _serve(dict(context.params))


def _serve(given: dict[str, object]) -> None:
    from kubeshark_mcp.cli.serve import ServeOptions, client_configuration, tools_text
    from kubeshark_mcp.cli.serve import serve as run

    options = ServeOptions.from_command_line(given)
    if given["version"]:
        say(__version__)
    elif given["list_tools"]:
        say(tools_text(options, given["output"] is o.ListFormat.JSON))
    elif given["mcp_config"]:
        say(client_configuration(options, str(given["client"]) if given["client"] else None))
    else:
        run(options)


def main() -> None:
    """Run the command line; what it does not say is taken from the environment and the settings file."""
    with reporting_errors():
        found = config.defaults(sys.argv[1:], os.environ)
    app(default_map=found)
