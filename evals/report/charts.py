"""Charts as inline SVG: no script, no font, no file from elsewhere; colours follow the reader's light or dark page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LABEL, BAR, VALUE, LINE = 250, 380, 150, 26
"""Widths of the parts of a chart, and the height of a line, in pixels."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One line: value from 0 to the chart's most; low, high: ends of an interval; mark: an earlier value."""

    label: str
    value: float
    text: str
    low: float | None = None
    high: float | None = None
    mark: float | None = None
    css: str = "one"


def bars(title: str, lines: Sequence[Bar], most: float | None = None) -> str:
    """Draw horizontal bars with intervals and marks; nothing at all for no lines."""
    if not lines:
        return ""
    top = most or max([*(each.value for each in lines), *(each.mark or 0.0 for each in lines)]) or 1.0
    height = LINE * len(lines) + 8
    width = LABEL + BAR + VALUE
    parts = [_line(each, number, top) for number, each in enumerate(lines)]
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg></figure>'
    )


def _line(bar: Bar, number: int, top: float) -> str:
    y = number * LINE + 6
    middle = y + 8
    parts = [
        f'<text x="{LABEL - 8}" y="{middle + 4}" text-anchor="end">{escape(_short(bar.label))}</text>',
        f'<rect class="ground" x="{LABEL}" y="{y}" width="{BAR}" height="16" rx="2"/>',
        f'<rect class="{bar.css}" x="{LABEL}" y="{y}" width="{_x(bar.value, top):.1f}" height="16" rx="2"/>',
    ]
    if bar.low is not None and bar.high is not None:
        low, high = LABEL + _x(bar.low, top), LABEL + _x(bar.high, top)
        parts.append(
            f'<path class="interval" d="M{low:.1f} {middle}H{high:.1f}'
            f'M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8"/>'
        )
    if bar.mark is not None:
        at = LABEL + _x(bar.mark, top)
        parts.append(f'<path class="mark" d="M{at:.1f} {y - 3}v22"><title>baseline</title></path>')
    parts.append(f'<text x="{LABEL + BAR + 8}" y="{middle + 4}">{escape(bar.text)}</text>')
    return "".join(parts)


def _x(value: float, top: float) -> float:
    return max(0.0, min(1.0, value / top)) * BAR


def _short(text: str) -> str:
    return text if len(text) <= 36 else text[:35] + "…"
