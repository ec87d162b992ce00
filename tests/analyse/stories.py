"""Healthy traffic that the stories of detectors begin with."""

from __future__ import annotations

from typing import Any

from tests.analyse.building import Call


def steady(
    client: str, server: str, count: int = 60, every: float = 0.2, start: float = 0.0, **more: Any
) -> list[Call]:
    """Give calls at an even pace whose durations vary a little: 5 ms and up to 2 ms more."""
    ms = more.pop("ms", 5.0)
    return [
        Call(start + n * every, client, server, ms=None if ms is None else ms * (1 + (n * 7 % 5) / 12), **more)
        for n in range(count)
    ]


def chain(count: int = 60, every: float = 0.2, start: float = 0.0, **below: Any) -> list[Call]:
    """Give calls web -> orders -> db, each within the one above it. below: of the innermost calls."""
    calls = steady("s/web", "s/orders", count, every, start, endpoint="POST /orders", ms=20.0)
    inner: dict[str, Any] = {"endpoint": "INSERT INTO o", "status": "OK", "protocol": "postgresql", "ms": 4.0} | below
    return calls + steady("s/orders", "s/db", count, every, start + 0.004, **inner)
