"""What a run is divided into, and how what came of its parts is added up."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeshark_mcp.capture.quality import CaptureQuality, Quality
from kubeshark_mcp.hub.runs import Outcome, Run, Share, divided, most_pieces, shares_of
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


@pytest.mark.parametrize(
    ("sizes", "workers", "pieces"),
    [
        ([100], 4, [4]),
        ([100], 50, [10]),
        ([19], 4, [1]),
        ([20], 4, [2]),
        ([100, 20, 20], 2, [1, 1, 1]),
        ([100, 10, 10], 2, [2, 1, 1]),
        ([100, 100], 2, [1, 1]),
        ([100, 100, 100], 16, [5, 5, 5]),
        ([100], 1, [1]),
        ([0], 4, [1]),
    ],
)
def test_large_shares_are_divided_among_the_workers(sizes, workers, pieces):
    shares = [Share(number, number, number + 1, size) for number, size in enumerate(sizes)]
    run = Run([], [], piece_bytes=10)
    found = divided(run, shares, workers)
    assert [share.task for share in found] == list(range(sum(pieces)))
    assert [(share.first, share.piece, share.pieces) for share in found] == [
        (number, piece, count) for number, count in enumerate(pieces) for piece in range(count)
    ]
    assert most_pieces(run, shares) >= len(found)


def test_connections_alone_are_not_worth_dividing():
    run = Run([], [], layer4_only=True, piece_bytes=10)
    assert most_pieces(run, [Share(0, 0, 1, 1000)]) == 1
    assert divided(run, [Share(0, 0, 1, 1000)], 4) == [Share(0, 0, 1, 1000)]


@pytest.mark.parametrize("pieces", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [0, 1, 10, 1001])
def test_the_parts_of_a_number_come_to_the_number(count, pieces):
    parts = [Share(piece, 0, 1, 0, piece, pieces).part(count) for piece in range(pieces)]
    assert sum(parts) == count
    assert max(parts) - min(parts) <= 1
