"""What is odd about whole records."""

from __future__ import annotations

from kubeshark_mcp.capture import watch
from kubeshark_mcp.capture.merge import as_records
from kubeshark_mcp.capture.records import Findings
from kubeshark_mcp.capture.watch import Watch

SECOND = 10**9


def looked_at(*packets: tuple[int, int], size: int = 1000) -> list[str]:
    """Give the warnings about packets of these times (ns) and link types."""
    findings = Findings()
    observer = Watch(findings)
    whole = as_records([(time_ns, 1, b"x", kind) for time_ns, kind in packets])
    for first in range(0, len(packets), size):
        observer.look(whole.part(first, first + size))
    observer.finish()
    return [str(warning) for warning in findings.warnings]


def test_time_that_goes_back_is_told_once_with_its_place_and_its_largest_step():
    times = [10 * SECOND, 8 * SECOND, 9 * SECOND, 4 * SECOND, 5 * SECOND]
    told = "time goes back 2 times, first here, by up to 5.000000 s: packets are in the file's order (packet 2, byte 1)"
    for size in (1, 2, 5):
        assert looked_at(*((time, 1) for time in times), size=size) == [told]


def test_a_little_disorder_is_usual():
    assert looked_at((10 * SECOND, 1), (9 * SECOND + 1, 1), (11 * SECOND, 1)) == []


def test_link_types_that_cannot_be_are_told_apart_from_those_that_are_not_known():
    assert looked_at((0, 1), (0, 147), (0, 70_000), (0, 147), (0, -2)) == [
        "packets of link type -2 are not decoded: it cannot be (packet 5, byte 4)",
        "packets of link type 147 are not decoded: it is not known here (packet 2, byte 1)",
        "packets of link type 70000 are not decoded: it cannot be (packet 3, byte 2)",
    ]


def test_link_types_do_not_flood_the_warnings():
    assert len(looked_at(*((0, 1000 + number) for number in range(500)))) == watch.MOST_LINK_TYPES
    assert len(looked_at(*((0, 1000 + number) for number in range(500)), size=7)) == watch.MOST_LINK_TYPES


def test_nothing_is_odd_about_no_packets():
    assert looked_at() == []
