"""Service maps: a table, Mermaid, and an SVG that stands alone: no fonts or scripts from elsewhere, light and dark."""

from __future__ import annotations

import html
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubeshark_mcp.present.budget import fitting
from kubeshark_mcp.present.fencing import clean_line
from kubeshark_mcp.present.layout import BOX_HEIGHT, Layout, layered, spread
from kubeshark_mcp.present.tables import pipe_table

COLUMNS = (
    "client", "server", "proto", "calls", "per s", "failed %", "unanswered", "p50 ms", "p95 ms", "bytes out",
    "bytes in", "retrans", "refused",
)  # fmt: skip
BRIEF_LINKS = 25
"""Links of a Mermaid drawing in an answer, which costs about 40 tokens each."""
MOST_LINKS = 150
"""Links that a drawing has at most, busiest first: more cannot be read."""
LABELS = 3
"""Protocols of one pair that are labelled."""

_BOX, _COLUMN, _MARGIN, _HEAD = 172.0, 392.0, 26.0, 74.0
_LINE, _LETTER = 16.0, 5.9

Row = Mapping[str, Any]


def map_rows(found: Row) -> list[list[object]]:
    """Give COLUMNS of each link of a service map (the contract's shape as a mapping)."""
    return [
        [
            one["client"], one["server"], one["protocol"], one["calls"] or one["connections"],
            round(one["per_second"], 2), round(share_failed(one) * 100, 2) or None, one["unanswered"] or None,
            _ms(one["p50_us"]), _ms(one["p95_us"]), one["request_bytes"], one["response_bytes"],
            one["retransmissions"] or None, (one["refused"] + one["unreachable"]) or None,
        ]
        for one in found["links"]
    ]  # fmt: skip


def map_text(found: Row, form: str = "table", limit: int = 0) -> str:
    """Write a service map as `table`, `json` (one link a line) or `mermaid`; limit 0: as many links as fit."""
    if not found["links"]:
        return "Nobody called anybody in this window."
    if form == "mermaid":
        return mermaid_text(found, limit or BRIEF_LINKS)
    if form == "json":
        lines = [json.dumps(_told(link), ensure_ascii=False, separators=(",", ":")) for link in found["links"]]
        head: list[str] = []
    else:
        heading, *lines = pipe_table(COLUMNS, map_rows(found), fold=False).splitlines()
        head = [heading]
    more = "({} more links: raise limit, or name a service)"
    if limit:
        left = len(lines) - limit
        return "\n".join([*head, *lines[:limit], *([more.format(f"{left:,}")] if left > 0 else [])])
    return "\n".join([*head, *fitting(lines, more)])


def _told(link: Row) -> dict[str, Any]:
    return {name: value for name, value in link.items() if value or name in {"calls", "failed"}}


def share_failed(link: Row) -> float:
    """Give the share of calls that failed or got no answer; of connections where there are no calls."""
    if not link["calls"]:
        bad = link["refused"] + link["unreachable"]
        return bad / link["connections"] if link["connections"] else 0.0
    return min(1.0, (link["failed"] + link["unanswered"]) / link["calls"])  # type: ignore[no-any-return]


def label_of(link: Row) -> str:
    """Write `http 12/s 3% err p95 40 ms`; what says nothing is left out."""
    rate = link["per_second"]
    parts = [link["protocol"], f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s" if rate >= 0.01 else "<0.01/s"]
    bad = share_failed(link)
    if bad:
        parts.append(f"{bad * 100:.2g}% err" if bad < 0.995 else "100% err")
    if link["nxdomain"]:
        parts.append(f"{link['nxdomain'] / link['calls'] * 100:.2g}% NXDOMAIN")
    if link["p95_us"] is not None:
        parts.append(f"p95 {_brief(link['p95_us'])}")
    lost = link["retransmissions"] / link["segments"] if link["segments"] else 0.0
    if lost >= 0.001:
        parts.append(f"{lost * 100:.2g}% retrans")
    return " ".join(parts)


def _brief(microseconds: int) -> str:
    if microseconds >= 1_000_000:
        return f"{microseconds / 1e6:.3g} s"
    return f"{microseconds / 1000:.3g} ms" if microseconds >= 1000 else f"{microseconds} µs"


def _ms(microseconds: int | None) -> float | None:
    return None if microseconds is None else round(microseconds / 1000, 3)


def mermaid_text(found: Row, most: int = MOST_LINKS) -> str:
    """Write a Mermaid flowchart; captured names are quoted so that they stay labels."""
    pairs = _pairs(found["links"][:most])
    names = {name: f"n{number}" for number, name in enumerate(dict.fromkeys(n for pair in pairs for n in pair))}
    outside = {link["server"] for link in found["links"] if link["outside"]}
    lines = ["flowchart LR"]
    for name, key in names.items():
        opening, closing = ("([", "])") if name in outside else ("[", "]")
        lines.append(f'  {key}{opening}"{_quoted(name)}"{closing}')
    bad = []
    for number, ((client, server), links) in enumerate(pairs.items()):
        text = "<br/>".join(_quoted(label_of(link)) for link in links[:LABELS])
        lines.append(f'  {names[client]} -->|"{text}"| {names[server]}')
        if (worst := max(map(share_failed, links))) >= 0.01:
            bad.append(f"  linkStyle {number} stroke:{'#d1242f' if worst >= 0.1 else '#bf6a02'},stroke-width:3px")
    left = len(found["links"]) - most
    return "\n".join([*lines, *bad, *([f"  %% {left} more links"] if left > 0 else [])])


def _quoted(text: str) -> str:
    """Write each character that Mermaid, Markdown or HTML could take for its own as a character code."""
    return "".join(c if c.isalnum() or c in " ./:%-_" else f"#{ord(c)};" for c in clean_line(text, 120))


def _pairs(links: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    pairs: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for link in links:
        pairs[link["client"], link["server"]].append(link)
    return dict(pairs)


@dataclass(frozen=True, slots=True)
class _Edge:
    client: str
    server: str
    links: Sequence[Row]

    @property
    def bad(self) -> float:
        return max(map(share_failed, self.links))

    @property
    def width(self) -> float:
        return 1.4 + 1.5 * math.log10(1 + 2 * sum(link["per_second"] for link in self.links))

    @property
    def style(self) -> str:
        return "well" if self.bad < 0.001 else "some" if self.bad < 0.01 else "many" if self.bad < 0.1 else "most"


def svg_text(found: Row, title: str = "Service map", marked: Iterable[str] = ()) -> str:
    """Draw a service map; marked: workloads to point out (the causes of a diagnosis).

    Everything captured is escaped; the drawing holds no script, link or font from elsewhere.
    """
    links = found["links"][:MOST_LINKS]
    edges = [_Edge(*pair, members) for pair, members in _pairs(links).items()]
    layout = layered((edge.client, edge.server) for edge in edges)
    width = _MARGIN * 2 + max(1, layout.layers) * _BOX + max(0, layout.layers - 1) * (_COLUMN - _BOX)
    loops = any(layout.place[e.server][0] <= layout.place[e.client][0] for e in edges)
    width = max(width + (60 if loops else 0), 640.0)
    height = _HEAD + layout.height + _MARGIN + 46
    outside = {link["server"] for link in links if link["outside"]}
    ports = _ports(edges, layout)
    left = len(found["links"]) - len(links)
    head = f"{len(layout.place)} workloads, {len(found['links'])} links" + (f", {left} not drawn" if left else "")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ks-map" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{_safe(title)}">',
        _STYLE,
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" rx="10"/>',
        f'<text class="title" x="{_MARGIN}" y="34">{_safe(title)}</text>',
        f'<text class="note" x="{_MARGIN}" y="54">{_safe(head)}</text>',
        *(_curve(edge, layout, ports) for edge in sorted(edges, key=lambda edge: edge.bad)),
        *(_box(name, layout, name in outside, name in set(marked)) for name in layout.place),
        *_labels(edges, layout, ports),
        _legend(height - 26),
        "</svg>",
    ]
    return "\n".join(parts)


def _safe(text: str, limit: int = 200) -> str:
    return html.escape(clean_line(text, limit), quote=True)


def _x(layer: int) -> float:
    return _MARGIN + layer * _COLUMN


def _ports(edges: Sequence[_Edge], layout: Layout) -> dict[tuple[str, str, str], float]:
    """Give how far from a box's middle each edge leaves it or comes in, in the order in which they lie."""
    sides: dict[tuple[str, bool], list[tuple[float, _Edge]]] = defaultdict(list)
    for edge in edges:
        way = layout.ways[edge.client, edge.server]
        sides[edge.client, True].append((way[1], edge))
        sides[edge.server, False].append((way[-2], edge))
    ports = {}
    for (_, leaving), members in sides.items():
        members.sort(key=lambda one: (one[0], one[1].client, one[1].server))
        step = min(11.0, (BOX_HEIGHT - 18) / max(1, len(members) - 1))
        for number, (_, edge) in enumerate(members):
            offset = (number - (len(members) - 1) / 2) * step
            ports[edge.client, edge.server, "out" if leaving else "in"] = offset
    return ports


def _points(edge: _Edge, layout: Layout, ports: Mapping[tuple[str, str, str], float]) -> list[tuple[float, float]]:
    """Give where an edge passes: out of the client's right side, through the bends, into the server's left side."""
    way = layout.ways[edge.client, edge.server]
    first = layout.place[edge.client][0]
    points = [(_x(first) + _BOX, _HEAD + way[0] + ports[edge.client, edge.server, "out"])]
    for layer, height in enumerate(way[1:-1], first + 1):
        points += [(_x(layer), _HEAD + height), (_x(layer) + _BOX, _HEAD + height)]
    end = _HEAD + way[-1] + ports[edge.client, edge.server, "in"]
    return [*points, (_x(layout.place[edge.server][0]), end)]


def _curve(edge: _Edge, layout: Layout, ports: Mapping[tuple[str, str, str], float]) -> str:
    points = _points(edge, layout, ports)
    (x, y), (end_x, end_y) = points[0], points[-1]
    if layout.place[edge.server][0] <= layout.place[edge.client][0]:
        # Back to an earlier layer: around, above both boxes.
        top = min(y, end_y) - BOX_HEIGHT * 0.8
        path = f"M{x:.1f},{y:.1f} C{x + 70:.1f},{top:.1f} {end_x - 70:.1f},{top:.1f} {end_x - 7:.1f},{end_y:.1f}"
    else:
        path = f"M{x:.1f},{y:.1f}"
        for number, (to_x, to_y) in enumerate(points[1:]):
            stop = to_x - (7 if number == len(points) - 2 else 0)
            bend = (stop - x) * 0.5
            path += f" C{x + bend:.1f},{y:.1f} {stop - bend:.1f},{to_y:.1f} {stop:.1f},{to_y:.1f}"
            x, y = to_x, to_y
    told = "\n".join(label_of(link) for link in edge.links)
    tip = f"{_safe(edge.client)} → {_safe(edge.server)}\n{html.escape(told)}"
    return (
        f'<path class="edge {edge.style}" d="{path}" stroke-width="{edge.width:.2f}" '
        f'marker-end="url(#ks-{edge.style})"><title>{tip}</title></path>'
    )


def _labels(edges: Sequence[_Edge], layout: Layout, ports: Mapping[tuple[str, str, str], float]) -> Iterable[str]:
    """Write the labels of each gap between layers one below the other, each as near to its edge as there is room.

    Look-ups that went well are not labelled: everybody asks the resolver, and nobody reads that.
    """
    gaps: dict[int, list[tuple[float, _Edge]]] = defaultdict(list)
    for edge in edges:
        first, last = layout.place[edge.client][0], layout.place[edge.server][0]
        points = _points(edge, layout, ports)
        if edge.bad < 0.001 and {link["protocol"] for link in edge.links} == {"dns"}:
            continue
        if last > first:
            # In the last gap, where edges have come apart; those of one client share their beginning.
            gaps[last - 1].append((points[-2][1] * 0.45 + points[-1][1] * 0.55, edge))
        else:
            gaps[first].append((min(points[0][1], points[-1][1]) - BOX_HEIGHT * 0.7, edge))
    for gap, wanted in gaps.items():
        wanted.sort(key=lambda one: (one[0], one[1].client, one[1].server))
        texts = [_label_lines(edge) for _, edge in wanted]
        sizes = [len(lines) * _LINE for lines in texts]
        middles = spread([y for y, _ in wanted], sizes, 3.0)
        x = _x(gap) + _BOX + (_COLUMN - _BOX) * 0.5
        for (_, edge), lines, middle, size in zip(wanted, texts, middles, sizes, strict=True):
            yield _label(edge, lines, x, max(middle, size / 2 + 4) - size / 2)


def _label_lines(edge: _Edge) -> list[str]:
    lines = [label_of(link) for link in edge.links[:LABELS]]
    if len(edge.links) > LABELS:
        lines[-1] += f" +{len(edge.links) - LABELS}"
    return lines


def _label(edge: _Edge, lines: Sequence[str], x: float, top: float) -> str:
    width = max(map(len, lines)) * _LETTER + 10
    texts = "".join(
        f'<text class="label {edge.style}" x="{x:.1f}" y="{top + _LINE * (number + 0.76):.1f}">{_safe(line, 60)}</text>'
        for number, line in enumerate(lines)
    )
    back = (
        f'<rect class="back" x="{x - width / 2:.1f}" y="{top + 0.5:.1f}" width="{width:.1f}" '
        f'height="{len(lines) * _LINE:.1f}" rx="4"/>'
    )
    return back + texts


def _box(name: str, layout: Layout, outside: bool, marked: bool) -> str:
    layer, middle = layout.place[name]
    x, y = _x(layer), _HEAD + middle - BOX_HEIGHT / 2
    namespace, _, short = name.rpartition("/")
    kinds = " ".join(["box", *(["outside"] if outside else []), *(["marked"] if marked else [])])
    above = namespace or ("outside the cluster" if outside else "")
    shown = clean_line(short)
    shown = shown if len(shown) <= 24 else f"{shown[:15]}…{shown[-8:]}"
    text_x = x + _BOX / 2
    lines = [
        f'<g class="{kinds}"><title>{_safe(name)}</title>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{_BOX:.0f}" height="{BOX_HEIGHT:.0f}" rx="9"/>',
        f'<text class="name" x="{text_x:.1f}" y="{y + (37 if above else 33):.1f}">{html.escape(shown)}</text>',
    ]
    if above:
        lines.insert(1, f'<text class="space" x="{text_x:.1f}" y="{y + 19:.1f}">{_safe(above, 26)}</text>')
    return "".join([*lines, "</g>"])


_KINDS = (("well", "no errors"), ("some", "under 1%"), ("many", "1 to 10%"), ("most", "over 10% errors"))


def _legend(y: float) -> str:
    parts, x = [], _MARGIN
    for style, text in _KINDS:
        parts.append(
            f'<line class="edge {style}" x1="{x:.0f}" y1="{y - 4:.0f}" x2="{x + 26:.0f}" y2="{y - 4:.0f}" '
            f'stroke-width="3"/><text class="note" x="{x + 33:.0f}" y="{y:.0f}">{text}</text>'
        )
        x += 46 + len(text) * 7
    return "".join(parts) + f'<text class="note" x="{x:.0f}" y="{y:.0f}">width: calls per second</text>'


def _markers() -> str:
    return "".join(
        f'<marker id="ks-{style}" viewBox="0 0 8 8" refX="1.5" refY="4" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="tip {style}" d="M0,0 L8,4 L0,8 z"/></marker>'
        for style, _ in _KINDS
    )


_STYLE = f"""<style>
.ks-map {{ --paper: #ffffff; --ink: #1f2328; --quiet: #59636e; --box: #f6f8fa; --rim: #9aa4af; --far: #fff8e6;
  --well: #6e7f92; --some: #a87b00; --many: #bc5a00; --most: #d1242f;
  font-family: ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; max-width: 100%; height: auto; }}
@media (prefers-color-scheme: dark) {{ .ks-map {{ --paper: #0d1117; --ink: #e6edf3; --quiet: #9198a1; --box: #1b222c;
  --rim: #59636e; --far: #2b2414; --well: #7d8fa3; --some: #d6a529; --many: #f0883e; --most: #ff6b68; }} }}
.ks-map .paper {{ fill: var(--paper); }}
.ks-map .title {{ font-size: 18px; font-weight: 650; fill: var(--ink); }}
.ks-map .note {{ font-size: 12px; fill: var(--quiet); }}
.ks-map .edge {{ fill: none; stroke: var(--well); opacity: .82; }}
.ks-map .edge.some {{ stroke: var(--some); }} .ks-map .edge.many {{ stroke: var(--many); }}
.ks-map .edge.most {{ stroke: var(--most); opacity: 1; }}
.ks-map .tip {{ fill: var(--well); }} .ks-map .tip.some {{ fill: var(--some); }}
.ks-map .tip.many {{ fill: var(--many); }} .ks-map .tip.most {{ fill: var(--most); }}
.ks-map .back {{ fill: var(--paper); opacity: .9; }}
.ks-map .label {{ font-size: 11.5px; text-anchor: middle; fill: var(--quiet); }}
.ks-map .label.some {{ fill: var(--some); }} .ks-map .label.many {{ fill: var(--many); }}
.ks-map .label.most {{ fill: var(--most); font-weight: 650; }}
.ks-map .box rect {{ fill: var(--box); stroke: var(--rim); stroke-width: 1.2; }}
.ks-map .box.outside rect {{ fill: var(--far); stroke-dasharray: 5 3; }}
.ks-map .box.marked rect {{ stroke: var(--most); stroke-width: 3; }}
.ks-map .space {{ font-size: 11px; text-anchor: middle; fill: var(--quiet); }}
.ks-map .name {{ font-size: 14px; font-weight: 600; text-anchor: middle; fill: var(--ink); }}
</style><defs>{_markers()}</defs>"""
