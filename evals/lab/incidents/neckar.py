"""A grain exchange with three pods for quotes, one of which answers badly."""

from __future__ import annotations

from evals.lab.casts import CODES, digest, exporter, table
from evals.lab.incident import (
    Claim,
    Incident,
    Witnessed,
    call,
    dns_server,
    grpc_service,
    http_service,
    load,
    nginx,
    postgres_server,
    redis_server,
)
from evals.lab.logs import Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, cached, grpc, guard, http, known, sql, work
from evals.lab.truth import Cause, Fact, Wrong


def fault(lab: Lab) -> None:
    """Let the second pod of quotes answer 500 to four of five calls; its health check stays good."""
    lab.change("quotes", replica=1, fail={"status": 500, "share": 0.8, "path": "/quotes"})


def failed(logs: Logs) -> int:
    """Count the 500 that desk got."""
    return len(logs.of("desk", "http").where(status=500))


INCIDENT = Incident(
    name="neckar",
    title="About a quarter of the quotes fail",
    workloads=(
        dns_server("a"),
        load(
            "edge",
            "gateway",
            "a",
            "floor.grain",
            [
                call(6, "GET", "/desk/{1-80}"),
                call(3, "GET", "/stocks/{1-30}"),
                call(0.6, "GET", "/stocks/{70-90}"),
                call(2, "POST", "/deals", token="d00f42", send=110),
                call(0.5, "POST", "/deals", send=110),
            ],
            rate=12.0,
            workers=10,
        ),
        nginx("grain", "floor", "b", {"/desk": "desk.grain", "/stocks": "stocks.grain", "/deals": "deals.grain"}),
        http_service(
            "grain", "desk", "a", {"GET /desk": [http("quotes.grain", "/quotes/{n}", reuse=1), answer(size=400)]}
        ),
        http_service("grain", "quotes", "aba", {"GET /quotes": [work(0.005), answer(size=240)]}, version="5.1"),
        http_service(
            "grain",
            "stocks",
            "b",
            {
                "GET /stocks": [
                    known(30),
                    cached("tally.data", "stock:{n}", sql("silo.data", "SELECT * FROM entries WHERE id = {n}"), 5),
                    answer(size=500),
                ]
            },
        ),
        http_service(
            "grain",
            "deals",
            "b",
            {
                "POST /deals": [
                    guard(),
                    sql("silo.data", "INSERT INTO entries (owner, note) VALUES ('{id}', 'deal')"),
                    grpc("clock.grain", "/time.Clock/Stamp", otherwise=0),
                    http("codes.example.net", "/v1/rates", share=0.3, reuse=1, otherwise=0),
                    answer(201),
                ]
            },
        ),
        grpc_service("grain", "clock", "a", {"POST /time.Clock/Stamp": [work(0.002)]}),
        redis_server("data", "tally", "b"),
        postgres_server("data", "silo", "b", table("entries")),
        exporter("tally.data"),
        digest("silo.data", "entries"),
    ),
    hosts=(CODES,),
    seconds=24,
    fault_at=8,
    fault=fault,
    baseline=10,
    cause=Cause(component="grain/quotes", mechanism="bad_replica"),
    chain=("grain/quotes", "grain/desk", "grain/floor", "edge/gateway"),
    facts=(
        Fact(says="Only the pod $quotes_1_pod ($quotes_1) answers 500.", match=(r"$quotes_1_pod|$quotes_1", r"500")),
        Fact(
            says="The other two pods of quotes answer well.",
            match=(r"\b(one|1) of (the )?(three|3)|only|others?|siblings?",),
        ),
    ),
    claims=(
        Claim(
            'http && status_code == 500 && dst.pod.name == "$quotes_1_pod"',
            "all failures come from one pod",
            failed,
            baseline=0,
            tshark=Witnessed("node-b", "http.response.code == 500 && ip.src == $quotes_1"),
        ),
        Claim(
            'http && status_code == 500 && dst.pod.name.startsWith("quotes-") && dst.pod.name != "$quotes_1_pod"',
            "none from its siblings",
            0,
            baseline=0,
        ),
        Claim(
            'http && path == "/healthz" && dst.pod.name == "$quotes_1_pod" && status_code == 200',
            "its health check is good all the time",
            (2, None),
        ),
        Claim("http && status_code == 404", "unknown stocks, all the time", (4, None), baseline=(1, None)),
    ),
    must_not_claim=(
        Wrong(component="grain/desk", why="It passes on what it gets."),
        Wrong(component="grain/quotes", mechanism="error_burst", why="Two of its three pods are well."),
        Wrong(component="node-b", why="Other pods of the node are well."),
    ),
)
