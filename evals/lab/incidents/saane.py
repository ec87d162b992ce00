"""A dairy whose churns stand still for more than a second at a time, every few seconds, and are fast between."""

from __future__ import annotations

from evals.lab.casts import CODES, borough, listens, visitors
from evals.lab.incident import Claim, Incident, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, prepared, work
from evals.lab.truth import Cause, Fact, Wrong


def fault(lab: Lab) -> None:
    """Let churns stand still four times, 1.4 seconds each."""
    for _ in range(4):
        lab.freeze("churns", 1.4)
        lab.wait(2.2)


def late(logs: Logs) -> Calls:
    """Return the calls to churns that took longer than half a second."""
    return logs.of("parlour", "http").matching(url="/churns").longer_than(0.5)


INCIDENT = Incident(
    name="saane",
    title="Now and then everything about churns hangs for a moment",
    workloads=(
        *borough("dairy", "parlour", {"churns": 6.0}, "herds", "cans", "book", "ledger", "shelf", "bcabcabc"),
        listens(
            http_service(
                "dairy",
                "churns",
                "c",
                {
                    "GET /churns": [
                        prepared("ledger.dairy", "SELECT note FROM entries WHERE id = $1", "{n}"),
                        work(0.004),
                        answer(size=380),
                    ]
                },
            ),
            9000,
        ),
        load(
            "farms",
            "gateway",
            "a",
            "parlour.dairy",
            [*visitors("herds", "cans", "da8"), call(7, "GET", "/churns/{1-60}")],
            rate=15.0,
            workers=24,
            timeout=9,
            port=9080,
        ),
    ),
    hosts=(CODES,),
    fault=fault,
    drain=3,
    onset=late,
    onset_tolerance=4.0,
    cause=Cause(component="dairy/churns", mechanism="latency_shift"),
    accept=(Cause(component="dairy/churns", mechanism="receiver_stall"),),
    chain=("dairy/churns", "dairy/parlour", "farms/gateway"),
    facts=(
        Fact(
            says="At times all calls to churns wait together, up to about 1.4 seconds; between, they are fast.",
            match=(r"churns", r"1\.[2-6]\d*\s*s|1[2-6]\d\d(\.\d+)?\s*ms|pause|stall|hang|together"),
        ),
    ),
    claims=(
        Claim(
            'http && dst.pod.name.startsWith("churns-") && path.startsWith("/churns") && elapsed_time > 500000',
            "calls that waited for churns",
            lambda logs: len(late(logs)),
            slack=3,
        ),
        Claim("postgresql && failed", "the database refuses nothing", 0),
        Claim("http && status_code >= 500", "nothing fails", 0),
    ),
    must_not_claim=(
        Wrong(component="dairy/ledger", why="It is fast; churns only reads its answers late."),
        Wrong(component="dairy/parlour", mechanism="latency_shift", why="It waits for churns."),
        Wrong(component="dairy/herds", why="It is well."),
    ),
)
