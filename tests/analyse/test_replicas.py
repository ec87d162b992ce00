from __future__ import annotations

from dataclasses import replace

from kubeshark_mcp.analyse.replicas import unlike_pods
from tests.analyse.building import T0, BuiltFacts
from tests.analyse.stories import steady


def test_a_pod_that_differs_is_told_with_both_numbers() -> None:
    calls = [
        replace(call, server_pod=f"s/o-{n % 2}", status="500" if n % 4 == 1 else "200")
        for n, call in enumerate(steady("s/web", "s/o", 80))
    ]
    (found,) = unlike_pods(BuiltFacts(calls))
    assert (found.pod, found.by, found.mine, found.theirs, found.echo, found.fresh_ns) == (
        "s/o-1",
        "errors",
        0.5,
        0.0,
        False,
        None,
    )
    assert (len(found.rows), len(found.bad), len(found.siblings)) == (40, 20, 40)


def test_a_pod_that_came_later_is_fresh() -> None:
    old = [replace(call, server_pod="s/o-0") for call in steady("s/web", "s/o", 80)]
    new = [replace(c, server_pod="s/o-1", ms=300.0) for c in steady("s/web", "s/o", 30, start=8.0)]
    (found,) = unlike_pods(BuiltFacts(old + new))
    assert (found.pod, found.by, found.fresh_ns) == ("s/o-1", "latency", T0 + 8 * 10**9)


def test_calls_that_the_end_of_the_capture_cut_off_are_not_held_against_a_pod() -> None:
    calls = [replace(call, server_pod=f"s/o-{n % 2}") for n, call in enumerate(steady("s/web", "s/o", 40))]
    calls = [replace(c, ms=None) if c.at > 6.2 and c.server_pod == "s/o-1" else c for c in calls]
    assert unlike_pods(BuiltFacts(calls)) == ()
