"""The whole way, on the project's own incident: captures in, an answer with evidence out, through MCP alone.

Starts the server as an assistant would, over stdio, walks the network-RCA route with the SDK's client, and reports what
the traffic says. Nothing here knows what happened: with other captures it reports on those.

    python examples/demo.py [--pcap FILE ... --resources FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
from investigate import Finding, Suspect, find_cause

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PAGE = 1000


class ToolFailedError(Exception):
    """A tool answered with an error; its text says why."""


class Session:
    """Calls of one MCP session, told on the console."""

    def __init__(self, client: Client, console: Console) -> None:
        self._client = client
        self._console = console
        self.calls = 0

    async def call(self, tool: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
        """Call a tool; give its text and its facts."""
        self.calls += 1
        shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        self._console.print(f"[dim]→ {tool}({shown})[/dim]", highlight=False)
        with Progress(console=self._console, transient=True) as bar:
            task = bar.add_task(tool, total=100)

            async def report(done: float, total: float | None, message: str | None) -> None:
                bar.update(task, completed=done, total=total or 100, description=message or tool)

            result = await self._client.call_tool(tool, arguments, progress_callback=report)
        text = "".join(part.text for part in result.content if part.type == "text")
        if result.is_error:
            raise ToolFailedError(f"{tool} failed: {text}")
        return text, dict((result.meta or {}).get("kubeshark/facts", {}))

    async def entries(self, **arguments: Any) -> list[dict[str, Any]]:
        """Give all entries that match, as KFL rows."""
        rows: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            text, facts = await self.call("list_api_calls", format="raw", limit=PAGE, **arguments, **cursor)
            rows += [json.loads(line) for line in text.splitlines() if line.startswith("{")]
            if not facts.get("cursor"):
                return rows
            cursor = {"cursor": facts["cursor"]}


async def investigate(session: Session, console: Console, pcap: Path) -> list[str]:
    """Walk the route; give the report's lines."""
    text, _ = await session.call("check_kubeshark_status")
    console.print(text, markup=False, highlight=False)
    text, _ = await session.call("get_data_boundaries")
    console.print(text, markup=False, highlight=False)
    _, snapshot = await session.call("create_snapshot", name="demo", wait=True)
    text, _ = await session.call("start_snapshot_dissection", snapshot_id=snapshot["id"], wait=True)
    console.print(text, markup=False, highlight=False)
    db = f"{snapshot['id']}/default"
    numbers, _ = await session.call("get_api_stats", db=db, group_by="endpoint", kfl="failed")
    console.print(numbers, markup=False, highlight=False)
    rows = await session.entries(db=db)
    finding = find_cause(rows)
    if finding is None:
        console.print("[green]No call failed on the server's side in this capture.[/green]")
        return [f"# Demo report\n\nNothing failed on the server's side in {len(rows)} calls."]
    evidence, _ = await session.call("get_api_call", id=str(finding.cause.first["id"]), db=db)
    console.print(evidence, markup=False, highlight=False)
    server = finding.cause.first
    who, _ = await session.call("list_workloads", snapshot_id=snapshot["id"], namespaces=[finding.cause.namespace])
    console.print(who, markup=False, highlight=False)
    bpf = f"host {server['dst.ip']} and port {server['dst.port']}"
    _, export = await session.call("export_snapshot_pcap", id=snapshot["id"], bpf_filter=bpf)
    text, _ = await session.call("download_file", path=export["path"], dest=str(pcap), overwrite=True)
    console.print(text, markup=False, highlight=False)
    show(console, finding)
    return report(finding, len(rows), session.calls, numbers, evidence, pcap, bpf)


def show(console: Console, finding: Finding) -> None:
    """Print what was found."""
    table = Table(title="Failing edges, deepest cause first", title_justify="left")
    for heading in ("since (local)", "from", "to", "protocol", "failed", "of", "before", "says"):
        table.add_column(heading)
    for suspect in finding.suspects:
        table.add_row(*map(escape, suspect.cells()))  # what was captured is no markup
    console.print(table)
    console.print(finding.sentence(), style="bold", markup=False, highlight=False)


def report(finding: Finding, total: int, calls: int, numbers: str, evidence: str, pcap: Path, bpf: str) -> list[str]:
    """Write the report as Markdown lines."""

    def row(suspect: Suspect) -> str:
        return "| " + " | ".join(suspect.cells()) + " |"

    return [
        "# Demo report",
        "",
        f"**{finding.sentence()}**",
        "",
        f"Found among {total} calls with {calls} MCP calls; times are local, with their offset.",
        "",
        "## Failing edges, deepest cause first",
        "",
        "| since | from | to | protocol | failed | of | before | says |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *[row(suspect) for suspect in finding.suspects],
        "",
        "## Who called the cause, before and after",
        "",
        "| caller | calls before | calls after | bytes sent |",
        "| --- | --- | --- | --- |",
        *[f"| {name} | {before} | {after} | {size} |" for name, before, after, size in finding.callers],
        "",
        "## The first failing call",
        "",
        "```text",
        evidence,
        "```",
        "",
        "## Failures by endpoint",
        "",
        "```text",
        numbers,
        "```",
        "",
        f"Packets for Wireshark: `{pcap.name}` (`{bpf}`).",
    ]


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Find out what happened in a capture, through MCP.")
    parser.add_argument("--pcap", type=Path, action="append", help="captures; default: the project's own incident")
    parser.add_argument("--resources", type=Path, help="Kubernetes objects as JSON")
    parser.add_argument("--out", type=Path, default=ROOT, help="folder for demo-report.md and demo.pcap")
    return parser.parse_args(arguments)


def leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    """Give the errors inside nested groups."""
    return [
        leaf
        for error in group.exceptions
        for leaf in (leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]


async def main(arguments: Sequence[str]) -> None:
    """Run the demo."""
    options = parse(arguments)
    captures = options.pcap or sorted((HERE / "incident").glob("node-*.pcap"))
    resources = options.resources or (None if options.pcap else HERE / "incident" / "resources.json")
    workspace = options.out / ".demo"
    shutil.rmtree(workspace, ignore_errors=True)
    command = ["--workspace", str(workspace), "--allow-path", str(options.out)]
    command += [part for capture in captures for part in ("--pcap", str(capture))]
    command += ["--resources", str(resources)] if resources else []
    console = Console(width=None if sys.stdout.isatty() else 170)
    server = StdioServerParameters(command=sys.executable, args=["-m", "kubeshark_mcp", *command])
    async with Client(server) as client:
        lines = await investigate(Session(client, console), console, options.out / "demo.pcap")
    path = options.out / "demo-report.md"
    path.write_text("\n".join(lines) + "\n")
    console.print(f"Report: {path}")


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1:]))
    except* ToolFailedError as failures:
        sys.exit("\n".join(str(failure) for failure in leaves(failures)))
