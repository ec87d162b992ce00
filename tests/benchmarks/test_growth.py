"""The chart of growth, from small captures."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import growth
from benchmarks.growth import Point, chart, first_packets, measured, place
from benchmarks.measure import Sample
from kubeshark_mcp.capture.index import capture_bounds

RECORDED = Path(__file__).resolve().parents[1] / "recordings" / "mongodb" / "commands.pcap"


def test_a_beginning_has_as_many_packets_as_asked_for(tmp_path: Path):
    part = tmp_path / "part.pcap"
    part.write_bytes(first_packets(RECORDED, 5))
    assert capture_bounds(part)[2] == 5


def test_every_stage_is_measured_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(growth, "PART", 20)
    points = measured(RECORDED, [40], tmp_path)
    assert [(point.packets, point.stage) for point in points] == [(40, "index"), (40, "flows"), (40, "answer")]
    assert all(point.sample.peak_mb > 10 for point in points)
    assert len(ElementTree.fromstring(chart(points)).findall(".//{*}circle")) == 6


def test_the_axes_are_logarithmic():
    assert [place(value, 1, 100) for value in (0.1, 1, 10, 100, 1000)] == [0.0, 0.0, 0.5, 1.0, 1.0]
    point = Point(100_000, 0.1, "flows", Sample(1.0, 1.1, 100.0))
    assert growth.line(point) == "| 100,000 | 0.10 | flows | 1.0 | 1.1 | 100 |"
