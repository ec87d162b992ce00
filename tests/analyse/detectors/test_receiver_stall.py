from __future__ import annotations

from kubeshark_mcp.analyse.detectors.receiver_stall import ReceiverStall
from kubeshark_mcp.analyse.findings import Component, Kind
from tests.analyse.building import Connection
from tests.analyse.mutations import assert_claims_hold, assert_same_verdicts, facts_of, solid

DETECTOR = ReceiverStall()


def links(count: int, zero: int = 0, out: int = 1000, back: int = 90_000) -> list[Connection]:
    numbers = {"zero_windows": zero, "bytes_out": out, "bytes_in": back}
    return [Connection(n + zero / 10, "shop/web", "shop/cart", numbers=numbers) for n in range(count)]


def test_the_side_that_most_bytes_went_to_stopped_reading() -> None:
    story = links(2) + links(4, zero=5)
    (found,) = solid(DETECTOR, story)
    assert found.component == Component(Kind.WORKLOAD, "shop/web")
    assert found.title == "shop/web stops reading what shop/cart sends: 20 zero windows on 4 of 6 connections"
    assert_claims_hold(DETECTOR, story)
    assert_same_verdicts(DETECTOR, story)
    (upload,) = solid(DETECTOR, links(3, zero=5, out=90_000, back=100))
    assert upload.component == Component(Kind.WORKLOAD, "shop/cart")


def test_a_short_pause_is_nothing() -> None:
    assert list(DETECTOR.detect(facts_of(links(20, zero=1)))) == []
    assert list(DETECTOR.detect(facts_of(links(30) + links(1, zero=4)))) == []
