"""`trace`, `map` and `timeline`: one call through services, who calls whom, and what happened when."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubeshark_mcp.cli.analysis import Format, Output
from kubeshark_mcp.cli.console import reporting_errors, say
from kubeshark_mcp.cli.dissected import Files, Resources, dissected
from kubeshark_mcp.cli.screen import show_table, show_text
from kubeshark_mcp.errors import KubesharkError, UsageError
from kubeshark_mcp.present.times import Clock

if TYPE_CHECKING:
    from kubeshark_mcp.cli.screen import Row

ENDINGS = (".svg", ".html", ".mmd", ".json")
_EVENTS = {"finding": "bold red", "failures": "red", "recovery": "green", "over": "green", "pod": "yellow"}


def trace(
    files: Files,
    number: Annotated[int, typer.Option("--id", help="The id of an entry, as `entries` and `diagnose` give it.")],
    resources: Resources = None,
    output: Output = Format.TABLE,
) -> None:
    """Follow one call through services: what caused it, what it caused, and where the time went.

    Examples:

      kubeshark-mcp trace node-a.pcap node-b.pcap --resources resources.json --id 398

      kubeshark-mcp entries my.pcap --kfl 'status_code >= 500' --format jsonl | jq ._id
    """
    from kubeshark_mcp.hub.views import trace_of
    from kubeshark_mcp.present.ladder import ladder_head, ladder_text

    with reporting_errors(), dissected(files, resources) as offline:
        found = trace_of("", offline.facts(), number)
        if output is Format.JSON:
            say(found.model_dump_json(indent=1))
            return
        told = found.model_dump()
        say(ladder_head(told))
        show_text(ladder_text(told, brief=False))


def service_map(
    files: Files,
    write: Annotated[
        Path | None, typer.Option("-o", "--output", help="Draw to this file: .svg, .html, .mmd (Mermaid) or .json.")
    ] = None,
    resources: Resources = None,
    service: Annotated[str | None, typer.Option(help="Only the ways to and from this workload.")] = None,
    output: Output = Format.TABLE,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Draw who calls whom, with rate, errors and latency; without -o as a table.

    Examples:

      kubeshark-mcp map node-a.pcap node-b.pcap --resources resources.json -o map.svg

      kubeshark-mcp map my.pcap --service shop/orders -o orders.html

      kubeshark-mcp map my.pcap
    """
    from kubeshark_mcp.hub.views import map_of
    from kubeshark_mcp.present.maps import COLUMNS, map_rows, share_failed

    with reporting_errors():
        if write is not None:
            _check_target(write, overwrite)
        with dissected(files, resources) as offline:
            found = map_of("", offline.facts(), service).model_dump()
        if write is not None:
            _write(write, found)
        elif output is Format.JSON:
            say(_json(found))
        else:
            bad = {(one["client"], one["server"], one["protocol"]): share_failed(one) for one in found["links"]}
            show_table(COLUMNS, map_rows(found), lambda row: _colour(bad.get((row[0], row[1], row[2]), 0.0)))


def timeline(files: Files, resources: Resources = None, output: Output = Format.TABLE) -> None:
    """Tell what happened in order: findings, pods that came, edges that began to fail or recovered.

    Examples:

      kubeshark-mcp timeline node-a.pcap node-b.pcap --resources resources.json

      kubeshark-mcp timeline my.pcap --format json | jq -r '.events[] | select(.what == "finding") | .text'
    """
    from kubeshark_mcp.hub.views import timeline_of
    from kubeshark_mcp.present.timeline import COLUMNS, timeline_rows

    with reporting_errors(), dissected(files, resources) as offline:
        found = timeline_of("", offline.facts())
        if output is Format.JSON:
            say(found.model_dump_json(indent=1))
            return
        rows = timeline_rows(found.model_dump(), Clock().text)
        show_table(COLUMNS, rows, _event_style)


def _event_style(row: Row) -> str:
    return _EVENTS.get(str(row[2]), "dim")


def _colour(share: float) -> str:
    return "red" if share >= 0.1 else "yellow" if share >= 0.01 else ""


def _check_target(path: Path, overwrite: bool) -> None:
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{str(path)!r} ends in {path.suffix!r}: a map is written as {', '.join(ENDINGS)}.")
    if path.exists() and not overwrite:
        raise UsageError(f"{str(path)!r} exists already: choose another name or add --overwrite.")


def _write(path: Path, found: dict[str, Any]) -> None:
    from kubeshark_mcp.present.maps import mermaid_text, svg_text
    from kubeshark_mcp.present.report import POLICY

    ending = path.suffix.lower()
    if ending == ".json":
        text = _json(found)
    elif ending == ".mmd":
        text = mermaid_text(found)
    elif ending == ".svg":
        text = svg_text(found)
    else:
        text = (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Service map</title>'
            f'<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">'
            '<meta name="color-scheme" content="light dark"></head><body style="margin:0">\n'
            f"{svg_text(found)}\n</body></html>"
        )
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise KubesharkError(f"The map cannot be written to {str(path)!r}: {error}; choose another place.") from None
    typer.echo(f"{len(found['links'])} links drawn to {path}", err=True)


def _json(found: dict[str, Any]) -> str:
    import orjson

    return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()
