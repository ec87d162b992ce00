"""How time and memory grow with a capture: `python -m benchmarks growth [--packets N ...] [--svg FILE]`.

Captures of each size are copies of the beginning of one recording, with addresses and times of their own (see
`multiply`), written to a temporary folder one after the other and removed again. Prints a table and draws the chart.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Command, Sample, run
from benchmarks.multiply import multiply
from benchmarks.stage import STAGES
from kubeshark_mcp.capture.reader import open_capture

PACKETS = (10_000, 100_000, 1_000_000, 3_000_000, 10_000_000, 14_000_000)
PART = 10_000
"""Packets of the recording that are copied."""
COLOURS = {"index": "#2a78d6", "flows": "#1baa6f", "answer": "#d6572a"}
WIDTH, HEIGHT, MARGIN = 360, 260, 48
_HIGHEST = {"CPU seconds": (0.1, 1000.0), "peak MB": (10.0, 1000.0)}
_FEWEST, _MOST = 10_000.0, 20_000_000.0


@dataclass(frozen=True, slots=True)
class Point:
    """One stage on one capture. gigabytes: 10^9 bytes of the capture."""

    packets: int
    gigabytes: float
    stage: str
    sample: Sample


def measured(recording: Path, sizes: Sequence[int], folder: Path) -> list[Point]:
    """Measure all stages on captures of these sizes."""
    points = []
    beginning = folder / "beginning.pcap"
    beginning.write_bytes(first_packets(recording, PART))
    for size in sizes:
        capture = folder / f"{size}.pcap"
        packets = multiply([beginning], capture, size)
        for stage in STAGES:
            sample = run(Command(stage, [sys.executable, "-m", "benchmarks.stage", stage, str(capture)]))
            points.append(Point(packets, capture.stat().st_size / 1e9, stage, sample))
            sys.stdout.write(line(points[-1]) + "\n")
            sys.stdout.flush()
        capture.unlink()
    return points


def first_packets(recording: Path, count: int) -> bytes:
    """Give a recording up to its packet number `count`."""
    with open_capture(recording) as opened:
        records = next(opened.records(count))
        end = int(records.offset[-1]) + int(records.captured[-1]) + records.base
    with recording.open("rb") as file:
        return file.read(end)


def line(point: Point) -> str:
    """Give one line of the table."""
    sample = point.sample
    numbers = f"{sample.cpu:.1f} | {sample.wall:.1f} | {sample.peak_mb:.0f}"
    return f"| {point.packets:,} | {point.gigabytes:.2f} | {point.stage} | {numbers} |"


def place(value: float, lowest: float, highest: float) -> float:
    """Give where a value lies between two others, 0 to 1, on a logarithmic scale."""
    from math import log

    return min(1.0, max(0.0, log(max(value, lowest) / lowest) / log(highest / lowest)))


def chart(points: Sequence[Point]) -> str:
    """Draw CPU seconds and peak memory over packets, both axes logarithmic, as an SVG."""
    panels = [
        _panel(number * (WIDTH + MARGIN), title, points, bounds)
        for number, (title, bounds) in enumerate(_HIGHEST.items())
    ]
    size = f'width="{2 * (WIDTH + MARGIN) + MARGIN}" height="{HEIGHT + 2 * MARGIN}"'
    style = 'font-family="sans-serif" font-size="11" fill="#555"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n' + "\n".join(panels) + "\n</svg>\n"


def _panel(left: int, title: str, points: Sequence[Point], bounds: tuple[float, float]) -> str:
    x0, y0 = left + MARGIN, MARGIN
    parts = [f'<text x="{x0}" y="{y0 - 14}" font-size="13">{title}</text>']
    value = bounds[0]
    while value <= bounds[1]:
        y = y0 + HEIGHT * (1 - place(value, *bounds))
        parts.append(f'<line x1="{x0}" x2="{x0 + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>')
        parts.append(f'<text x="{x0 - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        value *= 10
    for count, label in ((10_000, "10k"), (100_000, "100k"), (1_000_000, "1M"), (10_000_000, "10M packets")):
        x = x0 + WIDTH * place(count, _FEWEST, _MOST)
        parts.append(f'<text x="{x:.1f}" y="{y0 + HEIGHT + 16}" text-anchor="middle">{label}</text>')
    for number, (stage, colour) in enumerate(COLOURS.items()):
        mine = [point for point in points if point.stage == stage]
        spots = [_spot(point, title, bounds, x0, y0) for point in mine]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in spots]
        parts.append(f'<text x="{x0 + 8}" y="{y0 + 14 + 15 * number}" fill="{colour}">{stage}</text>')
    return "\n".join(parts)


def _spot(point: Point, title: str, bounds: tuple[float, float], x0: int, y0: int) -> tuple[float, float]:
    value = point.sample.cpu if title == "CPU seconds" else point.sample.peak_mb
    x = x0 + WIDTH * place(point.packets, _FEWEST, _MOST)
    return x, y0 + HEIGHT * (1 - place(value, *bounds))


def main(arguments: list[str]) -> int:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description="Time and memory over size.")
    parser.add_argument("--packets", type=int, nargs="+", default=PACKETS)
    parser.add_argument("--capture", type=Path, default=Path(__file__).parent / "out" / "http-300000.pcap")
    parser.add_argument("--svg", type=Path, default=Path(__file__).resolve().parents[1] / "docs" / "growth.svg")
    parser.add_argument("--folder", type=Path, help="where the captures go, with room for the largest")
    options = parser.parse_args(arguments)
    sys.stdout.write("| packets | GB | stage | CPU s | wall s | peak MB |\n| --- | --- | --- | --- | --- | --- |\n")
    with tempfile.TemporaryDirectory(prefix="growth-", dir=options.folder) as folder:
        points = measured(options.capture, options.packets, Path(folder))
    options.svg.parent.mkdir(parents=True, exist_ok=True)
    options.svg.write_text(chart(points))
    return 0


if __name__ == "__main__":
    os.nice(10)
    sys.exit(main(sys.argv[1:]))
