"""The options of the server, each with its help."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Transport(StrEnum):
    """How clients reach the server."""

    STDIO = "stdio"
    HTTP = "http"


class ListFormat(StrEnum):
    """How `--list-tools` writes."""

    TABLE = "table"
    JSON = "json"


Pcap = Annotated[list[Path] | None, typer.Option(help="Capture to answer from. Repeatable.")]
Node = Annotated[list[str] | None, typer.Option(help="Node of each --pcap, in order; else its file name.")]
ResourceFiles = Annotated[
    list[Path] | None,
    typer.Option(help="Kubernetes objects as JSON, for workload names; else resources.json beside a capture."),
]
KeyLogFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--keylog", help="TLS secrets as SSLKEYLOGFILE wrote them; else FILE.keylog beside a capture. Repeatable."
    ),
]
EnabledDissectors = Annotated[
    str | None, typer.Option(help="Only these dissectors, separated by commas: http,dns,redis.")
]
PortMapping = Annotated[
    list[str] | None, typer.Option(help="Ports that a protocol is tried on first: http=8080,8081. Repeatable.")
]
DissectionWorkers = Annotated[
    int, typer.Option(help="Processes that dissect, at most; 0: as cores and memory allow.", min=0, max=1024)
]
WorkspaceFolder = Annotated[Path | None, typer.Option(help="Folder for snapshots and dissections.")]
TransportKind = Annotated[Transport, typer.Option(help="How clients reach the server.")]
Host = Annotated[str, typer.Option(help="Address for --transport http.")]
Port = Annotated[int, typer.Option(help="Port for --transport http.", min=1, max=65535)]
Toolsets = Annotated[str | None, typer.Option(help="Only these toolsets, separated by commas.")]
ExcludeTools = Annotated[str | None, typer.Option(help="Tools to leave out, separated by commas.")]
AllowDestructive = Annotated[bool, typer.Option("--allow-destructive", help="Register tools that delete.")]
NoRedaction = Annotated[bool, typer.Option("--no-redaction", help="Show secrets in answers as captured.")]
KeepDuplicates = Annotated[
    bool, typer.Option("--keep-duplicates", help="Show each sighting of a call apart instead of one entry a call.")
]
AllowPath = Annotated[list[Path] | None, typer.Option(help="Another folder that tools may write to. Repeatable.")]
Timezone = Annotated[str | None, typer.Option(help="IANA zone for times in answers; default: this machine's.")]
Record = Annotated[Path | None, typer.Option(help="Keep questions and answers in this folder, secrets redacted.")]
Replay = Annotated[Path | None, typer.Option(help="Answer from a folder that --record wrote, and from nothing else.")]
Url = Annotated[str | None, typer.Option(help="Ask the Kubeshark Hub at this address, instead of captures.")]
Token = Annotated[
    str | None, typer.Option(help="Credential for --url.", envvar="KUBESHARK_HUB_TOKEN", show_envvar=True)
]
LicenseKey = Annotated[
    str | None,
    typer.Option(help="Credential for --url without a token.", envvar="KUBESHARK_LICENSE_KEY", show_envvar=True),
]
CaFile = Annotated[Path | None, typer.Option(help="Further authorities to trust with --url, in PEM form.")]
Insecure = Annotated[bool, typer.Option("--insecure", help="Do not check the certificate of --url: others may read.")]
Cluster = Annotated[bool, typer.Option("--cluster", help="Ask the Kubeshark of a Kubernetes cluster.")]
KubeConfig = Annotated[Path | None, typer.Option(help="Kubeconfig for --cluster; default: as kubectl.")]
KubeContext = Annotated[str | None, typer.Option("--context", help="Context for --cluster; default: the current one.")]
ReleaseNamespace = Annotated[str | None, typer.Option(help="Namespace that Kubeshark is in; default: default.")]
SetValues = Annotated[
    list[str] | None, typer.Option("--set", help="Helm value KEY=VALUE for starting Kubeshark. Repeatable.")
]
ListTools = Annotated[bool, typer.Option("--list-tools", help="Print the registered tools and end.")]
Format = Annotated[ListFormat, typer.Option("--format", help="How --list-tools writes.")]
McpConfig = Annotated[bool, typer.Option("--mcp-config", help="Print the client configuration and end.")]
ClientName = Annotated[
    str | None,
    typer.Option(
        "--client",
        help="Whose --mcp-config: claude-code, claude-desktop, cursor, cursor-link, vscode, codex, gemini, "
        "opencode, uvx, docker.",
    ),
]
Version = Annotated[bool, typer.Option("--version", help="Print the version and end.")]
