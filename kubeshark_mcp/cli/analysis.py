"""`diagnose` and `compare`: what is wrong in captures, and what differs between two sets of them."""

from __future__ import annotations

import os
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubeshark_mcp.cli.console import reporting_errors, say
from kubeshark_mcp.cli.dissected import Files, Resources, dissected
from kubeshark_mcp.cli.screen import show_table, show_text
from kubeshark_mcp.errors import KubesharkError, UsageError
from kubeshark_mcp.present.times import Clock

if TYPE_CHECKING:
    from kubeshark_mcp.hub import contract_analysis as a
    from kubeshark_mcp.hub.facts import StoredFacts
    from kubeshark_mcp.hub.offline import Offline


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"


Output = Annotated[Format, typer.Option("--format", help="How to write the answer.")]
_CONFIDENCE = {"high": "bold red", "medium": "yellow", "low": "dim"}


def diagnose(
    files: Files,
    baseline: Annotated[
        list[str] | None, typer.Option(metavar="FILE...", help="Captures of a healthy time: what was so is left out.")
    ] = None,
    resources: Resources = None,
    service: Annotated[str | None, typer.Option(help="Only what concerns this workload: namespace/name.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a one-page HTML report to this file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the report if it exists.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Find what is abnormal in captures and where it began, the likeliest cause first.

    Examples:

      kubeshark-mcp diagnose node-a.pcap node-b.pcap --resources resources.json

      kubeshark-mcp diagnose bad.pcap --baseline good.pcap --report incident.html

      kubeshark-mcp diagnose *.pcap --service shop/orders --format json | jq '.findings[0].component'
    """
    with reporting_errors(), ExitStack() as stack:
        _check_target(report, overwrite)
        offline = stack.enter_context(dissected(files, resources))
        before = None
        if baseline:
            before = stack.enter_context(dissected(baseline, resources, "dissecting the baseline")).facts()
        facts = offline.facts()
        found = _diagnosed(facts, before, service)
        if report is not None:
            _write_report(report, offline, facts, before, found)
        if output is Format.JSON:
            say(found.model_dump_json(indent=1))
        else:
            _show(found)


def compare(
    files: Files,
    others: Annotated[
        list[str], typer.Option("--with", metavar="FILE...", help="Captures of the other time, the one before.")
    ],
    resources: Resources = None,
    output: Output = Format.TABLE,
) -> None:
    """Say what differs between captures and others of an earlier time; what may be chance is only counted.

    Examples:

      kubeshark-mcp compare today-a.pcap today-b.pcap --with yesterday-a.pcap yesterday-b.pcap

      kubeshark-mcp compare bad.pcap --with good.pcap --format json | jq '.differences[] | select(.worse)'
    """
    from kubeshark_mcp.hub.views import comparison_of
    from kubeshark_mcp.present.comparison import COLUMNS, comparison_rows

    with reporting_errors(), ExitStack() as stack:
        after = stack.enter_context(dissected(files, resources)).facts()
        before = stack.enter_context(dissected(others, resources, "dissecting the others")).facts()
        found = comparison_of(("", before), ("", after))
        if output is Format.JSON:
            say(found.model_dump_json(indent=1))
            return
        rows = comparison_rows(found.model_dump())
        if rows:
            show_table(COLUMNS, rows, lambda row: "red" if row[0] else "green")
        say(
            f"{len(rows)} differences; {found.compared:,} things compared, {found.noise:,} within chance or too small "
            f"({found.before.calls:,} calls before, {found.after.calls:,} after)"
        )


def _check_target(path: Path | None, overwrite: bool) -> None:
    if path is not None and path.exists() and not overwrite:
        raise UsageError(f"{str(path)!r} exists already: choose another name or add --overwrite.")


def _diagnosed(facts: StoredFacts, before: StoredFacts | None, service: str | None) -> a.Diagnosis:
    from kubeshark_mcp.analyse.detector import load_detectors
    from kubeshark_mcp.hub.analysis import diagnosis_of

    baseline = None if before is None else ("baseline", before)
    return diagnosis_of(("", facts), load_detectors(), service, baseline)


def _show(found: a.Diagnosis) -> None:
    from kubeshark_mcp.present.diagnosis import diagnosis_text

    clock = Clock()
    coverage = found.coverage
    show_text(
        f"{clock.text(coverage.start)} to {clock.text(coverage.end)}: {coverage.calls:,} calls, "
        f"{coverage.connections:,} connections, {coverage.workloads} workloads, nodes {', '.join(coverage.nodes)}"
    )
    solid = [one for one in found.findings if one.confidence != "low"]
    if solid:
        rows = [
            [number, one.component, one.mechanism, one.confidence, clock.text(one.onset), ", ".join(one.evidence[:2])]
            for number, one in enumerate(solid, 1)
        ]
        headings = ("", "component", "mechanism", "confidence", "since", "evidence")
        show_table(headings, rows, lambda row: _CONFIDENCE[str(row[3])])
    styles = (
        ("Likeliest cause", "bold red"), ("Nothing abnormal", "bold green"), ("Limit", "yellow"),
        ("Looked for and normal", "green"), ("Not looked for", "dim"), ("Only hints", "dim"),
    )  # fmt: skip
    show_text(diagnosis_text(found.model_dump(), clock.text, brief=False), styles)


def _write_report(
    path: Path, offline: Offline, facts: StoredFacts, before: StoredFacts | None, found: a.Diagnosis
) -> None:
    from kubeshark_mcp import __version__
    from kubeshark_mcp.hub.views import comparison_of, map_of, timeline_of
    from kubeshark_mcp.present.redaction import Redactor
    from kubeshark_mcp.present.report import Report, report_html

    clock = Clock()
    compared = None if before is None else comparison_of(("baseline", before), ("", facts)).model_dump()
    page = report_html(
        Report(
            title="What happened on the network",
            diagnosis=found.model_dump(),
            service_map=map_of("", facts, found.service).model_dump(),
            timeline=timeline_of("", facts).model_dump(),
            entries=_evidence(offline, found),
            files=offline.hashes(),
            comparison=compared,
            made=f"Made by kubeshark-mcp {__version__} at {clock.text(clock.now())}. Secrets are redacted.",
        ),
        clock.text,
        Redactor(os.urandom(16)).text,
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise KubesharkError(f"The report cannot be written to {str(path)!r}: {error}; choose another place.") from None
    typer.echo(f"report: {path}", err=True)


def _evidence(offline: Offline, found: a.Diagnosis) -> dict[str, dict[str, Any]]:
    from kubeshark_mcp.hub.times import from_ns

    handles = {handle for one in found.findings for handle in one.evidence}
    numbers = {int(handle.rpartition("#")[2]): handle for handle in handles}
    rows = offline.rows(sorted(numbers))
    return {numbers[number]: {**row, "time": from_ns(row["timestamp"])} for number, row in rows.items()}
