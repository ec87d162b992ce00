from __future__ import annotations

from kubeshark_mcp.analyse.detectors.mtu_black_hole import MtuBlackHole
from kubeshark_mcp.analyse.findings import Component, Kind
from tests.analyse.building import Call, Connection
from tests.analyse.mutations import Story, assert_claims_hold, assert_same_verdicts, facts_of, solid

DETECTOR = MtuBlackHole()
PAIR = ("shop/web", "shop/cart")


def story(large: int, again: int, answered: bool = False, small_again: int = 0) -> Story:
    """Ten connections with small messages, five with large ones."""
    made: list[Call | Connection] = []
    for number in range(15):
        big = number >= 10
        numbers = {"packets_out": 12, "packets_in": 6, "retransmissions": again if big else small_again}
        ms = 5.0 if answered or not (big or small_again) else None
        made.append(Connection(number, *PAIR, "established", connection=number + 1, numbers=numbers))
        made.append(Call(number, *PAIR, connection=number + 1, request_bytes=large if big else 200, ms=ms))
    return made


def test_large_requests_that_never_arrive_while_small_ones_do() -> None:
    told = story(4000, 6)
    (found,) = solid(DETECTOR, told)
    assert found.component == Component(Kind.EDGE, *PAIR)
    assert found.title.startswith(
        "between shop/web and shop/cart messages of 4,000 bytes and more never arrive, however often they are sent "
        "(5 connections stand still), while 10 connections with only small messages work"
    )
    assert_claims_hold(DETECTOR, told)
    assert_same_verdicts(DETECTOR, told)


def test_plain_loss_hits_small_messages_too() -> None:
    assert list(DETECTOR.detect(facts_of(story(4000, 6, small_again=6)))) == []


def test_large_messages_that_arrive_are_fine() -> None:
    assert list(DETECTOR.detect(facts_of(story(4000, 1, answered=True)))) == []


def test_a_way_that_loses_small_messages_too_is_no_black_hole() -> None:
    lossy = [
        Connection(n, "shop/orders", "data/redis", numbers={"packets_out": 50, "packets_in": 50, "retransmissions": 2})
        for n in range(20)
    ]
    assert list(DETECTOR.detect(facts_of([*story(4000, 6), *lossy]))) == []
