from __future__ import annotations

from kubeshark_mcp.analyse.detectors.connection_reset import ConnectionReset
from kubeshark_mcp.analyse.findings import Component, Confidence, Kind
from tests.analyse.building import Call, Connection
from tests.analyse.mutations import Story, assert_claims_hold, assert_same_verdicts, facts_of, solid

DETECTOR = ConnectionReset()
PAIR = ("shop/orders", "data/redis")


def idle_story(fatal: float = 12, survived: float = 8) -> Story:
    """Five connections cut after a long pause, five that live through a shorter one."""
    story: list[Call | Connection] = []
    for number in range(10):
        cut = number < 5
        story.append(Connection(number, *PAIR, "reset" if cut else "closed", seconds=20, connection=number + 1))
        story.append(Call(number, *PAIR, connection=number + 1))
        pause = fatal + number if cut else survived
        story.append(Call(number + pause, *PAIR, ms=None if cut else 5, connection=number + 1))
    return story


def test_connections_that_die_of_idleness_are_told_with_the_time_out() -> None:
    story = idle_story()
    (found,) = solid(DETECTOR, story)
    assert (found.component, found.confidence) == (Component(Kind.EDGE, *PAIR), Confidence.HIGH)
    assert found.title == (
        "5 connections from shop/orders to data/redis were cut by RST with a request under way, each after 12.0 s or "
        "more without traffic; those that paused no longer than 8.0 s lived: something on the way forgets idle "
        "connections"
    )
    assert found.facts == {"idle_seconds": 11.99}
    assert_claims_hold(DETECTOR, story)
    assert_same_verdicts(DETECTOR, story)


def test_cut_connections_whose_pauses_tell_nothing_are_told_without_a_time_out() -> None:
    (found,) = solid(DETECTOR, idle_story(fatal=5, survived=8))
    assert "idle" not in found.title
    assert found.facts == {}


def test_a_rst_after_the_work_was_done_is_how_many_programs_close() -> None:
    story: list[Call | Connection] = []
    for number in range(20):
        story += [Connection(number, *PAIR, "reset", connection=number + 1), Call(number, *PAIR, connection=number + 1)]
    assert list(DETECTOR.detect(facts_of(story))) == []
