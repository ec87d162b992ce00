"""What a run is divided into, and how what came of its parts is added up."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeshark_mcp.capture.quality import CaptureQuality, Quality
from kubeshark_mcp.hub.runs import Outcome, Share, shares_of
from kubeshark_mcp.hub.sources import CaptureSource


def captures(folder: Path, *sizes: int) -> list[CaptureSource]:
    made = []
    for number, size in enumerate(sizes):
        path = folder / f"{number}.pcap"
        path.write_bytes(b"x" * size)
        made.append(CaptureSource(path, f"node-{number}"))
    return made


@pytest.mark.parametrize(
    ("sizes", "shares"),
    [
        ([], [Share(0, 0, 0, 0)]),
        ([5], [Share(0, 0, 1, 5)]),
        ([500], [Share(0, 0, 1, 500)]),
        ([5, 5, 5], [Share(0, 0, 3, 15)]),
        ([100, 100], [Share(0, 0, 1, 100), Share(1, 1, 2, 100)]),
        ([60, 60, 60, 60], [Share(0, 0, 2, 120), Share(1, 2, 4, 120)]),
        ([100, 5], [Share(0, 0, 2, 105)]),
        ([100, 100, 5], [Share(0, 0, 1, 100), Share(1, 1, 3, 105)]),
    ],
)
def test_consecutive_captures_make_shares_of_at_least_a_size(tmp_path, sizes, shares):
    assert shares_of(captures(tmp_path, *sizes), 100) == shares


def test_a_capture_that_is_missing_weighs_nothing(tmp_path):
    there = captures(tmp_path, 100)
    assert shares_of([CaptureSource(tmp_path / "none.pcap", "a"), *there], 100) == [Share(0, 0, 2, 100)]


def test_counts_of_parts_are_added_up_and_warnings_follow_each_other():
    one = Outcome(1, 100, 10, 5, {}, 70, 20, 10, ["a.pcap: cut"])
    other = Outcome(2, 200, 20, 6, {}, 7, 2, 1, ["b.pcap: cut"])
    assert Outcome().with_counts([one, other]) == Outcome(
        3, 300, 30, 11, {}, 77, 22, 11, ["a.pcap: cut", "b.pcap: cut"]
    )


def test_a_report_tells_each_warning_once():
    quality = Quality((CaptureQuality("a.pcap", "a", packets=3, dropped=2),))
    report = Outcome(warnings=["a.pcap: torn", *quality.sentences()], quality=quality).report()
    assert [line for line in report if "warning" in line] == ["warning: a.pcap: torn"]
    assert any("2 packets lost" in line for line in report)
