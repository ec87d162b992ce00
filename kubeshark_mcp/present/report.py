"""A diagnosis as one HTML page for people: verdict, map, timeline, findings with evidence, what was normal, limits.

Captured text is hostile: all of it is cleaned, redacted and escaped, and the page forbids every script by its policy.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kubeshark_mcp.present.calls import endpoint
from kubeshark_mcp.present.comparison import comparison_rows
from kubeshark_mcp.present.diagnosis import claimed
from kubeshark_mcp.present.fencing import clean_line
from kubeshark_mcp.present.maps import svg_text
from kubeshark_mcp.present.report_style import STYLE
from kubeshark_mcp.present.timeline import timeline_rows

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
MOST_EVENTS = 60
MOST_DIFFERENCES = 40
_CELL = 400

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """What a report tells; all mappings have the contract's shapes.

    entries: evidence by handle, as KFL rows. files: node, name and SHA-256 of each capture. comparison: with the
    baseline, None without one. made: when, and by what version.
    """

    title: str
    diagnosis: Row
    service_map: Row
    timeline: Row
    entries: Mapping[str, Row] = field(default_factory=dict)
    files: Sequence[tuple[str, str, str]] = ()
    comparison: Row | None = None
    made: str = ""


def report_html(report: Report, time: Callable[[datetime | None], str], safe: Callable[[str], str]) -> str:
    """Write the page. time: prints a time in the reader's zone; safe: takes secrets out of captured text."""
    return _Writer(report, time, safe).page()


class _Writer:
    def __init__(self, report: Report, time: Callable[[datetime | None], str], safe: Callable[[str], str]) -> None:
        self.report, self.time, self.safe = report, time, safe
        every = report.diagnosis["findings"]
        self.solid = [one for one in every if one["confidence"] != "low"]
        self.hints = [one for one in every if one["confidence"] == "low"]

    def text(self, value: object, limit: int = _CELL) -> str:
        """Clean, redact and escape anything: fit for text and for quoted attributes."""
        return html.escape(clean_line(self.safe(str(value)), limit), quote=True)

    def page(self) -> str:
        title = self.text(self.report.title)
        body = "\n".join(
            part
            for part in (
                f"<h1>{title}</h1>",
                f'<p class="quiet">{self.text(self._window())}</p>',
                self._verdict(),
                self._numbers(),
                self._map(),
                self._timeline(),
                self._findings(),
                self._comparison(),
                self._normal(),
                self._limits(),
                self._files(),
            )
            if part
        )
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
            f"<title>{title}</title><style>{STYLE}</style></head>\n<body><main>\n{body}\n"
            f"<footer>{self.text(self.report.made)}</footer></main></body></html>\n"
        )

    def _window(self) -> str:
        coverage = self.report.diagnosis["coverage"]
        return f"{self.time(coverage['start'])} to {self.time(coverage['end'])}"

    def _verdict(self) -> str:
        if not self.solid:
            return (
                '<div class="card verdict well"><strong>Nothing abnormal was found.</strong>'
                "<p>What this rests on, and what could not be looked for, is told below.</p></div>"
            )
        first = self.solid[0]
        since = f"since {self.time(first['onset'])}" if first["onset"] else "from the first packet on"
        others = len(self.solid) - 1
        more = f"<p class='quiet'>{others} more finding{'s' if others > 1 else ''} below.</p>" if others else ""
        return (
            f'<div class="card verdict"><p>{self._chip(first)}<span class="quiet">{self.text(since)}</span></p>'
            f"<strong>{self.text(first['component'])}: {self.text(first['meaning'])}</strong>"
            f"<p>{self.text(first['title'])}</p>{self._chain(first)}{more}</div>"
        )

    def _chip(self, one: Row) -> str:
        return (
            f'<span class="chip {self.text(one["confidence"])}">{self.text(one["mechanism"].replace("_", " "))}, '
            f"{self.text(one['confidence'])} confidence</span>"
        )

    def _chain(self, one: Row) -> str:
        if len(one["chain"]) < 2:
            return ""
        links = "<i>→</i>".join(f"<span>{self.text(name)}</span>" for name in one["chain"])
        return f'<p class="chain"><span class="quiet">Cause to symptom:</span> {links}</p>'

    def _numbers(self) -> str:
        coverage = self.report.diagnosis["coverage"]
        shown = [
            ("findings", len(self.solid)), ("calls", coverage["calls"]), ("connections", coverage["connections"]),
            ("workloads", coverage["workloads"]), ("nodes captured", len(coverage["nodes"])),
        ]  # fmt: skip
        cells = "".join(f"<div><b>{count:,}</b><span class='quiet'>{name}</span></div>" for name, count in shown)
        return f'<div class="numbers">{cells}</div>'

    def _map(self) -> str:
        if not self.report.service_map["links"]:
            return ""
        marked = {one["component"] for one in self.solid[:1]}
        safe = {**self.report.service_map, "links": [self._safe_link(one) for one in self.report.service_map["links"]]}
        return f"<h2>Who calls whom</h2><figure>{svg_text(safe, 'Service map', marked)}</figure>"

    def _safe_link(self, link: Row) -> dict[str, Any]:
        return {**link, **{name: self.safe(link[name]) for name in ("client", "server", "protocol")}}

    def _timeline(self) -> str:
        rows = timeline_rows(self.report.timeline, self.time)
        if not rows:
            return ""
        items = [
            f'<li class="{self.text(what)}"><time>{self.text(at)} ({self.text(after)})</time>{self.text(told)}'
            f"{f' <code>{self.text(handle)}</code>' if handle else ''}</li>"
            for at, after, what, told, handle in rows[:MOST_EVENTS]
        ]
        left = len(rows) - MOST_EVENTS
        more = f"<p class='quiet'>{left} more events are not shown.</p>" if left > 0 else ""
        return f'<h2>What happened</h2><ol class="line">{"".join(items)}</ol>{more}'

    def _findings(self) -> str:
        parts = [self._finding(number, one) for number, one in enumerate(self.solid, 1)]
        if self.hints:
            hints = "".join(
                f"<li>{self.text(one['component'])}, {self.text(one['mechanism'].replace('_', ' '))}: "
                f"{self.text(one['title'])}</li>"
                for one in self.hints[:20]
            )
            parts.append(
                f'<details class="card"><summary>{len(self.hints)} hints of low confidence</summary>'
                f"<ul>{hints}</ul></details>"
            )
        return f"<h2>Findings</h2>{''.join(parts)}" if parts else ""

    def _finding(self, number: int, one: Row) -> str:
        causes = [place for place, other in enumerate(self.solid, 1) if number in other["explains"] and place < number]
        role = f"<span class='chip'>follows from {causes[0]}</span>" if causes else ""
        rows = "".join(map(self._claim, one["claims"]))
        claims = f"<table><tr><th>claim</th><th>number</th><th>entries</th></tr>{rows}</table>" if rows else ""
        refuted = f"<p class='quiet'>Would be refuted by: {self.text(one['refuted_by'])}</p>" * bool(one["refuted_by"])
        return (
            f'<details class="card"{" open" if number <= 3 else ""}><summary><h3>{number}. '
            f"{self.text(one['component'])}</h3> {self._chip(one)}{role}</summary><p>{self.text(one['title'])}</p>"
            f"{self._chain(one)}{claims}{self._evidence(one)}{refuted}</details>"
        )

    def _claim(self, claim: Row) -> str:
        whole = f" of <code>{self.text(claim['of'])}</code>" if claim["of"] else ""
        return (
            f"<tr><td>{self.text(claim['meaning'])}</td><td class='number'>{self.text(claimed(claim))}</td>"
            f"<td><code>{self.text(claim['kfl'])}</code>{whole}</td></tr>"
        )

    def _evidence(self, one: Row) -> str:
        rows = "".join(self._entry(handle) for handle in one["evidence"])
        if not rows:
            return ""
        heads = "".join(f"<th>{name}</th>" for name in ("entry", "time", "from", "to", "what", "packets"))
        return f"<table><tr>{heads}</tr>{rows}</table>"

    def _entry(self, handle: str) -> str:
        row = self.report.entries.get(handle)
        if row is None:
            return f'<tr><td><code>{self.text(handle)}</code></td><td colspan="5"></td></tr>'
        packets = "; ".join(f"{half} {first}-{last}" for half, (first, last) in row.get("packets", {}).items())
        file = row.get("capture", {}).get("file", "")
        cells = (
            self.time(row["time"]), endpoint(row, "src"), endpoint(row, "dst"),
            f"{row.get('protocol', '')} {row.get('summary', '')} {row.get('status', '')}", f"{file} {packets}",
        )  # fmt: skip
        shown = "".join(f"<td>{self.text(cell, 160)}</td>" for cell in cells)
        return f"<tr><td><code>{self.text(handle)}</code></td>{shown}</tr>"

    def _comparison(self) -> str:
        found = self.report.comparison
        if found is None:
            return ""
        rows = comparison_rows(found)
        lines = "".join(
            f"<tr><td>{self.text(change)}</td><td>{self.text(where)}</td><td>{self.text(before)}</td>"
            f"<td>{self.text(after)} {self.text(unit)}</td><td>{self.text(p)}</td></tr>"
            for _, change, where, before, after, unit, p in rows[:MOST_DIFFERENCES]
        )
        head = "<tr><th>change</th><th>where</th><th>before</th><th>after</th><th>p</th></tr>"
        noise = f"{found['compared']:,} things compared, {found['noise']:,} of them within chance or too small."
        table = f"<table>{head}{lines}</table>" if lines else "<p>Nothing differs beyond chance.</p>"
        left = len(rows) - MOST_DIFFERENCES
        more = f" {left} more differences are not shown." if left > 0 else ""
        return f"<h2>Against the baseline</h2><div class='card'>{table}<p class='quiet'>{noise}{more}</p></div>"

    def _normal(self) -> str:
        found = self.report.diagnosis["normal"]
        chips = "".join(f"<li>{self.text(what)}</li>" for what in found)
        return f"<h2>Looked for and normal</h2><ul class='card columns'>{chips}</ul>" if found else ""

    def _limits(self) -> str:
        diagnosis = self.report.diagnosis
        found = [*diagnosis["coverage"]["limits"], *self._not_looked_for(diagnosis)]
        items = "".join(f"<li>{self.text(limit)}</li>" for limit in found)
        return f"<h2>Limits</h2><ul class='card'>{items}</ul>" if found else ""

    def _not_looked_for(self, diagnosis: Row) -> Iterator[str]:
        for what in diagnosis["unasked"]:
            yield f"not looked for: {what}"
        for detector in diagnosis["broken"]:
            yield f"the detector {detector} failed, a fault of this program"

    def _files(self) -> str:
        rows = "".join(
            f"<tr><td>{self.text(node)}</td><td>{self.text(name)}</td><td><code>{self.text(digest)}</code></td></tr>"
            for node, name, digest in self.report.files
        )
        if not rows:
            return ""
        return (
            "<h2>Captures</h2><div class='card'><table><tr><th>node</th><th>file</th><th>SHA-256</th></tr>"
            f"{rows}</table></div>"
        )
