from __future__ import annotations

from kubeshark_mcp.analyse.detectors.stale_data import StaleData
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Kind
from tests.analyse.building import T0, BuiltFacts, Call, Connection
from tests.analyse.mutations import assert_same_verdict

NUMBERS = {"bytes_out": 500, "bytes_in": 900}


def story(until: float, reads: bool = True) -> tuple[list[Call], list[Connection]]:
    """A replica that acknowledges each second up to a time; source and replica are asked throughout."""
    calls = [
        Call(float(at), "data/copy", "data/main", f"REPLCONF ACK {at}", "OK", None, protocol="redis", connection=1)
        for at in range(int(until))
    ]
    for step in range(60):
        at = step / 2
        calls.append(
            Call(at, "shop/desk", "data/main", f"INCRBY rate:{step % 7} 2", "OK", protocol="redis", connection=2)
        )
        if reads:
            calls.append(Call(at + 0.1, "shop/web", "data/copy", "GET rate:1", "OK", protocol="redis", connection=3))
    feed = Connection(0.0, "data/copy", "data/main", seconds=until, connection=1, server_port=6379, numbers=NUMBERS)
    return calls, [feed]


def test_a_replica_whose_feed_ended_and_that_goes_on_answering_is_stale():
    calls, links = story(10)
    (found,) = StaleData().detect(BuiltFacts(calls, links))
    assert (found.component, found.confidence) == (Component(Kind.WORKLOAD, "data/copy"), Confidence.HIGH)
    assert found.onset_ns == T0 + 10 * 10**9
    assert found.affected == (Edge("shop/web", "data/copy", "redis"), Edge("data/copy", "data/main", "redis"))
    assert [(claim.meaning, claim.value) for claim in found.claims] == [
        ("answers since then", 40.0),
        ("calls to the source", 40.0),
    ]
    assert found.title == (
        "copy no longer follows main: the connection on which it copied went silent, and since then main took 40 "
        "changes while copy gave 40 answers that do not know of them"
    )
    assert_same_verdict(StaleData(), calls, links)


def test_a_feed_that_lasts_or_begins_anew_is_fine():
    calls, links = story(29)
    assert not list(StaleData().detect(BuiltFacts(calls, links)))
    calls, links = story(10)
    anew = Connection(14.0, "data/copy", "data/main", seconds=15.5, connection=9, server_port=6379, numbers=NUMBERS)
    assert not list(StaleData().detect(BuiltFacts(calls, [*links, anew])))


def test_attempts_in_vain_do_not_count_as_a_feed():
    calls, links = story(10)
    vain = Connection(28.0, "data/copy", "data/main", "refused", 0.1, connection=9, server_port=6379)
    assert [found.confidence for found in StaleData().detect(BuiltFacts(calls, [*links, vain]))] == [Confidence.HIGH]


def test_a_replica_that_answers_nobody_harms_nobody():
    calls, links = story(10, reads=False)
    assert not list(StaleData().detect(BuiltFacts(calls, links)))
