from __future__ import annotations

from kubeshark_mcp.analyse.ceilings import ceilings, queues
from tests.analyse.building import BuiltFacts
from tests.analyse.crowds import POD, bench, crowd


def test_a_ceiling_is_told_with_its_height_and_what_waits() -> None:
    (found,) = ceilings(BuiltFacts(crowd(3, 10, 10) + crowd(3, 100, 8, 10.5, patience=1.0)))
    assert (found.client, found.pod, found.server, found.protocol, found.limit) == (
        "s/orders",
        POD,
        "s/db",
        "postgresql",
        3,
    )
    assert found.standing > 0.9
    assert found.waiting_us > 10 * found.below_us[1]
    assert not found.slower
    assert len(found.crowded) == len(found.incoming)


def test_places_enough_are_no_ceiling() -> None:
    assert ceilings(BuiltFacts(crowd(50, 30, 20))) == ()


def test_a_queue_is_told_by_how_durations_follow_the_number_there() -> None:
    (found,) = queues(BuiltFacts(bench(2, 4, 10) + bench(2, 40, 6, 10.5)))
    assert (found.server, found.order > 0.75, found.crowded_us > 3 * found.alone_us) == ("s/depot", True, True)
    assert queues(BuiltFacts(bench(50, 40, 6))) == ()
