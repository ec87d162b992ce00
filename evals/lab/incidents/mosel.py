"""A bookshop that puts out a new version of its catalogue, pod by pod, as it should be."""

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


def roll_out(lab: Lab) -> None:
    """Replace both pods of catalogue by new ones of version 1.5."""
    lab.roll_out("catalogue", pause=1.0, version="1.5")


INCIDENT = Incident(
    name="mosel",
    title="A new version, put out well",
    workloads=(
        dns_server("a"),
        load(
            "edge",
            "gateway",
            "b",
            "counter.books",
            [
                call(6, "GET", "/catalogue/{1-40}"),
                call(0.8, "GET", "/catalogue/{90-120}"),
                call(2, "GET", "/authors/{1-30}"),
                call(2, "POST", "/orders/{1-30}", token="c0ffee", send=90),
                call(0.5, "POST", "/orders/{1-30}", send=90),
            ],
            rate=12.0,
            workers=10,
        ),
        nginx(
            "books",
            "counter",
            "a",
            {"/catalogue": "catalogue.books", "/authors": "authors.books", "/orders": "orders.books"},
        ),
        http_service(
            "books",
            "catalogue",
            "ab",
            {
                "GET /catalogue": [
                    known(60),
                    cached("slips.data", "book:{n}", sql("titles.data", "SELECT * FROM entries WHERE id = {n}"), 5),
                    answer(size=700),
                ]
            },
        ),
        http_service("books", "authors", "b", {"GET /authors": [work(0.005), answer(size=350)]}),
        http_service(
            "books",
            "orders",
            "a",
            {
                "POST /orders": [
                    guard(),
                    sql("titles.data", "INSERT INTO entries (owner, note) VALUES ('{id}', 'order')"),
                    grpc("parcels.books", "/send.Parcels/Pack", otherwise=0),
                    http("codes.example.net", "/v1/isbn", share=0.2, reuse=1, otherwise=0),
                    answer(201),
                ]
            },
        ),
        grpc_service("books", "parcels", "b", {"POST /send.Parcels/Pack": [work(0.004)]}),
        redis_server("data", "slips", "a"),
        postgres_server("data", "titles", "b", table("entries")),
        exporter("slips.data"),
        digest("titles.data", "entries"),
    ),
    hosts=(CODES,),
    seconds=24,
    fault_at=7,
    fault=roll_out,
    claims=(
        Claim("http && status_code >= 500", "no failure of a server", 0),
        Claim(
            'http && src.pod.name.startsWith("gateway-")',
            "what customers asked, all answered",
            lambda logs: len(logs.of("gateway", "http")),
        ),
        Claim(
            'http && response.headers["server"] == "catalogue/1.4" && path.startsWith("/catalogue")',
            "answers of the old version",
            (20, None),
        ),
        Claim(
            'http && response.headers["server"] == "catalogue/1.5" && path.startsWith("/catalogue")',
            "answers of the new one",
            (20, None),
        ),
        Claim("postgresql && failed || redis && failed", "no failure of a database", 0),
    ),
    must_not_claim=(
        Wrong(component="books/catalogue", why="Its pods were replaced as they should be; nothing failed."),
        Wrong(component="books/parcels", why="GOAWAY by age of a connection is normal."),
        Wrong(component="kube-system/dns", why="NXDOMAIN for search domains is normal."),
        Wrong(component="node-b", why="Resets of pods that ended are no loss."),
    ),
    notes=("The pods of the old version are missing from resources.json, as they are from kubectl afterwards.",),
)
