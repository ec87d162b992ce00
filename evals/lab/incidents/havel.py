"""A museum on an ordinary day: a slow report, lost visitors, and nothing wrong."""

from __future__ import annotations

from evals.lab.casts import CODES, POST, digest, exporter, table
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
from evals.lab.steps import answer, cached, grpc, guard, http, known, sql, work
from evals.lab.truth import Wrong

INCIDENT = Incident(
    name="havel",
    title="An ordinary day",
    workloads=(
        dns_server("a"),
        load(
            "edge",
            "gateway",
            "b",
            "hall.museum",
            [
                call(5, "GET", "/rooms/{1-40}"),
                call(1.2, "GET", "/rooms/{90-140}"),
                call(3, "POST", "/guides/{1-30}", token="0aa7f3", send=80),
                call(1, "POST", "/guides/{1-30}", send=80),
                call(0.5, "GET", "/reports/year"),
                call(3, "GET", "/works/{1-60}"),
                call(0.4, "GET", "/.well-known/security.txt"),
            ],
            rate=13.0,
            workers=10,
        ),
        nginx(
            "museum",
            "hall",
            "a",
            {
                "/rooms": "rooms.museum",
                "/guides": "guides.museum",
                "/reports": "rooms.museum",
                "/works": "works.museum",
            },
        ),
        http_service(
            "museum",
            "rooms",
            "ab",
            {
                "GET /rooms": [
                    known(60),
                    cached("vitrine.data", "room:{n}", http("works.museum", "/works/{n}"), 5),
                    answer(size=700),
                ],
                "GET /reports": [sql("depot.data", "SELECT count(*), pg_sleep(1.3) FROM entries"), answer(size=1500)],
            },
        ),
        http_service(
            "museum",
            "works",
            "b",
            {"GET /works": [sql("depot.data", "SELECT * FROM entries WHERE id = {n}"), answer(size=450)]},
        ),
        http_service(
            "museum",
            "guides",
            "a",
            {
                "POST /guides": [
                    guard(),
                    grpc("shifts.museum", "/plan.Shifts/Book", otherwise=0),
                    http("post.example.org", "/mails", "POST", tls=True, send=60, share=0.3, otherwise=0, reuse=4),
                    http("codes.example.net", "/v1/lang", share=0.3, reuse=1, otherwise=0),
                    answer(201),
                ]
            },
        ),
        grpc_service("museum", "shifts", "b", {"POST /plan.Shifts/Book": [work(0.004)]}, max_age=4),
        redis_server("data", "vitrine", "a"),
        postgres_server("data", "depot", "b", table("entries")),
        exporter("vitrine.data"),
        digest("depot.data", "entries"),
    ),
    hosts=(CODES, POST),
    seconds=24,
    claims=(
        Claim(
            'http && status_code == 404 && src.pod.name.startsWith("gateway-")',
            "visitors who ask for what is not there",
            lambda logs: len(logs.of("gateway").where(status=404)),
        ),
        Claim(
            'http && status_code == 401 && src.pod.name.startsWith("gateway-")',
            "visitors who have not signed in",
            lambda logs: len(logs.of("gateway").where(status=401)),
        ),
        Claim("http && status_code >= 500", "no failure of a server", 0),
        Claim(
            'dns && dns_rcode == "NXDOMAIN"',
            "search domains, tried first",
            lambda logs: len(logs.of("dns").where(rcode=3)),
        ),
        Claim(
            "postgresql && elapsed_time > 1000000",
            "the yearly report takes 1.3 seconds, always",
            lambda logs: len(logs.of("rooms", "postgresql").longer_than(1.0)),
        ),
        Claim("postgresql && failed || redis && failed", "no failure of a database", 0),
    ),
    must_not_claim=(
        Wrong(component="data/depot", why="The yearly report is slow by its nature."),
        Wrong(component="kube-system/dns", why="NXDOMAIN for search domains is normal."),
        Wrong(component="museum/shifts", why="GOAWAY by age of a connection is normal."),
        Wrong(component="museum/rooms", why="404 for unknown rooms are right."),
        Wrong(component="museum/guides", why="401 without a token is right."),
    ),
)
