from __future__ import annotations

from kubeshark_mcp.analyse.repeats import repeats
from tests.analyse.building import BuiltFacts, Call


def test_the_same_target_soon_after_a_failure_is_a_repeat() -> None:
    calls = [
        Call(0, "s/a", "s/b", "GET /x/{}", "500", kfl={"url": "/x/1"}),
        Call(1, "s/a", "s/b", "GET /x/{}", "200", kfl={"url": "/x/1"}),
        Call(2, "s/a", "s/b", "GET /x/{}", "200", kfl={"url": "/x/1"}),
        Call(3, "s/a", "s/b", "GET /x/{}", "500", kfl={"url": "/x/2"}),
        Call(9, "s/a", "s/b", "GET /x/{}", "200", kfl={"url": "/x/2"}),
        Call(9.1, "s/c", "s/b", "GET /x/{}", "200", kfl={"url": "/x/2"}),
    ]
    found = repeats(BuiltFacts(calls))
    assert found.again.tolist() == [False, True, False, False, False, False]
    assert found.followed.tolist() == [True, True, False, False, False, False]
    assert found.known.all()


def test_without_a_target_the_call_above_tells() -> None:
    calls = [Call(0, "s/web", "s/a", ms=900.0), Call(2, "s/web", "s/a", ms=100.0)]
    calls += [Call(t, "s/a", "s/db", "SELECT 1", "57P01", 1.0, protocol="postgresql") for t in (0.1, 0.3, 2.01)]
    found = repeats(BuiltFacts(calls))
    assert found.again.tolist() == [False, False, True, False, False]


def test_an_answer_that_comes_when_the_caller_is_gone_is_a_failure() -> None:
    calls = [Call(0, "s/web", "s/a", ms=900.0)]
    calls += [Call(t, "s/a", "s/b", "GET /x/{}", ms=4000.0, kfl={"url": "/x/1"}) for t in (0.1, 0.5)]
    found = repeats(BuiltFacts(calls))
    assert (found.failed.tolist(), found.again.tolist()) == ([False, True, True], [False, False, True])


def test_nothing_repeats_nothing() -> None:
    assert len(repeats(BuiltFacts()).again) == 0
