"""Stories of queues: calls that wait for a place, simulated one by one."""

from __future__ import annotations

import heapq
import random

from tests.analyse.building import Call

POD = "s/orders-1"


def crowd(
    places: int, rate: float, seconds: float, start: float = 0.0, query_ms: float = 40.0, patience: float = 99.0
) -> list[Call]:
    """Let calls come to orders at random; each needs one of few places for a query. Without one in time: 503."""
    chance = random.Random(5)
    free = [start] * places
    heapq.heapify(free)
    calls, at = [], start
    while at < start + seconds:
        at += chance.expovariate(rate)
        begin = max(at + 0.002, free[0])
        pods = {"server_pod": POD, "endpoint": "POST /orders"}
        if begin - at > patience:
            calls.append(Call(at, "s/web", "s/orders", status="503", ms=patience * 1000, **pods))
            continue
        took = query_ms * chance.uniform(0.8, 1.2) / 1000
        heapq.heapreplace(free, begin + took + 0.0002)
        calls.append(Call(at, "s/web", "s/orders", ms=(begin + took - at) * 1000 + 1, **pods))
        query = {"endpoint": "SELECT 1", "status": "OK", "protocol": "postgresql", "client_pod": POD}
        calls.append(Call(begin, "s/orders", "s/db", ms=took * 1000, **query))
    return calls


def bench(workers: int, rate: float, seconds: float, start: float = 0.0, work_ms: float = 80.0) -> list[Call]:
    """Let calls come to a server that works on few at a time and calls nobody."""
    chance = random.Random(7)
    free = [start] * workers
    heapq.heapify(free)
    calls, at = [], start
    while at < start + seconds:
        at += chance.expovariate(rate)
        begin = max(at, free[0])
        took = work_ms * chance.uniform(0.9, 1.1) / 1000
        heapq.heapreplace(free, begin + took)
        calls.append(Call(at, "s/web", "s/depot", ms=(begin + took - at) * 1000, endpoint="GET /bales"))
    return calls
