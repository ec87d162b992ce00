from __future__ import annotations

import numpy as np
import pytest

from kubeshark_mcp.analyse import lanes
from kubeshark_mcp.analyse.nesting import nesting
from tests.analyse.building import BuiltFacts, Call


def parents(calls: list[Call]) -> list[int]:
    return nesting(BuiltFacts(calls)).parent.tolist()


def below(at: float, path: str, ms: float = 5) -> Call:
    return Call(at, "s/orders", "s/db", path, "OK", ms, protocol="mysql", client_pod="s/orders-1")


def above(at: float, path: str, ms: float = 100) -> Call:
    return Call(at, "s/web", "s/orders", path, ms=ms, server_pod="s/orders-1")


def test_of_two_that_are_under_way_the_one_is_the_cause_whose_kind_was_it_before() -> None:
    told = [call for at in (1, 2, 3) for call in (above(at, "GET /a"), below(at + 0.01, "SELECT a"))]
    told += [call for at in (4, 5, 6) for call in (above(at, "GET /b"), below(at + 0.01, "SELECT b"))]
    doubtful = [above(7.0, "GET /a"), above(7.001, "GET /b"), below(7.01, "SELECT a"), below(7.02, "SELECT b")]
    found = parents([*told, *doubtful])
    assert found[-4:] == [-1, -1, 12, 13]


def test_the_latest_is_taken_where_nothing_is_known() -> None:
    assert parents([above(1.0, "GET /a"), above(1.001, "GET /b"), below(1.01, "SELECT a")]) == [-1, -1, 1]


def test_nothing_is_caused_by_what_is_over() -> None:
    assert parents([above(1.0, "GET /a", 5), below(1.5, "SELECT a")]) == [-1, -1]


def test_no_call_is_caused_by_itself() -> None:
    assert parents([Call(1.0, "s/web", "s/web", ms=100)]) == [-1]


@pytest.mark.parametrize("size", [1, 3, 7, 1 << 20])
def test_how_much_is_looked_at_together_changes_nothing(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    numbers = np.random.default_rng(4)
    calls = []
    for pod in range(4):
        for at in np.sort(numbers.uniform(1, 3, 30)):
            calls.append(Call(float(at), "s/web", "s/orders", ms=100, server_pod=f"s/orders-{pod}"))
            target = f"SELECT {numbers.integers(3)}"
            calls.append(
                Call(
                    float(at) + 0.01,
                    "s/orders",
                    "s/db",
                    target,
                    "OK",
                    5,
                    protocol="mysql",
                    client_pod=f"s/orders-{pod}",
                )
            )
    whole = nesting(BuiltFacts(calls))
    monkeypatch.setattr(lanes, "BLOCK", size)
    parts = nesting(BuiltFacts(calls))
    for name in ("parent", "below_ns", "unread_ns", "failed_below", "calls_below"):
        assert getattr(parts, name).tolist() == getattr(whole, name).tolist()
    assert (whole.parent >= 0).sum() == 120
