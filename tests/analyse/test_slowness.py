from __future__ import annotations

import numpy as np

from kubeshark_mcp.analyse.slowness import answered_kinds, lossy, slow_kinds
from tests.analyse.building import BuiltFacts, Connection
from tests.analyse.stories import chain, steady


def test_a_kind_that_became_slow_is_told_with_what_explains_it() -> None:
    late = chain(60, start=12.0, ms=380.0)
    calls = chain() + [call if call.server == "s/db" else type(call)(**{**vars(call), "ms": 400.0}) for call in late]
    found = {one.server: one.explained >= 0.5 for one in slow_kinds(BuiltFacts(calls))}
    assert found == {"s/orders": True, "s/db": False}


def test_kinds_are_those_that_are_answered_and_do_not_wait_by_design() -> None:
    calls = steady("s/a", "s/b", 20) + steady("s/a", "s/r", 20, protocol="redis", status="OK", endpoint="BLPOP q")
    calls += steady("s/a", "s/c", 20, ms=None) + steady("s/a", "s/d", 20, status="500")
    assert [key[:3] for key in answered_kinds(BuiltFacts(calls))] == [("s/b", "http", "GET /")]


def test_calls_on_connections_that_send_again_are_lossy() -> None:
    calls = steady("s/a", "s/b", 10, connection=1) + steady("s/a", "s/b", 10, start=5, connection=2)
    facts = BuiltFacts(calls, [Connection(5, "s/a", "s/b", connection=2, numbers={"retransmissions": 2})])
    early, late = np.arange(10), np.arange(10, 20)
    assert (lossy(facts, late, early), lossy(facts, early, late)) == (True, False)
