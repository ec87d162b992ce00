"""A bicycle shop to which three times as many customers come for a while; it copes."""

from __future__ import annotations

from evals.lab.casts import CODES, digest, exporter, table
from evals.lab.incident import (
    Claim,
    Incident,
    call,
    dns_server,
    grpc_service,
    http_service,
    load,
    nginx,
    postgres_server,
    redis_server,
)
from evals.lab.running import Lab
from evals.lab.steps import answer, cached, grpc, guard, http, known, sql, work
from evals.lab.truth import Wrong


def crowd(lab: Lab) -> None:
    """Let three times as many customers come for nine seconds."""
    lab.change("gateway", rate=26.0)
    lab.wait(9)
    lab.change("gateway", rate=8.0)


INCIDENT = Incident(
    name="saale",
    title="Many customers at once, all served",
    workloads=(
        dns_server("b"),
        load(
            "edge",
            "gateway",
            "a",
            "shop.bicycles",
            [
                call(5, "GET", "/frames/{1-40}"),
                call(0.6, "GET", "/frames/{90-120}"),
                call(3, "GET", "/tyres/{1-30}"),
                call(2, "POST", "/repairs/{1-30}", token="61be0d", send=90),
                call(0.5, "POST", "/repairs/{1-30}", send=90),
            ],
            rate=8.0,
            workers=16,
        ),
        nginx(
            "bicycles",
            "shop",
            "b",
            {"/frames": "frames.bicycles", "/tyres": "tyres.bicycles", "/repairs": "repairs.bicycles"},
        ),
        http_service(
            "bicycles",
            "frames",
            "ab",
            {
                "GET /frames": [
                    known(60),
                    cached("basket.data", "frame:{n}", sql("stock.data", "SELECT * FROM entries WHERE id = {n}"), 6),
                    answer(size=600),
                ]
            },
        ),
        http_service("bicycles", "tyres", "a", {"GET /tyres": [work(0.004), answer(size=300)]}),
        http_service(
            "bicycles",
            "repairs",
            "b",
            {
                "POST /repairs": [
                    guard(),
                    sql("stock.data", "INSERT INTO entries (owner, note) VALUES ('{id}', 'repair')"),
                    grpc("bench.bicycles", "/work.Bench/Reserve", otherwise=0),
                    http("codes.example.net", "/v1/parts", share=0.2, reuse=1, otherwise=0),
                    answer(201),
                ]
            },
        ),
        grpc_service("bicycles", "bench", "a", {"POST /work.Bench/Reserve": [work(0.004)]}),
        redis_server("data", "basket", "a"),
        postgres_server("data", "stock", "b", table("entries")),
        exporter("basket.data"),
        digest("stock.data", "entries"),
    ),
    hosts=(CODES,),
    seconds=24,
    fault_at=8,
    fault=crowd,
    claims=(
        Claim(
            'http && src.pod.name.startsWith("gateway-")',
            "what customers asked, all answered",
            lambda logs: len(logs.of("gateway", "http")),
        ),
        Claim("http && status_code >= 500", "no failure of a server", 0),
        Claim('http && src.pod.name.startsWith("gateway-") && elapsed_time > 500000', "nobody waits long", (0, 3)),
        Claim("http && status_code == 404", "unknown frames, in proportion", (4, None)),
        Claim("postgresql && failed || redis && failed", "no failure of a database", 0),
    ),
    must_not_claim=(
        Wrong(component="edge/gateway", why="More customers are no fault."),
        Wrong(component="bicycles/frames", why="It serves all of them."),
        Wrong(component="data/stock", why="It serves all of them."),
        Wrong(component="bicycles/bench", why="GOAWAY by age of a connection is normal."),
    ),
)
