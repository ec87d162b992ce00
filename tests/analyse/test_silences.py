from __future__ import annotations

from dataclasses import replace

from kubeshark_mcp.analyse.silences import silences
from tests.analyse.building import BuiltFacts
from tests.analyse.stories import steady


def test_requests_without_an_answer_are_told_by_server() -> None:
    calls = steady("s/a", "s/b") + [replace(call, ms=None) for call in steady("s/a", "s/b", 20, start=12.0)]
    (found,) = silences(BuiltFacts(calls + steady("s/a", "s/c", 100)))
    assert (found.server, found.protocol, len(found.silent), found.echo, found.lost) == (
        "s/b",
        "http",
        20,
        False,
        False,
    )


def test_a_kind_that_is_rarely_sent_and_never_answered_is_by_design() -> None:
    calls = steady("s/a", "s/db", 100, protocol="postgresql", status="OK", endpoint="SELECT 1")
    calls += steady("s/a", "s/db", 6, protocol="postgresql", endpoint="Terminate", ms=None)
    assert silences(BuiltFacts(calls)) == ()


def test_what_a_primary_sends_to_its_replicas_has_no_answer() -> None:
    calls = steady("s/a", "s/primary", 60, protocol="redis", status="OK")
    calls += steady("s/a", "s/replica", 60, protocol="redis", status="OK")
    calls += steady("s/primary", "s/replica", 60, protocol="redis", endpoint="SET x", ms=None)
    assert silences(BuiltFacts(calls)) == ()
