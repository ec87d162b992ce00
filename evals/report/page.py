"""A run as one HTML page: charts, tables, the gates, and every transcript with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from evals.outcomes import Outcome, Result, Run
from evals.report.charts import Bar, bars
from evals.report.summary import Row, by_kind, by_suite
from evals.report.text import cut

TRANSCRIPT_CHARACTERS = 3000
"""Of one answer; the JSON has all of it."""

_STYLE = """
:root{color-scheme:light dark;--ground:#e8eaed;--ink:#1d2125;--page:#fff;--muted:#5f6b76;--one:#3367a8;--two:#2e8b6f;
--three:#b5722a;--bad:#b3393d;--line:#c9ced4}
@media(prefers-color-scheme:dark){:root{--ground:#2a2f35;--ink:#e3e6e9;--page:#16191c;--muted:#98a3ad;--one:#6f9fdc;
--two:#57b897;--three:#d79a58;--bad:#e0777a;--line:#3b4249}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);margin:0 auto;max-width:1060px;
padding:24px}
h1{font-size:26px;margin:0}h2{font-size:19px;margin:36px 0 8px}figure{margin:18px 0;overflow-x:auto}
figcaption{font-weight:600;margin-bottom:4px}svg text{font-size:12px;fill:var(--ink)}.ground{fill:var(--ground)}
.one{fill:var(--one)}.two{fill:var(--two)}.three{fill:var(--three)}.bad{fill:var(--bad)}
.interval{stroke:var(--ink);stroke-width:1.5;fill:none}.mark{stroke:var(--bad);stroke-width:3}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;width:100%}
th,td{text-align:left;padding:4px 8px;border-bottom:1px solid var(--line);vertical-align:top}
th.number,td.number{text-align:right;font-variant-numeric:tabular-nums}.muted{color:var(--muted)}
details{border:1px solid var(--line);border-radius:6px;margin:6px 0;padding:6px 10px}summary{cursor:pointer}
pre{white-space:pre-wrap;word-break:break-word;font-size:12px;background:var(--ground);padding:8px;border-radius:4px}
.tag{display:inline-block;min-width:84px;font-weight:600}.fail,.set-up{color:var(--bad)}.pass{color:var(--two)}
.known{color:var(--three)}
"""
_COLOURS = ("one", "two", "three")


def write_page(run: Run, path: Path, baseline: dict[str, Any]) -> None:
    """Write the page; it needs no other file and runs no script."""
    path.write_text(page(run, baseline))


def page(run: Run, baseline: dict[str, Any]) -> str:
    """Build the page. baseline: the committed numbers, drawn as marks."""
    about = ", ".join(f"{name}: {value}" for name, value in run.about.items())
    gates = "".join(f"<li>{escape(cut(gate))}</li>" for gate in run.gates)
    verdict = f"<ul class='fail'>{gates}</ul>" if gates else "<p class='pass'>All gates hold.</p>"
    measures = "".join(
        f"<tr><td>{escape(name)}</td><td class='number'>{value:,}</td></tr>"
        for name, value in sorted(run.measures.items())
    )
    return "".join(
        [
            f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Evals</title><style>{_STYLE}</style>",
            "<meta name='viewport' content='width=device-width'></head><body>",
            f"<h1>Evals</h1><p class='muted'>{escape(about)}. {run.executed} cases executed.</p>{verdict}",
            *_charts(run, baseline),
            "<h2>By suite</h2>",
            _table(by_suite(run)),
            "<h2>By class</h2>",
            _table(by_kind(run)),
            f"<h2>Measures</h2><div class='wide'><table>{measures}</table></div>",
            "<h2>Cases</h2><p class='muted'>What did not pass comes first; open one for its transcript.</p>",
            *_cases(run.results),
            "</body></html>",
        ]
    )


def _charts(run: Run, baseline: dict[str, Any]) -> list[str]:
    suites = by_suite(run)
    colours = {arm: _COLOURS[number % 3] for number, arm in enumerate(dict.fromkeys(each.arm for each in suites))}
    marks = _marks(baseline)
    rates = [
        Bar(
            f"{each.suite} · {each.arm}",
            each.rate,
            f"{each.passed}/{each.tried}  {each.low:.0%} to {each.high:.0%}",
            each.low,
            each.high,
            marks.get((each.arm, each.suite)),
            colours[each.arm],
        )
        for each in suites
        if each.tried
    ]
    kinds = [
        Bar(f"{each.kind} · {each.arm}", each.found, f"{each.found:.0%} of {each.tried}", css=colours[each.arm])
        for each in by_kind(run)
        if each.found is not None and each.suite == "rca"
    ]
    spent = [each for each in suites if each.suite == "rca" and each.calls]
    return [
        "<h2>How often</h2>",
        bars("Pass rate with 95 % interval; red mark: committed baseline", rates, 1.0),
        bars("Cause found (component and mechanism) by class", kinds, 1.0),
        "<h2>At what cost</h2>",
        *(_costs(name, spent, colours) for name in ("calls", "tokens", "seconds", "money")),
        _small(run, baseline),
    ]


def _costs(name: str, rows: Sequence[Row], colours: dict[str, str]) -> str:
    titles = {
        "calls": "Calls an incident, dissection included",
        "tokens": "Tokens of results an incident",
        "seconds": "Seconds an incident",
        "money": "USD in all",
    }
    values = [(each, float(getattr(each, name))) for each in rows]
    if not any(value for _, value in values):
        return ""
    return bars(titles[name], [Bar(each.arm, value, f"{value:,.1f}", css=colours[each.arm]) for each, value in values])


def _small(run: Run, baseline: dict[str, Any]) -> str:
    """Tokens of each incident once its dissection is there, beside those of the baseline."""
    known = baseline.get("investigator", {})
    lines = [
        Bar(
            f"{each.case} ({each.kind})",
            each.cost.result_tokens_after_dissection,
            f"{each.cost.result_tokens_after_dissection:,} in {each.cost.calls_after_dissection} calls",
            mark=known.get(each.case, {}).get("tokens"),
        )
        for each in run.of("rca", "investigator")
        if each.executed
    ]
    return bars("Tokens of the investigator after the dissection; red mark: committed baseline", lines)


def _marks(baseline: dict[str, Any]) -> dict[tuple[str, str], float]:
    solved = list(baseline.get("investigator", {}).values())
    return {("investigator", "rca"): sum(each["passed"] for each in solved) / len(solved)} if solved else {}


def _table(rows: Sequence[Row]) -> str:
    names = (
        "arm",
        "suite",
        "class",
        "passed",
        "rate",
        "95 %",
        "cause found",
        "calls",
        "tokens",
        "s",
        "USD",
        "outcomes",
    )
    kinds = ["", "", "", *["number"] * 8, ""]
    head = "".join(f"<th class='{kind}'>{name}</th>" for name, kind in zip(names, kinds, strict=True))
    body = []
    for each in rows:
        words = (each.arm, each.suite, each.kind)
        found = "" if each.found is None else f"{each.found:.0%}"
        figures = (
            f"{each.passed}/{each.tried}",
            f"{each.rate:.0%}",
            f"{each.low:.0%} to {each.high:.0%}",
            found,
            f"{each.calls:.1f}",
            f"{each.tokens:,.0f}",
            f"{each.seconds:.1f}",
            f"{each.money:.2f}",
        )
        cells = "".join(f"<td>{escape(word)}</td>" for word in words)
        cells += "".join(f"<td class='number'>{number}</td>" for number in figures)
        others = ", ".join(f"{count} {name}" for name, count in sorted(each.outcomes.items()))
        body.append(f"<tr>{cells}<td>{escape(others)}</td></tr>")
    return f"<div class='wide'><table><tr>{head}</tr>{''.join(body)}</table></div>"


def _cases(results: Sequence[Result]) -> list[str]:
    ordered = sorted(
        results, key=lambda each: (each.outcome is Outcome.PASS, each.suite, each.case, each.arm, each.run)
    )
    return [_case(each) for each in ordered]


def _case(result: Result) -> str:
    css = result.outcome.value.split(" ")[0]
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in result.reasons)
    parts = [f"<ul>{reasons}</ul>" if reasons else ""]
    if result.answer:
        told = "\n".join(f"{name}: {value}" for name, value in result.answer.items())
        parts.append(f"<p>Answer</p><pre>{escape(told)}</pre>")
    for each in result.transcript:
        asked = f"{each['tool']}({each.get('arguments')})" if "tool" in each else "assistant"
        text = str(each.get("text", ""))
        shown = text if len(text) <= TRANSCRIPT_CHARACTERS else text[:TRANSCRIPT_CHARACTERS] + "\n…"
        parts.append(f"<p>{escape(asked)}</p><pre>{escape(shown)}</pre>")
    cost = f"{result.cost.calls} calls, {result.cost.result_tokens:,} tokens" if result.cost.calls else ""
    return (
        f"<details><summary><span class='tag {css}'>{result.outcome.value}</span> {escape(result.suite)}/"
        f"{escape(result.case)} <span class='muted'>{escape(result.arm)} {escape(result.kind)} {cost}</span></summary>"
        f"{''.join(parts)}</details>"
    )
