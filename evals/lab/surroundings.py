"""Larger sizes: the same incident in a bigger cluster, among harmless neighbours that talk a lot."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from evals.lab.incident import Incident, Workload, call, http_service, job, load, redis_server
from evals.lab.steps import answer, http, redis, work
from evals.lab.truth import Size

SIZES = get_args(Size)
PLACES = ("avon", "brenta", "cher", "dee", "eider", "fulda", "gail", "hase", "isar", "jagst", "kocher", "lech")
RATES = {"medium": 20.0, "large": 24.0}
SECONDS = {"medium": 70.0, "large": 240.0}
GROUPS = {"medium": 7, "large": 11}
"""Each group is four workloads: two services, a Redis or an exporter, and a load."""


def surrounded(incident: Incident, size: Size, seconds: float | None = None) -> Incident:
    """Return the incident among neighbours on three nodes; nothing of the incident itself changes but its length."""
    if size == "small":
        return incident
    if incident.size != "small":
        raise ValueError(f"{incident.name} is {incident.size} by itself. Build it without --size.")
    neighbours = [workload for number in range(GROUPS[size]) for workload in group(PLACES[number], number, RATES[size])]
    length = seconds or max(incident.seconds, SECONDS[size])
    return lasting(replace(incident, size=size, workloads=(*incident.workloads, *neighbours)), length)


def lasting(incident: Incident, seconds: float) -> Incident:
    """Return the incident with a window of another length; the fault comes at the same share of it."""
    return replace(incident, seconds=seconds, fault_at=incident.fault_at * seconds / incident.seconds)


def group(place: str, number: int, rate: float) -> list[Workload]:
    """Make four workloads of a neighbouring team: a front, a store behind it, its cache, and who calls them."""
    nodes = ("ac", "bc", "ca", "cb")[number % 4]
    front = http_service(
        place, f"{place}-desk", nodes,
        {
            "GET /list": [http(f"{place}-store.{place}", "/rows/{n}"), answer(size=900)],
            "GET /note": [redis(f"{place}-shelf.{place}", "GET", "note:{n}"), answer(size=200)],
            "POST /note": [redis(f"{place}-shelf.{place}", "SET", "note:{n}", "text", "EX", 60), answer(201)],
        },
    )  # fmt: skip
    store = http_service(place, f"{place}-store", nodes[0], {"GET /rows": [work(0.004), answer(size=1400)]})
    cache = redis_server(place, f"{place}-shelf", nodes[1])
    mix = [
        call(5, "GET", "/list/{1-90}"), call(3, "GET", "/note/{1-50}"), call(2, "POST", "/note/{1-50}", send=80),
        call(0.4, "GET", "/gone"),
    ]  # fmt: skip
    callers = load(place, f"{place}-callers", "abc"[number % 3], f"{place}-desk.{place}", mix, rate=rate)
    if number % 2:
        watch = job(place, f"{place}-watch", "c", [redis(f"{place}-shelf.{place}", "INFO", "stats")], every=5)
        return [front, store, cache, callers, watch]
    return [front, store, cache, callers]
