from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.analyse import lanes
from kubeshark_mcp.analyse.lanes import Axis, Keys, Lanes, blocks
from tests.analyse.building import BuiltFacts, Call

KEYS = st.lists(st.integers(-1, 6), max_size=30)


def made(key: list[int], size: int = 7) -> Lanes:
    numbers = np.array(key, np.int32)
    return Lanes(numbers, numbers >= 0, size)


@given(KEYS, st.integers(0, 6), st.integers(0, 7))
def test_rows_of_some_keys_come_by_key_and_then_as_they_lie(key: list[int], low: int, high: int) -> None:
    high = max(low, high)
    rows, own = made(key).of(low, high)
    expected = sorted((number, row) for row, number in enumerate(key) if low <= number < high)
    assert list(zip((own + low).tolist(), rows.tolist(), strict=True)) == expected


def test_many_keys_are_sorted_alike() -> None:
    key = np.arange(80_000, dtype=np.int32)[::-1].copy()
    rows, own = Lanes(key, key >= 0, 80_000).of(79_998, 80_000)
    assert (rows.tolist(), own.tolist()) == ([1, 0], [0, 1])


@given(KEYS, KEYS)
def test_blocks_have_every_key_of_the_first_lanes_once(first: list[int], second: list[int]) -> None:
    found = list(blocks(made(first), made(second)))
    seen = [key for low, high in found for key in range(low, high)]
    assert len(seen) == len(set(seen))
    assert {key for key in first if key >= 0} <= set(seen)


def test_blocks_are_small_where_keys_allow_it(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(lanes, "BLOCK", 4)
    assert list(blocks(made([0, 0, 1, 2, 2, 2, 2, 2, 4, 5]))) == [(0, 2), (2, 3), (4, 7)]


def test_pods_and_workloads_have_numbers_of_their_own() -> None:
    calls = [
        Call(1.0, "s/web", "s/orders", server_pod="s/orders-1", client_pod="s/web-1"),
        Call(2.0, "s/orders", "s/db", client_pod="s/orders-1"),
        Call(3.0, "s/db", "s/orders", server_pod="s/orders-1"),
        Call(4.0, "s/web", "s/db", server_pod="s/db-1", client_pod="s/web-1"),
    ]
    facts = BuiltFacts(calls)
    keys = Keys(facts)
    pods, workloads = keys.pods(facts.calls.client_pod), keys.workloads(facts.calls.client)
    assert (pods >= 0).tolist() == [True, True, False, True]
    assert keys.server[0] == keys.server[2] == pods[1] != workloads[1]
    assert keys.server[3] == workloads[2]  # Calls of db have no pod, so its pods cannot be told apart.


def test_times_of_two_keys_never_meet() -> None:
    axis = Axis(100, 200)
    keys, times = np.array([0, 0, 0, 1, 1]), np.array([50, 100, 900, 0, 150])
    places = axis.at(keys, times)
    assert places.tolist() == sorted(places.tolist())
    assert places[2] < places[3]
