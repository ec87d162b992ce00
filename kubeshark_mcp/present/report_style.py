"""How the one-page report looks: no font, picture or script from elsewhere, light and dark, and on paper."""

from __future__ import annotations

STYLE = """
:root { --paper: #f6f8fa; --card: #ffffff; --ink: #1f2328; --quiet: #59636e; --line: #d1d9e0; --bad: #cf222e;
  --bad-soft: #ffebe9; --good: #1a7f37; --good-soft: #dafbe1; --mind: #9a6700; --code: #eff2f5; --link: #0969da; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --card: #151b23; --ink: #e6edf3; --quiet: #9198a1;
  --line: #3d444d; --bad: #ff7b72; --bad-soft: #3a1d20; --good: #3fb950; --good-soft: #12301d; --mind: #d29922;
  --code: #212830; --link: #58a6ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5; font-size: 15px;
  font-family: ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 1440px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 25px; margin: 0 0 2px; } h2 { font-size: 19px; margin: 34px 0 12px; } h3 { font-size: 16px; margin: 0; }
p { margin: 6px 0; } .quiet { color: var(--quiet); } .small { font-size: 13px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px;
  margin: 12px 0; overflow-wrap: break-word; }
.verdict { border-left: 6px solid var(--bad); } .verdict.well { border-left-color: var(--good); }
.verdict strong { font-size: 18px; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 10px; margin: 14px 0; }
.numbers div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; }
.numbers b { display: block; font-size: 20px; font-weight: 650; }
figure { margin: 0; overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
figure svg { display: block; min-width: 1040px; margin: 0 auto; }
.chip { display: inline-block; border-radius: 99px; padding: 1px 10px; font-size: 12.5px; font-weight: 600;
  background: var(--code); color: var(--quiet); margin-right: 6px; white-space: nowrap; }
.chip.high { background: var(--bad-soft); color: var(--bad); } .chip.medium { color: var(--mind); }
.chip.well { background: var(--good-soft); color: var(--good); }
.chain span { white-space: nowrap; } .chain i { color: var(--quiet); font-style: normal; padding: 0 6px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; margin: 8px 0; }
th { text-align: left; color: var(--quiet); font-weight: 600; } td, th { padding: 5px 10px 5px 0; vertical-align: top;
  border-bottom: 1px solid var(--line); }
td:first-child, th { white-space: nowrap; } td:first-child { min-width: 90px; }
tr:last-child td { border-bottom: 0; } td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 12.5px; background: var(--code);
  border-radius: 5px; padding: 1px 5px; overflow-wrap: anywhere; }
ol.line { list-style: none; margin: 0; padding: 0 0 0 6px; border-left: 2px solid var(--line); }
ol.line li { position: relative; padding: 0 0 12px 20px; overflow-wrap: anywhere; }
ol.line li::before { content: ""; position: absolute; left: -13px; top: 6px; width: 10px; height: 10px;
  border-radius: 50%; background: var(--quiet); border: 2px solid var(--paper); }
ol.line li.finding::before, ol.line li.failures::before { background: var(--bad); }
ol.line li.recovery::before, ol.line li.over::before { background: var(--good); }
ol.line li.pod::before { background: var(--mind); }
ol.line time { color: var(--quiet); font-size: 12.5px; font-variant-numeric: tabular-nums; margin-right: 10px; }
details summary { cursor: pointer; } details[open] summary { margin-bottom: 8px; }
summary h3 { display: inline; }
ul { margin: 6px 0; padding-left: 20px; } .columns { columns: 2 320px; }
footer { margin-top: 40px; color: var(--quiet); font-size: 13px; border-top: 1px solid var(--line); padding-top: 12px; }
@media print { body { background: none; } .card, figure { break-inside: avoid; } }
"""
